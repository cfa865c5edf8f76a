"""From a result frame to contrasts: weighted sums of arm means, items paired, seeds matched."""

import math
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from msm_bench.errors import UserError
from msm_bench.measures import MEASURES
from msm_bench.recipe import Contrast, Recipe, Smallest, Term
from msm_bench.results import UNTRAINED
from msm_bench.stats.bootstrap import crossed_bootstrap
from msm_bench.stats.subset import restrict
from msm_bench.stats.tests import equivalence, holm, item_sign_flip, seed_swap, smallest_p, two_way
from msm_bench.stats.values import Array, NotComparable, TaskValues
from msm_bench.stats.variance import two_way_interval


class ContrastResult(BaseModel):
    """A contrast, estimated. `None` stands for what can't be computed or was not asked for."""

    model_config = ConfigDict(extra="forbid")

    name: str
    """As in the recipe; a half of a contrast is called `name [task]`."""
    half_of: str | None = None
    """Of a half, the name of the whole."""
    terms: list[Term]
    """The weighted sum."""
    subset: str
    """Which items, in words."""
    measure: str
    """`margin` in nats, or `rate`."""
    headline: bool
    """Whether it leads the report."""
    confirmatory: bool
    """Whether it is in the Holm family."""
    recipe_sha256: str
    """Of the recipe that stated it; empty for contrasts with a baseline."""
    estimate: float
    """The sum."""
    ci_low: float | None
    """95 % limits of the two-way interval; the bootstrap's, which is narrower with few seeds, stand beside it. None
    where the variance can't be estimated, or is 0."""
    ci_high: float | None
    """95 % limits of the two-way interval."""
    se: float | None
    """Standard error of the analytic interval."""
    p: float | None
    """Only of confirmatory contrasts with all seeds: TOST where equivalence is claimed, else the larger of `p_swap` and
    `p_two_way`, since the claim is about other seeds and other items."""
    p_holm: float | None
    """`p` after Holm's correction over the confirmatory contrasts."""
    smallest_p: float | None
    """What `p_holm` could be at best with so many seeds and confirmatory contrasts (`smallest_p_holm`)."""
    p_swap: float | None
    """Seed-swap test, conditional on these items."""
    p_two_way: float | None
    """t test of the two-way interval."""
    p_items: float | None
    """Item sign-flips, conditional on these checkpoints; only of confirmatory contrasts, beside `p`."""
    p_equivalence: float | None
    """TOST within ± the smallest effect of interest, where asked for and there is more than one seed."""
    bootstrap_low: float | None
    """95 % limits of the crossed bootstrap."""
    bootstrap_high: float | None
    """95 % limits of the crossed bootstrap."""
    n_items: int
    """Items, over all tasks."""
    n_cells: int
    """Cells, over all tasks."""
    n_clusters: int
    """Clusters, over all tasks."""
    n_seeds: int
    """Seeds that every arm has."""
    unscored_rate: float
    """Share of the needed values that could not be judged."""
    method: str
    """How the interval was made."""


def term_values(frame: pd.DataFrame, terms: Sequence[Term], measure: str) -> tuple[list[TaskValues], float]:
    """Paired values of each task of a contrast, and the share of needed values that are unscored.

    Epochs are averaged within an item: they measure sampling noise only. The base model, and a model that no recipe
    trained, is the same at every seed, so its values are repeated for each seed of the other arms.

    Raises:
        NotComparable: the frame lacks an arm, task, or common seeds and items.
    """
    chosen = frame[(frame["metric"] == measure) & frame["task"].isin({term.task for term in terms})]
    chosen = chosen.assign(value=chosen["value"].where(np.isfinite(chosen["value"])))
    seeds = _common_seeds(chosen, terms, measure)
    tasks: list[TaskValues] = []
    needed = missing = 0.0
    for task in dict.fromkeys(term.task for term in terms):
        own_terms = [term for term in terms if term.task == task]
        in_task = chosen[(chosen["task"] == task) & chosen["arm"].isin({term.arm for term in own_terms})]
        groups = in_task.assign(scored=in_task["value"].notna()).groupby(["item", "arm", "seed"])
        wide = groups["value"].mean().unstack(["arm", "seed"])
        stacked = np.stack([_columns(wide, term.arm, seeds) for term in own_terms])  # (terms, seeds, items)
        scored = groups["scored"].mean().unstack(["arm", "seed"])
        shares = np.stack([_columns(scored, term.arm, seeds) for term in own_terms])
        needed, missing = needed + stacked.size, missing + float((1 - np.nan_to_num(shares)).sum())
        whole = ~np.isnan(stacked).any(axis=(0, 1))
        if not whole.any():
            raise NotComparable(f"task {task}: no item has a {measure} for every arm and seed of the contrast")
        weights = np.array([term.weight for term in own_terms])
        about = in_task.drop_duplicates("item").set_index("item").loc[list(wide.index[np.flatnonzero(whole)])]
        clusters = pd.factorize(about["cell"].astype(str) + "\0" + about["cluster"].astype(str))[0]
        values = np.tensordot(weights, stacked[:, :, whole], axes=1)
        names = tuple(str(item) for item in about.index)
        tasks.append(TaskValues(task, values, pd.factorize(about["cell"])[0], clusters, names))
    return tasks, missing / needed


def _common_seeds(frame: pd.DataFrame, terms: Sequence[Term], measure: str) -> list[int]:
    """Seeds that every arm of the contrast has on its task."""
    common: set[int] | None = None
    single: set[int] = set()
    for term in terms:
        own = frame[(frame["arm"] == term.arm) & (frame["task"] == term.task)]
        seeds = set(own[own["value"].notna()]["seed"])  # a seed of which nothing could be scored is none
        if not seeds:
            raise NotComparable(f"no {measure} of arm {term.arm!r} on task {term.task!r} in these results")
        if term.arm == "base" or seeds == {UNTRAINED}:
            single |= seeds
            continue
        common = seeds if common is None else common & seeds
    if common is None:
        common = {min(single)}
    if not common:
        raise NotComparable(f"the arms {', '.join(sorted({term.arm for term in terms}))} have no seed in common")
    return sorted(int(seed) for seed in common)


def _columns(wide: pd.DataFrame, arm: str, seeds: Sequence[int]) -> Array:
    """(seeds, items) of an arm; for a seed that it lacks the untrained arm repeats its first."""
    own = wide[arm]
    only = own.columns[0]
    found = [own[seed if seed in own.columns else only] for seed in seeds]
    return np.stack([column.to_numpy(dtype=np.float64) for column in found])


def evaluate(
    frame: pd.DataFrame,
    contrast: Contrast,
    *,
    smallest: Smallest,
    split: str,
    recipe_sha256: str = "",
    seeds_stated: int = 0,
) -> ContrastResult:
    """Estimate one contrast with its interval; `p_holm` and `smallest_p` are left to `evaluate_all`.

    Args:
        frame: The results.
        contrast: What to estimate.
        smallest: Bound of equivalence.
        split: Which items the frame holds, for the result's `subset`.
        recipe_sha256: Of the recipe that states the contrast.
        seeds_stated: There is no `p` before so many seeds are done: to look early and often is another test.

    Raises:
        NotComparable: the frame lacks an arm, task, or common seeds and items.
    """
    tasks, unscored = term_values(restrict(frame, contrast), contrast.terms, contrast.measure)
    interval = two_way_interval(tasks)
    boot = crossed_bootstrap(tasks)
    seeds = tasks[0].values.shape[0]
    tested = contrast.confirmatory and seeds >= seeds_stated
    p = tost = swap = both = None
    if contrast.equivalence:
        if seeds > 1:  # one checkpoint that is close to another says nothing of training again
            tost = _finite(equivalence(interval.estimate, interval.se, interval.df, smallest.of(contrast.measure)))
        p = tost if tested else None
    elif tested:
        swap, both = seed_swap(tasks), _finite(two_way(interval.estimate, interval.se, interval.df))
        p = None if both is None else max(swap, both)
    return ContrastResult(
        name=contrast.name,
        terms=contrast.terms,
        subset=f"{split}, {contrast.about}".removesuffix(", "),
        measure=contrast.measure,
        headline=contrast.headline,
        confirmatory=contrast.confirmatory,
        recipe_sha256=recipe_sha256,
        estimate=interval.estimate,
        ci_low=_finite(interval.low),
        ci_high=_finite(interval.high),
        se=_finite(interval.se),
        p=p,
        p_holm=None,
        smallest_p=None,
        p_swap=swap,
        p_two_way=both,
        p_items=item_sign_flip(tasks) if tested else None,
        p_equivalence=tost,
        bootstrap_low=_finite(boot.low),
        bootstrap_high=_finite(boot.high),
        n_items=sum(task.values.shape[1] for task in tasks),
        n_cells=sum(len(np.unique(task.cells)) for task in tasks),
        n_clusters=sum(len(np.unique(task.clusters)) for task in tasks),
        n_seeds=seeds,
        unscored_rate=unscored,
        method=interval.method,
    )


def evaluate_all(frame: pd.DataFrame, recipe: Recipe) -> list[ContrastResult]:
    """The contrasts of a recipe, each half after its whole, with Holm over the confirmatory ones.

    A contrast whose arms can't be compared yet is left out, but its place in Holm's family is kept.
    """
    results: list[ContrastResult] = []
    for contrast in recipe.contrasts:
        parts = [contrast]
        tasks = list(dict.fromkeys(term.task for term in contrast.terms))
        if contrast.halves and len(tasks) > 1:
            parts += [_half(contrast, task) for task in tasks]
        for part in parts:
            with suppress(NotComparable):
                result = _of_recipe(frame, part, recipe)
                result.half_of = contrast.name if part is not contrast else None
                results.append(result)
    family = [result for result in results if result.p is not None]
    size = recipe.confirmatory
    adjusted = holm([result.p for result in family if result.p is not None] + [1.0] * (size - len(family)))
    best = smallest_p_holm(recipe)
    for result, p_holm in zip(family, adjusted, strict=False):
        result.p_holm, result.smallest_p = p_holm, best.get(result.name)
    return results


def waiting(frame: pd.DataFrame, recipe: Recipe) -> dict[str, str]:
    """The recipe's contrasts that can't be computed yet, and why."""
    reasons: dict[str, str] = {}
    for contrast in recipe.contrasts:
        try:
            term_values(restrict(frame, contrast), contrast.terms, contrast.measure)
        except NotComparable as error:
            reasons[contrast.name] = str(error)
    return reasons


def _of_recipe(frame: pd.DataFrame, contrast: Contrast, recipe: Recipe) -> ContrastResult:
    return evaluate(
        frame,
        contrast,
        smallest=recipe.smallest_effect,
        split=_split(frame, contrast),
        recipe_sha256=recipe.sha256,
        seeds_stated=len(recipe.stated_seeds(contrast)),
    )


def _split(frame: pd.DataFrame, contrast: Contrast) -> str:
    """Which items of a contrast's tasks the frame holds; items that are not split are all there are."""
    of_tasks = frame[frame["task"].isin({term.task for term in contrast.terms})]
    return " and ".join(sorted({split or "all" for split in of_tasks["split"]}))


def smallest_p_holm(recipe: Recipe) -> dict[str, float]:
    """What `p_holm` of each confirmatory contrast could be at best, with as many seeds as the recipe states.

    Labels of n seeds can be swapped in 2^n ways; an equivalence test has no such bound.
    """
    family = [contrast for contrast in recipe.contrasts if contrast.confirmatory]
    bounds = [0.0 if own.equivalence else smallest_p(len(recipe.stated_seeds(own))) for own in family]
    return {own.name: bound for own, bound in zip(family, holm(bounds), strict=True) if not own.equivalence}


def sensitivity(frame: pd.DataFrame, recipe: Recipe) -> list[ContrastResult]:
    """The headline contrasts by every other measure that the frame has: exploratory, and no tests.

    A headline that holds for whole answers only, and not by letter or in a new wording, is about the wording.
    """
    measures = [measure for measure in MEASURES if measure in set(frame["metric"])]
    results: list[ContrastResult] = []
    for contrast in recipe.contrasts:
        for measure in measures if contrast.headline else []:
            if measure != contrast.measure:
                update = {"measure": measure, "confirmatory": False, "equivalence": False}
                with suppress(NotComparable):
                    results.append(_of_recipe(frame, contrast.model_copy(update=update), recipe))
    return results


def _half(contrast: Contrast, task: str) -> Contrast:
    """A contrast on one of its tasks, scaled so that the whole is the mean of these; never confirmatory itself."""
    own = [term for term in contrast.terms if term.task == task]
    parts = len({term.task for term in contrast.terms})
    terms = [term.model_copy(update={"weight": term.weight * parts}) for term in own]
    update = {"name": f"{contrast.name} [{task}]", "terms": terms, "confirmatory": False, "headline": False}
    return contrast.model_copy(update=update)


def baseline_contrasts(
    frame: pd.DataFrame, baseline: str, measures: Sequence[str]
) -> tuple[list[ContrastResult], list[str]]:
    """Every other arm minus `baseline`, task by task: what there is to say of logs without a recipe.

    Beside the results stand the reasons why arms could not be compared.

    Raises:
        UserError: there is no such arm.
    """
    arms = list(dict.fromkeys(frame["arm"]))
    if baseline not in arms:
        raise UserError(f"unknown arm {baseline!r}; these results have {', '.join(arms)}")
    results: list[ContrastResult] = []
    reasons: list[str] = []
    for task in dict.fromkeys(frame["task"]):
        have = set(frame[frame["task"] == task]["arm"])
        for measure in measures:
            if not ((frame["task"] == task) & (frame["metric"] == measure)).any():
                continue
            for arm in arms:
                if arm == baseline or not {arm, baseline} <= have:
                    continue
                terms = [Term(arm=arm, task=task, weight=1), Term(arm=baseline, task=task, weight=-1)]
                contrast = Contrast(name=f"{arm} − {baseline} [{task}]", terms=terms, measure=measure)
                split = _split(frame, contrast)
                try:
                    results.append(evaluate(frame, contrast, smallest=Smallest(), split=split))
                except NotComparable as error:
                    reasons.append(f"{contrast.name}, {measure}: {error}")
    return results, reasons


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
