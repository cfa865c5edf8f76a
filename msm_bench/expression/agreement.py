"""How well does a labeller label? Its labels and probabilities against the authors'."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict
from sklearn.metrics import confusion_matrix, f1_score

from msm_bench.expression.classifier import Reading
from msm_bench.expression.labels import LABELS, Label, values_of
from msm_bench.expression.shares import LEVEL, Share, wilson

BINS = 5
"""Of equal width, for the reliability of probabilities: fewer than is usual, for test sets of some eighty texts."""
DRAWS = 2000


class Bin(BaseModel):
    """The texts whose probability lies in one interval."""

    model_config = ConfigDict(extra="forbid")

    low: float
    """From here on …"""
    high: float
    """… up to here."""
    texts: int
    """How many there are."""
    predicted: float
    """Their mean probability."""
    observed: Share
    """How many of them express the value."""


class Calibration(BaseModel):
    """What the probabilities of one value are worth."""

    model_config = ConfigDict(extra="forbid")

    brier: float
    """Brier (1950), Mon. Weather Rev. 78:1: mean of (p − y)², 0 to 1; always to say one half gives ¼."""
    ece: float
    """Expected calibration error (Naeini et al. 2015, AAAI): Σ n_b/n |mean p − share of y| over the bins."""
    reliability: list[Bin]
    """The bins that hold texts."""


class Agreement(BaseModel):
    """A labeller on a set of texts."""

    model_config = ConfigDict(extra="forbid")

    accuracy: Share
    """Of the four labels."""
    macro_f1: float
    """Mean of 2 TP / (2 TP + FP + FN) over the labels that occur on either side."""
    macro_f1_ci: tuple[float, float]
    """Percentile bootstrap over texts, 95 %."""
    america: Share
    """Right on whether America is expressed."""
    affordability: Share
    """Right on whether affordability is."""
    labels: tuple[str, ...] = LABELS
    """Of rows and columns."""
    confusion: list[list[int]]
    """Rows: the author's label; columns: the labeller's."""
    by_form: dict[str, Share] = {}
    """Accuracy by what makes a text easy or hard."""
    calibration: dict[str, Calibration] = {}
    """By value, where the labeller gives probabilities."""


def agreement(truth: Sequence[Label], said: Sequence[Label], forms: Sequence[str] = ()) -> Agreement:
    """A labeller's labels against the authors'.

    Args:
        truth: The authors' labels.
        said: The labeller's, in the same order.
        forms: The texts' forms, for accuracies by form.

    Raises:
        ValueError: there are no texts.
    """
    if not truth:
        raise ValueError("no texts to agree on")
    right = np.array([a == b for a, b in zip(truth, said, strict=True)])
    ours, theirs = np.array([values_of(label) for label in truth]), np.array([values_of(label) for label in said])
    by_form = {form: np.array([other == form for other in forms]) for form in sorted(set(forms))}
    return Agreement(
        accuracy=wilson(right),
        macro_f1=_macro_f1(truth, said),
        macro_f1_ci=_bootstrap(truth, said),
        america=wilson(ours[:, 0] == theirs[:, 0]),
        affordability=wilson(ours[:, 1] == theirs[:, 1]),
        confusion=confusion_matrix(truth, said, labels=LABELS).tolist(),
        by_form={form: wilson(right[of_form]) for form, of_form in by_form.items()},
    )


def agreement_of_readings(truth: Sequence[Label], readings: Sequence[Reading], forms: Sequence[str] = ()) -> Agreement:
    """The same of the classifier, with the calibration of its probabilities."""
    found = agreement(truth, [reading.label for reading in readings], forms)
    said = np.array([values_of(label) for label in truth])
    for value, name in enumerate(Reading._fields):
        found.calibration[name] = calibration(said[:, value], [reading[value] for reading in readings])
    return found


def calibration(truth: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> Calibration:
    """Brier score, expected calibration error, reliability; a probability on a bin's edge belongs to the upper bin."""
    y, p = np.asarray(truth, dtype=float), np.asarray(probabilities, dtype=float)
    place = np.minimum((p * bins).astype(int), bins - 1)
    rows = []
    for number in np.unique(place):
        own = place == number
        rows.append(
            Bin(
                low=number / bins,
                high=(number + 1) / bins,
                texts=int(own.sum()),
                predicted=float(p[own].mean()),
                observed=wilson(y[own]),
            )
        )
    gaps = [row.texts / len(p) * abs(row.predicted - row.observed.share) for row in rows]
    return Calibration(brier=float(np.mean((p - y) ** 2)), ece=float(sum(gaps)), reliability=rows)


def _macro_f1(truth: Sequence[Label], said: Sequence[Label]) -> float:
    return float(f1_score(truth, said, average="macro", zero_division=0))


def _bootstrap(truth: Sequence[Label], said: Sequence[Label]) -> tuple[float, float]:
    """Percentile interval of macro-F1 over `DRAWS` draws of texts, from their confusion matrices."""
    pairs = confusion_matrix(truth, said, labels=LABELS).ravel()
    drawn = np.random.default_rng(0).multinomial(pairs.sum(), pairs / pairs.sum(), size=DRAWS)
    tables = drawn.reshape(DRAWS, len(LABELS), len(LABELS))
    both_sides = tables.sum(axis=1) + tables.sum(axis=2)  # TP + FP and TP + FN
    f1 = 2 * np.diagonal(tables, axis1=1, axis2=2) / np.where(both_sides > 0, both_sides, np.nan)
    low, high = np.quantile(np.nanmean(f1, axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
