"""Where the noise of a contrast comes from: components of variance of its paired values, from a pilot.

y[seed, item, epoch] = cell + seed + cluster + item + seed x cluster + seed x item + epoch. Cells are fixed; whatever
a seed does to single cells is part of its own mean over them, as in the two-way interval.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from msm_bench.recipe import Contrast
from msm_bench.results import UNTRAINED
from msm_bench.stats import NotComparable, TaskValues, restrict, term_values
from msm_bench.stats.values import Array

LEVEL = 0.95
"""Of the interval of the seed component."""


class Component(NamedTuple):
    """A variance, and how much stands behind it."""

    variance: float
    """At least 0, in the measure's unit, squared."""
    df: int
    """Degrees of freedom of its mean square; 0 where it was given by hand, or can't be told apart and counts as 0."""

    @property
    def sd(self) -> float:
        """Its standard deviation, in the measure's unit."""
        return math.sqrt(self.variance)


NONE = Component(0.0, 0)
"""Nothing, or nothing that can be told apart."""


class Shape(NamedTuple):
    """How the items of a task lie."""

    items: int
    """Items."""
    clusters: int
    """Clusters; as many as items where each item is one of its own."""
    cells: int
    """Fixed strata."""
    squares: int = 0
    """Sum of the clusters' squared items; 0 where all clusters have equally many."""

    @property
    def alike(self) -> float:
        """Items of the cluster of an item, on average: large clusters count by their size, as their noise does."""
        return self.squares / self.items if self.squares else self.per_cluster

    @property
    def per_cluster(self) -> float:
        """Items of a cluster, on average."""
        return self.items / self.clusters


class TaskComponents(NamedTuple):
    """The components that belong to one task of a contrast, its weights counted in."""

    task: str
    """The task."""
    shape: Shape
    """Of the pilot."""
    asked: int
    """Samples of an item in an epoch, at each seed: the arms of the task."""
    asked_once: int
    """Samples of an item in an epoch, whatever the seeds: its untrained arms."""
    cluster: Component
    """Between clusters of a cell."""
    item: Component
    """Between items of a cluster, and everything else that is the same at every seed."""
    seed_cluster: Component
    """What a seed does to one cluster."""
    seed_item: Component
    """What a seed does to one item."""
    epoch: Component | None
    """Sampling noise of one answer, of the arms that every seed asks again; None where it can't be told from
    `seed_item` (one epoch)."""
    epoch_once: Component = NONE
    """Sampling noise of one answer of the untrained arms, which is the same at every seed."""


class Components(NamedTuple):
    """The components of a contrast: one for its seeds, the others task by task."""

    seed: Component | None
    """Between seeds, of the sum over tasks; None after a pilot of one seed."""
    seed_low: float
    """Lower 95 % limit of the seed component's standard deviation; NaN where it was not estimated."""
    seed_high: float
    """Upper limit."""
    seeds: int
    """Of the pilot; 0 without one."""
    epochs: int
    """Most epochs of an item in the pilot; 0 without one."""
    tasks: tuple[TaskComponents, ...]
    """Task by task."""
    estimate: float
    """The pilot's effect, NaN without one: not what to plan for."""

    def notes(self) -> list[str]:
        """What the pilot can't tell, a line each."""
        said = []
        if self.seeds == 1 and self.seed is None:
            said.append("one seed: nothing is known of how much seeds differ, and what they do to items counts as item")
        elif self.seeds > 1:
            said.append(
                f"{self.seeds} seeds: sd of seeds {self.seed.sd if self.seed else 0:.3g}, 95 % interval "
                f"[{self.seed_low:.3g}, {self.seed_high:.3g}]; `power range` is the power at these two"
            )
        if self.epochs == 1 and all(task.epoch is None for task in self.tasks):
            said.append(
                "one epoch: noise of sampling can't be told from seed x item, and more epochs won't be credited"
            )
        return said


def contrast_components(frame: pd.DataFrame, contrast: Contrast) -> Components:
    """Components of a contrast from a result frame.

    Raises:
        NotComparable: the frame lacks an arm, task, or common seeds and items, or no cell has two clusters.
    """
    rows = restrict(frame, contrast)
    values, _ = term_values(rows, contrast.terms, contrast.measure)
    return components(values, [_asking(rows, contrast, task) for task in values])


class EpochNoise(NamedTuple):
    """Sampling noise of some arms of a task, weights counted in."""

    component: Component = NONE
    """Of one answer."""
    of_mean: float = 0.0
    """Variance that it leaves in the mean over the pilot's epochs."""


class Asking(NamedTuple):
    """How the arms of a task were asked."""

    each: int
    """Arms that every seed asks again."""
    once: int
    """Untrained arms, asked once."""
    epochs: int = 1
    """Most epochs of an item."""
    noise: EpochNoise = EpochNoise()
    """Of the former."""
    noise_once: EpochNoise = EpochNoise()
    """Of the latter."""


def components(values: Sequence[TaskValues], asked: Sequence[Asking]) -> Components:
    """Components by the method of moments: mean squares of the crossed design are set equal to what they expect.

    Searle, Casella & McCulloch (1992), Variance Components, ch. 4-5; estimates below 0 are set to 0. With S seeds, n
    items in G clusters in H cells, deviations within cells, and e the pilot's epochs:

    - mean square of items within clusters, of seed means (n − G df): item + epoch_once/e + (seed_item + epoch/e)/S
    - of clusters within cells (G − H df): the same + k (cluster + seed_cluster/S), k = (n − Σ_h Σ_g n_g²/n_h)/(G − H)
    - of seed-by-item residuals, (S − 1)(n − G) and (S − 1)(G − H) df: the parts with a seed, S times as large
    - variance of the seeds' sums over tasks (S − 1 df): seed + Σ_tasks (seed_cluster Σ n_g²/n + seed_item + epoch/e)/n

    Where every item is its own cluster, `cluster` and `seed_cluster` are 0 and the second and third give the others.

    Args:
        values: Paired values of each task, as `term_values` gives them, averaged over epochs.
        asked: How the arms of each task were asked.

    Raises:
        NotComparable: no cell of a task has two clusters, so that nothing can be said of its items.
    """
    seeds = values[0].values.shape[0]
    found, from_items = [], 0.0
    for task, asking in zip(values, asked, strict=True):
        own, part = _task_components(task, asking)
        found.append(own)
        from_items += part
    estimate = sum(task.mean for task in values)
    most = max(asking.epochs for asking in asked)
    if seeds == 1:
        return Components(None, math.nan, math.nan, 1, most, tuple(found), estimate)
    square = float(np.sum([task.values.mean(axis=1) for task in values], axis=0).var(ddof=1))
    low, high = seed_limits(square, seeds - 1, from_items)
    seed = Component(max(0.0, square - from_items), seeds - 1)
    return Components(seed, low, high, seeds, most, tuple(found), estimate)


def seed_limits(square: float, df: int, known: float, level: float = LEVEL) -> tuple[float, float]:
    """Limits of the seed component's standard deviation.

    The interval of the seeds' variance by chi-square, less the part that comes from items, which has many times the
    degrees of freedom and is taken as known (Williams 1962, Biometrika 49:278, whose interval this is then).

    Args:
        square: Variance of the seeds' estimates.
        df: Its degrees of freedom, seeds − 1.
        known: The part of it that comes from items.
        level: Of the interval.
    """
    upper, lower = (float(stats.chi2.ppf(p, df)) for p in ((1 + level) / 2, (1 - level) / 2))
    return math.sqrt(max(0.0, df * square / upper - known)), math.sqrt(max(0.0, df * square / lower - known))


def _task_components(task: TaskValues, asking: Asking) -> tuple[TaskComponents, float]:
    """The task's components, and its items' part in the variance of the seeds' estimates."""
    seeds, n = task.values.shape
    sizes = np.bincount(np.unique(task.clusters, return_inverse=True)[1])
    shape = Shape(n, len(sizes), len(np.unique(task.cells)), int((sizes**2).sum()))
    if shape.clusters == shape.cells:
        raise NotComparable(f"task {task.task}: no cell has two clusters, so nothing is known of how items vary")
    k = (n - _within_cells(task)) / (shape.clusters - shape.cells)
    common = _nested(task, task.values.mean(axis=0, keepdims=True), shape, k)
    if seeds == 1:
        item = max(0.0, common.item - asking.noise.of_mean - asking.noise_once.of_mean)
        seed_cluster, seed_item, share = NONE, NONE, 0.0
        cluster = common.cluster
    else:
        own = _nested(task, task.values - task.values.mean(axis=0, keepdims=True), shape, k, divisor=seeds - 1)
        item = max(0.0, common.item - own.item / seeds - asking.noise_once.of_mean)
        cluster = max(0.0, common.cluster - own.cluster / seeds)
        seed_cluster = Component(max(0.0, own.cluster), own.cluster_df)
        seed_item = Component(max(0.0, own.item - asking.noise.of_mean), own.item_df)
        share = (max(0.0, own.cluster) * float((sizes**2).sum()) / n + own.item) / n
    parts = TaskComponents(
        task=task.task,
        shape=shape,
        asked=asking.each,
        asked_once=asking.once,
        cluster=Component(max(0.0, cluster), common.cluster_df),
        item=Component(item, common.item_df),
        seed_cluster=seed_cluster,
        seed_item=seed_item,
        epoch=asking.noise.component if asking.epochs > 1 else None,
        epoch_once=asking.noise_once.component,
    )
    return parts, share


class _Nested(NamedTuple):
    """Nested analysis of variance within fixed cells."""

    cluster: float
    """Variance between clusters, possibly below 0."""
    cluster_df: int
    item: float
    """Mean square of items within clusters, or, where every item is its own cluster, within cells."""
    item_df: int


def _nested(task: TaskValues, rows: Array, shape: Shape, k: float, divisor: int = 1) -> _Nested:
    """Pooled over `rows` (rows, items), of which `divisor` are independent."""
    cell_means, cluster_means = _means(rows, task.cells), _means(rows, task.clusters)
    between = float(((cluster_means - cell_means) ** 2).sum()) / divisor / (shape.clusters - shape.cells)
    within_df = shape.items - shape.clusters
    between_df = (shape.clusters - shape.cells) * divisor
    if within_df == 0:
        return _Nested(0.0, 0, between, between_df)
    within = float(((rows - cluster_means) ** 2).sum()) / divisor / within_df
    return _Nested((between - within) / k, between_df, within, within_df * divisor)


def _means(rows: Array, groups: np.ndarray) -> Array:
    """For each row and item the mean of the item's group."""
    _, codes = np.unique(groups, return_inverse=True)
    sums = np.zeros((rows.shape[0], int(codes.max()) + 1))
    np.add.at(sums.T, codes, rows.T)
    means: Array = (sums / np.bincount(codes))[:, codes]
    return means


def _within_cells(task: TaskValues) -> float:
    """Σ over cells of Σ (items of a cluster)² / items of the cell."""
    total = 0.0
    for cell in np.unique(task.cells):
        _, sizes = np.unique(task.clusters[task.cells == cell], return_counts=True)
        total += float((sizes**2).sum() / sizes.sum())
    return total


def _asking(rows: pd.DataFrame, contrast: Contrast, task: TaskValues) -> Asking:
    """How a task's arms were asked; noise is the pooled variance within arm, seed and item, by the squared weight."""
    in_task = rows[(rows["task"] == task.task) & (rows["metric"] == contrast.measure) & rows["item"].isin(task.items)]
    scored = in_task[np.isfinite(in_task["value"])]
    each: list[EpochNoise] = []
    once: list[EpochNoise] = []
    most = 1
    for term in contrast.terms:
        if term.task != task.task:
            continue
        own = scored[scored["arm"] == term.arm]
        groups = own.groupby(["seed", "item"])["value"]
        counts = groups.count().to_numpy()
        most = max(most, int(counts.max()))
        df = int((counts - 1).sum())
        squares = float((groups.var(ddof=0).to_numpy() * counts).sum())
        variance = term.weight**2 * squares / df if df else 0.0
        untrained = term.arm == "base" or set(own["seed"]) == {UNTRAINED}
        noise = EpochNoise(Component(variance, df), variance * float((1 / counts).mean()))
        (once if untrained else each).append(noise)
    return Asking(len(each), len(once), most, _summed(each), _summed(once))


def _summed(noises: Sequence[EpochNoise]) -> EpochNoise:
    variance, df = sum(one.component.variance for one in noises), sum(one.component.df for one in noises)
    return EpochNoise(Component(variance, df), sum(one.of_mean for one in noises))
