"""Arms: mean, interval and seeds of each on every task."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msm_bench.report.figures.style import TEXT, Mark, inks, label_inches, marks_of, panels, themed, wrapped
from msm_bench.report.figures.words import counted, listed, measure_label, sentences, task_title, trained_seeds

NEUTRAL = {"rate": 0.5, "choice_rate": 0.5}
"""Where a measure says nothing; 0 for every other measure."""
_SEEDS = 0.27
"""How far below a mean its seeds stand, in rows."""


def arm_measures(summary: pd.DataFrame) -> list[str]:
    """The measures of an `arm_summary` that arms can be drawn by."""
    return list(dict.fromkeys(summary[summary["mean"].notna()]["measure"])) if len(summary) else []


@themed
def draw_arms(frame: pd.DataFrame, summary: pd.DataFrame, measure: str = "margin", width: float = TEXT) -> Figure:
    """A panel a task, a row an arm: its mean with a 95 % interval, and below it a dot for every seed.

    A task on which a single one of several arms is scored compares nothing, and is left to the tables.

    Args:
        frame: A result frame.
        summary: Its `arm_summary`.
        measure: One of `arm_measures`.
        width: Of the figure, in inches.
    """
    summary, _ = _shown(summary, measure)
    tasks, arms = list(dict.fromkeys(summary["task"])), list(dict.fromkeys(summary["arm"]))
    marks = marks_of(frame["arm"])
    labels = [wrapped(arm, 30 if width >= TEXT else 18) for arm in arms]
    left = label_inches(labels)
    figure, axes = panels(len(tasks), width, 0.24 * max(len(arms), 2) + 0.62, left=left, least=1.45)
    for axis, task in zip(axes, tasks, strict=True):
        own = summary[summary["task"] == task].set_index("arm")
        values = frame[(frame["task"] == task) & (frame["metric"] == measure) & np.isfinite(frame["value"])]
        for y, arm in enumerate(arms):
            if arm in own.index:
                seeds = values[values["arm"] == arm].groupby("seed")["value"].mean()
                _row(axis, y, own.loc[arm], marks[arm], seeds.to_numpy())
        axis.axvline(NEUTRAL.get(measure, 0.0), color=inks().muted, linewidth=0.7, zorder=0.9)
        axis.grid(axis="x")
        axis.set_title(wrapped(task_title(task), 26))
        axis.set_xlabel(wrapped(measure_label(measure), 28))
        axis.set_yticks(range(len(arms)), labels)
        axis.set_ylim(len(arms) - 0.4, -0.6)
        axis.tick_params(axis="y", length=0)
    return figure


def _row(axis: Axes, y: int, row: "pd.Series[float]", mark: Mark, seeds: np.ndarray) -> None:
    """An arm's mean, interval and seeds."""
    if np.isfinite(row["ci_low"]):
        axis.plot([row["ci_low"], row["ci_high"]], [y, y], color=mark.color, linewidth=1.8, solid_capstyle="butt")
    axis.plot(
        [row["mean"]],
        [y],
        marker=mark.marker,
        markersize=5,
        color=mark.color,
        markeredgecolor=inks().ink,
        markeredgewidth=0.6,
        zorder=3,
    )
    if len(seeds) > 1:
        below = np.full(len(seeds), y + _SEEDS)
        axis.scatter(seeds, below, s=7, facecolor="none", edgecolor=inks().muted, linewidth=0.6, zorder=2)


def arms_caption(frame: pd.DataFrame, summary: pd.DataFrame, measure: str = "margin") -> str:
    """What the figure of a measure shows, from the data."""
    summary, alone = _shown(summary, measure)
    arms, tasks = summary["arm"].nunique(), summary["task"].nunique()
    seeds = trained_seeds(frame[(frame["metric"] == measure) & frame["task"].isin(summary["task"])])
    return sentences(
        [
            f"Mean {measure_label(measure)} of {counted(arms, 'arm')} on {counted(tasks, 'task')}, with 95 % "
            f"intervals{f'; open dots are seeds (up to {seeds})' if seeds > 1 else ''}.",
            f"Scored on one arm only, in the tables: {listed(map(task_title, alone))}." if alone else "",
        ]
    )


def arms_alt(summary: pd.DataFrame, measure: str = "margin") -> str:
    """The figure in words: on each task the arms with the lowest and the highest mean."""
    parts = []
    for task, own in _shown(summary, measure)[0].groupby("task", sort=False):
        ends = own.loc[[own["mean"].idxmin(), own["mean"].idxmax()]]
        low, high = (f"{row['mean']:.2f} ({listed([row['arm']])})" for row in ends.to_dict("records"))
        span = low if len(own) == 1 else f"{low} to {high}"
        parts.append(f"{task_title(str(task))}: {span}")
    return f"{measure_label(measure)} of the arms, lowest to highest mean. {'; '.join(parts[:8])}."


def _shown(summary: pd.DataFrame, measure: str) -> tuple[pd.DataFrame, list[str]]:
    """The summary of a measure on the tasks that have a panel, and the tasks that have none."""
    summary = summary[(summary["measure"] == measure) & summary["mean"].notna()]
    scored = summary.groupby("task", sort=False)["arm"].nunique()
    tasks = list(scored.index[scored > 1] if (scored > 1).any() else scored.index)
    return summary[summary["task"].isin(tasks)], [task for task in scored.index if task not in tasks]
