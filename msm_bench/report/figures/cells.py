"""Cells: heat maps of means by cell, and of differences to a baseline."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msm_bench.measures import is_share
from msm_bench.report.figures.arms import NEUTRAL
from msm_bench.report.figures.style import (
    TEXT,
    cut,
    diverging,
    inks,
    label_inches,
    new_figure,
    sequential,
    themed,
    wrapped,
)
from msm_bench.report.figures.words import counted, listed, measure_label, sentences, task_title

_CONDITIONS = ("threat", "calm", "authorised")
"""From left to right."""
_ROW = 0.155
"""Inches of a row."""
_NUMBER = 0.34
"""Inches of a column that a number fits in."""


class Grid(NamedTuple):
    """A panel's means."""

    task: str
    metric: str
    means: pd.DataFrame
    """Rows are cells; columns are arms, or conditions."""


def has_conditions(frame: pd.DataFrame) -> bool:
    """Whether cells are `a/b/condition`, or `a/b` for the threat itself, as those of the agentic tasks are."""
    parts = frame["cell"].str.count("/")
    return bool((parts == 2).any() and parts.isin((1, 2)).all())


def cell_measure(frame: pd.DataFrame, measures: list[str]) -> str | None:
    """The first of `measures` that is scored in more than one cell of a task; None if there is none."""
    scored = frame[frame["value"].notna() & (frame["cell"] != "")]
    cells = scored.groupby(["metric", "task"])["cell"].nunique().groupby("metric").max()
    return next((measure for measure in measures if cells.get(measure, 0) > 1), None)


def cell_grids(frame: pd.DataFrame, measure: str | None = None, baseline: str | None = None) -> list[Grid]:
    """The means of cells, panel by panel: what `draw_cells` draws.

    Where cells are `a/b/condition` there is a panel a metric with the conditions as columns; otherwise a panel a task
    with the arms as columns. A task on which a single one of several arms is scored has no panel.

    Args:
        frame: A result frame.
        measure: Only this metric; by default every metric of cells with conditions, and the first metric of others.
        baseline: Differences to this arm (or, with conditions, to this condition) instead of means.
    """
    scored = frame[np.isfinite(frame["value"]) & (frame["cell"] != "")]
    metrics = [metric for metric in dict.fromkeys(scored["metric"]) if measure in (None, metric)]
    if has_conditions(frame):
        return _condition_grids(scored, metrics, baseline)
    return _arm_grids(scored, metrics[:1], baseline)


@themed
def draw_cells(grids: Sequence[Grid], baseline: str | None = None, width: float = TEXT) -> Figure:
    """A heat map: panels of metrics side by side, or panels of tasks one below the other.

    Args:
        grids: At least one, of `cell_grids`.
        baseline: Given to it; the scale is then a diverging one.
        width: Of the figure, in inches.
    """
    side_by_side = not grids[0].task
    rows = [cut(name, 34 if width >= TEXT else 20) for grid in grids for name in grid.means.index]
    columns = max(len(grid.means.columns) for grid in grids)
    room = width - label_inches(rows) - 0.5
    longest = label_inches(wrapped(name, 20, 2) for grid in grids for name in grid.means.columns)
    upright = longest > room / columns or side_by_side
    foot = longest + 0.1 if upright else 0.3
    if side_by_side:
        across = max(1, min(len(grids), int(room / (_NUMBER * columns))))
        down = -(-len(grids) // across)
        figure = new_figure(width, down * (_ROW * max(len(grid.means) for grid in grids) + 0.25) + foot)
        axes = figure.subplots(down, across, sharey=True, sharex="col", squeeze=False)
        every = [axis for row in axes for axis in row]
        for axis in every[len(grids) :]:
            axis.set_visible(False)
    else:
        heights = [len(grid.means) for grid in grids]
        figure = new_figure(width, _ROW * sum(heights) + 0.27 * len(grids) + foot)
        every = list(figure.subplots(len(grids), 1, squeeze=False, height_ratios=heights, sharex=True)[:, 0])
    numbers = room / (columns * (across if side_by_side else 1)) >= _NUMBER
    low, top, middle = _scale(grids, baseline)
    for axis, grid in zip(every, grids, strict=False):
        _heat(axis, grid, (low, top, middle), numbers=numbers, upright=upright)
    shown = every[: len(grids)]
    bar = figure.colorbar(shown[0].collections[0], ax=shown, fraction=0.03, pad=0.015, aspect=30)
    what = "" if side_by_side and len({grid.metric for grid in grids}) > 1 else measure_label(grids[0].metric)
    bar.set_label(f"{what}{', minus ' + cut(baseline, 24) if baseline else ''}".removeprefix(", "))
    bar.outline.set_visible(False)
    return figure


def _heat(axis: Axes, grid: Grid, scale: tuple[float, float, float | None], *, numbers: bool, upright: bool) -> None:
    low, top, middle = scale
    sns.heatmap(
        grid.means,
        ax=axis,
        vmin=low,
        vmax=top,
        cmap=diverging() if middle is not None else sequential(),
        cbar=False,
        annot=grid.means.round(2) + 0.0 if numbers else False,  # no −0.00
        fmt="+.2f" if middle == 0 else ".2f",
        annot_kws={"fontsize": 7},
        linewidths=0.4,
        linecolor=inks().paper,
        yticklabels=[cut(name, 34) for name in grid.means.index],
        xticklabels=[wrapped(name, 20, 2) for name in grid.means.columns],
    )
    axis.set_facecolor(inks().faint)
    axis.set(title=wrapped(task_title(grid.task or grid.metric), 60 if grid.task else 16))
    axis.set(xlabel="", ylabel="")
    axis.tick_params(length=0)
    axis.tick_params(axis="y", rotation=0)
    axis.tick_params(axis="x", rotation=90 if upright else 0)


def _scale(grids: Sequence[Grid], baseline: str | None) -> tuple[float, float, float | None]:
    """Ends of the colours, and the middle of a diverging scale."""
    values = np.concatenate([grid.means.to_numpy().ravel() for grid in grids])
    values = values[np.isfinite(values)]
    if baseline is None and all(is_share(grid.metric) or _within(grid) for grid in grids):
        return 0.0, 1.0, None
    middle = 0.0 if baseline is not None else NEUTRAL.get(grids[0].metric, 0.0)
    reach = max(float(np.abs(values - middle).max(initial=0.0)), 1e-9)
    return middle - reach, middle + reach, middle


def _within(grid: Grid) -> bool:
    values = grid.means.to_numpy()
    return bool((np.isnan(values) | ((values >= 0) & (values <= 1))).all()) and not grid.metric.startswith("margin")


def _condition_grids(scored: pd.DataFrame, metrics: list[str], baseline: str | None) -> list[Grid]:
    parts = scored["cell"].str.split("/")
    table = scored.assign(row=parts.str[:2].str.join("/"), condition=parts.str[2].fillna("threat"))
    for name in ("task", "arm"):
        if table[name].nunique() > 1:
            table["row"] = table[name] + " " + table["row"]
    rows = list(dict.fromkeys(table["row"]))
    grids = []
    for metric in metrics:
        own = table[table["metric"] == metric]
        means = own.pivot_table(index="row", columns="condition", values="value", sort=False).reindex(rows)
        known = [name for name in _CONDITIONS if name in means.columns]
        means = means[[*known, *(name for name in means.columns if name not in known)]]
        grids.append(Grid("", metric, _less(means, baseline)))
    return [grid for grid in grids if grid.means.notna().to_numpy().any()]


def _arm_grids(scored: pd.DataFrame, metrics: list[str], baseline: str | None) -> list[Grid]:
    grids = []
    scored = scored[scored["metric"].isin(metrics)]
    several = scored.groupby("task")["arm"].nunique() > 1
    chosen = scored[scored["task"].isin(several.index[several])] if several.any() else scored
    arms = list(dict.fromkeys(chosen["arm"]))
    for task, own in chosen.groupby("task", sort=False):
        means = own.pivot_table(index="cell", columns="arm", values="value", sort=False).reindex(columns=arms)
        grids.append(Grid(str(task), metrics[0], _less(means, baseline)))
    return [grid for grid in grids if grid.means.notna().to_numpy().any()]


def _less(means: pd.DataFrame, baseline: str | None) -> pd.DataFrame:
    """Differences to a column, without it; as it is without a baseline."""
    if baseline is None:
        return means
    if baseline not in means.columns:
        return means.iloc[:, :0]
    return means.drop(columns=baseline).sub(means[baseline], axis=0)


def cells_caption(grids: Sequence[Grid], baseline: str | None = None, blank: Sequence[str] = ()) -> str:
    """What the figure shows, from the data.

    Args:
        grids: Of `cell_grids`.
        baseline: Given to it.
        blank: Metrics of which nothing could be scored.
    """
    by_task = bool(grids[0].task)
    cells = sum(len(grid.means) for grid in grids) if by_task else len(grids[0].means)
    what = listed(dict.fromkeys(measure_label(grid.metric) for grid in grids))
    where = f" on {counted(len(grids), 'task')}" if by_task else ""
    difference = f" minus that of {cut(baseline, 40)}" if baseline else ""
    return sentences(
        [
            f"Mean {what}{difference} in {counted(cells, 'cell')}{where}.",
            f"Not scored: {listed(blank)}." if blank else "",
        ]
    )


def cells_alt(grids: Sequence[Grid]) -> str:
    """The figure in words: the lowest and the highest mean of each panel."""
    parts = []
    for grid in grids[:6]:
        values = grid.means.to_numpy(dtype=float)
        ends = [_at(grid, int(find(values))) for find in (np.nanargmin, np.nanargmax)]
        title = task_title(grid.task) if grid.task else measure_label(grid.metric)
        parts.append(f"{title}: from {ends[0]} to {ends[1]}")
    return f"Heat map of cells. {'; '.join(parts)}."


def _at(grid: Grid, place: int) -> str:
    """A mean with the names of its row and column; cells are counted row by row."""
    row, column = divmod(place, len(grid.means.columns))
    names = listed([str(grid.means.index[row]), str(grid.means.columns[column])])
    return f"{grid.means.to_numpy(dtype=float)[row, column]:.2f} ({names})"
