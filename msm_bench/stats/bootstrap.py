"""The crossed bootstrap: seeds are drawn at the top, clusters of items within fixed cells, once for all seeds."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from msm_bench.stats.values import ROUNDING, Array, TaskValues, cluster_sums

Counts = npt.NDArray[np.unsignedinteger]
KEPT = 2**27
"""Up to so many counts (256 MB) the resamples are kept from one contrast to the next."""
BLOCK = 2**24
"""So many counts are drawn and multiplied at a time: 128 MB."""


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
    layouts = [_layout(task) for task in tasks]
    seeds = tasks[0].values.shape[0]
    units = (seeds, *(sums.shape[1] for layout in layouts for sums in layout))
    kept = draws * sum(units) <= KEPT
    seed_counts, *counts = (_resamples if kept else _resamples.__wrapped__)(units, draws, seed)
    seed_weights = seed_counts / seed_counts.sum(axis=1, keepdims=True)
    estimates, drawn = np.zeros(draws), iter(counts)
    for layout in layouts:
        items = sum(sums[-1].sum() for sums in layout)
        for sums in layout:
            totals = _product(next(drawn), sums.T)  # (draws, seeds + 1)
            share = sums[-1].sum() / items
            estimates += share * (seed_weights * totals[:, :-1]).sum(axis=1) / totals[:, -1]
    low, high = np.quantile(estimates, [(1 - level) / 2, (1 + level) / 2])
    varies = all(any(sums.shape[1] > 1 for sums in layout) for layout in layouts)
    if not varies or high - low < ROUNDING:
        return BootstrapInterval(math.nan, math.nan)
    return BootstrapInterval(float(low), float(high))


def _layout(task: TaskValues) -> list[Array]:
    """(seeds + 1, clusters) of each cell: the clusters' sums at each seed, and below them how many items they have."""
    rows = np.vstack([task.values, np.ones(task.values.shape[1])])
    sums, cells = cluster_sums(task, rows)
    return [sums[:, cells == cell] for cell in np.unique(cells)]


@lru_cache(maxsize=1)
def _resamples(units: tuple[int, ...], draws: int, seed: int) -> tuple[Counts, ...]:
    """For each of the factors, of so many units, how often each draw takes each unit: (draws, units), k − 1 in a row.

    Kept for the next contrast, which has mostly the same seeds and clusters: drawing them takes longer than the rest.
    """
    rng = np.random.default_rng(seed)
    return tuple(_counts(rng, count, draws) for count in units)


def _counts(rng: np.random.Generator, count: int, draws: int) -> Counts:
    kind = np.uint16 if count < 2**16 else np.uint32
    if count == 1:
        return np.ones((draws, 1), kind)
    found = np.empty((draws, count), kind)
    for rows in _blocks(draws, count):
        found[rows] = rng.multinomial(count - 1, np.full(count, 1 / count), size=rows.stop - rows.start)
    return found


def _product(counts: Counts, sums: Array) -> Array:
    """counts @ sums, (draws, units) by (units, columns), in blocks of draws."""
    return np.concatenate([counts[rows].astype(np.float64) @ sums for rows in _blocks(*counts.shape)])


def _blocks(draws: int, count: int) -> list[slice]:
    """Draws in blocks that fit in memory as numbers of 8 bytes."""
    step = max(1, BLOCK // count)
    return [slice(start, min(start + step, draws)) for start in range(0, draws, step)]
