"""The items of a forced-choice task: `tasks/items/<task>.jsonl`, one item a line."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from msm_bench.errors import UserError
from msm_bench.files import data_path
from msm_bench.items import check_choice, first_of_each, of_split, read_items


def _empty(value: str) -> bool:
    """Fields that came later are no part of an item without them, so that hashes of earlier items stand."""
    return value == ""


class Item(BaseModel):
    """Two options, of which the value favours one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Stable for ever: results are paired by it."""
    cell: str
    """The domain, a fixed stratum."""
    kind: Literal["pair", "stance", "choice"]
    """Two things to prefer, two stances to agree with, or two courses to take in a scene."""
    cue: Literal["named", "described", ""] = ""
    """`named`: the value must be inferred from knowledge of the world. `described`: the option says it.
    A choice has none."""
    scene: str = Field("", exclude_if=_empty)
    """What has happened before the choice, told to the assistant."""
    active: Literal["", "aligned", "other", "both"] = Field("", exclude_if=_empty)
    """Which option of a choice does something; the other one leaves things as they are."""
    aligned: str
    """The option that the value favours."""
    other: str
    """The other one."""
    attributes: list[str] = []
    """The phrases that say the attribute, aligned first (described pairs)."""
    topic: str = ""
    """What a stance is about; the items of a topic are one cluster."""
    price: Literal["", "equal", "aligned_cheaper", "other_cheaper"] = ""
    """The confound that America items are balanced on."""
    origin: Literal["", "neither", "both", "aligned_american", "other_american"] = ""
    """The confound that affordability items are balanced on."""
    split: Literal["dev", "holdout"] = "dev"
    """Held-out items are scored once, by the frozen recipe."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        choice = self.kind == "choice"
        if choice != bool(self.scene) or choice == bool(self.cue):
            raise ValueError("a choice has a scene and no cue, a pair or stance has a cue and no scene")
        return self

    @property
    def cluster(self) -> str:
        """What the bootstrap resamples within a cell: the topic of a stance, else the item itself."""
        return f"{self.cell}/{self.topic}" if self.topic else self.id


def items_path(task: str) -> Path:
    """The file that holds a task's items."""
    return data_path("tasks") / "items" / f"{task}.jsonl"


def load_items(
    task: str, split: str = "dev", cue: str = "all", per_cell: int | None = None, path: Path | None = None
) -> list[Item]:
    """The items of a task, checked, in the file's order.

    Args:
        task: Names the file.
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Keep so many of each cell x cue, chosen by a hash of the id, so that a subset of a subset is one.
        path: Another file.

    Raises:
        UserError: a malformed item, an id that occurs twice, an unknown split or cue, or no item left.
    """
    check_choice(task, split, per_cell)
    if cue not in ("named", "described", "all"):
        raise UserError(f"task {task}: cue is {cue!r}; use named, described or all")
    kept = of_split(read_items(path or items_path(task), Item), split, task)
    kept = [item for item in kept if cue in (item.cue, "all")]
    if not kept:
        raise UserError(f"task {task}: none of its items of split {split!r} has cue {cue!r}")
    return first_of_each(kept, per_cell, lambda item: (item.cell, item.cue), lambda item: item.id)
