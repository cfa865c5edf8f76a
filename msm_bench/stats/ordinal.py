"""Ordinal measures: how often one arm is better than the other on the same item."""

import numpy as np

from msm_bench.stats.values import Array

OF_RANKS = "superiority − ½"
"""What the estimate of a contrast of ranks is; the interval's method begins with it."""


def superiority(first: Array, second: Array) -> Array:
    """(items,) P(A > B) + ½ P(A = B) for each item, over all pairs of an epoch of A and an epoch of B.

    The "common language effect size" of McGraw & Wong (1992), Psychol. Bull. 111:361, with ties as in the A of Vargha &
    Delaney (2000), J. Educ. Behav. Stat. 25:101; it is U / (n m) of Mann & Whitney. Only the order of the values
    counts. It is taken within items and then averaged, so what differs between items is no noise; that is not the
    probability over all items mixed.

    Args:
        first: (epochs of A, items) Values; NaN where an item has fewer epochs.
        second: (epochs of B, items) Likewise; the number of epochs may differ.
    """
    known = ~np.isnan(second)
    wins = np.zeros(first.shape)
    for own, there in zip(second, known, strict=True):
        better = (first > own) + 0.5 * (first == own)
        wins += np.where(there, better, 0.0)
    of = ~np.isnan(first)
    pairs = of.sum(axis=0) * known.sum(axis=0)
    probability: Array = np.where(of, wins, 0.0).sum(axis=0) / np.where(pairs > 0, pairs, np.nan)
    return probability
