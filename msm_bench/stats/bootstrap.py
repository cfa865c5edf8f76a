"""The crossed bootstrap: seeds are drawn at the top, clusters of items within fixed cells, once for all seeds."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from msm_bench.stats.values import ROUNDING, Array, TaskValues, cluster_sums


class BootstrapInterval(NamedTuple):
    """A percentile interval; NaN where nothing can be resampled, or all that can be is alike."""

    low: float
    high: float


def crossed_bootstrap(
    tasks: Sequence[TaskValues], draws: int = 4000, level: float = 0.95, seed: int = 0
) -> BootstrapInterval:
    """Percentile interval of Σ_tasks mean under resampling of seeds and of clusters within cells.

    Both factors are resampled independently and their weights multiplied, the "pigeonhole" bootstrap of Owen (2007),
    Ann. Appl. Stat. 1:386, here stratified by cell, whose share of the items stays what it is. Of k units k − 1 are
    drawn, so that the variance has the divisor k − 1 (Rao, Wu & Yue 1992, Survey Methodology 18:209): cells have few
    clusters, and drawing k of them would make it too small by (k − 1) / k.

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
    if not varies or high - low < ROUNDING:
        return BootstrapInterval(math.nan, math.nan)
    return BootstrapInterval(float(low), float(high))


def _weights(rng: np.random.Generator, count: int, draws: int) -> Array:
    """(draws, count) weights with mean 1 in each row: k − 1 units of k drawn, scaled by k / (k − 1)."""
    if count == 1:
        return np.ones((draws, 1))
    drawn = rng.multinomial(count - 1, np.full(count, 1 / count), size=draws)
    return drawn.astype(np.float64) * (count / (count - 1))
