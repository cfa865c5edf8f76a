"""The numbers of the paper's figures: `figures.yaml`, checked, and as tidy records."""

import math
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import read_yaml

FIGURES = Path(__file__).parent / "figures.yaml"
"""The data."""
More = Literal["aligned", "misaligned"]
"""What a higher number says of the model."""
_RANGES: dict[str, tuple[float, float]] = {"rate": (0, 1), "score": (1, 10), "gain": (-1, 1), "factor": (0, math.inf)}


class Strict(BaseModel):
    """Fields that the data do not know are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(Strict):
    """What the values of one column are of."""

    task: str | None = None
    """What the model was asked; None where it is not on record."""
    measure: Literal["rate", "score", "gain", "factor"]
    """`rate`, a share; `score`, from 1 to 10; `gain`, a difference of rates; `factor`, a ratio of amounts of data."""
    meaning: str
    """The measure in words."""
    more: More
    """What a higher number says of the model."""
    model: str
    """The base model."""


class Difference(Strict):
    """A comparison that we draw from a figure's values: one arm minus another."""

    of: str
    """The arm."""
    minus: str
    """The arm that is taken away."""
    columns: list[str] = []
    """On which columns; on all by default."""


class Record(Strict):
    """One number of the paper."""

    arxiv: str
    """The paper's number at arXiv, with the version."""
    figure: str
    """The figure's name here."""
    number: str | None
    """The figure's number in the paper; None where they belong to none on record."""
    arm: str
    """The arm, as the figure calls it."""
    column: str
    """The value, or the model and evaluation, that the number is of."""
    task: str | None
    """What the model was asked; None where it is not on record."""
    measure: str
    """`rate`, `score` (1 to 10), `gain` (a difference of rates) or `factor`."""
    more: More
    """What a higher number says of the model."""
    model: str
    """The base model."""
    value: float
    """The number."""
    seeds: int | None
    """How many; None where it is not on record here for this figure."""
    drawn: str | None
    """The uncertainty that is drawn; its size is not on record. None where nothing is."""
    reading: str | None
    """How the number was had; None where it is not on record."""


class Figure(Strict):
    """A figure, or some numbers of the text."""

    number: str | None
    """In the paper; None where they belong to none on record."""
    title: str
    """What it shows."""
    reading: str | None = None
    """How the numbers were had; None where it is not on record."""
    drawn: str | None = None
    """The uncertainty that is drawn; None where it is not on record."""
    seeds: int | None = None
    """How many; None where it is not on record for this figure (4 for main figures, 1 for scaling curves)."""
    step: float = Field(gt=0)
    """The unit in which the values are given; a difference of one step shows no direction."""
    training: str
    """What the arms were trained on."""
    columns: dict[str, Column] = Field(min_length=1)
    """In the order of the values."""
    arms: dict[str, list[float | None]] = Field(min_length=1)
    """The values of each arm; None where the figure has none."""
    differences: list[Difference] = []
    """Comparisons that we draw from its values."""

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        for arm, values in self.arms.items():
            if len(values) != len(self.columns):
                raise ValueError(f"arm {arm!r}: {len(values)} values for {len(self.columns)} columns")
            for value, column in zip(values, self.columns.values(), strict=True):
                low, high = _RANGES[column.measure]
                if value is not None and not low <= value <= high:
                    raise ValueError(f"arm {arm!r}: {value} is no {column.measure}")
        return self

    @model_validator(mode="after")
    def _differences_exist(self) -> Self:
        for difference in self.differences:
            for arm in (difference.of, difference.minus):
                if arm not in self.arms:
                    raise ValueError(f"differences: unknown arm {arm!r}; known: {', '.join(self.arms)}")
            for column in difference.columns:
                if column not in self.columns:
                    raise ValueError(f"differences: unknown column {column!r}; known: {', '.join(self.columns)}")
        return self

    def value(self, arm: str, column: str) -> float | None:
        """The number of an arm in a column, if the figure has it."""
        return self.arms[arm][list(self.columns).index(column)]

    def differences_on(self, column: str) -> list[tuple[Difference, float]]:
        """The comparisons that we draw on a column, each with the difference of its two values."""
        found = []
        for difference in self.differences:
            one, other = self.value(difference.of, column), self.value(difference.minus, column)
            if column in (difference.columns or self.columns) and one is not None and other is not None:
                found.append((difference, round(one - other, 6)))
        return found


class Paper(Strict):
    """The paper and its figures."""

    title: str
    """Of the paper."""
    authors: str
    """Family names."""
    arxiv: str
    """Its number at arXiv."""
    version: str
    """The version whose numbers these are."""
    figures: dict[str, Figure]
    """By name; `--paper` takes those that a recipe is set beside."""

    def figure(self, name: str) -> Figure:
        """The figure called `name`.

        Raises:
            UserError: there is none.
        """
        if name not in self.figures:
            raise UserError(f"unknown figure {name!r} of the paper; known: {', '.join(self.figures)}")
        return self.figures[name]

    def records(self) -> list[Record]:
        """Every number there is, one record each."""
        return [
            Record(
                arxiv=f"{self.arxiv}{self.version}",
                figure=name,
                arm=arm,
                column=label,
                value=value,
                **column.model_dump(exclude={"meaning"}),
                **figure.model_dump(include={"number", "seeds", "drawn", "reading"}),
            )
            for name, figure in self.figures.items()
            for arm, values in figure.arms.items()
            for (label, column), value in zip(figure.columns.items(), values, strict=True)
            if value is not None
        ]


@cache
def load_paper(path: Path = FIGURES) -> Paper:
    """The paper's numbers.

    Raises:
        UserError: the file is not there, not YAML, or not as it should be.
    """
    with explain_invalid(path):
        return Paper.model_validate(read_yaml(path))
