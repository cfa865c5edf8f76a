"""Contrasts together: halves beside their wholes, Holm over the stated ones, Benjamini and Hochberg over the others."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import pandas as pd

from msm_bench.errors import UserError
from msm_bench.measures import MEASURES
from msm_bench.recipe import Contrast, Recipe, Smallest, Term
from msm_bench.stats.contrast import Asked, evaluate_panels, larger
from msm_bench.stats.options import DEFAULTS, Options
from msm_bench.stats.paired import pair
from msm_bench.stats.panel import Panels
from msm_bench.stats.result import ContrastResult
from msm_bench.stats.subset import restrict
from msm_bench.stats.tests import benjamini_hochberg, holm, smallest_p
from msm_bench.stats.values import NotComparable

SeedsStated = Callable[[Contrast], int] | int
"""How many seeds a contrast is stated for: there is no p before they are done."""
_NAMED = 4
"""So many arms are named that lack a task."""


class _Restricted:
    """A result frame, taken apart once for each choice of items."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._whole = Panels(frame)
        self._found: dict[tuple[str, ...], Panels] = {}

    def of(self, contrast: Contrast) -> Panels:
        """The values of the items that a contrast is about.

        Raises:
            NotComparable: it is about items that the base model knows, and the base model was not asked.
        """
        key = (*contrast.subset, "", *contrast.without_cells)
        if key not in self._found:
            kept = restrict(self._frame, contrast)
            self._found[key] = self._whole if kept is self._frame else Panels(kept)
        return self._found[key]

    def split_of(self, contrast: Contrast) -> str:
        """Which items of its tasks the frame holds."""
        return self._whole.split_of({term.task for term in contrast.terms})


def evaluate_all(frame: pd.DataFrame, recipe: Recipe, options: Options = DEFAULTS) -> list[ContrastResult]:
    """The contrasts of a recipe (see `evaluate_stated`).

    Raises:
        UserError: a mixed model is asked for, and statsmodels is not installed.
    """
    return evaluate_stated(
        frame,
        recipe.contrasts,
        smallest=recipe.smallest_effect,
        sha256=recipe.sha256,
        seeds_stated=lambda contrast: len(recipe.stated_seeds(contrast)),
        options=options,
    )


def evaluate_stated(
    frame: pd.DataFrame,
    contrasts: Sequence[Contrast],
    *,
    smallest: Smallest,
    sha256: str = "",
    seeds_stated: SeedsStated = 0,
    options: Options = DEFAULTS,
) -> list[ContrastResult]:
    """Stated contrasts, each half after its whole, with Holm over the confirmatory ones.

    A contrast whose arms can't be compared yet is left out, but its place in Holm's family is kept; `not_comparable`
    says why.

    Args:
        frame: The results.
        contrasts: What was stated.
        smallest: Bound of equivalence.
        sha256: Of the recipe, or of the file, that states them.
        seeds_stated: For how many seeds; 0 for as many as there are.
        options: Ranks, graders, resamples, mixed model.

    Raises:
        UserError: a mixed model is asked for, and statsmodels is not installed; or a confirmatory contrast of trained
            arms has a weight without its opposite.
    """
    restricted = _Restricted(frame)
    results: list[ContrastResult] = []
    for contrast in contrasts:
        parts = [contrast]
        tasks = list(dict.fromkeys(term.task for term in contrast.terms))
        if contrast.halves and len(tasks) > 1:
            parts += [_half(contrast, task) for task in tasks]
        for part in parts:
            asked = Asked(smallest, sha256, _seeds(seeds_stated, part))
            with suppress(NotComparable):
                result = evaluate_panels(restricted.of(part), part, asked, options, restricted.split_of(part))
                result.half_of = contrast.name if part is not contrast else None
                results.append(result)
    _adjust(results, contrasts, seeds_stated)
    return results


def _seeds(stated: SeedsStated, contrast: Contrast) -> int:
    return stated if isinstance(stated, int) else stated(contrast)


def _adjust(results: Sequence[ContrastResult], contrasts: Sequence[Contrast], stated: SeedsStated) -> None:
    """Holm over the confirmatory contrasts; those that have no p yet count as 1."""
    claims = [contrast for contrast in contrasts if contrast.confirmatory]
    family = [result for result in results if result.p is not None]
    adjusted = holm([result.p for result in family if result.p is not None] + [1.0] * (len(claims) - len(family)))
    seeds = {result.name: result.n_seeds for result in family if result.p_swap is not None}
    # without a swap, or with seeds that are not known yet, there is no bound
    known = {own.name: _seeds(stated, own) or seeds.get(own.name, 0) for own in claims if own.name in seeds or stated}
    best = _smallest_p_holm(claims, known)
    for result, p_holm in zip(family, adjusted, strict=False):
        result.p_holm = p_holm
        result.smallest_p = best.get(result.name) if result.p_swap is not None else None


def waiting(frame: pd.DataFrame, recipe: Recipe) -> dict[str, str]:
    """The recipe's contrasts that can't be computed yet, and why."""
    return not_comparable(frame, recipe.contrasts)


def not_comparable(frame: pd.DataFrame, contrasts: Sequence[Contrast], options: Options = DEFAULTS) -> dict[str, str]:
    """The contrasts that `evaluate_stated` leaves out, by name, and why."""
    restricted = _Restricted(frame)
    reasons: dict[str, str] = {}
    for contrast in contrasts:
        metrics, ordinal = options.metrics_of(contrast.measure), contrast.measure in options.ordinal
        try:
            pair(restricted.of(contrast), contrast.terms, metrics, ordinal=ordinal)
        except NotComparable as error:
            reasons[contrast.name] = str(error)
    return reasons


def smallest_p_holm(recipe: Recipe) -> dict[str, float]:
    """What `p_holm` of each confirmatory contrast could be at best, with as many seeds as the recipe states.

    Labels of n seeds can be swapped in 2^n ways; an equivalence test has no such bound.
    """
    claims = [contrast for contrast in recipe.contrasts if contrast.confirmatory]
    return _smallest_p_holm(claims, {own.name: len(recipe.stated_seeds(own)) for own in claims})


def _smallest_p_holm(claims: Sequence[Contrast], seeds: dict[str, int]) -> dict[str, float]:
    """`smallest_p_holm` of a family, by the seeds of those whose p has a bound."""
    bounded = {own.name: seeds[own.name] for own in claims if not own.equivalence and own.name in seeds}
    bounds = [smallest_p(bounded[own.name]) if own.name in bounded else 0.0 for own in claims]
    return {own.name: bound for own, bound in zip(claims, holm(bounds), strict=True) if own.name in bounded}


def sensitivity(frame: pd.DataFrame, recipe: Recipe, options: Options = DEFAULTS) -> list[ContrastResult]:
    """The headline contrasts by every other measure that the frame has: exploratory, and no tests.

    A headline that holds for whole answers only, and not by letter or in a new wording, is about the wording.
    """
    have = set(frame["metric"].unique())
    measures = [measure for measure in MEASURES if measure in have]
    restricted = _Restricted(frame)
    asked = Asked(recipe.smallest_effect, recipe.sha256)
    results: list[ContrastResult] = []
    for contrast in recipe.contrasts:
        for measure in measures if contrast.headline else []:
            if measure != contrast.measure:
                update = {"measure": measure, "confirmatory": False, "equivalence": False}
                own = contrast.model_copy(update=update)
                with suppress(NotComparable):
                    results.append(evaluate_panels(restricted.of(own), own, asked, options, restricted.split_of(own)))
    return results


def _half(contrast: Contrast, task: str) -> Contrast:
    """A contrast on one of its tasks, scaled so that the whole is the mean of these; never confirmatory itself."""
    own = [term for term in contrast.terms if term.task == task]
    parts = len({term.task for term in contrast.terms})
    terms = [term.model_copy(update={"weight": term.weight * parts}) for term in own]
    update = {"name": f"{contrast.name} [{task}]", "terms": terms, "confirmatory": False, "headline": False}
    return contrast.model_copy(update=update)


def baseline_contrasts(
    frame: pd.DataFrame, baseline: str, measures: Sequence[str], options: Options = DEFAULTS
) -> tuple[list[ContrastResult], list[str]]:
    """Every other arm minus `baseline`, task by task: what there is to say of logs without a recipe.

    Beside the results stand the reasons why arms could not be compared. All are exploratory: `q` holds the share of
    false findings among them, not the chance of a single one.

    Args:
        frame: The results.
        baseline: The arm to compare with.
        measures: The metrics to compare by; measures that `options.graders` names are added.
        options: Ranks, graders, resamples, mixed model, and the test of equivalence with its margin.

    Raises:
        UserError: there is no such arm; or a mixed model is asked for, and statsmodels is not installed.
    """
    arms = [str(arm) for arm in frame["arm"].unique()]
    if baseline not in arms:
        raise UserError(f"unknown arm {baseline!r}; these results have {', '.join(arms)}")
    panels = Panels(frame)
    pairs = frame[["task", "arm"]].drop_duplicates()
    results: list[ContrastResult] = []
    reasons: list[str] = []
    asked = Asked(options.smallest, explore=True)
    for task in frame["task"].unique():
        have = set(pairs.loc[pairs["task"] == task, "arm"])
        others = [arm for arm in arms if arm != baseline and {arm, baseline} <= have]
        lacking = [arm for arm in arms if arm not in have] if baseline in have else [baseline]
        if lacking:
            more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
            reasons.append(f"{task}: nothing of {', '.join(lacking[:_NAMED])}{more} on this task")
        for measure in dict.fromkeys([*measures, *options.graders]):
            if not all(panels.has(task, metric) for metric in options.metrics_of(measure)):
                continue
            for arm in others:
                contrast = _against(arm, baseline, task, measure, options)
                try:
                    results.append(evaluate_panels(panels, contrast, asked, options))
                except NotComparable as error:
                    reasons.append(f"{contrast.name}, {measure}: {error}")
    _control_false_findings(results)
    return results, reasons


def _against(arm: str, baseline: str, task: str, measure: str, options: Options) -> Contrast:
    terms = [Term(arm=arm, task=task, weight=1), Term(arm=baseline, task=task, weight=-1)]
    name = f"{arm} − {baseline} [{task}]"
    return Contrast(name=name, terms=terms, measure=measure, equivalence=options.equivalence)


def _control_false_findings(results: Sequence[ContrastResult]) -> None:
    """Give each exploratory result its `q`."""
    tested = [(result, p) for result in results if (p := larger(result.p_two_way, result.p_swap)) is not None]
    for (result, _), q in zip(tested, benjamini_hochberg([p for _, p in tested]), strict=True):
        result.q = q
