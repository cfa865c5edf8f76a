"""A corpus's health as a table, as Markdown, and as a figure. What a model wrote is escaped wherever it is shown."""

import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msm_bench.corpus.check import Health, Measure
from msm_bench.report.figures import TEXT, save_figure
from msm_bench.report.figures.style import BLUE, GREEN, ORANGE, VERMILLION, cut, inks, new_figure, themed
from msm_bench.report.render import render_table

_TYPES_SHOWN = 20
_MARKS = {True: "yes", False: "NO", None: "–"}
_MARKDOWN = re.compile(r"([\\`*_\[\]#~])")


def health_numbers(health: Health) -> pd.DataFrame:
    """One measure a row, with the fields of `Measure`."""
    return pd.DataFrame([measure.model_dump() for measure in health.measures])


def health_table(health: Health) -> pd.DataFrame:
    """One measure a row, as text: value, threshold, whether it is kept, and the row that speaks most against it."""
    return pd.DataFrame(
        {
            "measure": measure.name.replace("_", " "),
            "value": _number(measure, measure.value),
            "threshold": _threshold(measure),
            "ok": _MARKS[measure.ok],
            "worst example": measure.example or "–",
            "evidence": measure.evidence or "–",
        }
        for measure in health.measures
    )


def health_title(health: Health) -> str:
    """Name, size and lengths in a line."""
    low, first, median, third, high = (f"{words:.0f}" for words in health.length_quartiles)
    about = f", of the spec {health.spec}" if health.spec else ""
    return (
        f"{health.corpus}: {health.rows:,} {health.kind}{about}, {health.words:,} words "
        f"({low} to {high} a row, median {median}, half within {first} and {third})"
    )


def health_markdown(health: Health) -> str:
    """A page with the table and the commonest types."""
    safe = health_table(health).map(_escape)
    types = pd.DataFrame(
        {"type": _escape(name), "rows": str(count)} for name, count in list(health.types.items())[:_TYPES_SHOWN]
    )
    failures = len(health.failures())
    verdict = f"{failures} measures are past their thresholds." if failures else "All measures are within thresholds."
    return "\n".join(
        [
            f"# Corpus health\n\n{_escape(health_title(health))}.\n\n{verdict}\n",
            render_table(safe, "markdown", is_markdown=True),
            f"## Types ({len(health.types)})\n",
            render_table(types, "markdown", is_markdown=True),
        ]
    )


def plot_health(health: Health, path: Path) -> None:
    """Lengths, types, and each share against its threshold, as PNG, SVG or PDF."""
    save_figure(draw_health(health), path, health_title(health))


@themed
def draw_health(health: Health, width: float = TEXT) -> Figure:
    """Lengths, types, and each share against its threshold, one beside the other."""
    figure = new_figure(width, 3.4)
    lengths, types, shares = figure.subplots(1, 3, width_ratios=[1, 0.9, 1])
    _draw_lengths(lengths, health)
    _draw_types(types, health)
    _draw_shares(shares, health)
    return figure


def _draw_lengths(axis: Axes, health: Health) -> None:
    edges = np.array(health.length_edges)
    axis.bar(edges[:-1], health.length_counts, np.diff(edges), align="edge", color=BLUE, linewidth=0)
    axis.axvline(health.length_quartiles[2], color=inks().ink, linewidth=1.2)
    axis.set_xlabel("words of a row\n(line: median)")
    axis.set_ylabel("rows")
    axis.set_title("lengths")


def _draw_types(axis: Axes, health: Health) -> None:
    shown = list(health.types.items())[:_TYPES_SHOWN]
    axis.barh(range(len(shown)), [count for _, count in shown], color=ORANGE, linewidth=0)
    axis.set_yticks(range(len(shown)), [cut(name, 20) for name, _ in shown])
    axis.invert_yaxis()
    axis.set_xlabel("rows")
    more = f", {len(shown)} of {len(health.types)}" if len(health.types) > len(shown) else ""
    axis.set_title(f"types{more}")


def _draw_shares(axis: Axes, health: Health) -> None:
    shares = [measure for measure in health.measures if _is_share(measure)]
    for y, measure in enumerate(shares):
        bad = measure.ok is False
        axis.barh(y, measure.value, color=VERMILLION if bad else GREEN, hatch="////" if bad else None, linewidth=0)
        if measure.threshold is not None:
            side = ">" if measure.at_least else "<"
            axis.plot([measure.threshold], [y], marker=side, color=inks().ink, markersize=4, linestyle="none")
    axis.set_yticks(range(len(shares)), [measure.name.replace("_", " ") for measure in shares])
    axis.invert_yaxis()
    axis.set_xscale("symlog", linthresh=0.01)
    axis.set_xlim(-0.0005, 1.3)
    axis.set_xticks([0, 0.01, 0.1, 1], ["0", "0.01", "0.1", "1"])
    axis.set_xlabel("share; > at least,\n< at most so much")
    axis.set_title("measures")


def _is_share(measure: Measure) -> bool:
    return measure.name not in ("rows", "subdomain_min")


def _number(measure: Measure, value: float) -> str:
    return f"{value:.4g}" if _is_share(measure) else f"{value:,.0f}"


def _threshold(measure: Measure) -> str:
    if measure.threshold is None:
        return "–"
    return f"{'≥' if measure.at_least else '≤'} {_number(measure, measure.threshold)}"


def _escape(text: object) -> str:
    """Text that is neither HTML nor Markdown."""
    return _MARKDOWN.sub(r"\\\1", html.escape(str(text), quote=False))
