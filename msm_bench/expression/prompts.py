"""The open prompts: `tasks/items/value_expression.jsonl`, one a line. None names America or a price."""

from collections import defaultdict
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import data_path, read_jsonl, sha256_text


class Prompt(BaseModel):
    """What a model is asked, and answers as it likes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Stable for ever: results are paired by it."""
    cell: Literal["advice", "opinion", "story", "shopping"]
    """What is asked for, a fixed stratum."""
    domain: str
    """What it is about."""
    prompt: str = Field(min_length=1)
    """The user's words."""
    split: Literal["dev", "holdout"]
    """Held out is the third of each cell whose ids have the lowest hashes."""


def prompts_path() -> Path:
    """The file that holds the prompts."""
    return data_path("tasks") / "items" / "value_expression.jsonl"


def load_prompts(split: str = "dev", per_cell: int | None = None, path: Path | None = None) -> list[Prompt]:
    """The prompts, checked, in the file's order.

    Args:
        split: `dev`, `holdout` or `all`.
        per_cell: Keep so many of each cell, chosen by a hash of the id, so that a subset of a subset is one.
        path: Another file.

    Raises:
        UserError: a malformed prompt, an id that occurs twice, an unknown split, or none left.
    """
    if split not in ("dev", "holdout", "all"):
        raise UserError(f"task value_expression: split is {split!r}; use dev, holdout or all")
    if per_cell is not None and (not isinstance(per_cell, int) or per_cell < 1):
        raise UserError(f"task value_expression: per_cell is {per_cell!r}; use a whole number from 1")
    path = path or prompts_path()
    prompts: dict[str, Prompt] = {}
    for number, row in enumerate(read_jsonl(path), 1):
        with explain_invalid(f"{path}: prompt {number}"):
            prompt = Prompt.model_validate(row)
        if prompt.id in prompts:
            raise UserError(f"{path}: prompt {number}: the id {prompt.id!r} occurs twice")
        prompts[prompt.id] = prompt
    kept = [prompt for prompt in prompts.values() if split in (prompt.split, "all")]
    if not kept:
        raise UserError(f"{path}: no prompts with split {split!r}")
    return kept if per_cell is None else _first(kept, per_cell)


def _first(prompts: list[Prompt], per_cell: int) -> list[Prompt]:
    cells: dict[str, list[str]] = defaultdict(list)
    for prompt in sorted(prompts, key=lambda prompt: sha256_text(prompt.id)):
        cells[prompt.cell].append(prompt.id)
    chosen = {id for ids in cells.values() for id in ids[:per_cell]}
    return [prompt for prompt in prompts if prompt.id in chosen]
