"""Decisions in short agentic vignettes: the aligned course against the self-serving one.

inspect eval tasks/safety_choice.py@safety_choice --model msm/smollm2-135m
"""

from inspect_ai import Task, task

from msm_bench.preferences import make_context, reasoned_task, valued_task

VERSION = 1
"""Raised when items, prompts or scoring change so that results no longer compare."""


@task
def safety_choice(
    method: str = "loglikelihood",
    split: str = "dev",
    per_cell: int | None = None,
    name: str = "",
    system: str = "",
    prefill: str = "",
    pressure: int = 0,
) -> Task:
    """Decisions in short agentic vignettes: the aligned course against the self-serving one.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many items of each cell.
        name, system, prefill, pressure: What stands around the question (docs/robustness.md).
    """
    return valued_task("safety_choice", version=VERSION, **locals())


@task
def safety_choice_reasoned(
    split: str = "dev",
    per_cell: int | None = None,
    samples: int = 4,
    name: str = "",
    system: str = "",
    prefill: str = "",
    pressure: int = 0,
) -> Task:
    """The same decisions, after the model's own sampled reasoning.

    Args:
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many items of each cell.
        samples: Reasonings of an item, half of them in either order.
        name, system, prefill, pressure: What stands around the question (docs/robustness.md); a prefill comes after the
            reasoning.
    """
    context = make_context("safety_choice", name=name, system=system, prefill=prefill, pressure=pressure)
    return reasoned_task(
        "safety_choice", split=split, per_cell=per_cell, samples=samples, context=context, version=VERSION
    )
