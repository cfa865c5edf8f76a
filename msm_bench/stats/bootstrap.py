"""The crossed bootstrap: seeds are drawn at the top, clusters of items within fixed cells, once for all seeds."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from msm_bench.stats.values import ROUNDING, Array, TaskValues, cluster_sums
from msm_bench.stats.variance import degrees_of_freedom


class BootstrapInterval(NamedTuple):
    """A stretched percentile interval; NaN where nothing can be resampled, or all that can be is alike."""

    low: float
    high: float


def crossed_bootstrap(
    tasks: Sequence[TaskValues], draws: int = 4000, level: float = 0.95, seed: int = 0
) -> BootstrapInterval:
    """Stretched percentile interval of Σ_tasks mean under resampling of seeds and of clusters within cells.

    Both factors are resampled independently and their weights multiplied, the "pigeonhole" bootstrap of Owen (2007),
    Ann. Appl. Stat. 1:386, here stratified by cell, whose share of the items stays what it is. Of k units k − 1 are
    drawn, so that the variance has the divisor k − 1 (Rao, Wu & Yue 1992, Survey Methodology 18:209): cells have few
    clusters, and drawing k of them would make it too small by (k − 1) / k.

    Percentiles take the spread of the units at hand for known, and with few units are too narrow, as z is smaller than
    t of `degrees_of_freedom` (Hesterberg 2015, Am. Stat. 69:371). So the limits are moved away from the estimate by
    t/z, which keeps their asymmetry; more extreme percentiles, his remedy, do not exist with few units.

    The noise that belongs to a seed and an item alone is counted in both factors: conservative where that is most of
    it. A cell of one cluster does not vary; if no cell has two, there is no interval. With one seed only items vary.
    """
    rng = np.random.default_rng(seed)
    seeds = tasks[0].values.shape[0]
    seed_weights = _weights(rng, seeds, draws) / seeds
    estimates = np.zeros(draws)
    varies = True
    for task in tasks:
        sums, cells = cluster_sums(task, task.values)
        sizes, _ = cluster_sums(task, np.ones((1, task.values.shape[1])))
        codes, counts = np.unique(cells, return_counts=True)
        varies = varies and bool((counts > 1).any())
        for cell, count in zip(codes, counts, strict=True):
            own = cells == cell
            weights = _weights(rng, int(count), draws)
            share = sizes[0, own].sum() / sizes.sum()
            means = np.einsum("ds,sc,dc->d", seed_weights, sums[:, own], weights) / (weights @ sizes[0, own])
            estimates += share * means
    low, high = np.quantile(estimates, [(1 - level) / 2, (1 + level) / 2])
    df = degrees_of_freedom(tasks)
    if not varies or df < 1 or high - low < ROUNDING:
        return BootstrapInterval(math.nan, math.nan)
    estimate = sum(task.mean for task in tasks)
    stretch = float(stats.t.ppf((1 + level) / 2, df) / stats.norm.ppf((1 + level) / 2))
    return BootstrapInterval(
        estimate + stretch * (float(low) - estimate), estimate + stretch * (float(high) - estimate)
    )


def _weights(rng: np.random.Generator, count: int, draws: int) -> Array:
    """(draws, count) weights with mean 1 in each row: k − 1 units of k drawn, scaled by k / (k − 1)."""
    if count == 1:
        return np.ones((draws, 1))
    drawn = rng.multinomial(count - 1, np.full(count, 1 / count), size=draws)
    return drawn.astype(np.float64) * (count / (count - 1))
