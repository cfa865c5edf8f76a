"""Effect sizes of two arms compared on a share, and of ranks, with intervals from the same two-way variance."""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import stats

from msm_bench.stats.graders import grader_interval
from msm_bench.stats.paired import TaskPart
from msm_bench.stats.values import Array, TaskValues
from msm_bench.stats.variance import Interval

_LARGEST = 700.0
"""A limit on the log scale above it is no number any more: e^709 overflows."""
EffectName = Literal["ratio", "odds ratio", "Cohen's h", "superiority"]


class Effect(BaseModel):
    """An effect size with its 95 % interval; what does not exist is None, and `method` says why."""

    model_config = ConfigDict(extra="forbid")

    name: EffectName
    """Which: of two shares their ratio, odds ratio or Cohen's h; of ranks the probability of superiority."""
    estimate: float | None
    """Of the arm with the positive weight against the other; 1 (h: 0, superiority: ½) where they are alike."""
    low: float | None
    """Lower limit."""
    high: float | None
    """Upper limit."""
    method: str
    """How the interval was made, or why there is none."""


class _Scale(NamedTuple):
    """The scale on which an effect size is a difference, f(p_a) − f(p_b), and the way back."""

    name: EffectName
    function: Callable[[float], float]
    slope: Callable[[float], float]
    back: Callable[[float], float]
    unit: str


_SCALES = (
    _Scale("ratio", math.log, lambda p: 1 / p, math.exp, "log scale"),
    _Scale("odds ratio", lambda p: math.log(p / (1 - p)), lambda p: 1 / (p * (1 - p)), math.exp, "log scale"),
    _Scale(
        "Cohen's h",
        lambda p: 2 * math.asin(math.sqrt(p)),
        lambda p: 1 / math.sqrt(p * (1 - p)),
        lambda h: h,
        "arcsine scale",
    ),
)


def compared(part: TaskPart) -> tuple[int, int] | None:
    """Which term of a task has the positive weight, and which the negative; None if it does not compare two arms."""
    weights = [term.weight for term in part.terms]
    if len(weights) != 2 or weights[0] != -weights[1]:
        return None
    return (0, 1) if weights[0] > 0 else (1, 0)


def share_effects(part: TaskPart) -> list[Effect]:
    """Ratio, odds ratio and Cohen's h of two arms' shares, p_a and p_b, means over seeds and items.

    Each is a difference f(p_a) − f(p_b): f = log for the ratio (Katz, Baptista, Azen & Pike 1978, Biometrics 34:469),
    log-odds for the odds ratio (Woolf 1955, Ann. Hum. Genet. 19:251), 2 arcsin √p for h (Cohen 1988, Statistical Power
    Analysis, 2nd ed., ch. 6). By the delta method its variance is that of the mean of the linearised values
    f'(p_a) (y_a − p_a) − f'(p_b) (y_b − p_b), one for each seed and item (Woodruff 1971, J. Am. Stat. Assoc. 66:411):
    pairing, clusters and seeds count as they do in the difference. Limits are taken back from the scale.

    Where a share is 0 or 1, the delta method has no variance, and there are no limits; nothing is added to the counts.
    """
    at = compared(part)
    if at is None:
        return []
    pairs = [(arms[at[0]], arms[at[1]]) for arms in part.arms]
    return [_share_effect(part.task, pairs, scale) for scale in _SCALES]


def _share_effect(task: TaskValues, pairs: Sequence[tuple[Array, Array]], scale: _Scale) -> Effect:
    """One effect size, from the values of both arms, (seeds, items) each, by every grader."""
    # cut where rounding leaves [0, 1]
    p, q = (min(1.0, max(0.0, float(np.mean([pair[number] for pair in pairs])))) for number in (0, 1))
    if _undefined(scale.name, p) or _undefined(scale.name, q):
        return Effect(name=scale.name, estimate=_edge(scale, p, q), low=None, high=None, method=_why(scale))
    estimate, slopes = scale.function(p) - scale.function(q), (scale.slope(p), scale.slope(q))
    linear = [estimate + slopes[0] * (first - p) - slopes[1] * (second - q) for first, second in pairs]
    interval = grader_interval([[task._replace(values=values)] for values in linear])
    return _transformed(scale.name, scale.back, interval, f"delta method, {scale.unit}; {interval.method}")


def _undefined(name: EffectName, share: float) -> bool:
    return share <= 0 or (share >= 1 and name != "ratio")


def _edge(scale: _Scale, first: float, second: float) -> float | None:
    """The effect size where a share is 0 or 1, if it exists."""
    if scale.name == "Cohen's h":
        return scale.function(first) - scale.function(second)
    if scale.name == "ratio":
        return first / second if second > 0 else None
    odds = [share / (1 - share) if share < 1 else math.inf for share in (first, second)]
    ratio = odds[0] / odds[1] if odds[1] > 0 and math.isfinite(odds[1]) else math.nan
    return ratio if math.isfinite(ratio) else None


def _why(scale: _Scale) -> str:
    ends = "0" if scale.name == "ratio" else "0 or 1"
    return f"no limits: a share is {ends}, where the delta method has no variance"


def superiority_effect(part: TaskPart, interval: Interval) -> list[Effect]:
    """The probability of superiority from the interval of w · (P − ½), with w the weight of the term that comes first.

    Limits are cut at 0 and 1.
    """
    at = compared(part)
    if at is None:
        return []
    weight = abs(part.terms[0].weight)
    return [
        _transformed(
            "superiority",
            lambda value: min(1.0, max(0.0, value / weight + 0.5)),
            interval,
            f"P(A > B) + ½ P(A = B) within items; {interval.method}",
        )
    ]


def _transformed(name: EffectName, back: Callable[[float], float], interval: Interval, method: str) -> Effect:
    low, high = (
        back(limit) if math.isfinite(limit) and limit < _LARGEST else None for limit in (interval.low, interval.high)
    )
    return Effect(name=name, estimate=back(interval.estimate), low=low, high=high, method=method)


class McNemar(BaseModel):
    """McNemar's exact test, a description: it takes every pair of a seed and an item as independent."""

    model_config = ConfigDict(extra="forbid")

    first_only: int
    """Pairs in which the arm with the positive weight has 1 and the other 0."""
    second_only: int
    """Pairs in which it is the other way round."""
    p: float
    """Two-sided; not a test of record."""
    method: str = "McNemar, exact; ignores clusters and seeds"
    """What it is."""

    def __str__(self) -> str:
        """In a few words."""
        return f"{self.first_only} against {self.second_only} discordant pairs, p {self.p:.3g} ({self.method})"


def mcnemar(part: TaskPart) -> McNemar | None:
    """McNemar's test over all pairs of a seed and an item: the exact binomial test of the discordant ones.

    McNemar (1947), Psychometrika 12:153. None unless the values are 0 and 1, of one epoch and one grader.
    """
    at = compared(part)
    if at is None or not part.once or len(part.by_grader) > 1 or not np.isin(part.arms, (0.0, 1.0)).all():
        return None
    first, second = (part.arms[0, number] for number in at)
    b, c = int((first > second).sum()), int((first < second).sum())
    p = float(stats.binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0
    return McNemar(first_only=b, second_only=c, p=p)
