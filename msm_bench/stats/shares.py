"""Intervals of a share of independent trials."""

import math
from typing import NamedTuple

from scipy import stats


def wilson(share: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a share of `n`: Wilson (1927), J. Am. Stat. Assoc. 22:209.

    (p + z²/2n ± z √(p (1 − p)/n + z²/4n²)) / (1 + z²/n). Neither `n` nor `share` times it need be whole.
    """
    z = float(stats.norm.ppf((1 + level) / 2))
    centre, half = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share: Clopper & Pearson (1934), Biometrika 26:404.

    It holds the truth at least so often as `level` says, mostly more often; Wilson's is nearer to it.

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    found = stats.binomtest(successes, n).proportion_ci(level, "exact")
    return float(found.low), float(found.high)


class NoneOf(NamedTuple):
    """How large a share can be of which `n` independent trials showed nothing: one-sided upper limits.

    Where all of `n` showed it, the share is at least 1 minus these.
    """

    exact: float
    """1 − α^(1/n)."""
    approximate: float
    """−ln(α)/n, at 95 % the rule of three, 3/n; a little larger."""


def rule_of_three(n: float, level: float = 0.95) -> NoneOf:
    """One-sided limits of a share of which 0 of `n` were seen: Hanley & Lippman-Hand (1983), JAMA 249:1743.

    Args:
        n: Independent trials, more than 0: clusters, where the trials of a cluster may be alike.
        level: One-sided.

    Raises:
        ValueError: there are no trials.
    """
    if n <= 0:
        raise ValueError(f"a share needs trials, not {n}")
    alpha = 1 - level
    return NoneOf(-math.expm1(math.log(alpha) / n), min(1.0, -math.log(alpha) / n))
