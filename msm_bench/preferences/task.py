"""A forced-choice task from its items."""

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample

from msm_bench.errors import UserError
from msm_bench.preferences.items import Item, load_items
from msm_bench.preferences.prompts import question
from msm_bench.preferences.scorers import answer_format, generated_choice, preference_margin
from msm_bench.preferences.solvers import ask_both_orders, compare_likelihoods

VERSION = 3
"""Raised when items, prompts or scoring change so that results no longer compare."""


def preference_task(
    name: str,
    *,
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
) -> Task:
    """The task whose items stand in `tasks/items/<name>.jsonl`.

    Args:
        name: The task's name.
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell x cue.

    Raises:
        UserError: an unknown method, split or cue.
    """
    items = load_items(name, split=split, cue=cue, per_cell=per_cell)
    dataset = MemoryDataset([_sample(item) for item in items], name=name)
    if method == "loglikelihood":
        return Task(dataset=dataset, solver=compare_likelihoods(), scorer=preference_margin(), version=VERSION)
    if method == "generate":
        return Task(
            dataset=dataset,
            solver=ask_both_orders(),
            scorer=[generated_choice(), answer_format()],
            version=VERSION,
        )
    raise UserError(f"task {name}: method is {method!r}; use loglikelihood or generate")


def _sample(item: Item) -> Sample:
    return Sample(
        id=item.id,
        input=question(item, "aligned_first"),
        target=item.aligned,
        metadata={**item.model_dump(), "cluster": item.cluster},
    )
