"""The analytic two-way interval: seeds and items are crossed, so both vary, and neither is nested in the other."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from msm_bench.stats.values import ROUNDING, Array, TaskValues, cluster_sums


class Interval(NamedTuple):
    """A t interval for a sum of task means."""

    estimate: float
    """The sum over tasks of the mean over seeds and items."""
    low: float
    """Lower limit; NaN where no variance can be estimated, or there is none to see, which is no certainty."""
    high: float
    """Upper limit."""
    se: float
    """Standard error."""
    df: int
    """Degrees of freedom of t."""
    method: str
    """How the variance was estimated."""


def item_variance(task: TaskValues) -> float:
    """Variance of the task's mean over items, by cluster within fixed cells: the stratified jackknife.

    With n items, cells h of n_h items in G_h clusters, and for each cluster of n_g items the sum z_g of the deviations
    from the cell's mean of the items' seed means:  V = Σ_h (G_h − 1)/G_h Σ_g (z_g / (1 − n_g/n_h))² / n².
    z_g / (1 − n_g/n_h) / n_h is how far the cell's mean moves without the cluster: Wolter (2007), Introduction to
    Variance Estimation, 2nd ed., ch. 4. Where the clusters of a cell are of equal size this is G_h/(G_h − 1) Σ_g z_g²
    (Cochran 1977, Sampling Techniques, 3rd ed., ch. 5 and 9); where they are not, that is too small, in cells of two
    clusters several times, as a large one pulls the mean towards itself (Bell & McCaffrey 2002, Survey Methodology
    28:169).
    A cell of one cluster has no variance of its own; it is given that of the other cells' clusters by the square of its
    size, an assumption of ours.
    """
    by_item = task.values.mean(axis=0, keepdims=True)
    return float(_stratified(task, by_item)[0])


def _stratified(task: TaskValues, values: Array) -> Array:
    """`item_variance` for each row of `values` (rows, items)."""
    n = values.shape[1]
    deviations = values.copy()
    for cell in np.unique(task.cells):
        own = task.cells == cell
        deviations[:, own] -= values[:, own].mean(axis=1, keepdims=True)
    sums, cells = cluster_sums(task, deviations)
    sizes = cluster_sums(task, np.ones((1, n)))[0][0]
    total: Array = np.zeros(values.shape[0])
    alone = several = 0.0  # sums of squared sizes
    for cell in np.unique(cells):
        own = cells == cell
        own_sizes = sizes[own]
        count, squares = len(own_sizes), float((own_sizes**2).sum())
        if count == 1:
            alone += squares
            continue
        moves = sums[:, own] / (1 - own_sizes / own_sizes.sum())
        total += (count - 1) / count * (moves**2).sum(axis=1)
        several += squares
    if alone and several:
        total *= (several + alone) / several
    elif alone:
        total[:] = math.nan
    variance: Array = total / n**2
    return variance


def two_way_interval(tasks: Sequence[TaskValues], level: float = 0.95) -> Interval:
    """Interval for Σ_tasks mean, with seeds and items crossed.

    V = V_seed + V_item − V_both (Cameron, Gelbach & Miller 2011, J. Bus. Econ. Stat. 29:238, two-way clustering):
    V_seed is the variance of the S seeds' estimates over S; V_item as in `item_variance`; V_both, the part that both
    count, is the stratified variance of the seed-by-item residuals, Σ_s V_item(residuals of s) / (S (S − 1)).
    V is never taken below the larger of V_seed and V_item. t has min(seeds − 1, clusters − cells) degrees of
    freedom, those of the task that has fewest: each factor's own, since either may be most of the noise.

    With one seed only items vary: the interval is conditional on these checkpoints, with clusters − cells degrees of
    freedom.
    """
    estimate = sum(task.mean for task in tasks)
    seeds, df = tasks[0].values.shape[0], degrees_of_freedom(tasks)
    item = float(sum(item_variance(task) for task in tasks))
    if seeds == 1:
        return _interval(estimate, item, df, level, "items within cells; conditional on these checkpoints (one seed)")
    by_seed = np.sum([task.values.mean(axis=1) for task in tasks], axis=0)
    seed = float(by_seed.var(ddof=1)) / seeds
    both = float(sum(_residual_variance(task) for task in tasks))
    variance = max(seed + item - both, seed, item)
    return _interval(estimate, variance, df, level, "two-way (seed, item), t")


def degrees_of_freedom(tasks: Sequence[TaskValues]) -> int:
    """min(seeds − 1, clusters − cells) of the task that has fewest; with one seed those of items alone."""
    df = min(len(np.unique(task.clusters)) - len(np.unique(task.cells)) for task in tasks)
    seeds = tasks[0].values.shape[0]
    return df if seeds == 1 else min(seeds - 1, df)


def _residual_variance(task: TaskValues) -> float:
    """Variance of the mean that comes from residuals of seed and item alone."""
    values = task.values
    seeds = values.shape[0]
    residuals = values - values.mean(axis=0, keepdims=True) - values.mean(axis=1, keepdims=True) + values.mean()
    return float(_stratified(task, residuals).sum() / (seeds * (seeds - 1)))


def _interval(estimate: float, variance: float, df: int, level: float, method: str) -> Interval:
    se = math.sqrt(variance) if variance >= 0 else math.nan
    half = float(stats.t.ppf((1 + level) / 2, df)) * se if df >= 1 and se >= ROUNDING else math.nan
    return Interval(estimate, estimate - half, estimate + half, se, df, method)
