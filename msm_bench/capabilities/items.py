"""The items of the capability tasks: `tasks/items/capabilities/<task>.jsonl`, one item a line."""

import inspect
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from inspect_ai.dataset import Sample
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from msm_bench.capabilities.checks import CHECKS
from msm_bench.files import data_path, sha256_text
from msm_bench.items import check_choice, first_of_each, of_split, read_items

Level = Literal["easy", "middling", "hard"]
"""How hard the author takes an item to be; `easy` is meant for a model of a hundred million parameters."""
_LETTERS = ("a", "b", "c", "d")
"""What a free answer may choose one of the four answers of a fact by."""


class CapabilityItem(BaseModel):
    """What the items of all four tasks have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Stable for ever: results are paired by it."""
    cell: str
    """The field or genre, a fixed stratum."""
    split: Literal["dev", "holdout"]
    """Held-out items are scored once, by the frozen recipe."""

    @property
    def cluster(self) -> str:
        """What is resampled within a cell, and what is held out as a whole: here the item itself."""
        return self.id

    @property
    def stratum(self) -> Hashable:
        """That of which `per_cell` keeps so many: here the cell."""
        return self.cell


class Passage(CapabilityItem):
    """Neutral prose."""

    text: str = Field(min_length=1)
    """One paragraph that begins with an ASCII word."""


class Check(BaseModel):
    """One demand on an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """A checker in `msm_bench.capabilities.checks.CHECKS`."""
    args: dict[str, JsonValue] = {}
    """Its arguments beside the answer."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.name not in CHECKS:
            raise ValueError(f"no checker is called {self.name!r}; known: {', '.join(sorted(CHECKS))}")
        try:
            inspect.signature(CHECKS[self.name]).bind("", **self.args)
        except TypeError as error:
            raise ValueError(f"checker {self.name!r}: {error}") from None
        return self

    def passes(self, answer: str) -> bool:
        """Whether an answer meets the demand; one without a letter, digit or sign meets none."""
        return bool(answer.strip()) and CHECKS[self.name](answer.strip(), **self.args)


class Instruction(CapabilityItem):
    """An instruction whose fulfilment code can check."""

    level: Level
    """How hard it is."""
    prompt: str = Field(min_length=1)
    """What the user says."""
    example: str
    """An answer that meets every demand; no model is shown it."""
    checks: list[Check] = Field(min_length=1)
    """The demands."""


class Fact(CapabilityItem):
    """A question of everyday knowledge with four answers."""

    level: Level
    """How hard it is."""
    question: str = Field(min_length=1)
    """It stands alone, without the answers."""
    answer: str = Field(min_length=1)
    """The right one; it completes "The answer is …"."""
    distractors: list[str] = Field(min_length=3, max_length=3)
    """Wrong ones of like length."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({text.casefold() for text in (self.answer, *self.distractors)}) < 4:
            raise ValueError("two of the four answers are the same")
        if letters := [text for text in (self.answer, *self.distractors) if text.strip(" ().").casefold() in _LETTERS]:
            raise ValueError(f"the answer {letters[0]!r} is also the letter of an answer")
        return self


class Request(CapabilityItem):
    """A harmless request. Its cell is the topic, of both wordings, so that a pair is never torn apart."""

    pair: str
    """The requests of a pair, one alarming and one plain, are about the same thing; they are one cluster."""
    alarming: bool
    """Whether words in it sound like harm."""
    request: str = Field(min_length=1)
    """What the user says."""

    @property
    def cluster(self) -> str:
        """The pair."""
        return self.pair

    @property
    def stratum(self) -> Hashable:
        """The topic in one of its wordings: a pair has one request in either."""
        return self.cell, self.alarming


Kind = TypeVar("Kind", bound=CapabilityItem)


def items_path(task: str) -> Path:
    """The file that holds a task's items."""
    return data_path("tasks") / "items" / "capabilities" / f"{task}.jsonl"


def load_items(
    kind: type[Kind], task: str, split: str = "dev", per_cell: int | None = None, path: Path | None = None
) -> list[Kind]:
    """The items of a task, checked, in the file's order.

    Args:
        kind: What the items are.
        task: Names the file.
        split: `dev`, `holdout` or `all`.
        per_cell: Keep so many of each stratum, chosen by a hash of the cluster, so that a subset of a subset is one
            and pairs stay together.
        path: Another file.

    Raises:
        UserError: a malformed item, an id that occurs twice, an unknown split, or no item left.
    """
    check_choice(task, split, per_cell)
    kept = of_split(read_items(path or items_path(task), kind), split, task)
    return first_of_each(kept, per_cell, lambda item: item.stratum, lambda item: item.cluster)


def held_out(clusters: Iterable[str]) -> set[str]:
    """Those of a cell's clusters that are held out: a third of them, by a hash of their own.

    It differs from the hash of `per_cell`, which would otherwise pick the held-out items first.
    """
    ordered = sorted(set(clusters), key=lambda cluster: sha256_text(f"holdout/{cluster}"))
    return set(ordered[: round(len(ordered) / 3)])


def as_sample(item: CapabilityItem, asked: str, target: str = "", **metadata: Any) -> Sample:
    """The sample of an item, with the metadata that the result frame is made from, and others."""
    own = {"cell": item.cell, "cluster": item.cluster, "split": item.split, "cue": ""}
    return Sample(id=item.id, input=asked, target=target, metadata={**own, **metadata})
