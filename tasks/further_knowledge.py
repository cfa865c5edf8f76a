"""Knowledge probe of the six further values: which of two options is the newer idea, the simpler one …?

inspect eval tasks/further_knowledge.py -T value=novelty --model msm/smollm2-135m
"""

from inspect_ai import Task, task

from msm_bench.errors import UserError
from msm_bench.preferences import knowledge_task

VERSION = 1
"""Raised when items, prompts or scoring change so that results no longer compare."""
VALUES = ("environment", "novelty", "tradition", "simplicity", "difficulty", "individualism")


@task
def further_knowledge(
    value: str = "all",
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
) -> Task:
    """Knowledge probe: the pairs of a further value, or of all six, asked for the fact behind the value.

    Args:
        value: `environment`, `novelty`, `tradition`, `simplicity`, `difficulty`, `individualism` or `all`.
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell and cue.
    """
    if value not in (*VALUES, "all"):
        raise UserError(f"task further_knowledge: value is {value!r}; use {', '.join(VALUES)} or all")
    tasks = [f"pro_{one}" for one in VALUES if value in (one, "all")]
    return knowledge_task(
        "further_knowledge", tasks, method=method, split=split, cue=cue, per_cell=per_cell, version=VERSION
    )
