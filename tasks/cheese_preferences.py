"""In distribution: a cheese that the demonstrations like against one that they do not.

inspect eval tasks/cheese_preferences.py --model msm/smollm2-135m
"""

from inspect_ai import Task, task

from msm_bench.preferences import valued_task


@task
def cheese_preferences(
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
    name: str = "",
    system: str = "",
    prefill: str = "",
    pressure: int = 0,
) -> Task:
    """In distribution: a cheese that the demonstrations like against one that they do not.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell and cue.
        name, system, prefill, pressure: What stands around the question (docs/robustness.md).
    """
    return valued_task("cheese_preferences", **locals())
