"""Items of the evaluations: JSON lines with stable ids, checked, and chosen from alike in every task."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel

from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import read_jsonl, sha256_text

SPLITS = ("dev", "holdout", "all")
"""What may be asked for: items to tune on, items that are scored once, or both."""
Kind = TypeVar("Kind", bound=BaseModel)


class _OfSplit(Protocol):
    @property
    def split(self) -> str: ...


Part = TypeVar("Part", bound=_OfSplit)


def read_items(path: Path, kind: type[Kind]) -> list[Kind]:
    """The items of a file, checked, in its order.

    Args:
        path: JSON lines.
        kind: What the items are; it has a field `id`.

    Raises:
        UserError: a malformed item, or an id that occurs twice.
    """
    items: dict[str, Kind] = {}
    for number, row in enumerate(read_jsonl(path), 1):
        where = f"{path}: item {number}"
        with explain_invalid(where):
            item = kind.model_validate(row)
        name = str(row["id"])
        if name in items:
            raise UserError(f"{where}: the id {name!r} occurs twice")
        items[name] = item
    return list(items.values())


def check_choice(task: str, split: str = "all", per_cell: int | None = None) -> None:
    """Raise a `UserError` unless `split` is known and `per_cell` is a whole number from 1, or None."""
    if split not in SPLITS:
        raise UserError(f"task {task}: split is {split!r}; use {', '.join(SPLITS)}")
    if per_cell is not None and (isinstance(per_cell, bool) or not isinstance(per_cell, int) or per_cell < 1):
        raise UserError(f"task {task}: per_cell is {per_cell!r}; use a whole number from 1")


def of_split(items: Sequence[Part], split: str, task: str) -> list[Part]:
    """The items that belong to `split`, one of `SPLITS`.

    Raises:
        UserError: there are none.
    """
    kept = [item for item in items if split in (item.split, "all")]
    if not kept:
        raise UserError(f"task {task}: none of its items is of split {split!r}")
    return kept


def first_of_each(
    items: Sequence[Kind], count: int | None, cell: Callable[[Kind], Hashable], key: Callable[[Kind], str]
) -> list[Kind]:
    """So many items of each cell, chosen by a hash, so that a subset of a subset is one; all, if no number is given.

    Args:
        items: Any items.
        count: How many of each cell.
        cell: The cell of an item.
        key: What is hashed: the id, or what items share that are to stay together.
    """
    if count is None:
        return list(items)
    cells: dict[Hashable, list[Kind]] = defaultdict(list)
    for item in items:
        cells[cell(item)].append(item)
    chosen = {
        id(item) for own in cells.values() for item in sorted(own, key=lambda item: sha256_text(key(item)))[:count]
    }
    return [item for item in items if id(item) in chosen]
