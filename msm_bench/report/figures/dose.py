"""Dose: arms, and contrasts, of a recipe over the amount of training in one of their stages."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any, Literal, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from msm_bench.recipe import Recipe
from msm_bench.report.figures.style import TEXT, Mark, cut, drawable, inks, key_of, marks_of, panels, themed, wrapped
from msm_bench.report.figures.words import counted, listed, measure_label, task_title
from msm_bench.report.tables import with_interval
from msm_bench.stats import ContrastResult

Axis = Literal["tokens", "steps"]
_SIZES = ("steps", "batch", "length")
_DODGE = 0.035
"""How far series stand apart, as a share of the axis's logarithm."""


class Series(NamedTuple):
    """Arms that differ in nothing but how much one of their stages is trained."""

    name: str
    """What their names have in common, with … for the dose."""
    axis: Axis
    """What the dose is counted in: tokens of the stage (padding included), or optimizer steps on as many tokens."""
    points: tuple[tuple[float, str], ...]
    """Dose and arm, by dose."""


class DoseContrasts(NamedTuple):
    """A contrast that a recipe states at several doses, whole and by task."""

    name: str
    """What the contrasts' names have in common."""
    axis: Axis
    """What the dose is counted in."""
    measure: str
    """Of the contrasts."""
    lines: dict[str, list[tuple[float, ContrastResult]]]
    """Dose and result, by dose; of the whole under `all tasks`, of the halves under their task."""


class Point(NamedTuple):
    """An estimate at a dose."""

    dose: float
    """Tokens or steps."""
    estimate: float
    """Of the arm or the contrast."""
    low: float | None
    """95 % limits, where there are some."""
    high: float | None
    """95 % limits, where there are some."""


class DoseArms(NamedTuple):
    """The arms of a task over one kind of dose."""

    task: str
    """The task."""
    axis: Axis
    """What the dose is counted in."""
    lines: dict[str, list[Point]]
    """The points of every series, by its name."""


def dose_series(recipe: Recipe) -> list[Series]:
    """The arms of a recipe that form a series: all their stages are the same but one, of which the sizes differ.

    The sizes are the steps, the rows of a step, and the shares of the corpora that a seed draws. Doses are tokens where
    a step is as large in every arm or the steps are as many, and steps where the tokens are as many. Series of two arms
    are left out where there are longer ones.
    """
    groups: dict[str, list[tuple[str, int, int]]] = {}
    for arm, chain in recipe.arms.items():
        stages = [recipe.stages[name].model_dump(mode="json") for name in chain]
        for place, stage in enumerate(stages):
            others = [own for at, own in enumerate(stages) if at != place]
            key = repr((place, len(chain), others, _without_size(stage)))
            tokens = stage["steps"] * stage["batch"] * stage["length"]
            groups.setdefault(key, []).append((arm, stage["steps"], tokens))
    found: dict[Series, None] = {}
    for group in groups.values():
        for axis, chosen in _splits(group):
            points = tuple(sorted(chosen))
            if len({dose for dose, _ in points}) == len(points) > 1:
                found[Series(_common([arm for _, arm in points]), axis, points)] = None
    longest = max((len(series.points) for series in found), default=0)
    return [series for series in found if len(series.points) > 2 or longest == 2]


def _without_size(stage: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in stage.items() if name not in (*_SIZES, "save_steps", "corpora")}
    return kept | {"corpora": [{**share, "fraction": None} for share in stage["corpora"]]}


def _splits(group: Sequence[tuple[str, int, int]]) -> list[tuple[Axis, list[tuple[float, str]]]]:
    """The ways in which doses differ within a group of (arm, steps, tokens)."""
    found: list[tuple[Axis, list[tuple[float, str]]]] = []
    rules: list[tuple[Axis, Callable[[int, int], float]]] = [
        ("tokens", lambda steps, tokens: tokens / steps),
        ("steps", lambda steps, tokens: tokens),
        ("tokens", lambda steps, tokens: steps),
    ]
    for axis, fixed in rules:
        parts: dict[float, list[tuple[float, str]]] = {}
        for arm, steps, tokens in group:
            parts.setdefault(fixed(steps, tokens), []).append((tokens if axis == "tokens" else steps, arm))
        found += [(axis, own) for own in parts.values()]
    return found


def _common(names: Sequence[str]) -> str:
    """What the names begin and end with, with … between."""
    start = re.sub(r"\d+$", "", _prefix(names))  # not half of a number
    end = _prefix([name[len(start) :][::-1] for name in names])[::-1]
    whole_words = re.sub(r"^[^\W_]+", "", end)
    return f"{start}…{whole_words}"


def _prefix(names: Sequence[str]) -> str:
    """What all names begin with."""
    columns = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in columns)


def dose_contrasts(recipe: Recipe, results: Sequence[ContrastResult]) -> list[DoseContrasts]:
    """The contrasts of which a recipe states the like at two doses or more: the same sum over arms of another dose."""
    found: list[DoseContrasts] = []
    grids = {(series.axis, tuple(dose for dose, _ in series.points)) for series in dose_series(recipe)}
    for axis, grid in sorted(grids):
        place = {
            arm: (series.name, dose)
            for series in dose_series(recipe)
            if series.axis == axis and tuple(dose for dose, _ in series.points) == grid
            for dose, arm in series.points
        }
        kinds: dict[str, list[tuple[float, ContrastResult]]] = {}
        for result in results:
            if result.half_of is None and {term.arm for term in result.terms} <= set(place):
                doses = {place[term.arm][1] for term in result.terms}
                shape = sorted((place[term.arm][0], term.task, term.weight) for term in result.terms)
                if len(doses) == 1:
                    kinds.setdefault(repr((shape, result.measure, result.subset)), []).append((doses.pop(), result))
        for own in kinds.values():
            if len({dose for dose, _ in own}) == len(own) > 1:
                found.append(_with_halves(axis, sorted(own, key=lambda pair: pair[0]), results))
    return found


def _with_halves(
    axis: Axis, whole: list[tuple[float, ContrastResult]], results: Sequence[ContrastResult]
) -> DoseContrasts:
    lines = {"all tasks": whole}
    for dose, result in whole:
        for half in results:
            if half.half_of == result.name and half.measure == result.measure:
                lines.setdefault(half.terms[0].task, []).append((dose, half))
    name = _common([result.name for _, result in whole]).split("…")[0].rstrip() + " …"
    return DoseContrasts(name, axis, whole[0][1].measure, lines)


@themed
def draw_dose_contrasts(found: Sequence[DoseContrasts], width: float = TEXT) -> Figure:
    """Contrasts over the dose, with 95 % intervals: a panel for each that is stated at several doses.

    Args:
        found: Of `dose_contrasts`; at least one.
        width: Of the figure, in inches.
    """
    figure, axes = panels(len(found), width, 2.5, left=0.2, least=2.1, most=3, share="none")
    marks = marks_of(line for family in found for line in family.lines)
    for axis, family in zip(axes, found, strict=True):
        points = {
            name: [Point(dose, result.estimate, result.ci_low, result.ci_high) for dose, result in line]
            for name, line in family.lines.items()
        }
        _curves(axis, points, marks, family.axis)
        axis.axhline(0, color=inks().muted, linewidth=0.7, zorder=0.9)
        axis.set_title(wrapped(family.name, 36))
        axis.set_ylabel(wrapped(f"difference in {measure_label(family.measure)}", 34))
    _key(figure, marks, [task_title(name) for name in marks], width)
    return figure


def dose_arms(summary: pd.DataFrame, recipe: Recipe, measure: str = "margin") -> list[DoseArms]:
    """The arms of each task over each kind of dose; empty where a recipe has no series of arms that are scored.

    Args:
        summary: An `arm_summary`.
        recipe: The recipe of the arms.
        measure: Of the summary.
    """
    summary = summary[(summary["measure"] == measure) & summary["mean"].notna()]
    found: dict[tuple[str, Axis], dict[str, list[Point]]] = {}
    for series in dose_series(recipe):
        for task, own in summary.groupby("task", sort=False):
            rows = own.set_index("arm")[["mean", "ci_low", "ci_high"]].astype(float)
            points = [Point(dose, *rows.loc[arm].to_numpy()) for dose, arm in series.points if arm in rows.index]
            if len(points) > 1:
                found.setdefault((str(task), series.axis), {})[series.name] = points
    return [DoseArms(task, axis, lines) for (task, axis), lines in found.items()]


@themed
def draw_dose_arms(found: Sequence[DoseArms], measure: str = "margin", width: float = TEXT) -> Figure:
    """Arms over the dose, with 95 % intervals: a panel a task, a line for each series of arms.

    Args:
        found: Of `dose_arms`; at least one.
        measure: Given to it.
        width: Of the figure, in inches.
    """
    figure, axes = panels(len(found), width, 2.4, left=0.2, least=2.0, most=3, share="none")
    marks = marks_of(line for _, _, lines in found for line in lines)
    for axis, (task, dose, lines) in zip(axes, found, strict=True):
        _curves(axis, lines, marks, dose)
        axis.set_title(wrapped(task_title(task), 32))
    for axis in axes:
        axis.set_ylabel(wrapped(measure_label(measure), 32))
    _key(figure, marks, list(marks), width)
    return figure


def _curves(axis: Axes, lines: dict[str, list[Point]], marks: dict[str, Mark], dose: Axis) -> None:
    every = sorted({point.dose for line in lines.values() for point in line})
    span = max(every) / min(every)
    for place, (name, points) in enumerate(lines.items()):
        mark, shift = marks[name], span ** (_DODGE * (place - (len(lines) - 1) / 2))
        at = [point.dose * shift for point in points]
        axis.plot(
            at,
            [point.estimate for point in points],
            color=mark.color,
            marker=mark.marker,
            linestyle=mark.line,
            markeredgecolor=inks().ink,
            markeredgewidth=0.4,
        )
        for x, point in zip(at, points, strict=True):
            if point.low is not None and point.high is not None:
                axis.plot([x, x], [point.low, point.high], color=mark.color, linewidth=0.9)
    axis.set_xscale("log")
    axis.set_xlim(min(every) / span**0.1, max(every) * span**0.1)
    axis.xaxis.set_major_locator(FixedLocator(every))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axis.set_xlabel(f"{'tokens' if dose == 'tokens' else 'optimizer steps'} of training (log scale)")
    axis.grid(axis="y")


def _short(value: float) -> str:
    """A dose in a few characters: 6,144 as 6.1k."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _key(figure: Figure, marks: dict[str, Mark], labels: Iterable[str], width: float) -> None:
    shown = [cut(label, 34) for label in labels]
    figure.legend(key_of(marks.values()), shown, loc="outside upper center", ncols=3 if width >= TEXT else 1)


def dose_contrasts_caption(found: Sequence[DoseContrasts]) -> str:
    """What the figure shows, from the data."""
    doses = max(len(line) for family in found for line in family.lines.values())
    names = listed([f"“{family.name}”" for family in found])
    over = _axes(family.axis for family in found)
    return f"The contrasts {names} at {counted(doses, 'dose')}, with 95 % intervals, over {over} (log scale)."


def dose_contrasts_alt(found: Sequence[DoseContrasts]) -> str:
    """The figure in words: the estimate at each dose."""
    parts = []
    for family in found[:6]:
        line = family.lines["all tasks"]
        said = ", ".join(
            f"{with_interval(result.estimate, result.ci_low, result.ci_high)} at {_short(dose)} {family.axis}"
            for dose, result in line
        )
        parts.append(f"{drawable(family.name)}: {said}")
    return f"Dose curves. {'; '.join(parts)}."


def dose_arms_caption(found: Sequence[DoseArms], measure: str = "margin") -> str:
    """What the figure shows, from the data."""
    series = len({name for _, _, lines in found for name in lines})
    tasks = len({task for task, _, _ in found})
    return (
        f"Mean {measure_label(measure)} of {series} series of arms on {counted(tasks, 'task')}, with 95 % intervals, "
        f"over {_axes(axis for _, axis, _ in found)} (log scale)."
    )


def dose_arms_alt(found: Sequence[DoseArms]) -> str:
    """The figure in words: each series from its first dose to its last."""
    parts = [
        f"{task_title(task)}, {drawable(name)}: {points[0].estimate:.2f} at {_short(points[0].dose)} {axis} to "
        f"{points[-1].estimate:.2f} at {_short(points[-1].dose)}"
        for task, axis, lines in found
        for name, points in lines.items()
    ]
    return f"Dose curves of arms. {'; '.join(parts[:8])}."


def _axes(axes: Iterable[Axis]) -> str:
    words = {"tokens": "the tokens of the stage", "steps": "the optimizer steps of the stage"}
    return listed([words[axis] for axis in dict.fromkeys(axes)])
