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
from msm_bench.stats import NotComparable, TaskValues, term_values, two_way_interval

LEVEL = 0.95
WILSON = "Wilson"
WILSON_CLUSTERS = "Wilson over clusters: all of them are alike"


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

    Where each transcript is a cluster of its own (one cell, one seed, one epoch) the interval is Wilson's; else the
    two-way one of seeds and clusters. That has no width where all clusters are alike, and then Wilson's is taken, with
    each cluster counted once. NaN: nothing was scored, or each cell has a single cluster.

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
    values = frame[frame["arm"] == arm]["value"]
    counts = {
        "transcripts": len(values),
        "shown": int(values.sum()),
        "unscored_rate": float(values.isna().mean()),
    }
    try:
        [found], _ = term_values(frame, [Term(arm=arm, task=task, weight=1)], metric)
    except NotComparable:
        return {"frequency": math.nan, "ci_low": math.nan, "ci_high": math.nan, **counts, "method": ""}
    low, high, method = _interval(found, scored=int(values.notna().sum()))
    return {"frequency": found.mean, "ci_low": low, "ci_high": high, **counts, "method": method}


def _interval(found: TaskValues, scored: int) -> tuple[float, float, str]:
    clusters, cells = len(np.unique(found.clusters)), len(np.unique(found.cells))
    if clusters == scored and cells == 1:
        return *wilson(found.mean, clusters), WILSON
    interval = two_way_interval([found])
    if interval.se == 0 and interval.df >= 1:
        return *wilson(found.mean, clusters), WILSON_CLUSTERS
    low, high = (float(np.clip(limit, 0, 1)) for limit in (interval.low, interval.high))
    return low, high, interval.method


def wilson(share: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Score interval of a share of `n`: Wilson (1927), J. Am. Stat. Assoc. 22:209.

    (p + z²/2n ± z √(p (1 − p)/n + z²/4n²)) / (1 + z²/n). `share` need not be a whole number of n-ths.
    """
    z = float(stats.norm.ppf((1 + level) / 2))
    centre, half = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def frequency_table(numbers: pd.DataFrame) -> pd.DataFrame:
    """Patterns as rows and arms as columns, as text; a pattern that others were merged into says which."""
    arms = list(dict.fromkeys(numbers["arm"]))
    rows = []
    for (task, _), own in numbers.groupby(["task", "pattern"], sort=False):
        first = own.iloc[0]
        row = {"task": task, "side": first["side"], "pattern": _with_merged(first["name"], first["merged"])}
        by_arm = {record["arm"]: _cell(record) for record in own.to_dict("records")}
        rows.append({**row, **{arm: by_arm.get(arm, "–") for arm in arms}})
    return pd.DataFrame(rows)


def _with_merged(name: str, merged: str) -> str:
    return f"{name} (with {merged})" if merged else name


def _cell(record: Mapping[Any, Any]) -> str:
    share, low, high = record["frequency"], record["ci_low"], record["ci_high"]
    if math.isnan(share):
        return "–"
    return f"{share:.2f}" if math.isnan(low) else f"{share:.2f} [{low:.2f}, {high:.2f}]"
