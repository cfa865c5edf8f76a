"""Several graders: what they disagree in is a third source of noise, crossed with seeds and items."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from msm_bench.stats.values import ROUNDING, Array, TaskValues
from msm_bench.stats.variance import Interval, item_variance, two_way_interval


def grader_interval(graders: Sequence[Sequence[TaskValues]], level: float = 0.95) -> Interval:
    """Interval for Σ_tasks mean, where the value of a seed and item is the mean over graders.

    Seeds s, items i and graders g are crossed. V = V_two-way(mean over graders) + A, with the graders' own part

        A = max(V_g − (V_sg + V_ig − V_sig), 0).

    V_g is the variance of the G graders' estimates over G. What it shares with the two-way variance, the interactions
    of graders with seeds and with items, is taken off: V_sg = Σ r_sg² / (S (S − 1) G (G − 1)) of the seed-by-grader
    residuals of the estimates, V_ig = Σ_g V_item(r_g) / (G (G − 1)) of the item-by-grader ones, within cells and by
    clusters as `item_variance`, and V_sig likewise of the three-way ones. That is the inclusion and exclusion of
    Cameron, Gelbach & Miller (2011), J. Bus. Econ. Stat. 29:238, section 2.3, in the variance components of
    generalizability theory (Brennan 2001, Generalizability Theory, ch. 3): A estimates σ²_g / G, and items, seeds and
    graders are all taken as drawn from more. V is never below V_g, as `two_way_interval` is not below its factors.
    The degrees of freedom are those of Satterthwaite (1946), Biometrics Bull. 2:110, rounded down:
    V² / (V_two-way² / ν_two-way + A² / (G − 1)).

    Graders that agree perfectly add nothing, nor does a single one, of whom nothing can be known.

    Args:
        graders: For each grader the values of every task; the same seeds, items, cells and clusters.
        level: Of the interval.
    """
    count = len(graders)
    mean = [
        task._replace(values=np.mean([own[number].values for own in graders], axis=0))
        for number, task in enumerate(graders[0])
    ]
    base = two_way_interval(mean, level)
    if count == 1:
        return base
    own = float(np.var([sum(task.mean for task in tasks) for tasks in graders], ddof=1)) / count
    two_way = base.se**2
    variance = max(two_way + max(own - _shared(graders), 0.0), own)
    added = variance - two_way
    if not variance >= 0 or base.df < 1:
        return base
    se = math.sqrt(variance)
    df = base.df
    if added > ROUNDING**2:
        df = max(1, math.floor(variance**2 / (two_way**2 / base.df + added**2 / (count - 1)) + ROUNDING))
    half = float(stats.t.ppf((1 + level) / 2, df)) * se if se >= ROUNDING else math.nan
    method = f"{base.method}; {count} graders crossed with both"
    return Interval(base.estimate, base.estimate - half, base.estimate + half, se, df, method)


def _shared(graders: Sequence[Sequence[TaskValues]]) -> float:
    """V_sg + V_ig − V_sig: what the graders' variance and the two-way one both count."""
    count = len(graders)
    seeds = graders[0][0].values.shape[0]
    shared = 0.0
    for number, task in enumerate(graders[0]):
        values = np.stack([own[number].values for own in graders])
        shared += _of_rows(task, _double_centred(values.mean(axis=1))) / (count * (count - 1))
        if seeds > 1:
            residuals = _triple_centred(values).reshape(count * seeds, -1)
            shared -= _of_rows(task, residuals) / (count * (count - 1) * seeds * (seeds - 1))
    if seeds > 1:
        by_seed = np.sum([[own[number].values.mean(axis=1) for own in graders] for number in range(len(graders[0]))], 0)
        shared += float((_double_centred(by_seed) ** 2).sum()) / (count * (count - 1) * seeds * (seeds - 1))
    return shared


def _of_rows(task: TaskValues, rows: Array) -> float:
    """Σ of `item_variance` of each row (rows, items)."""
    return sum(item_variance(task._replace(values=row[None])) for row in rows)


def _double_centred(values: Array) -> Array:
    """Residuals of an additive two-way table."""
    centred: Array = values - values.mean(0, keepdims=True) - values.mean(1, keepdims=True) + values.mean()
    return centred


def _triple_centred(values: Array) -> Array:
    """Residuals of a three-way table with all two-way interactions."""
    for axis in range(3):
        values = values - values.mean(axis=axis, keepdims=True)
    return values
