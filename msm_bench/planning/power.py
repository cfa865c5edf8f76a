"""Power, equivalence and detectable effects of the two-way t test, from a standard error and its degrees of freedom."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import integrate, optimize, special, stats

from msm_bench.planning.components import Components, TaskComponents
from msm_bench.stats import smallest_p
from msm_bench.stats.values import Array

ALPHA = 0.05
"""Two-sided level; of equivalence, that of each of the two one-sided tests."""
TARGET = 0.8
"""The power that is asked for by default."""
_NODES = 200
"""Of the integral over the standard error, which is smooth."""
_NO_TAIL = 6.0
"""From so many standard errors on, the chance to reject in the wrong direction is below 1e-9."""


class Design(NamedTuple):
    """How large a run is."""

    seeds: int
    """Seeds; with one, the claim is about these very checkpoints or models."""
    items: tuple[int, ...]
    """Items of each task of the contrast."""
    epochs: int
    """How often each item is asked."""
    cells: tuple[int, ...]
    """Fixed strata of each task."""

    def samples(self, components: Components) -> int:
        """Samples that all arms and seeds are asked; untrained arms are asked once for all seeds."""
        each = (
            items * (self.seeds * task.asked + task.asked_once)
            for items, task in zip(self.items, components.tasks, strict=True)
        )
        return self.epochs * sum(each)


class Precision(NamedTuple):
    """How well a design estimates a contrast."""

    se: float
    """Standard error, in the measure's unit; above 0."""
    df: int
    """Degrees of freedom that the two-way test takes: min(seeds − 1, clusters − cells); below 1 there is no test."""
    df_se: float
    """Those that the estimated variance really has, by Satterthwaite."""


def precision(components: Components, design: Design) -> Precision:
    """Standard error of a design, with cells of equal size and clusters as large, and as unequal, as the pilot's.

    For each task, with k = Σ n_g² / n of the pilot's clusters, their size where they are alike:
    b = (k cluster + item + epoch_once/e)/n and w = (k seed_cluster + seed_item + epoch/e)/(S n).
    V = seed/S + Σ (b + w), which `two_way_interval` estimates without bias as V_seed + V_item − V_both,
    three independent parts: a = seed/S + Σ w (S − 1 df), Σ (b + w) (G − H df each), Σ w ((S − 1)(G − H) df each). So
    df_se = V² / (a²/(S − 1) + Σ (b + w)²/(G − H) + Σ w²/((S − 1)(G − H))), Satterthwaite 1946,
    Biometrics Bull. 2:110.
    With one seed V = Σ (b + w), and the seed component has no part in it.
    """
    between, within, freedom = noise_parts(components, design)
    items = float((between + within).sum())
    smallest = int(freedom.min())
    if smallest < 1:
        return Precision(math.nan, smallest, math.nan)
    spread = float(((between + within) ** 2 / freedom).sum())
    if design.seeds == 1:
        return _precision(items, smallest, spread)
    of_seeds = (components.seed.variance if components.seed else 0.0) / design.seeds
    seed_df = design.seeds - 1
    spread += (of_seeds + float(within.sum())) ** 2 / seed_df + float((within**2 / (seed_df * freedom)).sum())
    return _precision(of_seeds + items, min(seed_df, smallest), spread)


def noise_parts(components: Components, design: Design) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """For each task b, w and G − H of `precision`."""
    parts = [_task_parts(task, design, place) for place, task in enumerate(components.tasks)]
    between, within, freedom = zip(*parts, strict=True)
    return np.array(between), np.array(within), np.array(freedom)


def _precision(variance: float, df: int, spread: float) -> Precision:
    return Precision(math.sqrt(variance), df, variance**2 / spread if spread > 0 else math.inf)


def _task_parts(task: TaskComponents, design: Design, place: int) -> tuple[float, float, int]:
    """What varies with items alone, with seed and item, and the degrees of freedom of the items."""
    n, size = design.items[place], task.shape.alike
    epoch = task.epoch.variance / design.epochs if task.epoch else 0.0
    between = (size * task.cluster.variance + task.item.variance + task.epoch_once.variance / design.epochs) / n
    within = (size * task.seed_cluster.variance + task.seed_item.variance + epoch) / (design.seeds * n)
    return between, within, math.floor(n / task.shape.per_cluster + 1e-9) - design.cells[place]


def t_power(effect: float, of: Precision, alpha: float = ALPHA) -> float:
    """Power of the two-sided t test of the two-way interval.

    P(|T| > t_{1 − α/2, df}) with T noncentral t with noncentrality effect/se (Cohen 1988, Statistical Power Analysis,
    2nd ed., ch. 2). T has `df_se` degrees of freedom and the critical value has `df`: the test takes the smaller of two
    factors' on purpose, and that costs power.
    """
    if of.df < 1:
        return 0.0
    shift = abs(effect) / of.se
    critical = float(stats.t.ppf(1 - alpha / 2, of.df))
    upper = _upper(critical, of.df_se, shift)
    return upper if shift > _NO_TAIL else upper + _upper(critical, of.df_se, -shift)


def _upper(critical: float, df: float, shift: float) -> float:
    """P(T > critical); scipy gives NaN for some tails that are 0 or 1 to all its digits."""
    found = float(stats.nct.sf(critical, df, shift))
    return found if math.isfinite(found) else float(shift > critical)


def equivalence_power(effect: float, bound: float, of: Precision, alpha: float = ALPHA) -> float:
    """Power of TOST within ±`bound` where the true effect is `effect`.

    Both one-sided tests reject when |estimate| < bound − t_{1 − α, df} s. The estimate is normal, and its standard
    error s independent of it, chi on `df_se` degrees of freedom: the integral over s of Phillips (1990),
    J. Pharmacokinet. Biopharm. 18:137.
    """
    if of.df < 1:
        return 0.0
    critical = float(stats.t.ppf(1 - alpha, of.df))
    chi = stats.chi(of.df_se, scale=1 / math.sqrt(of.df_se))
    low, high = chi.ppf(1e-10), min(bound / (critical * of.se), chi.ppf(1 - 1e-10))
    if high <= low:
        return 0.0

    def inside(s: Array) -> Array:
        room, center = bound / of.se - critical * s, effect / of.se
        found: Array = (special.ndtr(room - center) - special.ndtr(-room - center)) * chi.pdf(s)
        return found

    return min(1.0, float(integrate.fixed_quad(inside, low, high, n=_NODES)[0]))  # it may round up


def detectable(of: Precision, alpha: float = ALPHA, target: float = TARGET) -> float:
    """The smallest effect that the t test finds with power `target`: the minimum detectable effect.

    The inverse of `t_power`; Bloom (1995), Evaluation Review 19:547, approximates it by
    se (t_{1 − α/2, df} + t_{target, df}). NaN without a test.
    """
    if of.df < 1:
        return math.nan
    unit = of._replace(se=1.0)
    return of.se * _reached(lambda shift: t_power(shift, unit, alpha), target)


def smallest_bound(of: Precision, alpha: float = ALPHA, target: float = TARGET) -> float:
    """The smallest bound within which TOST shows equivalence with power `target` where there is no effect at all.

    The inverse of `equivalence_power`; NaN without a test.
    """
    if of.df < 1:
        return math.nan
    unit = of._replace(se=1.0)
    return of.se * _reached(lambda bound: equivalence_power(0.0, bound, unit, alpha), target)


def _reached(power: Callable[[float], float], target: float) -> float:
    """Where a power that grows from below `target` reaches it."""
    high = 1.0
    while power(high) < target:
        high *= 2
    return float(optimize.brentq(lambda x: power(x) - target, 0.0, high, xtol=1e-12))


def seeds_needed(alpha: float = ALPHA) -> int:
    """The fewest seeds with which the seed-swap test, whose p is at least 2/2^S, can reach `alpha`."""
    return next(seeds for seeds in range(2, 64) if smallest_p(seeds) <= alpha)
