"""The crossed bootstrap: seeds are drawn at the top, clusters of items within fixed cells, once for all seeds."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from msm_bench.stats.values import Array, TaskValues, cluster_sums


class BootstrapInterval(NamedTuple):
    """A percentile interval."""

    low: float
    high: float


def crossed_bootstrap(
    tasks: Sequence[TaskValues], draws: int = 4000, level: float = 0.95, seed: int = 0
) -> BootstrapInterval:
    """Percentile interval of Σ_tasks mean under resampling of seeds and of clusters within cells.

    Both factors are resampled independently and their weights multiplied, the "pigeonhole" bootstrap of Owen (2007),
    Ann. Appl. Stat. 1:386, here stratified by cell. It is somewhat conservative by design. With one seed only
    the items are resampled.
    """
    rng = np.random.default_rng(seed)
    seeds = tasks[0].values.shape[0]
    seed_weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws) / seeds
    estimates = np.zeros(draws)
    for task in tasks:
        sums, cells = cluster_sums(task, task.values)
        sizes, _ = cluster_sums(task, np.ones((1, task.values.shape[1])))
        weights = np.empty((draws, len(cells)))
        for cell in np.unique(cells):
            own = np.flatnonzero(cells == cell)
            weights[:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=draws)
        items: Array = weights @ sizes[0]
        estimates += np.einsum("ds,sc,dc->d", seed_weights, sums, weights) / items
    low, high = np.quantile(estimates, [(1 - level) / 2, (1 + level) / 2])
    return BootstrapInterval(float(low), float(high))
