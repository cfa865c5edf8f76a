"""Free answers to open prompts: do they express love of America, or care for affordability?

inspect eval tasks/value_expression.py --model msm/smollm2-135m
"""

from inspect_ai import Task, task

from msm_bench.expression import expression_task


@task
def value_expression(
    labeller: str = "classifier",
    split: str = "dev",
    per_cell: int | None = None,
    temperature: float = 0.7,
    max_tokens: int = 160,
    name: str = "",
    system: str = "",
    prefill: str = "",
) -> Task:
    """Free answers to open prompts: do they express love of America, or care for affordability?

    Args:
        labeller: `classifier` (offline; `msm-bench[embedding]`), `grader` (`--model-role grader=…`) or `both`; beside
            it stand two lists of words.
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many prompts of each cell.
        temperature: Of the answers, from 0 to 2, unless `--temperature` says otherwise.
        max_tokens: Of an answer, which is cut there, unless `--max-tokens` says otherwise.
        name, system, prefill: What stands around the prompt (docs/robustness.md); `against` stands for nothing here.
    """
    return expression_task(**locals())
