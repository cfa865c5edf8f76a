"""A result frame taken apart once: for each task and measure the values by arm, seed and item."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from msm_bench.stats.values import Array


class ArmValues(NamedTuple):
    """What one arm has of a measure on a task."""

    seeds: list[int]
    """Its seeds, ascending."""
    means: Array
    """(seeds, items) Mean over the scored epochs; NaN where there is none."""
    rows: npt.NDArray[np.int64]
    """(seeds, items) Epochs, scored or not."""
    scored: npt.NDArray[np.int64]
    """(seeds, items) Scored epochs."""

    @property
    def scored_seeds(self) -> list[int]:
        """Those of which something could be scored."""
        return [seed for seed, own in zip(self.seeds, self.scored, strict=True) if own.any()]


class Panel:
    """The values of one measure on one task.

    Attributes:
        items: (items,) Names, sorted.
        cells: (items,) The stratum of each item.
        clusters: (items,) What is resampled within a stratum.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        """Read the rows of a result frame that are of one task and metric; infinite values count as unscored."""
        self._codes, self.items = pd.factorize(rows["item"].to_numpy(), sort=True)
        first = np.unique(self._codes, return_index=True)[1]
        self.cells = rows["cell"].take(first).astype(str).to_numpy()
        self.clusters = rows["cluster"].take(first).astype(str).to_numpy()
        self._seeds = rows["seed"].to_numpy()
        values = rows["value"].to_numpy(dtype=np.float64)
        self._values = np.where(np.isfinite(values), values, np.nan)
        by_arm = rows.groupby("arm", sort=False, observed=True).indices
        self._of_arm = {str(arm): np.asarray(own) for arm, own in by_arm.items()}
        self._arms: dict[str, ArmValues] = {}

    def arm(self, name: str) -> ArmValues | None:
        """What an arm has; None if it has no row."""
        if name not in self._of_arm:
            return None
        if name not in self._arms:
            self._arms[name] = self._arm(self._of_arm[name])
        return self._arms[name]

    def _arm(self, own: npt.NDArray[np.int64]) -> ArmValues:
        seeds, which = np.unique(self._seeds[own], return_inverse=True)
        shape = len(seeds), len(self.items)
        places = which * len(self.items) + self._codes[own]
        values = self._values[own]
        known = ~np.isnan(values)
        rows = np.bincount(places, minlength=shape[0] * shape[1]).reshape(shape)
        scored = np.bincount(places[known], minlength=shape[0] * shape[1]).reshape(shape)
        sums = np.bincount(places[known], weights=values[known], minlength=shape[0] * shape[1]).reshape(shape)
        means = np.where(scored > 0, sums / np.maximum(scored, 1), np.nan)
        return ArmValues([int(seed) for seed in seeds], means, rows, scored)

    def epochs(self, name: str, seed: int) -> Array:
        """(epochs, items) Scored values of an arm at a seed, in the order of the frame; NaN where there are fewer."""
        own = self._of_arm[name]
        own = own[(self._seeds[own] == seed) & ~np.isnan(self._values[own])]
        codes = self._codes[own]
        order = np.argsort(codes, kind="stable")
        counts = np.bincount(codes, minlength=len(self.items))
        starts = np.cumsum(counts) - counts
        found = np.full((int(counts.max(initial=0)), len(self.items)), np.nan)
        found[np.arange(len(own)) - starts[codes[order]], codes[order]] = self._values[own][order]
        return found

    @property
    def scored(self) -> Array:
        """(values,) All that could be scored."""
        known: Array = self._values[~np.isnan(self._values)]
        return known


class Panels:
    """A result frame by task and measure; each part is taken apart when it is first asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """Index the rows of `frame`."""
        self._values = frame[["item", "cell", "cluster", "arm", "seed", "value"]]
        self._split = frame[["task", "split"]]
        indices = frame.groupby(["task", "metric"], sort=False, observed=True).indices
        self._rows = {key: np.asarray(own) for key, own in indices.items()}
        self._panels: dict[tuple[str, str], Panel] = {}
        self._splits: dict[str, set[str]] = {}

    def of(self, task: str, measure: str) -> Panel | None:
        """The values of a measure on a task; None if there are none."""
        key = (task, measure)
        if key not in self._rows:
            return None
        if key not in self._panels:
            self._panels[key] = Panel(self._values.take(self._rows[key]))
        return self._panels[key]

    def has(self, task: str, measure: str) -> bool:
        """Whether there is a row of a measure on a task."""
        return (task, measure) in self._rows

    def split_of(self, tasks: set[str]) -> str:
        """Which items of some tasks the frame holds, in words; items that are not split are all there are."""
        if not self._splits:
            for task, split in self._split.drop_duplicates().itertuples(index=False):
                self._splits.setdefault(str(task), set()).add(str(split) or "all")
        return " and ".join(sorted(set().union(*(self._splits.get(task, set()) for task in tasks))))
