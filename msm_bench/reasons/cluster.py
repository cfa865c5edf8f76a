"""Reasons that are alike: word vectors averaged over phrase and quote, and Ward's clusters of them."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage

from msm_bench.errors import missing_extra
from msm_bench.reasons.extract import Reason

_EMBEDDING = "l2_supercat_256"
_PHRASE_WEIGHT = 2.0
"""Of a phrase beside its quote: the quote tells alike phrases apart, and is about the task besides."""

Array = npt.NDArray[np.float64]


def embedding() -> str:
    """What reasons are compared by; it is loaded when this returns.

    Raises:
        UserError: the package that carries it is missing.
    """
    embedding_model()
    return f"wordllama {version('wordllama')}, {_EMBEDDING}"


def vectors(reasons: Sequence[Reason]) -> Array:
    """Unit vectors, (reasons, 256).

    Raises:
        UserError: the package that carries the embedding is missing.
    """
    model = embedding_model()
    phrases, quotes = (
        _unit(np.asarray(model.embed(texts), dtype=np.float64))
        for texts in ([one.phrase for one in reasons], [one.quote for one in reasons])
    )
    return _unit(_PHRASE_WEIGHT * phrases + quotes)


@cache
def embedding_model() -> Any:
    """The model that turns texts into vectors.

    Raises:
        UserError: the package that carries it is missing.
    """
    try:
        import wordllama
    except ImportError as error:
        raise missing_extra(error, "reasons") from None
    # it carries its tokenizer, but looks for it in a cache alone; so its own folder is named as that
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


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


def _unit(points: Array) -> Array:
    """Rows of length 1; a row of zeros, as of a text without a known word, stays."""
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    unit: Array = points / np.where(lengths > 0, lengths, 1.0)
    return unit
