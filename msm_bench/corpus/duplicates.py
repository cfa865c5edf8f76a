"""Which rows are nearly the same as an earlier row: MinHash signatures on disk, candidates by bands.

Signatures are rensa's: 128 minima, so the estimate of a Jaccard index has a standard error of at most 0.044 (Broder
1997). Rows that agree on all five minima of one of 25 bands are compared: at 0.8 all but 1 pair in 20,000 do.
"""

from array import array
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from msm_bench.corpus.grams import Hashes, gram_hashes

N = 5
"""Words of a gram."""
NEAR = 0.8
"""Jaccard index of two rows' grams from which they are nearly the same."""
_PERMUTATIONS = 128
_SEED = 1
_BANDS, _BAND = 25, 5
_BATCH = 2_000
_BUFFERED = 2**20
"""Grams in memory before they are signed."""
_SPREAD = 256
"""Earlier rows of one band that a row is compared with; more come only if thousands are alike and yet no pair is."""


class Near(NamedTuple):
    """A row, and an earlier one that it is nearly the same as."""

    row: int
    """The later one, by position."""
    earlier: int
    """The earlier one."""
    jaccard: float
    """The estimated Jaccard index of their sets of 5-grams."""


class Signatures:
    """MinHash signatures of rows, in a file of 512 bytes a row."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "signatures"
        self._hashes: list[Hashes] = []
        self._held = self._rows = 0

    def add(self, words: Hashes) -> None:
        """Take the hashes of the next row's words; a row of fewer than `N` words is one gram."""
        grams = gram_hashes(words, min(N, len(words))) if len(words) else np.zeros(1, np.uint64)
        self._hashes.append(grams)
        self._held += len(grams)
        if len(self._hashes) == _BATCH or self._held >= _BUFFERED:
            self._flush()

    def duplicates(self, threshold: float) -> list[Near]:
        """Every row with an earlier one whose estimated Jaccard index is at least `threshold`, with one such row."""
        self._flush()
        if not self._rows:
            return []
        signatures = np.memmap(self._path, np.uint32, "r", shape=(self._rows, _PERMUTATIONS))
        found: dict[int, Near] = {}
        for band in range(_BANDS):
            _compare(signatures, _keys(signatures[:, band * _BAND : (band + 1) * _BAND]), threshold, found)
        return sorted(found.values())

    def _flush(self) -> None:
        if not self._hashes:
            return
        offsets = np.cumsum([0, *map(len, self._hashes)]).astype(np.uint64)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(
            np.concatenate(self._hashes), offsets, _PERMUTATIONS, _SEED
        )
        flat = array("I")
        for row in matrix.to_rows():
            flat.extend(row)
        with self._path.open("ab") as file:
            flat.tofile(file)
        self._rows += len(self._hashes)
        self._hashes, self._held = [], 0


def _keys(minima: NDArray[np.uint32]) -> Hashes:
    """One number for each row's minima in a band."""
    return gram_hashes(minima.astype(np.uint64).ravel(), _BAND)[::_BAND]


def _compare(signatures: NDArray[np.uint32], keys: Hashes, threshold: float, found: dict[int, Near]) -> None:
    """Compare the rows of equal keys, and put those that are near into `found`."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    known = np.zeros(len(keys), bool)
    known[list(found)] = True
    for apart in range(1, min(_SPREAD, len(keys) - 1) + 1):
        same = ordered[apart:] == ordered[:-apart]
        if not same.any():
            return
        later, earlier = order[apart:][same], order[:-apart][same]
        later, earlier = later[~known[later]], earlier[~known[later]]
        for start in range(0, len(later), _BATCH):
            pairs = later[start : start + _BATCH], earlier[start : start + _BATCH]
            alike = (signatures[pairs[0]] == signatures[pairs[1]]).mean(axis=1)
            for row, other, jaccard in zip(*pairs, alike, strict=True):
                if jaccard >= threshold:
                    found[int(row)] = Near(int(row), int(other), float(jaccard))
                    known[row] = True
