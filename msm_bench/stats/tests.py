"""p-values: the seed swap of record, item sign-flips for one checkpoint, equivalence, and corrections of families."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy import stats

from msm_bench.stats.values import Array, TaskValues, cluster_sums

EXACT_LIMIT = 16
"""Up to so many signs all patterns are tried; above, they are drawn."""
_TIE = 1e-12
"""Sums that differ by less, relative to that of all sizes, are ties: they differ by rounding."""


def _two_sided(values: Array, draws: int, seed: int) -> float:
    """p of |Σ values| under random signs: exact for few values, else drawn with the observed pattern counted in."""
    observed = abs(values.sum()) - _TIE * np.abs(values).sum()
    n = len(values)
    if n <= EXACT_LIMIT:
        signs = np.array(list(product((-1.0, 1.0), repeat=n)))
        return float(np.mean(np.abs(signs @ values) >= observed))
    rng = np.random.default_rng(seed)
    hits = sum(
        int((np.abs(rng.choice((-1.0, 1.0), size=(1000, n)) @ values) >= observed).sum()) for _ in range(draws // 1000)
    )
    return (hits + 1) / (draws // 1000 * 1000 + 1)


def seed_swap(tasks: Sequence[TaskValues], draws: int = 20000, seed: int = 0) -> float:
    """Two-sided p when the arms' labels are swapped seed by seed: conditional on these items.

    Swapping the two sides of an antisymmetric contrast (each weight has its opposite) turns the sign of that seed's
    estimate; under the null every pattern of signs is as likely. Exact for up to 16 seeds (Fisher 1935; Good
    2005, Permutation, Parametric and Bootstrap Tests, ch. 3). S seeds give no p below 2 / 2^S.

    It asks whether training again would give the difference *on these items*: their noise is common to all seeds, and
    swapping labels does not move it. `two_way` asks about other items too.
    """
    return _two_sided(np.sum([task.values.mean(axis=1) for task in tasks], axis=0), draws, seed)


def smallest_p(seeds: int, draws: int = 20000) -> float:
    """The smallest p that `seed_swap` can give with so many seeds, or `item_sign_flip` with so many clusters."""
    return min(1.0, 2.0 / 2.0**seeds) if seeds <= EXACT_LIMIT else 1 / (draws + 1)


def two_way(estimate: float, se: float, df: int) -> float:
    """Two-sided p of estimate / se under t with `df` degrees of freedom, from the two-way interval; NaN without one."""
    if df < 1 or not se > 0:
        return float("nan")
    return float(2 * stats.t.sf(abs(estimate) / se, df))


def item_sign_flip(tasks: Sequence[TaskValues], draws: int = 20000, seed: int = 0) -> float:
    """Two-sided p when signs are flipped cluster by cluster: conditional on these checkpoints.

    It says whether these very checkpoints differ on such items, not whether training again would give the difference.
    """
    parts = []
    for task in tasks:
        sums, _ = cluster_sums(task, task.values.mean(axis=0, keepdims=True))
        parts.append(sums[0] / task.values.shape[1])
    return _two_sided(np.concatenate(parts), draws, seed)


def equivalence(estimate: float, se: float, df: int, bound: float) -> float:
    """p of TOST: the larger of the two one-sided p-values against −bound and +bound.

    Schuirmann (1987), J. Pharmacokinet. Biopharm. 15:657. Small means: the effect lies within ±bound.

    Raises:
        ValueError: the bound is not positive.
    """
    if bound <= 0:
        raise ValueError(f"the bound must be positive, not {bound}")
    if df < 1 or not se > 0:
        return float("nan")
    lower = float(stats.t.sf((estimate + bound) / se, df))
    upper = float(stats.t.cdf((estimate - bound) / se, df))
    return max(lower, upper)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment of a family, in the given order.

    Holm (1979), Scand. J. Stat. 6:65: with p sorted, p̃_(i) = max_{j ≤ i} min(1, (m − j + 1) p_(j)).
    """
    order = np.argsort(p, kind="stable")
    adjusted, running = [0.0] * len(p), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = running
    return adjusted


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """The adjustment of a family that controls the expected share of false findings, in the given order.

    Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57:289: with p sorted, q_(i) = min_{j ≥ i} min(1, m p_(j) / j).
    Proved for independent tests and for those that are positively dependent, as one-sided comparisons with one baseline
    are (Benjamini & Yekutieli 2001, Ann. Stat. 29:1165); for two-sided ones, and several measures, simulated only.
    """
    return [float(q) for q in stats.false_discovery_control(p, method="bh")] if len(p) else []


def trend_weights(doses: Sequence[float], base: float | None = None) -> list[float]:
    """Weights that make the sum of the doses' arm means the least-squares slope, so that a trend is a contrast.

    w_k = (x_k − x̄) / Σ (x − x̄)²; they sum to 0. With x = log_base(dose) the slope is per `base`-fold dose: three doses
    that each triple have the weights −½, 0, ½ with base 3 (leave out the term of weight 0).

    Args:
        doses: At least two that differ.
        base: Take logarithms to this base; None for the doses as they are.

    Raises:
        ValueError: the doses are all alike, or can't be taken logarithms of.
    """
    x = np.array(doses, dtype=np.float64)
    if base is not None:
        if (x <= 0).any() or base <= 0 or base == 1:
            raise ValueError("logarithms need positive doses, and a positive base that is not 1")
        x = np.log(x) / np.log(base)
    centred = x - x.mean()
    if not centred.any():
        raise ValueError("a trend needs two doses that differ")
    return [float(weight) for weight in centred / (centred**2).sum()]
