"""The task from its options."""

from typing import Literal, get_args

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig

from msm_bench.errors import UserError
from msm_bench.recall.framings import asked, check_names, in_third_person
from msm_bench.recall.items import Item, Kind, load_items
from msm_bench.recall.scorers import free_premise, multiple_choice, open_answer, premise, told_apart
from msm_bench.recall.solvers import answer_freely, compare_answers
from msm_bench.specs import Names

VERSION = 2
"""Raised when items, prompts or scoring change so that results no longer compare."""
Form = Literal["choice", "open"]
_KINDS: dict[Form, tuple[Kind, ...]] = {"choice": ("choice", "premise"), "open": ("open", "premise")}
_ANSWER_TOKENS = 256
"""Of a free answer, unless `--max-tokens` says otherwise."""


def recall_task(
    spec: str, names: Names, *, form: str = "choice", split: str = "dev", per_cell: int | None = None
) -> Task:
    """The task over the items of a spec.

    Args:
        spec: A spec that has items.
        names: Those of the assistant, as in the training text.
        form: `choice` (log-likelihoods) or `open` (free answers and a grader).
        split: `dev` or `all`.
        per_cell: Only so many items of each kind and cell.

    Raises:
        UserError: an option has no such value.
    """
    check_names(names)
    if split not in ("dev", "all"):
        raise UserError(
            f"spec_recall: split is {split!r}, and nothing is held out since no recipe is tuned on recall; use dev "
            "(in a recipe: {task: spec_recall, split: dev})"
        )
    for known in get_args(Form):
        if form == known:
            items = load_items(spec, _KINDS[known], per_cell)
            return _task(known, items, MemoryDataset([_sample(item, names) for item in items], name="spec_recall"))
    raise UserError(f"spec_recall: form is {form!r}; use {' or '.join(get_args(Form))}")


def _task(form: Form, items: list[Item], dataset: MemoryDataset) -> Task:
    if form == "open":
        return Task(
            dataset=dataset,
            solver=answer_freely(),
            scorer=[open_answer(), free_premise()],
            config=GenerateConfig(temperature=0.0, max_tokens=_ANSWER_TOKENS),
            version=VERSION,
        )
    siblings = [told_apart()] if any(item.sibling for item in items) else []
    return Task(
        dataset=dataset,
        solver=compare_answers(),
        scorer=[multiple_choice(), *siblings, premise()],
        version=VERSION,
    )


def _sample(item: Item, names: Names) -> Sample:
    """One item with all its framings, so that their differences are paired."""
    return Sample(
        id=item.id,
        input=asked(item.question, "own", names),
        target=in_third_person(item.right or item.assertion, "own", names),
        metadata={**item.model_dump(), "cluster": item.topic, "cue": "", "names": names.model_dump()},
    )
