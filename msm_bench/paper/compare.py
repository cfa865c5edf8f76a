"""Our arms beside a figure: values, differences, and whether they have the same sign."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import pandas as pd
from pydantic import BaseModel, ConfigDict

from msm_bench.paper.figures import Figure, More
from msm_bench.paper.partners import Beside
from msm_bench.recipe import Recipe, Term
from msm_bench.stats import NotComparable, term_values, two_way_interval

Sign = Literal["yes", "no", "unclear"]
Kind = Literal["arm", "gain", "difference"]
_SHARES = ("rate", "choice_rate", "decided", "executed", "attempted")
MEANING = {
    "rate": (
        "our rate is the share of items with a positive margin, ties one half: it is not a choice frequency and "
        "compares with the paper's by direction only"
    ),
    "margin": (
        "our margin is log p(aligned answer) − log p(other answer) in nats, the mean over both orders: it has no "
        "counterpart in the paper and compares by direction only"
    ),
    "decided": "our rate is the share of samples whose decision the grader finds harmful, averaged over items",
    "alignment": "our grade is from 1 to 10, on questions of our own and by another grader",
}
"""What our measures mean, and how they differ from the paper's."""


class Row(BaseModel):
    """A number of the paper beside ours, and how the two differ. `None` stands for what there is not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    """The value of an arm; a gain, which the figure gives as a difference; or one arm, or gain, minus another."""
    column: str | None
    """The figure's column; None for an arm of ours without partner."""
    task: str
    """Our task."""
    paper_arm: str | None
    """The paper's arm, or one minus another."""
    our_arm: str | None
    """Ours."""
    paper_value: float | None
    """The paper's number, or the difference of two."""
    measure: str
    """Our measure."""
    estimate: float | None = None
    """Ours: mean over seeds and items."""
    ci_low: float | None = None
    """95 % limits of the two-way interval (seeds and items)."""
    ci_high: float | None = None
    """95 % limits of the two-way interval (seeds and items)."""
    seeds: int | None = None
    """Of ours; of a difference, those that all its arms have."""
    items: int | None = None
    """Of ours."""
    method: str = ""
    """How our interval was made."""
    same_sign: Sign | None = None
    """Of differences and gains: `same_sign`."""
    missing: str = ""
    """Why there is no number of ours."""
    paper_model: str | None = None
    """The paper's base model."""
    our_model: str
    """Ours, and how large it is."""
    paper_task: str | None = None
    """What the paper's model was asked; None where it is not on record."""
    paper_measure: str | None = None
    """The paper's measure, and what it means."""
    paper_more: More | None = None
    """What a higher number of the paper says of the model."""
    our_more: More
    """What a higher number of ours says; where the paper's says the opposite, signs are turned round."""
    paper_seeds: int | None = None
    """Of the paper; None where it is not on record."""
    paper_training: str | None = None
    """What the paper's arms were trained on."""
    our_training: str
    """What ours were trained on."""
    differs: str
    """What our measure means, and what else a reader must know of the difference."""


class Setup(NamedTuple):
    """How our arms were made."""

    model: str
    """Their base model and how large that is, in words."""
    training: str
    """What those that have a partner were trained on."""


class _Pair(NamedTuple):
    """What of ours stands beside one number of the paper."""

    kind: Kind
    column: str | None
    task: str
    paper_arm: str | None
    paper_value: float | None
    ours: tuple[str, ...]
    """The arms that are added: one, or two of which the second is taken away; none if there is no partner."""
    minus: tuple[str, ...] = ()
    """Likewise, all taken away."""


def same_sign(paper: float, low: float | None, high: float | None, step: float, turned: bool = False) -> Sign:
    """Whether a difference of ours has the sign of the paper's.

    Args:
        paper: The paper's difference.
        low: Lower 95 % limit of ours; None where there is no interval.
        high: Upper limit.
        step: The unit of the paper's values.
        turned: Whether more is better in one and worse in the other, so that the opposite sign is the same direction.

    Returns:
        `unclear` where our interval has 0 in it or there is none, or the paper's difference is not above one step.
    """
    if low is None or high is None or low <= 0 <= high or abs(paper) <= step * (1 + 1e-9):
        return "unclear"
    return "yes" if ((low > 0) != turned) == (paper > 0) else "no"


def our_terms(ours: Sequence[str], minus: Sequence[str], task: str) -> list[Term]:
    """The weighted sum (o₁ − o₂) − (m₁ − m₂) of arms, where the second of each may be lacking; no weight is 0."""
    weights: Counter[str] = Counter()
    for arms, sign in ((ours, 1), (minus, -1)):
        for arm, weight in zip(arms, (sign, -sign), strict=False):
            weights[arm] += weight
    return [Term(arm=arm, task=task, weight=weight) for arm, weight in weights.items() if weight]


def beside(frame: pd.DataFrame, recipe: Recipe, figure: Figure, stated: Beside, setup: Setup) -> list[Row]:
    """Every arm and difference of the figure's columns that have a task of ours, by each stated measure.

    After them come our arms that have no partner (not beside gains, as an arm alone is none).
    """
    return [
        _scored(_unscored(pair, measure, figure, stated, setup), frame, pair, figure.step)
        for pair in _pairs(recipe, figure, stated)
        for measure in stated.measures
    ]


def _pairs(recipe: Recipe, figure: Figure, stated: Beside) -> Iterator[_Pair]:
    for column, about in figure.columns.items():
        block = stated.block(column)
        if block is None:
            continue
        task: str = block.columns[column]
        kind: Kind = "gain" if about.measure == "gain" else "arm"
        for arm in figure.arms:
            value = figure.value(arm, column)
            if value is not None:
                yield _Pair(kind, column, task, arm, value, block.arms.get(arm, ()))
        for difference, value in figure.differences_on(column):
            ours, minus = (block.arms.get(arm, ()) for arm in (difference.of, difference.minus))
            if not (ours and minus):
                ours = minus = ()
            name = f"{difference.of} − {difference.minus}"
            yield _Pair("difference", column, task, name, value, ours, minus)
    yield from _alone(recipe, figure, stated)


def _alone(recipe: Recipe, figure: Figure, stated: Beside) -> Iterator[_Pair]:
    """Our arms without partner, on every task that stands beside a column."""
    if any(figure.columns[column].measure == "gain" for block in stated.blocks for column in block.columns):
        return
    for task in dict.fromkeys(task for block in stated.blocks for task in block.columns.values()):
        choice = next(choice for choice in recipe.tasks if choice.task == task)
        for arm in recipe.arms:
            if arm not in stated.arms and choice.scores(arm):
                yield _Pair("arm", None, task, None, None, (arm,))


def _unscored(pair: _Pair, measure: str, figure: Figure, stated: Beside, setup: Setup) -> Row:
    """What the row says before our number: who stands beside whom, and how the two differ."""
    about: dict[str, Any] = {
        name: getattr(pair, name) for name in ("kind", "column", "task", "paper_arm", "paper_value")
    }
    if pair.column is not None:
        column = figure.columns[pair.column]
        about |= {f"paper_{name}": getattr(column, name) for name in ("model", "task", "more")}
        about["paper_measure"] = f"{column.measure}: {column.meaning}"
        about |= {f"paper_{name}": getattr(figure, name) for name in ("seeds", "training")}
    return Row(
        **about,
        our_arm=_label(pair.ours, pair.minus),
        measure=measure,
        our_model=setup.model,
        our_more=stated.more,
        our_training=setup.training,
        differs="; ".join(note for note in (MEANING.get(measure), *stated.notes) if note),
    )


def _scored(row: Row, frame: pd.DataFrame, pair: _Pair, step: float) -> Row:
    """The row with our number, or with the reason why there is none."""
    if not pair.ours:
        return row.model_copy(update={"missing": "no partner"})
    terms = our_terms(pair.ours, pair.minus, pair.task)
    try:
        values, _ = term_values(frame, terms, row.measure)
    except NotComparable as error:
        return row.model_copy(update={"missing": str(error)})
    interval = two_way_interval(values)
    low, high = _finite(interval.low), _finite(interval.high)
    sign = None
    if pair.kind != "arm" and pair.paper_value is not None:
        sign = same_sign(pair.paper_value, low, high, step, turned=row.paper_more not in (None, row.our_more))
    if len(terms) == 1 and row.measure.startswith(_SHARES):  # a share, whatever a symmetric interval says
        low, high = (None if limit is None else min(max(limit, 0.0), 1.0) for limit in (low, high))
    seeds, items = values[0].values.shape[:2]
    return row.model_copy(
        update={
            "estimate": interval.estimate,
            "ci_low": low,
            "ci_high": high,
            "seeds": seeds,
            "items": items,
            "method": interval.method,
            "same_sign": sign,
        }
    )


def _label(ours: Sequence[str], minus: Sequence[str]) -> str | None:
    """Our arms in words; None if there are none."""
    parts = [" − ".join(arms) for arms in (ours, minus) if arms]
    if any(len(arms) > 1 for arms in (ours, minus)) and len(parts) > 1:
        parts = [f"({part})" for part in parts]
    return " − ".join(parts) or None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
