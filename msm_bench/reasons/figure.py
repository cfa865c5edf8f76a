"""A figure of frequencies: a panel for each task, condition and side; patterns as rows, arms beside one another."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msm_bench.report.figures.style import (
    TEXT,
    Mark,
    cut,
    drawable,
    inks,
    key_of,
    label_inches,
    marks_of,
    new_figure,
    themed,
    wrapped,
)

_BAND = 0.7
"""Of a row's height that its arms take."""
_LABEL = 46
"""Characters of a pattern's name that are shown."""
_PANEL = 1.3
"""Inches that a panel takes at least; with many of them the figure is wider than a page's text."""
CAPTION = "Dots: share of transcripts that show it; lines: 95 % intervals."
"""What every figure of frequencies shows."""


@themed
def draw_frequencies(numbers: pd.DataFrame, width: float = TEXT) -> Figure:
    """Dots with 95 % intervals.

    Args:
        numbers: Of `frequencies`; at least one row.
        width: Of the figure, in inches, where its panels find room in it.
    """
    marks = marks_of(str(arm) for arm in numbers["arm"])
    columns = list(dict.fromkeys(zip(numbers["task"], numbers["condition"], strict=True)))
    labels = _labels(dict(zip(numbers["pattern"], numbers["name"], strict=True)))
    sides = [side for side in ("misaligned", "aligned", "neither") if side in set(numbers["side"])]
    heights = [numbers[numbers["side"] == side]["pattern"].nunique() + 0.6 for side in sides]
    wide = max(width, label_inches(labels.values()) + 0.2 + _PANEL * len(columns))
    across = max(1, min(len(marks), int(wide / 1.7)))
    above = 0.3 if not numbers["condition"].any() else 0.42
    key_lines = -(-len(marks) // across)
    high = (0.08 * len(marks) + 0.1) * sum(heights) + above * len(sides) + 0.17 * key_lines + 0.45
    figure = new_figure(wide, high)
    axes = figure.subplots(len(sides), len(columns), sharex=True, sharey="row", squeeze=False, height_ratios=heights)
    for i, side in enumerate(sides):
        for j, (task, condition) in enumerate(columns):
            here = (numbers["task"] == task) & (numbers["condition"] == condition)
            _panel(axes[i][j], numbers[here & (numbers["side"] == side)], marks, labels)
            if len(columns) > 1 or len(sides) > 1:
                axes[i][j].set_title(_title(task, condition, side) if len(columns) > 1 else side)
    for axis in axes[-1]:
        axis.set_xlabel("share of transcripts")
    shown = [cut(arm, 30) for arm in marks]
    figure.legend(key_of(marks.values(), lines=False), shown, loc="outside upper center", ncols=across)
    return figure


def _title(task: str, condition: str, side: str) -> str:
    """Of a panel; a condition begins a second line."""
    parts = [task.replace("_", " "), f"{condition}: {side}"] if condition else [f"{task.replace('_', ' ')}: {side}"]
    return "\n".join(wrapped(part, 30) for part in parts)


def _labels(names: Mapping[str, str]) -> dict[str, str]:
    """For each pattern's id its name, cut; where two would read the same, the ids tell them apart."""
    shown = {id: cut(name, _LABEL) for id, name in names.items()}
    times = Counter(shown.values())
    return {id: f"{label} ({drawable(id)})" if times[label] > 1 else label for id, label in shown.items()}


def _panel(axis: Axes, numbers: pd.DataFrame, marks: Mapping[str, Mark], labels: Mapping[str, str]) -> None:
    patterns = list(dict.fromkeys(numbers["pattern"]))
    step = _BAND / len(marks)
    for place, (arm, mark) in enumerate(marks.items()):
        own = numbers[numbers["arm"].astype(str) == arm].set_index("pattern").reindex(patterns)
        heights = np.arange(len(patterns)) + step * (place - (len(marks) - 1) / 2)
        axis.hlines(heights, own["ci_low"], own["ci_high"], color=mark.color, linewidth=1.2)
        axis.plot(
            own["frequency"],
            heights,
            linestyle="none",
            marker=mark.marker,
            color=mark.color,
            markeredgecolor=inks().ink,
            markeredgewidth=0.4,
        )
    axis.set_yticks(range(len(patterns)), [labels[id] for id in patterns])
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(len(patterns) - 0.5, -0.5)
    axis.set_xlim(-0.02, 1.02)
    axis.grid(axis="x")
