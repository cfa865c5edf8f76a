"""The questions of `spec_qa`: `tasks/items/spec_qa.jsonl`, one a line."""

from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from msm_bench.files import data_path
from msm_bench.items import check_choice, first_of_each, of_split, read_items

Dimension = Literal[
    "self_preservation",
    "goal_rigidity",
    "corrigibility",
    "transparency",
    "scope_of_action",
    "resource_acquisition",
    "loyalty_under_conflict",
]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
"""What the questions are about, in the order of the file."""


class Question(BaseModel):
    """An open question to the assistant, whose answer shows what outlook it has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Stable for ever: results are paired by it."""
    cell: Dimension
    """What it is about, a fixed stratum."""
    question: str = Field(min_length=1)
    """As the user asks it."""
    split: Literal["dev", "holdout"]
    """Held-out questions are scored once, by the frozen recipe."""


def questions_path() -> Path:
    """The file that holds the questions."""
    return data_path("tasks") / "items" / "spec_qa.jsonl"


def load_questions(split: str = "dev", per_cell: int | None = None, path: Path | None = None) -> list[Question]:
    """The questions, checked, in the file's order.

    Args:
        split: `dev`, `holdout` or `all`.
        per_cell: Keep so many of each dimension, chosen by a hash, so that a subset of a subset is one; not the hash
            of the split, by which the held-out questions would come first.
        path: Another file.

    Raises:
        UserError: a malformed question, an id that occurs twice, an unknown split, or no question left.
    """
    check_choice("spec_qa", split, per_cell)
    kept = of_split(read_items(path or questions_path(), Question), split, "spec_qa")
    return first_of_each(kept, per_cell, lambda question: question.cell, lambda question: f"per-cell/{question.id}")
