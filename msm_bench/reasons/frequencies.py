"""How often each arm shows each pattern, with intervals, as numbers and as text."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from msm_bench.reasons.codebook import Codebook
from msm_bench.reasons.overlap import Group
from msm_bench.recipe import Term
from msm_bench.stats import NotComparable, share_limits, term_values

TEXT_COLUMNS = ("task", "condition", "side", "pattern")
"""Of a table for people, before those of the arms; `condition` only if there is one."""


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
    """One row for each task, condition, group of patterns and arm: the share of transcripts that show it.

    The share is of the scored transcripts, each counted once, with the 95 % interval of `share_limits`. Both are NaN
    where nothing was scored, and `method` says so.

    Args:
        frame: Of `reading_frame`.
        groups: Which patterns count as one.
        codebook: Names and sides.
    """
    about = {pattern.id: pattern for pattern in codebook.patterns}
    whole = merged_frame(frame, groups)
    rows = []
    for task, condition in dict.fromkeys(zip(frame["task"], frame["condition"], strict=True)):
        here = whole[(whole["task"] == task) & (whole["condition"] == condition)]
        for group in groups:
            own = here[here["metric"] == group.id]
            pattern = about[group.id]
            named = {"pattern": group.id, "name": pattern.name, "side": pattern.side}
            others = ", ".join(id for id in group.members if id != group.id)
            rows += [
                {"task": task, "condition": condition, **named, "merged": others, "arm": arm}
                | _share(own, str(arm), str(task), group.id)
                for arm in dict.fromkeys(own["arm"])
            ]
    return pd.DataFrame(rows)


def _share(frame: pd.DataFrame, arm: str, task: str, metric: str) -> dict[str, Any]:
    """Frequency, interval and counts of one arm; `frame` is of one task, condition and pattern."""
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
        low, high, method = share_limits(scored, paired)
    return {"frequency": share, "ci_low": low, "ci_high": high, **counts, "method": method}


def frequency_table(numbers: pd.DataFrame) -> pd.DataFrame:
    """Patterns as rows and arms as columns, as text; a pattern that others were merged into says which.

    Conditions are shown if there are any. An arm that is called like one of the other columns is shown as `arm NAME`.
    """
    arms = {str(arm): f"arm {arm}" if arm in TEXT_COLUMNS else str(arm) for arm in dict.fromkeys(numbers["arm"])}
    rows = []
    for (task, condition, _), own in numbers.groupby(["task", "condition", "pattern"], sort=False):
        first = own.iloc[0]
        pattern = _with_merged(first["name"], first["merged"])
        row = dict(zip(TEXT_COLUMNS, (task, condition, first["side"], pattern), strict=True))
        by_arm = {record["arm"]: _cell(record) for record in own.to_dict("records")}
        rows.append({**row, **{shown: by_arm.get(arm, "–") for arm, shown in arms.items()}})
    table = pd.DataFrame(rows)
    return table if numbers["condition"].any() else table.drop(columns="condition")


def _with_merged(name: str, merged: str) -> str:
    return f"{name} (with {merged})" if merged else name


def _cell(record: Mapping[Any, Any]) -> str:
    share, low, high = record["frequency"], record["ci_low"], record["ci_high"]
    if math.isnan(share):
        return "–"
    return f"{share:.2f}" if math.isnan(low) else f"{share:.2f} [{low:.2f}, {high:.2f}]"
