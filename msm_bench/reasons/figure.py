"""A figure of frequencies: a panel for each task, condition and side; patterns as rows, arms beside one another."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D

from msm_bench.report.figures import save_figure

_BAND = 0.7
"""Of a row's height that its arms take."""
_TOLD_APART = 10
"""Colours that the palette for the colour-blind has; it would begin again."""
_LABEL = 46
"""Characters of a pattern's name that are shown."""
_CHARACTER = 0.06
"""Inches that one takes."""


def plot_frequencies(numbers: pd.DataFrame, path: Path, note: str = "") -> None:
    """Dots with 95 % intervals.

    Args:
        numbers: Of `frequencies`; at least one row.
        path: PNG or SVG.
        note: Said below.
    """
    arms = list(dict.fromkeys(numbers["arm"]))
    columns = list(dict.fromkeys(zip(numbers["task"], numbers["condition"], strict=True)))
    labels = _labels(dict(zip(numbers["pattern"], numbers["name"], strict=True)))
    sides = [side for side in ("misaligned", "aligned", "neither") if side in set(numbers["side"])]
    rows = [numbers[numbers["side"] == side]["pattern"].nunique() for side in sides]
    heights = [count + 0.6 for count in rows]
    margin = 2.4 + _CHARACTER * max(0, max(map(len, labels.values())) - _LABEL)
    above = 0.6 if not numbers["condition"].any() else 0.76
    size = (3.6 * len(columns) + margin, (0.1 * len(arms) + 0.14) * sum(heights) + above * len(sides) + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(sides), len(columns), sharex=True, sharey="row", squeeze=False, height_ratios=heights)
    for i, side in enumerate(sides):
        for j, (task, condition) in enumerate(columns):
            here = (numbers["task"] == task) & (numbers["condition"] == condition)
            _panel(axes[i][j], numbers[here & (numbers["side"] == side)], arms, labels)
            if len(columns) > 1 or len(sides) > 1:
                title = _title(task, condition, side) if len(columns) > 1 else side
                axes[i][j].set_title(title, fontsize=10, parse_math=False)
    for axis in axes[-1]:
        axis.set_xlabel("share of transcripts", fontsize=9)
    handles = [Line2D([], [], color=color, marker="o", linestyle="", markersize=4) for color in _colors(len(arms))]
    shown = [_drawable(str(arm)) for arm in arms]
    key = figure.legend(handles, shown, loc="outside upper center", ncols=min(len(arms), 4), fontsize=8)
    for text in key.get_texts():
        text.set_parse_math(False)
    below = f"dots: share of transcripts that show it; lines: 95 % intervals. {note}"
    save_figure(figure, path, _drawable(below))


def _title(task: str, condition: str, side: str) -> str:
    """Of a panel; a condition begins a second line."""
    parts = [task.replace("_", " "), f"{condition}: {side}"] if condition else [f"{task.replace('_', ' ')}: {side}"]
    return "\n".join(map(_drawable, parts))


def _labels(names: Mapping[str, str]) -> dict[str, str]:
    """For each pattern's id its name, cut; where two would read the same, the ids tell them apart."""
    drawn = {id: _drawable(name) for id, name in names.items()}
    cut = {id: name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…" for id, name in drawn.items()}
    times = Counter(cut.values())
    return {id: f"{label} ({id})" if times[label] > 1 else label for id, label in cut.items()}


def _drawable(text: str) -> str:
    """`text` with a sign in place of what the font lacks, of which each would be a warning."""
    known = _glyphs()
    return "".join(char if ord(char) in known else "\N{REPLACEMENT CHARACTER}" for char in text)


@cache
def _glyphs() -> frozenset[int]:
    """The characters of the font that figures are drawn in."""
    return frozenset(get_font(findfont(FontProperties())).get_charmap())


def _colors(count: int) -> list[tuple[float, float, float]]:
    """A colour for each arm, all different."""
    return list(sns.color_palette("colorblind" if count <= _TOLD_APART else "husl", count))


def _panel(axis: Axes, numbers: pd.DataFrame, arms: list[str], labels: Mapping[str, str]) -> None:
    patterns = list(dict.fromkeys(numbers["pattern"]))
    step = _BAND / len(arms)
    for place, (arm, color) in enumerate(zip(arms, _colors(len(arms)), strict=True)):
        own = numbers[numbers["arm"] == arm].set_index("pattern").reindex(patterns)
        heights = np.arange(len(patterns)) + step * (place - (len(arms) - 1) / 2)
        axis.hlines(heights, own["ci_low"], own["ci_high"], color=color, linewidth=1.2)
        axis.plot(own["frequency"], heights, "o", color=color, markersize=4)
    axis.set_yticks(range(len(patterns)), [labels[id] for id in patterns], parse_math=False)
    axis.set_ylim(len(patterns) - 0.5, -0.5)
    axis.set_xlim(-0.02, 1.02)
    axis.grid(axis="x", color="0.9", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=8)
