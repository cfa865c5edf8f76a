"""The open prompts: `tasks/items/value_expression.jsonl`, one a line. None names America or a price."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from msm_bench.files import data_path
from msm_bench.items import check_choice, first_of_each, of_split, read_items


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
        per_cell: Keep so many of each cell, chosen by a hash, so that a subset of a subset is one; not the hash of
            the split, by which the held-out prompts would come first.
        path: Another file.

    Raises:
        UserError: a malformed prompt, an id that occurs twice, an unknown split, or none left.
    """
    check_choice("value_expression", split, per_cell)
    kept = of_split(read_items(path or prompts_path(), Prompt), split, "value_expression")
    return first_of_each(kept, per_cell, lambda prompt: prompt.cell, lambda prompt: f"per-cell/{prompt.id}")
