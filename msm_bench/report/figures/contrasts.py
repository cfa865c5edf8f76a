"""Contrasts: each with its interval, its halves, its p after Holm and its seeds."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msm_bench.report.figures.style import TEXT, Mark, drawable, inks, key_of, marks_of, new_figure, themed, wrapped
from msm_bench.report.figures.words import counted, measure_label, sentences, task_title
from msm_bench.report.tables import p_text, with_interval
from msm_bench.stats import ContrastResult


def contrast_measures(results: Sequence[ContrastResult]) -> list[str]:
    """The measures of the contrasts, the headline's first."""
    headline = [result.measure for result in results if result.headline]
    return list(dict.fromkeys([*headline, *(result.measure for result in results)]))


@themed
def draw_contrasts(results: Sequence[ContrastResult], measure: str | None = None, width: float = TEXT) -> Figure:
    """Each contrast of a measure with its halves above it, its p after Holm and its seeds beside it.

    Args:
        results: At least one, as `evaluate_all` gives them.
        measure: Of one of them; the headline's by default.
        width: Of the figure, in inches.
    """
    measure = measure or contrast_measures(results)[0]
    _, whole, halves = _rows(results, measure)
    marks = marks_of(half.terms[0].task for own in halves.values() for half in own)
    narrow = width < TEXT
    names = [wrapped(result.name, 22 if narrow else 34, 3) for result in whole]
    if narrow:
        names = [f"{name}\n{_beside(result)}" for name, result in zip(names, whole, strict=True)]
    lines = max(name.count("\n") + 1 for name in names)
    rise = max(0.24 + 0.1 * max(map(len, halves.values()), default=0), 0.13 * lines + 0.05)
    figure = new_figure(width, rise * len(whole) + 0.55 + (0.2 if marks else 0))
    axis = figure.subplots()
    for y, result in enumerate(whole):
        own = halves.get(result.name, [])
        for place, half in enumerate(own, start=1):
            _interval(axis, half, y - 0.5 * place / (len(own) + 0.5), marks[half.terms[0].task], small=True)
        _interval(axis, result, y, Mark(inks().ink, "o", "-", ""), small=False)
        if not narrow:
            axis.text(1.02, y, _beside(result), transform=axis.get_yaxis_transform(), va="center")
    axis.axvline(0, color=inks().muted, linewidth=0.7, zorder=0.9)
    axis.grid(axis="x")
    axis.set_yticks(range(len(whole)), names)
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(len(whole) - 0.5, -0.75)
    axis.set_xlabel(wrapped(f"difference in {measure_label(measure)}", 26 if narrow else 60))
    if marks:
        labels = [wrapped(task_title(task), 24, 1) for task in marks]
        key = key_of(marks.values())
        figure.legend(key, labels, loc="outside upper center", ncols=2 if narrow else 4, title="halves")
    return figure


def contrasts_caption(results: Sequence[ContrastResult], measure: str | None = None) -> str:
    """What the figure shows, from the data."""
    measure = measure or contrast_measures(results)[0]
    _, whole, halves = _rows(results, measure)
    elsewhere = sum(result.measure != measure and result.half_of is None for result in results)
    filled = any(result.p_holm is not None for result in whole)
    return sentences(
        [
            f"{counted(len(whole), 'contrast')} in {measure_label(measure)}, with 95 % intervals"
            f"{', the halves by task above each' if halves else ''}.",
            "Filled: confirmatory with all seeds, p after Holm." if filled else "",
            f"{elsewhere} more by other measures." if elsewhere else "",
        ]
    )


def contrasts_alt(results: Sequence[ContrastResult], measure: str | None = None) -> str:
    """The figure in words: the estimate and interval of up to eight contrasts."""
    _, whole, _ = _rows(results, measure or contrast_measures(results)[0])
    said = [
        f"{drawable(result.name)}: {with_interval(result.estimate, result.ci_low, result.ci_high)}" for result in whole
    ]
    more = f"; and {len(said) - 8} more" if len(said) > 8 else ""
    return f"Differences with 95 % intervals. {'; '.join(said[:8])}{more}."


def _rows(
    results: Sequence[ContrastResult], measure: str
) -> tuple[list[ContrastResult], list[ContrastResult], dict[str, list[ContrastResult]]]:
    """The results of a measure, those with a row of their own, and the halves by the name of their whole."""
    shown = [result for result in results if result.measure == measure]
    stated = {result.name for result in shown if result.half_of is None}
    whole = [result for result in shown if result.half_of not in stated]  # a half whose whole is not there yet, too
    halves = {name: own for name in stated if (own := [half for half in shown if half.half_of == name])}
    return shown, whole, halves


def _beside(result: ContrastResult) -> str:
    """What stands beside a contrast: its p, if it has one, and its seeds."""
    test = "p (TOST)" if result.p_equivalence is not None else "p"
    p = f"{test} {p_text(result.p_holm, result.smallest_p)}; " if result.p_holm is not None else ""
    return f"{p}{counted(result.n_seeds, 'seed')}"


def _interval(axis: Axes, result: ContrastResult, y: float, mark: Mark, *, small: bool) -> None:
    """A point with its 95 % interval, where it has one."""
    if result.ci_low is not None and result.ci_high is not None:
        axis.plot(
            [result.ci_low, result.ci_high],
            [y, y],
            color=mark.color,
            linestyle=mark.line,
            linewidth=0.9 if small else 1.6,
        )
    hollow = not small and result.p_holm is None
    axis.plot(
        [result.estimate],
        [y],
        marker=mark.marker,
        color=mark.color,
        markerfacecolor=inks().paper if hollow else mark.color,
        markersize=3 if small else 5.5,
        zorder=3,
    )
