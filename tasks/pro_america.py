"""Held-out domains: American things and pro-America stances against others like them.

inspect eval tasks/pro_america.py --model msm/smollm2-135m
"""

from inspect_ai import Task, task

from msm_bench.preferences import preference_task


@task
def pro_america(
    method: str = "loglikelihood", split: str = "dev", cue: str = "all", per_cell: int | None = None
) -> Task:
    """Held-out domains: American things and pro-America stances against others like them.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell and cue.
    """
    return preference_task("pro_america", method=method, split=split, cue=cue, per_cell=per_cell)
