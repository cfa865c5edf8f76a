"""The numbers that a contrast is made of: one per seed and item."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from msm_bench.errors import UserError

Array = npt.NDArray[np.float64]
ROUNDING = 1e-12
"""A standard error, or an interval's width, below it is 0."""


class NotComparable(UserError):
    """The results do not have what a contrast needs: an arm, a task, common seeds or items."""


class TaskValues(NamedTuple):
    """What one task contributes to a contrast: for each seed and item the weighted sum over the arms.

    Items are paired: an item stands here only if every arm has a value for it at every seed.
    """

    task: str
    """The task."""
    values: Array
    """(seeds, items)"""
    cells: npt.NDArray[np.int64]
    """(items,) The fixed stratum of each item, as a code."""
    clusters: npt.NDArray[np.int64]
    """(items,) What is resampled within a cell, as a code; no cluster spans two cells."""
    items: tuple[str, ...] = ()
    """(items,) Their names."""

    @property
    def mean(self) -> float:
        """Over seeds and items."""
        return float(self.values.mean())


def cluster_sums(task: TaskValues, values: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    """Sums of `values` (seeds, items) within clusters, (seeds, clusters), and the cell of each cluster."""
    codes, inverse = np.unique(task.clusters, return_inverse=True)
    sums = np.zeros((values.shape[0], len(codes)))
    np.add.at(sums.T, inverse, values.T)
    cells = np.empty(len(codes), dtype=np.int64)
    cells[inverse] = task.cells
    return sums, cells
