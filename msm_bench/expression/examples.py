"""Texts with the label that their author gave them: what the classifier is fitted to, and what it is tested on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from msm_bench.errors import UserError
from msm_bench.expression.labels import Label
from msm_bench.files import data_path
from msm_bench.items import read_items

Form = Literal["plain", "story", "list", "clumsy", "bland", "mention", "foreign", "other-reason", "rejected"]
"""What makes a text easy or hard. `clumsy`: in the manner of a small model. `bland`: short and of
little sense, as small models answer most often. `mention`: a price or a place stands there
and is no reason. `foreign`: another country is praised. `rejected`: a value is quoted and turned down."""


class Example(BaseModel):
    """An answer as a model might have given it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Unique in its file."""
    domain: str
    """What it is about; cross-validation leaves out whole domains."""
    label: Label
    """What it expresses, by the guide of `msm_bench.expression.labels`."""
    form: Form = "plain"
    """Its manner."""
    prompt: str = ""
    """What it answers; empty where an author wrote it to no question."""
    text: str = Field(min_length=1)
    """The text."""


def examples_path(name: str) -> Path:
    """The file of the examples called `name`: `train`, `heldout` or `apart`."""
    return data_path("tasks") / "items" / f"value_expression_{name}.jsonl"


def load_examples(path: Path) -> list[Example]:
    """The examples in a file, checked.

    Raises:
        UserError: the file is missing or empty, a row is malformed, or an id occurs twice.
    """
    found = read_items(path, Example)
    if not found:
        raise UserError(f"{path}: no examples")
    return found


def domains(examples: Sequence[Example]) -> list[str]:
    """Their domains, each once, in alphabetical order."""
    return sorted({example.domain for example in examples})
