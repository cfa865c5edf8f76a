"""How often each arm shows each pattern, with intervals, as numbers and as text."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from msm_bench.reasons.codebook import Codebook
from msm_bench.reasons.overlap import Group
from msm_bench.recipe import Term
from msm_bench.stats import NotComparable, TaskValues, term_values, two_way_interval, wilson

LEVEL = 0.95
WILSON = "Wilson"
WILSON_CLUSTERS = "Wilson over clusters: all of them are alike"
RATIO = "ratio of unequal seeds and items: two-way (seed, item), t"
RATIO_ONE_SEED = "ratio of unequal items; conditional on these checkpoints (one seed)"
_ROUNDING = 1e-12
"""Sums below it are 0."""
TEXT_COLUMNS = ("task", "side", "pattern")
"""Of a table for people, before those of the arms."""


def merged_frame(frame: pd.DataFrame, groups: Sequence[Group]) -> pd.DataFrame:
    """The frame of readings with one metric for each group: 1 if any member is shown."""
    keys = [column for column in frame.columns if column not in ("metric", "value")]
    parts = [
        frame[frame["metric"].isin(group.members)]
        .groupby(keys, sort=False, dropna=False)["value"]
        .max()  # of values that are all NaN it is NaN
        .reset_index()
        .assign(metric=group.id)
        for group in groups
    ]
    return pd.concat(parts, ignore_index=True)[list(frame.columns)]


def frequencies(frame: pd.DataFrame, groups: Sequence[Group], codebook: Codebook) -> pd.DataFrame:
    """One row for each task, group of patterns and arm: the share of transcripts that show it, with a 95 % interval.

    The share is of the scored transcripts, each counted once. Where each is a cluster of its own (one cell, one seed,
    one epoch) the interval is Wilson's; else the two-way one of seeds and clusters, or, where not every seed has every
    item equally often, that of a ratio. Neither has a width where all clusters are alike, and then Wilson's is taken,
    with each cluster counted once. NaN: nothing was scored, and `method` says so, or there is a single cluster.

    Args:
        frame: Of `reading_frame`.
        groups: Which patterns count as one.
        codebook: Names and sides.
    """
    about = {pattern.id: pattern for pattern in codebook.patterns}
    whole = merged_frame(frame, groups)
    rows = []
    for task in dict.fromkeys(frame["task"]):
        for group in groups:
            own = whole[(whole["task"] == task) & (whole["metric"] == group.id)]
            pattern = about[group.id]
            named = {"task": task, "pattern": group.id, "name": pattern.name, "side": pattern.side}
            others = ", ".join(id for id in group.members if id != group.id)
            rows += [
                {**named, "merged": others, "arm": arm, **_share(own, str(arm), str(task), group.id)}
                for arm in dict.fromkeys(own["arm"])
            ]
    return pd.DataFrame(rows)


def _share(frame: pd.DataFrame, arm: str, task: str, metric: str) -> dict[str, Any]:
    """Frequency, interval and counts of one arm, task and pattern."""
    own = frame[frame["arm"] == arm]
    scored = own[own["value"].notna()]
    counts = {
        "transcripts": len(own),
        "scored": len(scored),
        "shown": int(scored["value"].sum()),
        "unscored_rate": float(own["value"].isna().mean()),
    }
    low = high = share = math.nan
    try:
        [paired], _ = term_values(frame, [Term(arm=arm, task=task, weight=1)], metric)
    except NotComparable as error:
        paired, method = None, str(error)
    if len(scored):
        share = counts["shown"] / counts["scored"]
        low, high, method = _interval(scored, paired)
    return {"frequency": share, "ci_low": low, "ci_high": high, **counts, "method": method}


def _interval(scored: pd.DataFrame, paired: TaskValues | None) -> tuple[float, float, str]:
    """Limits and method for the share of `scored`; `paired` are its values by seed and item, if any item is whole."""
    share, seeds, cells = scored["value"].mean(), scored["seed"].nunique(), scored["cell"].nunique()
    clusters = len(scored.drop_duplicates(["cell", "cluster"]))
    if clusters == len(scored) and seeds == cells == 1:
        return *wilson(share, clusters), WILSON
    if paired is not None and _is_whole(scored, paired):
        found = two_way_interval([paired])
        low, high, se, df, method = found.low, found.high, found.se, found.df, found.method
    else:
        low, high, se, df, method = _ratio_interval(scored)
    if se == 0 and df >= 1:
        return *wilson(share, clusters), WILSON_CLUSTERS
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1)), method


def _is_whole(scored: pd.DataFrame, paired: TaskValues) -> bool:
    """Whether every seed has every item, equally often: only then is the mean over seeds and items the share."""
    counts = scored.groupby(["seed", "item"]).size()
    shape = scored["seed"].nunique(), scored["item"].nunique()
    return len(counts) == math.prod(shape) and counts.nunique() == 1 and paired.values.shape == shape


def _ratio_interval(scored: pd.DataFrame) -> tuple[float, float, float, int, str]:
    """Limits, standard error, degrees of freedom and method for a share p of n unequally many scored transcripts.

    A ratio's variance by clusters: with the sums z_g of (y − p)/n in G clusters, V = G/(G − 1) Σ_g z_g² (Cochran 1977,
    Sampling Techniques, 3rd ed., ch. 9A). Seeds and item clusters are crossed, as in `two_way_interval`: V_seed +
    V_item − V_both, never below the larger of the first two. Cells are not taken as strata, so V is rather too large.
    """
    part = (scored["value"] - scored["value"].mean()) / len(scored)
    item = scored["cell"].astype(str) + "\0" + scored["cluster"].astype(str)
    seeds, items = scored["seed"].nunique(), item.nunique()
    by_item, by_seed = _cluster_variance(part, item), _cluster_variance(part, scored["seed"])
    by_both = _cluster_variance(part, item + "\0" + scored["seed"].astype(str))
    if seeds == 1:
        variance, df, method = by_item, items - 1, RATIO_ONE_SEED
    else:
        variance, df, method = max(by_seed + by_item - by_both, by_seed, by_item), min(seeds, items) - 1, RATIO
    se = math.sqrt(variance)
    half = float(stats.t.ppf((1 + LEVEL) / 2, df)) * se if df >= 1 else math.nan
    centre = float(scored["value"].mean())
    return centre - half, centre + half, se, df, method


def _cluster_variance(part: pd.Series, clusters: pd.Series) -> float:
    """G/(G − 1) Σ_g z_g² of the sums z_g of `part`; 0 for a single cluster."""
    sums = part.groupby(clusters).sum()
    sums = sums.where(sums.abs() > _ROUNDING, 0.0)
    return float(len(sums) / (len(sums) - 1) * (sums**2).sum()) if len(sums) > 1 else 0.0


def frequency_table(numbers: pd.DataFrame) -> pd.DataFrame:
    """Patterns as rows and arms as columns, as text; a pattern that others were merged into says which.

    An arm that is called like one of the other columns is shown as `arm NAME`.
    """
    arms = {str(arm): f"arm {arm}" if arm in TEXT_COLUMNS else str(arm) for arm in dict.fromkeys(numbers["arm"])}
    rows = []
    for (task, _), own in numbers.groupby(["task", "pattern"], sort=False):
        first = own.iloc[0]
        row = {"task": task, "side": first["side"], "pattern": _with_merged(first["name"], first["merged"])}
        by_arm = {record["arm"]: _cell(record) for record in own.to_dict("records")}
        rows.append({**row, **{shown: by_arm.get(arm, "–") for arm, shown in arms.items()}})
    return pd.DataFrame(rows)


def _with_merged(name: str, merged: str) -> str:
    return f"{name} (with {merged})" if merged else name


def _cell(record: Mapping[Any, Any]) -> str:
    share, low, high = record["frequency"], record["ci_low"], record["ci_high"]
    if math.isnan(share):
        return "–"
    return f"{share:.2f}" if math.isnan(low) else f"{share:.2f} [{low:.2f}, {high:.2f}]"
