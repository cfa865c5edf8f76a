"""Figures: bars per task and arm, contrasts, and item margins of an arm against the base model's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from msm_bench.report.tables import arm_summary, margins_beside_base
from msm_bench.stats import ContrastResult, sharpening

_LABEL = {
    "margin": "preference margin (nats)",
    "rate": "value-aligned preference rate",
    "choice_rate": "value-aligned choices",
}
_NEUTRAL = {"rate": 0.5, "choice_rate": 0.5}
"""Where bars begin; 0 for every other measure."""


def plot_arms(frame: pd.DataFrame, path: Path, measure: str = "margin", note: str = "") -> None:
    """Bars per task and arm with 95 % intervals, and a dot for every seed.

    A task on which a single one of several arms is scored compares nothing, and is left to the tables.
    """
    summary = arm_summary(frame)
    summary = summary[summary["measure"] == measure]
    neutral = _NEUTRAL.get(measure, 0.0)
    arms = list(dict.fromkeys(summary["arm"]))
    scored = summary.groupby("task", sort=False)["arm"].nunique()
    tasks = list(scored.index[scored > 1] if (scored > 1).any() else scored.index)
    colors = sns.color_palette("colorblind", len(arms))
    figure = Figure(figsize=(3.6 * len(tasks) + 1, 0.42 * len(arms) + 1.6), layout="constrained")
    axes = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
    for axis, task in zip(axes, tasks, strict=True):
        for y, arm in enumerate(arms):
            row = summary[(summary["task"] == task) & (summary["arm"] == arm)]
            if row.empty:
                continue
            mean, low, high = (float(row.iloc[0][name]) for name in ("mean", "ci_low", "ci_high"))
            axis.barh(y, mean - neutral, left=neutral, color=colors[y], alpha=0.75)
            if np.isfinite(low):
                axis.plot([low, high], [y, y], color="0.15", linewidth=1.2)
            own = frame[(frame["task"] == task) & (frame["arm"] == arm) & (frame["metric"] == measure)]
            seeds = own.groupby("seed")["value"].mean()
            axis.scatter(seeds, np.full(len(seeds), y), s=18, color="white", edgecolor="0.15", zorder=3)
        axis.axvline(neutral, color="0.4", linewidth=0.8)
        axis.set_title(task.replace("_", " "), fontsize=10)
        axis.set_xlabel(_LABEL.get(measure, measure), fontsize=9)
        axis.set_yticks(range(len(arms)), arms)
        axis.tick_params(labelsize=8)
    axes[0].invert_yaxis()
    _finish(figure, path, f"bars: means; lines: 95 % intervals; dots: seeds. {note}")


def plot_contrasts(results: Sequence[ContrastResult], path: Path, note: str = "") -> None:
    """Every contrast in the headline's measure: 95 % interval, its halves above it, p after Holm beside it."""
    measure = next((result for result in results if result.headline), results[0]).measure
    shown = [result for result in results if result.measure == measure]
    whole = [result for result in shown if not _half_of(result, shown)]
    tasks = list(dict.fromkeys(result.terms[0].task for result in shown if result not in whole))
    colors = dict(zip(tasks, sns.color_palette("colorblind", len(tasks)), strict=True))
    figure = Figure(figsize=(7.2, 0.42 * len(whole) + 1.2), layout="constrained")
    axis = figure.subplots()
    for y, result in enumerate(whole):
        halves = [half for half in shown if _half_of(half, [result])]
        for half in halves:
            task = half.terms[0].task
            _interval(axis, half, y - 0.15 - 0.15 * tasks.index(task), color=colors[task], markersize=3, linewidth=0.8)
        face = "0.1" if result.confirmatory else "white"
        _interval(axis, result, y, color="0.1", markersize=6, linewidth=1.6, markerfacecolor=face)
        if result.p_holm is not None:
            axis.text(
                1.02, y, f"p = {result.p_holm:.3f}", transform=axis.get_yaxis_transform(), fontsize=7, va="center"
            )
    axis.axvline(0, color="0.4", linewidth=0.8)
    axis.set_yticks(range(len(whole)), [result.name for result in whole])
    axis.set_ylim(len(whole) - 0.5, -0.7)
    axis.set_xlabel(f"difference in {_LABEL.get(measure, measure)}", fontsize=9)
    axis.tick_params(labelsize=8)
    keys = [Line2D([], [], color=color, marker="o", markersize=3, label=task) for task, color in colors.items()]
    if keys:
        axis.legend(handles=keys, fontsize=7)
    _finish(figure, path, f"95 % intervals; filled: confirmatory, p after Holm; small: the halves. {note}")


def _half_of(result: ContrastResult, others: Sequence[ContrastResult]) -> bool:
    """Whether a result is a half of one of the others."""
    return any(result.name == f"{other.name} [{result.terms[0].task}]" for other in others)


def _interval(axis: Axes, result: ContrastResult, y: float, **style: Any) -> None:
    """A point with its 95 % interval, where it has one."""
    if result.ci_low is not None and result.ci_high is not None:
        axis.plot([result.ci_low, result.ci_high], [y, y], color=style["color"], linewidth=style["linewidth"])
    axis.plot([result.estimate], [y], marker="o", linestyle="none", **style)


def sharpening_tasks(frame: pd.DataFrame) -> list[str]:
    """The tasks on which the base model and a trained arm have margins."""
    scored = frame[(frame["metric"] == "margin") & frame["value"].notna()]
    trained = set(scored[scored["arm"] != "base"]["task"])
    return [task for task in dict.fromkeys(scored[scored["arm"] == "base"]["task"]) if task in trained]


def plot_sharpening(frame: pd.DataFrame, path: Path, note: str = "") -> None:
    """Item margins of each trained arm against the base model's: a slope above 1 is sharpening."""
    scored = frame[(frame["metric"] == "margin") & frame["value"].notna()]
    arms = [arm for arm in dict.fromkeys(scored["arm"]) if arm != "base"]
    tasks = sharpening_tasks(frame)
    figure = Figure(figsize=(2.1 * len(arms) + 0.6, 2.1 * len(tasks) + 0.7), layout="constrained")
    axes = figure.subplots(len(tasks), len(arms), squeeze=False, sharex="row", sharey="row")
    colors = dict(zip(("named", "described"), sns.color_palette("colorblind", 2), strict=True))
    for i, task in enumerate(tasks):
        for j, arm in enumerate(arms):
            axis, pairs = axes[i][j], margins_beside_base(frame, task, arm)
            if pairs.empty:
                axis.set_visible(False)
                continue
            for cue, color in colors.items():
                own = pairs[pairs["cue"] == cue]
                axis.scatter(own["base"], own["arm"], s=6, color=color, alpha=0.6, label=cue)
            line = sharpening(pairs["arm"].to_numpy(), pairs["base"].to_numpy())
            ends = np.array([pairs["base"].min(), pairs["base"].max()])
            axis.plot(ends, ends, color="0.7", linewidth=0.8, linestyle="--")
            axis.plot(ends, line.intercept + line.slope * ends, color="0.15", linewidth=1)
            axis.set_title(f"{arm}\nslope {line.slope:.2f}" if i == 0 else f"slope {line.slope:.2f}", fontsize=8)
            axis.tick_params(labelsize=7)
        axes[i][0].set_ylabel(f"{task.replace('_', ' ')}\nmargin (nats)", fontsize=8)
    axes[0][0].legend(fontsize=6)
    figure.supxlabel("margin of the base model (nats)", fontsize=8)
    _finish(figure, path, note)


def _finish(figure: Figure, path: Path, note: str) -> None:
    """Write PNG or SVG to a temporary name and rename it; the same numbers give the same bytes."""
    if note.strip():
        figure.text(0.01, -0.03, note.strip(), fontsize=7, color="0.35")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        with mpl.rc_context({"svg.hashsalt": "msm-bench"}):
            figure.savefig(
                partial,
                dpi=150,
                bbox_inches="tight",
                metadata={"Date": None} if path.suffix == ".svg" else {},
            )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
