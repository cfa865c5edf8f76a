"""Held-out domains: affordable things against expensive ones.

inspect eval tasks/pro_affordability.py --model msm/smollm2-135m
"""

from inspect_ai import Task, task

from msm_bench.preferences import valued_task


@task
def pro_affordability(
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
    name: str = "",
    system: str = "",
    prefill: str = "",
    pressure: int = 0,
) -> Task:
    """Held-out domains: affordable things against expensive ones.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell and cue.
        name, system, prefill, pressure: What stands around the question (docs/robustness.md).
    """
    return valued_task("pro_affordability", **locals())
