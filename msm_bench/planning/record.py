"""Power of the test of record, which asks for the two-way t test and the seed swap at once: by drawing both."""

from itertools import product

import numpy as np
from scipy import stats

from msm_bench.planning.components import Components
from msm_bench.planning.power import ALPHA, Design, noise_parts
from msm_bench.stats.values import Array

DRAWS = 4000
"""Runs that are drawn: the standard error of a power is at most 0.008."""
_EXACT = 11
"""Up to so many seeds all patterns of signs are tried; above, as many as 11 seeds have are drawn."""


def record_power(
    components: Components, design: Design, effect: float, alpha: float = ALPHA, draws: int = DRAWS, seed: int = 0
) -> float:
    """Share of runs, with at least two seeds, in which both tests reject: the seed swap and the two-way t test.

    Drawn are what the tests see, not items: the seeds' estimates (normal, with the items' noise in common) and the mean
    squares of items and of residuals (chi-square, independent of those in balanced normal data), from which the
    variance follows as in `two_way_interval`, its lower bounds included. Monte Carlo, the same for the same arguments.

    Returns:
        A share; 0 where there is no test.
    """
    between, within, freedom = noise_parts(components, design)
    if freedom.min() < 1:
        return 0.0
    rng, seeds = np.random.default_rng(seed), design.seeds
    of_seeds = (components.seed.variance if components.seed else 0.0) + seeds * within.sum()
    common = effect + np.sqrt(between.sum()) * rng.standard_normal((draws, 1))
    estimates = common + np.sqrt(of_seeds) * rng.standard_normal((draws, seeds))
    v_seed = estimates.var(axis=1, ddof=1) / seeds
    v_item = rng.chisquare(freedom, (draws, len(freedom))) @ ((between + within) / freedom)
    residual_df = (seeds - 1) * freedom
    v_both = rng.chisquare(residual_df, (draws, len(freedom))) @ (within / residual_df)
    se = np.sqrt(np.maximum.reduce([v_seed + v_item - v_both, v_seed, v_item]))
    critical = stats.t.ppf(1 - alpha / 2, min(seeds - 1, int(freedom.min())))
    rejected = np.abs(estimates.mean(axis=1)) >= critical * se
    return float((_swap_p(estimates[rejected], rng) <= alpha).sum()) / draws


def _swap_p(estimates: Array, rng: np.random.Generator) -> Array:
    """p of `seed_swap` for each row of seeds' estimates, as for the sums of values that it sees."""
    seeds = estimates.shape[1]
    if seeds <= _EXACT:  # a pattern and its opposite have the same sum, so the first sign may stay
        signs = np.array([(1.0, *rest) for rest in product((-1.0, 1.0), repeat=seeds - 1)])
    else:
        signs = rng.choice((-1.0, 1.0), size=(2 ** (_EXACT - 1), seeds))
        signs[0] = 1.0
    observed = np.abs(estimates.sum(axis=1)) * (1 - 1e-12)
    p: Array = (np.abs(signs @ estimates.T) >= observed).mean(axis=0)
    return p
