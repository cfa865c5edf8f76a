"""Items: the effect of a contrast on each, and margins of trained arms against the base model's (sharpening)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msm_bench.recipe import Contrast
from msm_bench.report.figures.style import (
    SMALL,
    TEXT,
    Mark,
    cut,
    drawable,
    inks,
    key_of,
    marks_of,
    panels,
    themed,
    wrapped,
)
from msm_bench.report.figures.words import counted, measure_label, sentences, task_title
from msm_bench.report.tables import margins_beside_base
from msm_bench.stats import restrict, sharpening, term_values

_CUES = ("named", "described", "")


class ItemEffects(NamedTuple):
    """The effect of a contrast on the items of a task."""

    task: str
    """The task."""
    effects: np.ndarray
    """(seeds, items), sorted by their means over the seeds; on the scale of one arm minus another."""
    cues: list[str]
    """Of each item; empty where it has none."""


def seed_effects(frame: pd.DataFrame, contrast: Contrast) -> list[ItemEffects]:
    """The effect of a contrast on every item, for each seed.

    Raises:
        NotComparable: an arm, task, seed or item is missing.
    """
    chosen = restrict(frame, contrast)
    cues = chosen.drop_duplicates("item").set_index("item")["cue"]
    found = []
    for task in term_values(chosen, contrast.terms, contrast.measure)[0]:
        scale = max(abs(term.weight) for term in contrast.terms if term.task == task.task)
        order = np.argsort(task.values.mean(axis=0), kind="stable")
        names = [task.items[place] for place in order]
        found.append(ItemEffects(task.task, task.values[:, order] / scale, [str(cues[name]) for name in names]))
    return found


@themed
def draw_items(tasks: Sequence[ItemEffects], measure: str, width: float = TEXT) -> Figure:
    """The effect on every item, sorted: a point for the mean over seeds, a line from the lowest seed to the highest.

    Args:
        tasks: Of `seed_effects`.
        measure: That of the contrast.
        width: Of the figure, in inches.
    """
    figure, axes = panels(len(tasks), width, 2.3, left=0.5, least=2.2, most=3)
    marks = _cue_marks(cue for task in tasks for cue in task.cues)
    for axis, task in zip(axes, tasks, strict=True):
        _items_panel(axis, task, marks)
        axis.set_title(wrapped(task_title(task.task), 32))
        axis.set_xlabel("items, sorted")
    axes[0].set_ylabel(wrapped(f"effect, {measure_label(measure)}", 36))
    if len(marks) > 1:
        _key(figure, marks)
    return figure


def _items_panel(axis: Axes, task: ItemEffects, marks: dict[str, Mark]) -> None:
    places, means = np.arange(1, task.effects.shape[1] + 1), task.effects.mean(axis=0)
    cues = np.array(task.cues)
    size = float(np.clip(90 / len(places), 1.0, 3.5))
    axis.axhline(0, color=inks().muted, linewidth=0.7)
    axis.axhline(float(means.mean()), color=inks().ink, linewidth=0.9, linestyle="--")
    for cue, mark in marks.items():
        own = cues == cue
        lows, highs = task.effects[:, own].min(axis=0), task.effects[:, own].max(axis=0)
        axis.vlines(places[own], lows, highs, color=mark.color, linewidth=0.5, alpha=0.6)
        axis.plot(places[own], means[own], mark.marker, color=mark.color, markersize=size, zorder=3)
    axis.grid(axis="y")
    axis.margins(x=0.02)


def items_caption(tasks: Sequence[ItemEffects], name: str) -> str:
    """What the figure shows, from the data."""
    items, seeds = sum(task.effects.shape[1] for task in tasks), tasks[0].effects.shape[0]
    lines = "; thin lines reach from the lowest seed to the highest" if seeds > 1 else ""
    return sentences(
        [
            f"Effect of “{drawable(name)}” on each of {counted(items, 'item')}, sorted by the mean over "
            f"{counted(seeds, 'seed')}{lines}; dashed: the mean."
        ]
    )


def items_alt(tasks: Sequence[ItemEffects]) -> str:
    """The figure in words: how many items go either way."""
    parts = []
    for task in tasks:
        means = task.effects.mean(axis=0)
        parts.append(
            f"{task_title(task.task)}: {int((means > 0).sum())} of {len(means)} items above 0, mean {means.mean():.2f}"
            f", from {means.min():.2f} to {means.max():.2f}"
        )
    return f"Sorted item effects. {'; '.join(parts)}."


class Pairs(NamedTuple):
    """The margins of a trained arm beside the base model's."""

    task: str
    """The task."""
    arm: str
    """The trained arm."""
    margins: pd.DataFrame
    """Columns `item`, `cue`, `arm`, `base`: means over seeds, in nats; at least one row."""
    slope: float
    """Of the least-squares line; NaN where there is none."""
    intercept: float
    """Of the line, in nats."""


def margin_pairs(frame: pd.DataFrame) -> list[Pairs]:
    """The margins of every trained arm beside the base model's, task by task; empty where there are none."""
    scored = frame[(frame["metric"] == "margin") & np.isfinite(frame["value"])]
    arms = [arm for arm in dict.fromkeys(scored["arm"]) if arm != "base"]
    found = []
    for task in dict.fromkeys(scored["task"]):
        for arm in arms:
            pairs = margins_beside_base(scored, task, arm)
            if not pairs.empty:
                line = sharpening(pairs["arm"].to_numpy(), pairs["base"].to_numpy())
                found.append(Pairs(task, arm, pairs, line.slope, line.intercept))
    return found


@themed
def draw_sharpening(found: Sequence[Pairs], width: float = TEXT) -> Figure:
    """Item margins of each trained arm against the base model's: a slope above 1 is sharpening.

    Args:
        found: Of `margin_pairs`; at least one.
        width: Of the figure, in inches.
    """
    most = max(Counter(pairs.task for pairs in found).values())
    columns = max(1, min(int((width - 0.5) / 1.05), most))
    if most == 1:  # tasks stand beside one another
        columns = max(1, min(int((width - 0.5) / 1.6), len(found)))
    places = [divmod(place, columns) for place in range(len(found))] if most == 1 else _places(found, columns)
    rows = max(row for row, _ in places) + 1
    figure, grid = panels(
        rows * columns, width, 1.4, left=0.5, least=(width - 0.5) / columns, most=columns, share="none"
    )
    marks = _cue_marks(str(cue) for pairs in found for cue in pairs.margins["cue"])
    first: dict[str, Axes] = {}
    for axis in grid:
        axis.set_visible(False)
    for pairs, (row, column) in zip(found, places, strict=True):
        axis = grid[row * columns + column]
        axis.set_visible(True)
        if pairs.task in first:
            axis.sharex(first[pairs.task])
            axis.sharey(first[pairs.task])
        leading = first.setdefault(pairs.task, axis)
        _sharpening_panel(axis, pairs, marks)
        axis.set_title(wrapped(pairs.arm, 19), fontsize=SMALL)
        if axis is leading:
            axis.set_ylabel(wrapped(f"{task_title(pairs.task)} (nats)", 22))
            axis.set_xlabel("base model (nats)")
        axis.tick_params(labelleft=column == 0 or most == 1)
    if len(marks) > 1:
        _key(figure, marks)
    return figure


def _places(found: Sequence[Pairs], columns: int) -> list[tuple[int, int]]:
    """Row and column of each panel: every task begins a row."""
    places: list[tuple[int, int]] = []
    row, column, before = -1, 0, None
    for pairs in found:
        if pairs.task != before or column == columns:
            row, column, before = row + 1, 0, pairs.task
        places.append((row, column))
        column += 1
    return places


def _sharpening_panel(axis: Axes, pairs: Pairs, marks: dict[str, Mark]) -> None:
    margins = pairs.margins
    for cue, mark in marks.items():
        own = margins[margins["cue"] == cue]
        axis.scatter(own["base"], own["arm"], s=5, marker=mark.marker, color=mark.color, linewidth=0)
    ends = np.array([margins["base"].min(), margins["base"].max()])
    axis.plot(ends, ends, color=inks().muted, linewidth=0.8, linestyle="--")
    if np.isfinite(pairs.slope):
        axis.plot(ends, pairs.intercept + pairs.slope * ends, color=inks().ink, linewidth=1)
        axis.text(0.04, 1.0, f"slope {pairs.slope:.2f}", transform=axis.transAxes, va="top")


def sharpening_caption(found: Sequence[Pairs]) -> str:
    """What the figure shows, from the data."""
    arms, tasks = len({pairs.arm for pairs in found}), len({pairs.task for pairs in found})
    return (
        f"Margins of items (means over seeds) of {counted(arms, 'trained arm')} against those of the base model, on "
        f"{counted(tasks, 'task')}; solid: the least-squares line; dashed: equal margins. A slope above 1 is "
        "sharpening."
    )


def sharpening_alt(found: Sequence[Pairs]) -> str:
    """The figure in words: the slopes."""
    said = []
    for task in dict.fromkeys(pairs.task for pairs in found):
        slopes = [pairs.slope for pairs in found if pairs.task == task and np.isfinite(pairs.slope)]
        said.append(
            f"{task_title(task)}: " + (f"slopes {min(slopes):.2f} to {max(slopes):.2f}" if slopes else "no line")
        )
    return f"Scatter plots of item margins, arm against base model. {'; '.join(said)}."


def _key(figure: Figure, marks: dict[str, Mark]) -> None:
    labels = [cut(cue, 30) or "no cue" for cue in marks]
    figure.legend(key_of(marks.values(), lines=False), labels, loc="outside upper center", ncols=min(len(marks), 3))


def _cue_marks(cues: Iterable[str]) -> dict[str, Mark]:
    """A mark for each cue that there is."""
    there = set(cues)
    return marks_of([*(cue for cue in _CUES if cue in there), *sorted(there - set(_CUES))])
