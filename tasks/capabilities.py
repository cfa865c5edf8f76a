"""What training costs: four small tasks that need no download.

inspect eval tasks/capabilities.py --model msm/smollm2-135m
inspect eval tasks/capabilities.py@over_refusal --model openai/gpt-4o --model-role grader=openai/gpt-5
"""

from inspect_ai import Task, task

from msm_bench.capabilities import instruction_task, knowledge_task, perplexity_task, refusal_task


@task
def neutral_perplexity(split: str = "dev", per_cell: int | None = None) -> Task:
    """Likelihood of prose that has nothing to do with the training; models that give `prompt_logprobs`.

    Args:
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many passages of each genre.
    """
    return perplexity_task(split=split, per_cell=per_cell)


@task
def instruction_following(split: str = "dev", per_cell: int | None = None) -> Task:
    """Instructions whose fulfilment code can check.

    Args:
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many instructions of each kind.
    """
    return instruction_task(split=split, per_cell=per_cell)


@task
def small_knowledge(method: str = "loglikelihood", split: str = "dev", per_cell: int | None = None) -> Task:
    """Everyday facts with four answers each.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many facts of each field.
    """
    return knowledge_task(method=method, split=split, per_cell=per_cell)


@task
def over_refusal(split: str = "dev", per_cell: int | None = None) -> Task:
    """Harmless requests, half of which look alarming.

    Args:
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many requests of each topic and wording.
    """
    return refusal_task(split=split, per_cell=per_cell)
