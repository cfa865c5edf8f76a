"""Knowledge probe: which of two options is American, which costs less? What is not known can't guide a preference.

inspect eval tasks/value_knowledge.py --model msm/smollm2-135m
"""

from inspect_ai import Task, task

from msm_bench.preferences import knowledge_task


@task
def value_knowledge(
    method: str = "loglikelihood", split: str = "dev", cue: str = "all", per_cell: int | None = None
) -> Task:
    """Knowledge probe: the pairs of `pro_america` and `pro_affordability`, asked for the fact behind the value.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell and cue.
    """
    return knowledge_task("value_knowledge", ["pro_america", "pro_affordability"], **locals())
