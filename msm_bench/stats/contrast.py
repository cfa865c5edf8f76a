"""One contrast, estimated: its interval, its tests and its effect sizes."""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from msm_bench.errors import UserError
from msm_bench.measures import MEASURES, is_share
from msm_bench.recipe import Contrast, Smallest
from msm_bench.stats.bootstrap import crossed_bootstrap
from msm_bench.stats.cautions import cautions
from msm_bench.stats.effects import Effect, McNemar, mcnemar, share_effects, superiority_effect
from msm_bench.stats.graders import grader_interval
from msm_bench.stats.mixed import mixed_model
from msm_bench.stats.options import DEFAULTS, Options
from msm_bench.stats.ordinal import OF_RANKS
from msm_bench.stats.paired import Paired, pair
from msm_bench.stats.panel import Panels
from msm_bench.stats.result import ContrastResult
from msm_bench.stats.subset import restrict
from msm_bench.stats.tests import equivalence, item_sign_flip, seed_swap, smallest_p, two_way
from msm_bench.stats.values import Array
from msm_bench.stats.variance import Interval

_GRADES = (0.0, 0.5, 1.0)
"""What Inspect's letter grades count as."""


class Asked(NamedTuple):
    """What is asked of a contrast beyond its estimate."""

    smallest: Smallest
    """Bound of equivalence."""
    recipe_sha256: str = ""
    """Of what states it."""
    seeds_stated: int = 0
    """There is no `p` before so many seeds are done: to look early and often is another test."""
    explore: bool = False
    """Whether it is one of many comparisons with a baseline: tests for `q`, and equivalence with one seed too."""


def evaluate(
    frame: pd.DataFrame,
    contrast: Contrast,
    *,
    smallest: Smallest,
    split: str,
    recipe_sha256: str = "",
    seeds_stated: int = 0,
    options: Options = DEFAULTS,
) -> ContrastResult:
    """Estimate one contrast with its interval; `p_holm` and `smallest_p` are left to `evaluate_all`.

    Items and seeds are paired over all terms, four in a difference of differences, so what they share cancels.

    Args:
        frame: The results.
        contrast: What to estimate.
        smallest: Bound of equivalence.
        split: Which items the frame holds, for the result's `subset`.
        recipe_sha256: Of the recipe that states the contrast.
        seeds_stated: There is no `p` before so many seeds are done: to look early and often is another test.
        options: Ranks, graders, resamples, mixed model.

    Raises:
        NotComparable: the frame lacks an arm, task, or common seeds and items.
        UserError: a mixed model is asked for, and statsmodels is not installed; or a confirmatory contrast of trained
            arms has a weight without its opposite.
    """
    asked = Asked(smallest, recipe_sha256, seeds_stated)
    return evaluate_panels(Panels(restrict(frame, contrast)), contrast, asked, options, split)


def evaluate_panels(
    panels: Panels, contrast: Contrast, asked: Asked, options: Options, split: str | None = None
) -> ContrastResult:
    """`evaluate`, for results that were restricted to the contrast's items and taken apart before.

    Raises:
        NotComparable: the results lack an arm, task, or common seeds and items.
        UserError: a mixed model is asked for, and statsmodels is not installed; or a confirmatory contrast of trained
            arms has a weight without its opposite.
    """
    if split is None:
        split = panels.split_of({term.task for term in contrast.terms})
    metrics, ordinal = options.metrics_of(contrast.measure), contrast.measure in options.ordinal
    paired = pair(panels, contrast.terms, metrics, ordinal=ordinal)
    tasks, graders = paired.tasks, paired.by_grader
    interval = grader_interval(graders)
    boot = crossed_bootstrap(tasks, options.draws)
    seeds, clusters = tasks[0].values.shape[0], sum(len(np.unique(task.clusters)) for task in tasks)
    tests = _tests(paired, interval, contrast, asked)
    share = all(holds_shares(panels, term.task, metric) for term in contrast.terms for metric in metrics)
    effects, pairs = _effects(paired, interval, ordinal=ordinal, share=share)
    return ContrastResult(
        name=contrast.name,
        terms=contrast.terms,
        subset=f"{split}, {contrast.about}".removesuffix(", "),
        measure=contrast.measure,
        headline=contrast.headline,
        confirmatory=contrast.confirmatory,
        recipe_sha256=asked.recipe_sha256,
        estimate=interval.estimate,
        ci_low=_finite(interval.low),
        ci_high=_finite(interval.high),
        se=_finite(interval.se),
        p=tests.p,
        p_holm=None,
        smallest_p=None,
        p_swap=tests.swap,
        p_two_way=tests.two_way,
        p_items=tests.items,
        p_equivalence=tests.equivalence,
        bootstrap_low=_finite(boot.low),
        bootstrap_high=_finite(boot.high),
        n_items=sum(task.values.shape[1] for task in tasks),
        n_cells=sum(len(np.unique(task.cells)) for task in tasks),
        n_clusters=clusters,
        n_seeds=seeds,
        unscored_rate=paired.unscored,
        method=f"{OF_RANKS}; {interval.method}" if ordinal else interval.method,
        n_left_out=paired.left_out,
        effects=effects,
        mcnemar=pairs,
        smallest_p_items=smallest_p(clusters),
        graders=_by_grader(paired, contrast, options),
        mixed=mixed_model(tasks[0]) if options.mixed and len(tasks) == 1 else None,
        cautions=cautions(
            tasks,
            share=share or ordinal,
            unscored=paired.unscored,
            trained=paired.trained,
            mixed=options.mixed and len(tasks) == 1,
            graders=len(graders),
            arms=_two_arms(paired) if share and not ordinal and effects else None,
        ),
    )


class _Tests(NamedTuple):
    """The p-values of a contrast; None for those that are not asked for, or can't be had."""

    p: float | None
    swap: float | None
    two_way: float | None
    items: float | None
    equivalence: float | None


def _tests(paired: Paired, interval: Interval, contrast: Contrast, asked: Asked) -> _Tests:
    seeds = paired.tasks[0].values.shape[0]
    tested = contrast.confirmatory and seeds >= asked.seeds_stated
    p = tost = swap = both = None
    # one checkpoint of a recipe that is close to another says nothing of training again
    if contrast.equivalence and (seeds > 1 or asked.explore):
        bound = asked.smallest.of(contrast.measure)
        tost = _finite(equivalence(interval.estimate, interval.se, interval.df, bound))
    if asked.explore or (tested and not contrast.equivalence):
        both = _finite(two_way(interval.estimate, interval.se, interval.df))
        if seeds > 1 or (paired.trained and not asked.explore):
            _check_swappable(contrast)
            swap = seed_swap(paired.tasks)
    if tested:
        p = tost if contrast.equivalence else larger(both, swap)
    return _Tests(p, swap, both, item_sign_flip(paired.tasks) if tested else None, tost)


def _check_swappable(contrast: Contrast) -> None:
    """Raise a `UserError` if swapping labels does not turn the sign of the contrast."""
    for task in dict.fromkeys(term.task for term in contrast.terms):
        weights = sorted(term.weight for term in contrast.terms if term.task == task)
        if weights != sorted(-weight for weight in weights):
            raise UserError(
                f"contrast {contrast.name!r} is confirmatory: on {task} each weight needs its opposite, for labels to "
                "swap; mend the weights, or make it exploratory"
            )


def larger(both: float | None, swap: float | None) -> float | None:
    """The p of a difference: the larger of the two; there is no seed swap of arms without seeds."""
    return both if both is None or swap is None else max(swap, both)


def _effects(paired: Paired, interval: Interval, *, ordinal: bool, share: bool) -> tuple[list[Effect], McNemar | None]:
    """Effect sizes and McNemar's test of a contrast on one task."""
    if len(paired.parts) > 1:
        return [], None
    [part] = paired.parts
    if ordinal:
        return superiority_effect(part, interval), None
    return (share_effects(part), mcnemar(part)) if share else ([], None)


def _two_arms(paired: Paired) -> Array:
    """(arms, seeds, items) Shares, mean over graders."""
    arms: Array = paired.parts[0].arms.mean(axis=0)
    return arms


def holds_shares(panels: Panels, task: str, measure: str) -> bool:
    """Whether the values of a measure on a task are shares, or chances.

    They are if the measure is one (`is_share`) and they lie from 0 to 1, as another's metric of that name need not; a
    metric that msm-bench does not know is a share if all of its values are 0, ½ or 1, as Inspect's grades are.
    """
    panel = panels.of(task, measure)
    if panel is None or (measure in MEASURES and not is_share(measure)):
        return False
    values = panel.scored
    if measure in MEASURES:
        return bool(((values >= 0) & (values <= 1)).all())
    return bool(np.isin(values, _GRADES).all())


def _by_grader(paired: Paired, contrast: Contrast, options: Options) -> dict[str, float]:
    if contrast.measure not in options.graders:
        return {}
    sums = [sum(task.mean for task in tasks) for tasks in paired.by_grader]
    return dict(zip(options.graders[contrast.measure], sums, strict=True))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
