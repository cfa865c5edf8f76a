"""Intervals of a share."""

import math

from scipy import stats


def wilson(share: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a share of `n`: Wilson (1927), J. Am. Stat. Assoc. 22:209.

    (p + z²/2n ± z √(p (1 − p)/n + z²/4n²)) / (1 + z²/n). Neither `n` nor `share` times it need be whole.
    """
    z = float(stats.norm.ppf((1 + level) / 2))
    centre, half = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
