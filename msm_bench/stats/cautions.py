"""Warnings at run time: where the simulation study found that an interval or a test does not keep to its level.

The study is `benchmarks/calibration.py`, its results are in `benchmarks/results/calibration.json` and
`docs/statistics.md`. The thresholds below are where its rows begin to hold.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from msm_bench.stats.values import ROUNDING, Array, TaskValues, cluster_sums
from msm_bench.stats.variance import two_way_interval

MIXED_SEEDS = 12
"""Below, a mixed model's normal limits are too narrow: they take the spread of so few seeds for known."""
FEW_CLUSTERS = 15
"""Below, a skewed effect is covered too seldom, and so few clusters can't show that it is skewed."""
SKEW_RULE = 35.0
"""A t interval wants at least so many clusters times the squared skewness. Cochran (1977, Sampling Techniques, 3rd ed.,
section 2.15) says 25, of the skewness in the population; a sample shows rather less of it."""
MIN_DIFFERING = 10
"""Of shares: below so many clusters that differ from the commonest value, the normal approximation is poor."""
LEAST_PART = 0.5
"""Clusters of unequal size, or cells of unequal variance, that are worth less than this part of what they are counted
as, in the sense of Kish (1965), Survey Sampling, and of Satterthwaite (1946), Biometrics Bull. 2:110."""
MAX_ALONE = 0.2
"""Of the sum of the clusters' squared sizes the part of those that are alone in their cell, above which what they would
vary by is missed in the bootstrap."""
MIN_COARSE = 60
"""Of items with one answer from either arm: below so many, a t interval of their differences, which are −1, 0 and 1,
covers a few points too little whatever the rates: Brown, Cai & DasGupta (2001), Stat. Sci. 16:101."""
MIN_HITS = 5
"""Below so many clusters in which an arm is not all 0, or not all 1, ratios of shares and of odds are rough: Cochran's
(1954, Biometrics 10:417) rule of five expected counts."""
MAX_UNSCORED = 0.01
"""Share of unscored values above which an estimate may be off by more than its interval says."""
MAX_SHIFT = 0.1
"""The same of an estimate with a small error: unscored values that lie a standard deviation of the items off on average
move it by their share of that, here compared with its standard error."""

MIN_GRADERS = 3
"""Fewer hardly tell how much graders differ."""

_EFFECTS = frozenset({"ratio", "odds_ratio", "cohens_h"})
_SHARES = frozenset({"wilson", "arm_summary", "share_limits"})
_FAMILIES = frozenset({"holm", "benjamini_hochberg"})
_INTERVAL = (
    _EFFECTS | _FAMILIES | {"superiority", "two_way_interval", "two_way_p", "confirmatory_p", "tost", "grader_interval"}
)
_MIXED = frozenset({"mixed_model"})
_BOTH = _INTERVAL | _MIXED | {"crossed_bootstrap"}
_FLIPS = frozenset({"item_sign_flip"})
_ALL = _BOTH | _SHARES | _FLIPS | {"clopper_pearson", "rule_of_three", "mcnemar", "seed_swap"}
_INDEPENDENT = frozenset({"mcnemar", "wilson", "clopper_pearson"})


class Caution(NamedTuple):
    """A warning."""

    about: frozenset[str]
    """Methods, as the simulation study names them."""
    text: str
    """A short sentence."""


class _Parts(NamedTuple):
    """A task by cluster."""

    task: TaskValues
    sums: Array
    """(clusters,) Sums of the items' deviations from their cell's mean, by items' means over seeds."""
    cells: npt.NDArray[np.int64]
    """(clusters,)"""
    sizes: Array
    """(clusters,) Items."""

    @property
    def df(self) -> int:
        """Clusters less cells."""
        return len(self.cells) - len(np.unique(self.cells))


def cautions(
    tasks: Sequence[TaskValues],
    *,
    share: bool,
    unscored: float,
    trained: bool = True,
    mixed: bool = False,
    graders: int = 1,
    arms: Array | None = None,
) -> list[str]:
    """What to know before the numbers of a contrast, or of an arm alone, are believed; empty where nothing is wrong.

    That McNemar's test takes values as independent is said beside it (`McNemar.method`) and not here.

    Args:
        tasks: The values of the contrast.
        share: Whether they are shares, or differences of shares, or of ranks compared item by item.
        unscored: Share of the needed values that could not be judged, from 0 to 1.
        trained: Whether any arm was trained at seeds of its own; else nothing is said of seeds.
        mixed: Whether a mixed model stands beside the interval.
        graders: How many scored every value; 1 where values need none.
        arms: (arms, seeds, items) The shares of two arms of which effect sizes are given, on the only task.
    """
    found = find_cautions(
        tasks, share=share, unscored=unscored, trained=trained, mixed=mixed, graders=graders, arms=arms
    )
    return [caution.text for caution in found if not caution.about <= _INDEPENDENT]


def find_cautions(
    tasks: Sequence[TaskValues],
    *,
    share: bool,
    unscored: float,
    trained: bool = True,
    mixed: bool = False,
    graders: int = 1,
    arms: Array | None = None,
) -> list[Caution]:
    """`cautions`, each with the methods that it is about."""
    found = _of_seeds(tasks[0].values.shape[0], mixed) if trained else []
    if 1 < graders < MIN_GRADERS:
        text = f"{graders} graders: too few to tell how much graders differ; the interval covers too little"
        found.append(Caution(frozenset({"grader_interval"}), text))
    checks: list[Callable[[_Parts], Caution | None]] = [
        *(_few_clusters, _skewed, _unequal_cells, _unequal_sizes, _alone)
    ]
    if share:
        checks += [_near_the_end, _dependent]
    for task in tasks:
        parts = _parts(task)
        if parts.df < 1:
            found.append(
                Caution(_BOTH, f"{task.task}: each cell has a single cluster, so there is no two-way interval")
            )
            continue
        found += [caution for check in checks if (caution := check(parts)) is not None]
    shared = sum(len(set(task.items)) for task in tasks) - len({item for task in tasks for item in task.items})
    if shared:
        names = f"{shared} items of several tasks have the same names"
        text = f"{names} and count as different: if they are not, intervals are off"
        found.append(Caution(_BOTH, text))
    if arms is not None:
        found += [caution for check in (_coarse, _few_hits) if (caution := check(tasks[0], arms)) is not None]
    if unscored and (unscored > MAX_UNSCORED or unscored > MAX_SHIFT * _error_in_spreads(tasks)):
        text = f"{unscored:.1%} of the values are unscored: if what could not be scored differs, the estimate is off"
        found.append(Caution(_ALL, text))
    return found


def _error_in_spreads(tasks: Sequence[TaskValues]) -> float:
    """The standard error over the items' standard deviation, the largest of the tasks; infinite where there is none."""
    spread = max(float(task.values.mean(axis=0).std()) for task in tasks)
    se = two_way_interval(tasks).se
    return se / spread if spread >= ROUNDING and np.isfinite(se) else np.inf


def _of_seeds(seeds: int, mixed: bool) -> list[Caution]:
    if seeds == 1:
        return [Caution(_ALL, "one seed: intervals and p are about these checkpoints, not about training again")]
    if mixed and seeds < MIXED_SEEDS:
        return [Caution(_MIXED, f"{seeds} seeds: below {MIXED_SEEDS} the mixed model's limits are too narrow")]
    return []


def _parts(task: TaskValues) -> _Parts:
    deviations = task.values.mean(axis=0)
    for cell in np.unique(task.cells):
        own = task.cells == cell
        deviations[own] -= deviations[own].mean()
    sums, cells = cluster_sums(task, deviations[None])
    sizes, _ = cluster_sums(task, np.ones((1, len(task.cells))))
    return _Parts(task, sums[0], cells, sizes[0])


def _few_clusters(parts: _Parts) -> Caution | None:
    count = len(parts.cells)
    if count < FEW_CLUSTERS:
        text = f"{parts.task.task}: {count} clusters: below {FEW_CLUSTERS} a skewed effect is covered too seldom"
        return Caution(_BOTH | _FLIPS, text)
    return None


def _skewed(parts: _Parts) -> Caution | None:
    """Where clusters are enough to tell."""
    spread = float(np.sqrt(np.mean(parts.sums**2)))
    if len(parts.sums) < FEW_CLUSTERS or spread < ROUNDING:
        return None
    skewness = float(stats.skew(parts.sums, bias=False))
    if len(parts.sums) >= SKEW_RULE * skewness**2:
        return None
    of = f"skewness {skewness:.1f} of {len(parts.sums)} clusters"
    text = f"{parts.task.task}: skewed ({of}): intervals cover too little, and tests reject too often"
    return Caution(_BOTH | _FLIPS, text)


def _unequal_cells(parts: _Parts) -> Caution | None:
    """Satterthwaite's degrees of freedom, (Σ V_h)² / Σ (V_h² / ν_h), far below those of the interval."""
    variances, dfs = [], []
    for cell in np.unique(parts.cells):
        own = parts.sums[parts.cells == cell]
        if len(own) > 1:
            variances.append(len(own) * float(own.var(ddof=1)))
            dfs.append(len(own) - 1)
    by_cell = np.array(variances)
    seeds = parts.task.values.shape[0]
    used = parts.df if seeds == 1 else min(parts.df, seeds - 1)
    if np.sqrt(by_cell.sum()) < ROUNDING:
        return None
    worth = float(by_cell.sum() ** 2 / (by_cell**2 / np.array(dfs)).sum())
    if worth >= LEAST_PART * used:
        return None
    text = f"{parts.task.task}: a few cells have most of the variance: intervals cover too little"
    return Caution(_BOTH, text)


def _unequal_sizes(parts: _Parts) -> Caution | None:
    """Kish's effective number of clusters, (Σ n)² / Σ n², cell by cell."""
    worth = 0.0
    for cell in np.unique(parts.cells):
        own = parts.sizes[parts.cells == cell]
        worth += own.sum() ** 2 / (own**2).sum()
    if worth >= LEAST_PART * len(parts.sizes):
        return None
    text = f"{parts.task.task}: a few clusters hold most items ({len(parts.sizes)} are worth {worth:.0f} equal ones)"
    return Caution(_BOTH, text)


def _near_the_end(parts: _Parts) -> Caution | None:
    """Clusters whose mean is not the commonest one."""
    means, _ = cluster_sums(parts.task, parts.task.values.mean(axis=0, keepdims=True))
    _, counts = np.unique(np.round(means[0] / parts.sizes, 9), return_counts=True)
    differing = int(counts.sum() - counts.max())
    if differing >= MIN_DIFFERING:
        return None
    text = f"{parts.task.task}: only {differing} of {counts.sum()} clusters differ from the rest: intervals are rough"
    return Caution(_BOTH | _SHARES, text)


def _alone(parts: _Parts) -> Caution | None:
    """Cells of one cluster."""
    counts = np.bincount(parts.cells)
    alone = counts[parts.cells] == 1
    if (parts.sizes[alone] ** 2).sum() <= MAX_ALONE * (parts.sizes**2).sum():
        return None
    text = f"{parts.task.task}: {alone.sum()} cells have a single cluster, which the bootstrap can't vary: too narrow"
    return Caution(frozenset({"crossed_bootstrap"}), text)


def _coarse(task: TaskValues, arms: Array) -> Caution | None:
    """Single answers, right or wrong, of few items."""
    items = task.values.shape[1]
    if len(task.values) > 1 or items >= MIN_COARSE or not np.isin(arms, (0.0, 1.0)).all():
        return None
    text = f"{task.task}: single answers to {items} items: below {MIN_COARSE} intervals may cover a little too little"
    return Caution(_BOTH, text)


def _few_hits(task: TaskValues, arms: Array) -> Caution | None:
    """Clusters in which an arm is at neither end, the fewest of both arms and ends."""
    counts = [
        int((np.abs(cluster_sums(task, (arm.mean(axis=0) - end)[None])[0][0]) > ROUNDING).sum())
        for arm in arms
        for end in (0.0, 1.0)
    ]
    if min(counts) >= MIN_HITS:
        return None
    count, of = min(counts), len(np.unique(task.clusters))
    ends = f"only {count} of {of} clusters keep an arm from all 0, or all 1"
    text = f"{task.task}: {ends}: ratio, odds ratio, h are rough"
    return Caution(_EFFECTS, text)


def _dependent(parts: _Parts) -> Caution | None:
    if parts.sizes.max() == 1 and len(parts.task.values) == 1:
        return None
    text = f"{parts.task.task}: items share clusters or seeds, which McNemar's test and binomial limits ignore"
    return Caution(_INDEPENDENT, text)
