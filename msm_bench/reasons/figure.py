"""A figure of frequencies: a panel for each task and side, patterns from top to bottom, arms beside one another."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from msm_bench.report.figures import save_figure

_BAND = 0.7
"""Of a row's height that its arms take."""
_TOLD_APART = 10
"""Colours that the palette for the colour-blind has; it would begin again."""


def plot_frequencies(numbers: pd.DataFrame, path: Path, note: str = "") -> None:
    """Dots with 95 % intervals.

    Args:
        numbers: Of `frequencies`; at least one row.
        path: PNG or SVG.
        note: Said below.
    """
    tasks, arms = (list(dict.fromkeys(numbers[name])) for name in ("task", "arm"))
    sides = [side for side in ("misaligned", "aligned", "neither") if side in set(numbers["side"])]
    rows = [numbers[numbers["side"] == side]["pattern"].nunique() for side in sides]
    heights = [count + 0.6 for count in rows]
    size = (3.6 * len(tasks) + 2.4, (0.1 * len(arms) + 0.14) * sum(heights) + 0.6 * len(sides) + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(sides), len(tasks), sharex=True, sharey="row", squeeze=False, height_ratios=heights)
    for i, side in enumerate(sides):
        for j, task in enumerate(tasks):
            own = numbers[(numbers["side"] == side) & (numbers["task"] == task)]
            _panel(axes[i][j], own, arms)
            if len(tasks) > 1 or len(sides) > 1:
                title = f"{task.replace('_', ' ')}: {side}" if len(tasks) > 1 else side
                axes[i][j].set_title(title, fontsize=10, parse_math=False)
    for axis in axes[-1]:
        axis.set_xlabel("share of transcripts", fontsize=9)
    handles = [Line2D([], [], color=color, marker="o", linestyle="", markersize=4) for color in _colors(len(arms))]
    key = figure.legend(handles, arms, loc="outside upper center", ncols=min(len(arms), 4), fontsize=8)
    for text in key.get_texts():
        text.set_parse_math(False)
    save_figure(figure, path, f"dots: share of transcripts that show it; lines: 95 % intervals. {note}")


def _colors(count: int) -> list[tuple[float, float, float]]:
    """A colour for each arm, all different."""
    return list(sns.color_palette("colorblind" if count <= _TOLD_APART else "husl", count))


def _panel(axis: Axes, numbers: pd.DataFrame, arms: list[str]) -> None:
    named = dict(zip(numbers["pattern"], numbers["name"], strict=True))
    step = _BAND / len(arms)
    for place, (arm, color) in enumerate(zip(arms, _colors(len(arms)), strict=True)):
        own = numbers[numbers["arm"] == arm].set_index("pattern").reindex(list(named))
        heights = np.arange(len(named)) + step * (place - (len(arms) - 1) / 2)
        axis.hlines(heights, own["ci_low"], own["ci_high"], color=color, linewidth=1.2)
        axis.plot(own["frequency"], heights, "o", color=color, markersize=4)
    labels = [textwrap.shorten(name, 46, placeholder="…") for name in named.values()]
    axis.set_yticks(range(len(named)), labels, parse_math=False)
    axis.set_ylim(len(named) - 0.5, -0.5)
    axis.set_xlim(-0.02, 1.02)
    axis.grid(axis="x", color="0.9", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=8)
