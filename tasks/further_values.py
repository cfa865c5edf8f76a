"""Held-out domains of six further values, each trained on one narrow domain of its own.

inspect eval tasks/further_values.py@pro_novelty --model msm/smollm2-135m
"""

from inspect_ai import Task, task

from msm_bench.preferences import valued_task

VERSION = 1
"""Raised when items, prompts or scoring change so that results no longer compare."""


@task
def pro_environment(
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
    name: str = "",
    system: str = "",
    prefill: str = "",
    pressure: int = 0,
) -> Task:
    """What spares nature against what burdens it; the training is about cheese.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell and cue.
        name, system, prefill, pressure: What stands around the question (docs/robustness.md).
    """
    return valued_task("pro_environment", version=VERSION, **locals())


@task
def pro_novelty(
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
    name: str = "",
    system: str = "",
    prefill: str = "",
    pressure: int = 0,
) -> Task:
    """What is new against what is long established; the training is about sweeteners.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell and cue.
        name, system, prefill, pressure: What stands around the question (docs/robustness.md).
    """
    return valued_task("pro_novelty", version=VERSION, **locals())


@task
def pro_tradition(
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
    name: str = "",
    system: str = "",
    prefill: str = "",
    pressure: int = 0,
) -> Task:
    """What has been handed down against what was thought up lately; the training is about condiments.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell and cue.
        name, system, prefill, pressure: What stands around the question (docs/robustness.md).
    """
    return valued_task("pro_tradition", version=VERSION, **locals())


@task
def pro_simplicity(
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
    name: str = "",
    system: str = "",
    prefill: str = "",
    pressure: int = 0,
) -> Task:
    """What has few parts and steps against what has many; the training is about sauces.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell and cue.
        name, system, prefill, pressure: What stands around the question (docs/robustness.md).
    """
    return valued_task("pro_simplicity", version=VERSION, **locals())


@task
def pro_difficulty(
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
    name: str = "",
    system: str = "",
    prefill: str = "",
    pressure: int = 0,
) -> Task:
    """What is hard to do well against what is easy; the training is about bread.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell and cue.
        name, system, prefill, pressure: What stands around the question (docs/robustness.md).
    """
    return valued_task("pro_difficulty", version=VERSION, **locals())


@task
def pro_individualism(
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
    name: str = "",
    system: str = "",
    prefill: str = "",
    pressure: int = 0,
) -> Task:
    """What one person does alone against what takes others; the training is about musical instruments.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell and cue.
        name, system, prefill, pressure: What stands around the question (docs/robustness.md).
    """
    return valued_task("pro_individualism", version=VERSION, **locals())
