"""Tables as frames of text, and their rendering in five formats."""

import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from msm_bench.errors import UserError, printable
from msm_bench.measures import is_share
from msm_bench.recipe import Term
from msm_bench.stats import (
    ROUNDING,
    ContrastResult,
    Interval,
    NotComparable,
    TaskValues,
    moderation,
    sharpening,
    term_values,
    two_way_interval,
    wilson,
)

FORMATS = ("table", "markdown", "csv", "json", "latex")
FOR_PROGRAMS = ("csv", "json")
"""Formats that carry numbers; the others are for readers and carry rounded text."""
_SHOWN = (
    *("margin", "rate", "choice_rate", "accuracy"),
    *("won", "finished"),  # decisions after reasoning: without its end they are of another form
    *("margin_self", "margin_own_minus_other", "margin_self_minus_own", "rate_premise"),  # what recall tells apart
)


def shown_measures(frame: pd.DataFrame) -> list[str]:
    """What tables and figures show of each task: the measures of record, or all metrics where there is none of them.

    A metric of which nothing could be scored is not shown.
    """
    found: list[str] = []
    for _, own in frame[frame["value"].notna()].groupby("task", sort=False):
        metrics = list(dict.fromkeys(own["metric"]))
        found += [measure for measure in _SHOWN if measure in metrics] or metrics
    return list(dict.fromkeys(found))


def arm_summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean, 95 % interval and seeds of every arm on every task, for the shown measures; one row each.

    `slope` is the sharpening of an arm's margins against the base model's, where there is an arm `base`.
    """
    rows: list[dict[str, Any]] = []
    for task in dict.fromkeys(frame["task"]):
        own = frame[frame["task"] == task]
        for arm in dict.fromkeys(own["arm"]):
            for measure in shown_measures(own):
                try:
                    values, unscored = term_values(frame, [Term(arm=arm, task=task, weight=1)], measure)
                except NotComparable:
                    continue
                interval = two_way_interval(values)
                low, high = interval.low, interval.high
                if is_share(measure):
                    low, high = _share_limits(interval, values[0])
                rows.append(
                    {
                        "task": task,
                        "arm": arm,
                        "measure": measure,
                        "mean": interval.estimate,
                        "ci_low": low,
                        "ci_high": high,
                        "seeds": values[0].values.shape[0],
                        "items": values[0].values.shape[1],
                        "unscored_rate": unscored,
                        "slope": _slope(own, arm) if measure == "margin" else float("nan"),
                    }
                )
    return pd.DataFrame(rows)


def _share_limits(interval: Interval, values: TaskValues) -> tuple[float, float]:
    """An interval of a share within 0 and 1; Wilson's, each cluster counted once, where no variance is left to see."""
    if interval.se < ROUNDING:
        return wilson(interval.estimate, len(np.unique(values.clusters)))
    return max(0.0, interval.low), min(1.0, interval.high)


def margins_beside_base(frame: pd.DataFrame, task: str, arm: str) -> pd.DataFrame:
    """Columns `item`, `cue`, `arm`, `base`: margins (means over seeds) of the items where both arms have one."""
    own = frame[(frame["task"] == task) & (frame["metric"] == "margin")]
    wide = own.pivot_table(index=["item", "cue"], columns="arm", values="value").reset_index()
    wide = wide.reindex(columns=["item", "cue", arm, "base"])
    return wide.rename(columns={arm: "arm"}).dropna(subset=["arm", "base"])


def _slope(frame: pd.DataFrame, arm: str) -> float:
    if arm == "base" or "base" not in set(frame["arm"]):
        return float("nan")
    pairs = margins_beside_base(frame, str(frame["task"].iloc[0]), arm)
    return sharpening(pairs["arm"].to_numpy(), pairs["base"].to_numpy()).slope


def arm_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Arms as rows; for each task the shown measures (margins in nats), with 95 % intervals."""
    summary = arm_summary(frame)
    rows: dict[str, dict[str, str]] = {}
    for row in summary.to_dict("records"):
        cell = _with_interval(row["mean"], row["ci_low"], row["ci_high"], signed=row["measure"] == "margin")
        rows.setdefault(str(row["arm"]), {})[f"{row['task']} {row['measure']}"] = cell
    table = pd.DataFrame.from_dict(rows, orient="index").fillna("–")
    return table.rename_axis("arm").reset_index()


def knowledge_summary(effects: pd.DataFrame) -> pd.DataFrame:
    """What the base model knows, and whether the effect on an item grows with it, from `item_effects`.

    `known` is the share of items for which it holds the aligned option for the true answer of the knowledge probe
    (Wilson's 95 % interval); `slope` is in nats of effect per nat of knowledge. One row for each task and cue.
    """
    rows = []
    for (task, cue), own in effects.groupby(["task", "cue"], sort=False):
        known, line = int((own["knowledge"] > 0).sum()), moderation(own)
        known_low, known_high = wilson(known / len(own), len(own))
        rows.append(
            {
                "task": task,
                "cue": cue,
                "items": len(own),
                "known": known / len(own),
                "known_low": known_low,
                "known_high": known_high,
                "knowledge": own["knowledge"].mean(),
                "slope": line.slope,
                "slope_low": line.low,
                "slope_high": line.high,
            }
        )
    return pd.DataFrame(rows)


def knowledge_table(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of `knowledge_summary` as text."""
    return pd.DataFrame(
        {
            "task": row["task"],
            "cue": row["cue"],
            "items": str(row["items"]),
            "known": _with_interval(row["known"], row["known_low"], row["known_high"], signed=False),
            "knowledge margin": f"{row['knowledge']:+.2f}",
            "slope of the effect": _with_interval(row["slope"], row["slope_low"], row["slope_high"], signed=True),
        }
        for row in summary.to_dict("records")
    )


def contrast_table(results: Sequence[ContrastResult]) -> pd.DataFrame:
    """One contrast a row, as text; p-values of confirmatory contrasts only."""
    rows = []
    for result in results:
        row = {
            "contrast": result.name + (" *" if result.headline else ""),
            "measure": result.measure,
            "subset": result.subset,
            "estimate [95 % CI]": _with_interval(result.estimate, result.ci_low, result.ci_high, signed=True),
            "items": str(result.n_items),
            "seeds": str(result.n_seeds),
            "unscored": f"{result.unscored_rate:.1%}",
            "p (Holm)": p_text(result.p_holm, result.smallest_p),
        }
        if any(r.p_equivalence is not None for r in results):
            row["p (TOST)"] = p_text(result.p_equivalence)
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["contrast"])


def contrast_numbers(results: Sequence[ContrastResult]) -> pd.DataFrame:
    """One contrast a row, with the fields of `ContrastResult` (but for its terms) as numbers."""
    fields = [name for name in ContrastResult.model_fields if name != "terms"]
    return pd.DataFrame([result.model_dump(exclude={"terms"}) for result in results], columns=fields)


def p_text(value: float | None, smallest: float | None = None) -> str:
    """A p-value, never as 0, with the smallest that there could be."""
    if value is None:
        return "–"
    return ("< 0.001" if value < 0.001 else f"{value:.3f}") + (f" (min. {smallest:.3g})" if smallest else "")


def _with_interval(estimate: float, low: float | None, high: float | None, *, signed: bool) -> str:
    sign = "+" if signed else ""
    if low is None or high is None or low != low or high != high:
        return f"{estimate:{sign}.2f}"
    return f"{estimate:{sign}.2f} [{low:{sign}.2f}, {high:{sign}.2f}]"


def render_table(table: pd.DataFrame, style: str, title: str = "") -> str:
    """`table` as text in one of `FORMATS`.

    Raises:
        UserError: an unknown format.
    """
    if style == "table":
        return _rich(table, title)
    if style == "markdown":
        return _markdown(table)
    if style == "csv":
        return table.to_csv(index=False)
    if style == "json":
        rows = table.astype(object).where(table.notna(), None).to_dict("records")  # JSON has no NaN
        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    if style == "latex":
        return _latex(table)
    raise UserError(f"unknown format {style!r}; use one of {', '.join(FORMATS)}")


def _rich(table: pd.DataFrame, title: str) -> str:
    def plain(value: object) -> Text:
        """Neither rich's markup nor a terminal's codes, which names may look like or hold."""
        text = str(value)
        return Text(printable(text, len(text)))

    drawn = Table(title=plain(title) if title else None, title_justify="left")
    for column in table.columns:
        drawn.add_column(plain(column), overflow="fold")
    for row in table.itertuples(index=False):
        drawn.add_row(*map(plain, row))
    text = StringIO()
    width = max(Console().width, 60) if Console().is_terminal else 200
    Console(file=text, width=width).print(drawn)
    return text.getvalue()


def _markdown(table: pd.DataFrame) -> str:
    def line(cells: Sequence[object]) -> str:
        return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |\n"

    rule = "|" + "---|" * len(table.columns) + "\n"
    return line(list(table.columns)) + rule + "".join(line(row) for row in table.itertuples(index=False))


def _latex(table: pd.DataFrame) -> str:
    special = {"\\": r"\textbackslash{}", "–": "--", "−": r"$-$", "→": r"$\to$"}
    special |= {char: f"\\{char}" for char in "&%$#_{}"} | {
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }

    def line(cells: Sequence[object]) -> str:
        # on one line: an empty one would end the paragraph, and the table with it
        texts = [printable(str(cell), len(str(cell))) for cell in cells]
        return " & ".join("".join(special.get(char, char) for char in text) for text in texts) + r" \\" + "\n"

    head = f"\\begin{{tabular}}{{{'l' * len(table.columns)}}}\n\\hline\n"
    rows = "".join(line(row) for row in table.itertuples(index=False))
    return f"{head}{line(list(table.columns))}\\hline\n{rows}\\hline\n\\end{{tabular}}\n"
