"""Intervals of a share: Wilson's, by the number of independent values that would tell as much."""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from msm_bench.stats.paired import TaskPart
from msm_bench.stats.shares import wilson
from msm_bench.stats.values import ROUNDING, TaskValues
from msm_bench.stats.variance import two_way_interval

LEVEL = 0.95
WILSON = "Wilson"
"""Values are independent."""
EFFECTIVE = "Wilson, effective size"
"""They are not, and clusters or seeds tell how much alike they are; how that was estimated follows."""
ONCE = "Wilson, each cluster counted once: no variance to see"
"""They are not, and nothing tells how much alike they are."""
RATIO = "two-way (seed, item) of a ratio, cells no strata"
RATIO_ONE_SEED = "items of a ratio, cells no strata; conditional on these checkpoints (one seed)"
_NORMAL = float(stats.norm.ppf((1 + LEVEL) / 2))


class Variance(NamedTuple):
    """Of a share."""

    value: float
    """NaN where it can't be estimated."""
    df: int
    """Degrees of freedom of the estimate."""
    method: str
    """How it was estimated."""

    @property
    def known(self) -> bool:
        """Whether there is a variance to see."""
        return self.df >= 1 and math.sqrt(self.value) >= ROUNDING


class Limits(NamedTuple):
    """An interval."""

    low: float
    high: float
    method: str


def share_limits(scored: pd.DataFrame, paired: TaskValues | None) -> Limits:
    """Wilson's limits for the share of `scored`, by an effective number of values.

    Where each value is a cluster of its own (one cell, one seed, one epoch), that is their number. Else it is
    `effective_size`, by the two-way variance of seeds and clusters, or, where not every seed has every item equally
    often or each cell holds a single cluster, by that of a ratio. Where the clusters of each cell are alike, or there
    is a single one, no variance can be seen, and each cluster counts once, as if all its values were one. So where
    clusters hold several, 0 of n has a wider interval than 1 of n, which shows that a cluster is not all or nothing.

    Args:
        scored: Rows of a frame with values 0 and 1; at least one.
        paired: Their values by seed and item, if any item has one at every seed.
    """
    share, size = float(scored["value"].mean()), len(scored)
    clusters = len(scored.drop_duplicates(["cell", "cluster"]))
    if clusters == size and scored["seed"].nunique() == scored["cell"].nunique() == 1:
        return _limits(share, size, WILSON)
    variance = _variance(scored, paired)
    if not variance.known:
        return _limits(share, clusters, ONCE)
    return _limits(share, effective_size(share, size, variance), f"{EFFECTIVE}; {variance.method}")


def paired_share_limits(part: TaskPart) -> Limits:
    """`share_limits` for the mean of an arm over the seeds and items of `pair`, of values from 0 to 1.

    Values between 0 and 1, such as half a grade, vary less than p (1 − p), so that limits are rather too wide.

    Args:
        part: Of one term with weight 1.
    """
    task = part.task
    share, clusters = task.mean, len(np.unique(task.clusters))
    if clusters == part.scored and len(np.unique(task.cells)) == 1:
        return _limits(share, clusters, WILSON)
    variance = _paired_variance(task)
    if not variance.known:
        return _limits(share, clusters, ONCE)
    return _limits(share, effective_size(share, part.scored, variance), f"{EFFECTIVE}; {variance.method}")


def _paired_variance(task: TaskValues) -> Variance:
    """Within cells, or, where each of them holds a single cluster, without: then `RATIO`'s, of equal numbers."""
    found = two_way_interval([task])
    if found.df >= 1:
        return Variance(found.se**2, found.df, found.method)
    found = two_way_interval([task._replace(cells=np.zeros_like(task.cells))])
    return Variance(found.se**2, found.df, RATIO_ONE_SEED if len(task.values) == 1 else RATIO)


def _limits(share: float, size: float, method: str) -> Limits:
    """Wilson's; rounding leaves no share outside them."""
    low, high = wilson(share, size)
    return Limits(min(low, share), max(high, share), method)


def effective_size(share: float, size: int, variance: Variance) -> float:
    """So many independent values would tell as much as `size` that are alike within clusters.

    n / deff · (z/t)², with the design effect deff = V / (p (1 − p)/n), never taken below 1, and t of the degrees of
    freedom of V: Korn & Graubard (1998), Survey Methodology 24:193. They put it into Clopper and Pearson's interval;
    into Wilson's, which keeps to its level better: Dean & Pagano (2015), J. Surv. Stat. Methodol. 3:484, and Franco,
    Little, Louis & Slud (2019), ibid. 7:334.
    """
    effect = max(1.0, variance.value / (share * (1 - share) / size))
    quantile = float(stats.t.ppf((1 + LEVEL) / 2, variance.df))
    return size / effect * (_NORMAL / quantile) ** 2


def _variance(scored: pd.DataFrame, paired: TaskValues | None) -> Variance:
    """Of the share: within cells, if they can be strata."""
    if paired is not None and _is_whole(scored, paired):
        found = two_way_interval([paired])
        if found.df >= 1:
            return Variance(found.se**2, found.df, found.method)
    return _ratio_variance(scored)


def _is_whole(scored: pd.DataFrame, paired: TaskValues) -> bool:
    """Whether every seed has every item, equally often: only then is the mean over seeds and items the share."""
    counts = scored.groupby(["seed", "item"]).size()
    shape = scored["seed"].nunique(), scored["item"].nunique()
    return len(counts) == math.prod(shape) and counts.nunique() == 1 and paired.values.shape == shape


def _ratio_variance(scored: pd.DataFrame) -> Variance:
    """Of a share p of n unequally many scored values.

    A ratio's variance by clusters: with the sums z_g of (y − p)/n in G clusters, V = G/(G − 1) Σ_g z_g² (Cochran 1977,
    Sampling Techniques, 3rd ed., ch. 9A). Seeds and item clusters are crossed, as in `two_way_interval`: V_seed +
    V_item − V_both, never below the larger of the first two. Cells are not taken as strata, so V is rather too large.
    """
    part = (scored["value"] - scored["value"].mean()) / len(scored)
    item = scored["cell"].astype(str) + "\0" + scored["cluster"].astype(str)
    seeds, items = scored["seed"].nunique(), item.nunique()
    by_item = _cluster_variance(part, item)
    if seeds == 1:
        return Variance(by_item, items - 1, RATIO_ONE_SEED)
    by_seed = _cluster_variance(part, scored["seed"])
    by_both = _cluster_variance(part, item + "\0" + scored["seed"].astype(str))
    return Variance(max(by_seed + by_item - by_both, by_seed, by_item), min(seeds, items) - 1, RATIO)


def _cluster_variance(part: pd.Series, clusters: pd.Series) -> float:
    """G/(G − 1) Σ_g z_g² of the sums z_g of `part`; 0 for a single cluster."""
    sums = part.groupby(clusters).sum()
    return float(len(sums) / (len(sums) - 1) * (sums**2).sum()) if len(sums) > 1 else 0.0
