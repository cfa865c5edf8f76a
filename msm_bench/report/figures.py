"""Figures: bars per task and arm, contrasts, and item margins of an arm against the base model's."""

import textwrap
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

from msm_bench.report.tables import arm_summary, margins_beside_base, p_text
from msm_bench.stats import ContrastResult, sharpening

_LABEL = {
    "margin": "preference margin (nats)",
    "rate": "value-aligned preference rate",
    "choice_rate": "value-aligned choices",
}
_NEUTRAL = {"rate": 0.5, "choice_rate": 0.5}
"""Where bars begin; 0 for every other measure."""
_CONDITIONS = ("threat", "calm", "authorised")
"""From left to right."""


def plot_arms(frame: pd.DataFrame, path: Path, measure: str = "margin", note: str = "") -> None:
    """Bars per task and arm with 95 % intervals, and a dot for every seed.

    A task on which a single one of several arms is scored compares nothing, and is left to the tables.
    """
    summary = arm_summary(frame)
    summary = summary[summary["measure"] == measure]
    neutral = _NEUTRAL.get(measure, 0.0)
    scored = summary.groupby("task", sort=False)["arm"].nunique()
    tasks = list(scored.index[scored > 1] if (scored > 1).any() else scored.index)
    alone = [_title(task) for task in scored.index if task not in tasks]
    summary = summary[summary["task"].isin(tasks)]
    arms = list(dict.fromkeys(summary["arm"]))
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
        axis.set_title(_title(task), fontsize=10)
        axis.set_xlabel(_LABEL.get(measure, measure), fontsize=9)
        axis.set_yticks(range(len(arms)), arms)
        axis.tick_params(labelsize=8)
    axes[0].invert_yaxis()
    left = f"Scored on one arm only, in the tables: {', '.join(alone)}. " if alone else ""
    save_figure(figure, path, f"bars: means; lines: 95 % intervals; dots: seeds. {left}{note}")


def plot_contrasts(results: Sequence[ContrastResult], path: Path, note: str = "") -> None:
    """Each contrast in the headline's measure with its halves above it, its p after Holm and its seeds beside it.

    Args:
        results: At least one, as `evaluate_all` gives them.
        path: PNG or SVG.
        note: Said below, beside the key.
    """
    measure = next((result for result in results if result.headline), results[0]).measure
    shown = [result for result in results if result.measure == measure]
    stated = {result.name for result in shown if result.half_of is None}
    whole = [result for result in shown if result.half_of not in stated]  # a half whose whole is not there yet, too
    tasks = list(dict.fromkeys(half.terms[0].task for half in shown if half.half_of in stated))
    colors = dict(zip(tasks, sns.color_palette("colorblind", len(tasks)), strict=True))
    names = [textwrap.fill(result.name, 40) for result in whole]
    figure = Figure(figsize=(7.6, 0.42 * len(whole) + 1.2), layout="constrained")
    axis = figure.subplots()
    for y, result in enumerate(whole):
        halves = [half for half in shown if half.half_of == result.name]
        for place, half in enumerate(halves, start=1):
            color = colors[half.terms[0].task]
            _interval(axis, half, y - 0.45 * place / (len(halves) + 0.5), color=color, markersize=3, linewidth=0.8)
        face = "0.1" if result.p_holm is not None else "white"
        _interval(axis, result, y, color="0.1", markersize=6, linewidth=1.6, markerfacecolor=face)
        axis.text(1.02, y, _beside(result), transform=axis.get_yaxis_transform(), fontsize=7, va="center")
    axis.axvline(0, color="0.4", linewidth=0.8)
    axis.set_yticks(range(len(whole)), names, parse_math=False)
    axis.set_ylim(len(whole) - 0.5, -0.7)
    axis.set_xlabel(f"difference in {_LABEL.get(measure, measure)}", fontsize=9)
    axis.tick_params(labelsize=8)
    if tasks:
        keys = [Line2D([], [], color=colors[task], marker="o", markersize=3, label=_title(task)) for task in tasks]
        axis.legend(handles=keys, fontsize=7, title="halves", title_fontsize=7)
    elsewhere = len(results) - len(shown)
    others = f"{elsewhere} by other measures: in the tables. " if elsewhere else ""
    save_figure(figure, path, f"95 % intervals; filled: confirmatory with all seeds, p after Holm. {others}{note}")


def _beside(result: ContrastResult) -> str:
    """What stands beside a contrast: its p, if it has one, and its seeds."""
    test = "p (TOST)" if result.p_equivalence is not None else "p"
    p = f"{test} {p_text(result.p_holm, result.smallest_p)}; " if result.p_holm is not None else ""
    return f"{p}{result.n_seeds} seed{'' if result.n_seeds == 1 else 's'}"


def _title(task: str) -> str:
    return task.replace("_", " ")


def _interval(axis: Axes, result: ContrastResult, y: float, **style: Any) -> None:
    """A point with its 95 % interval, where it has one."""
    if result.ci_low is not None and result.ci_high is not None:
        axis.plot([result.ci_low, result.ci_high], [y, y], color=style["color"], linewidth=style["linewidth"])
    axis.plot([result.estimate], [y], marker="o", linestyle="none", **style)


def plot_cells(frame: pd.DataFrame, path: Path, note: str = "") -> None:
    """A heat map: a panel a metric, cells by condition; cells are `a/b` or `a/b/condition`. Something is scored."""
    scored = frame[frame["value"].notna()]
    metrics = [metric for metric in dict.fromkeys(frame["metric"]) if metric in set(scored["metric"])]
    parts = frame["cell"].str.split("/")
    table = frame.assign(row=parts.str[:2].str.join("/"), condition=parts.str[2].fillna("threat"))
    if table["model"].nunique() > 1:
        table["row"] = table["model"] + " " + table["row"]
    rows = list(dict.fromkeys(table["row"]))
    figure = Figure(figsize=(1.9 * len(metrics) + 1.6, 0.22 * len(rows) + 1.4), layout="constrained")
    axes = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for axis, metric in zip(axes, metrics, strict=True):
        own = table[table["metric"] == metric]
        grid = own.pivot_table(index="row", columns="condition", values="value", sort=False).reindex(rows)
        known = [name for name in _CONDITIONS if name in grid.columns]
        sns.heatmap(
            grid[[*known, *(name for name in grid.columns if name not in known)]],
            ax=axis,
            vmin=0,
            vmax=1,
            cmap="rocket_r",
            cbar=metric == metrics[-1],
            annot=True,
            fmt=".2g",
            annot_kws={"fontsize": 6},
            linewidths=0.5,
        )
        axis.set_facecolor("0.85")
        axis.set(title=_title(metric), xlabel="", ylabel="")
        axis.title.set_fontsize(9)
        axis.tick_params(labelsize=7)
    save_figure(figure, path, note)


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
    cues = [cue for cue in ("named", "described", "") if cue in set(scored["cue"])]  # choices have none
    colors = dict(zip(cues, sns.color_palette("colorblind", len(cues)), strict=True))
    for i, task in enumerate(tasks):
        for j, arm in enumerate(arms):
            axis, pairs = axes[i][j], margins_beside_base(frame, task, arm)
            if pairs.empty:
                axis.set_visible(False)
                continue
            for cue, color in colors.items():
                own = pairs[pairs["cue"] == cue]
                axis.scatter(own["base"], own["arm"], s=6, color=color, alpha=0.6, label=cue or "no cue")
            line = sharpening(pairs["arm"].to_numpy(), pairs["base"].to_numpy())
            ends = np.array([pairs["base"].min(), pairs["base"].max()])
            axis.plot(ends, ends, color="0.7", linewidth=0.8, linestyle="--")
            axis.plot(ends, line.intercept + line.slope * ends, color="0.15", linewidth=1)
            axis.set_title(f"{arm}\nslope {line.slope:.2f}" if i == 0 else f"slope {line.slope:.2f}", fontsize=8)
            axis.tick_params(labelsize=7)
        axes[i][0].set_ylabel(f"{_title(task)}\nmargin (nats)", fontsize=8)
    if len(cues) > 1:
        axes[0][0].legend(fontsize=6)
    figure.supxlabel("margin of the base model (nats)", fontsize=8)
    save_figure(figure, path, note)


def save_figure(figure: Figure, path: Path, note: str = "") -> None:
    """Write PNG or SVG to a temporary name and rename it, with a note below; the same numbers give the same bytes."""
    if note.strip():
        figure.text(0.01, -0.03, note.strip(), fontsize=7, color="0.35", parse_math=False)
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
