"""Reasons that are alike: embeddings averaged over phrase and quote, and Ward's clusters of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage

from msm_bench.embedding import Array, embed
from msm_bench.reasons.extract import Reason

_PHRASE_WEIGHT = 2.0
"""Of a phrase beside its quote: the quote tells alike phrases apart, and is about the task besides."""


def vectors(reasons: Sequence[Reason]) -> Array:
    """Unit vectors, (reasons, 384).

    Raises:
        UserError: the package that carries the embedding is missing.
    """
    phrases, quotes = (embed(texts) for texts in ([one.phrase for one in reasons], [one.quote for one in reasons]))
    points = _PHRASE_WEIGHT * phrases + quotes
    unit: Array = points / np.linalg.norm(points, axis=1, keepdims=True)
    return unit


def clusters(points: Array, most: int) -> list[list[int]]:
    """Rows of `points` (n, d) in at most `most` clusters, and two rows to a cluster on average at least.

    Largest cluster first, and in each the rows nearest to its centre first. Ward (1963), J. Am. Stat. Assoc. 58:236.
    """
    if len(points) < 2:
        return [[row] for row in range(len(points))]
    count = min(most, (len(points) + 1) // 2)
    labels = fcluster(linkage(points, "ward"), count, "maxclust")
    found = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    ordered = sorted(found, key=lambda rows: (-len(rows), int(rows[0])))
    return [_nearest_first(points, rows) for rows in ordered]


def _nearest_first(points: Array, rows: npt.NDArray[np.intp]) -> list[int]:
    distances = np.linalg.norm(points[rows] - points[rows].mean(axis=0), axis=1)
    return [int(row) for row in rows[np.argsort(distances, kind="stable")]]
