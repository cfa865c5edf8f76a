"""Runs of words as 64-bit hashes, and which of them several rows share, with memory that does not grow with the text.

The hash of a run is a polynomial of its words' hashes, so two different runs are taken for one with probability 2⁻⁶⁰;
`health.reuse_rates` is the plain form that this is tested against.
"""

from array import array
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msm_bench.corpus.health import words

Hashes = NDArray[np.uint64]

LONG = 8
"""Words of a run that two texts share by no accident."""
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_CACHED = 500_000
"""Words whose hashes are kept: some 60 MB."""
_RECORD = np.dtype([("gram", "<u8"), ("row", "<u4")])
_PARTITIONS = 256
_BUFFERED = 2**20
"""Grams in memory before they go to disk."""


def text_hash(text: str) -> int:
    """A 64-bit hash, the same in every process."""
    return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=8).digest(), "little")


class WordHashes(dict[str, int]):
    """Hashes of words, computed once for each word while there is room."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _CACHED:
            self.clear()
        self[word] = found = text_hash(word)
        return found

    def of(self, text: str) -> Hashes:
        """The hashes of the words of `text`, in order."""
        found = words(text)
        return np.fromiter(map(self.__getitem__, found), np.uint64, len(found))


def gram_hashes(hashes: Hashes, n: int) -> Hashes:
    """The hashes of all runs of `n` words, in order, repeats included; empty if there are fewer words."""
    count = len(hashes) - n + 1
    if count <= 0:
        return np.empty(0, np.uint64)
    found = hashes[:count].copy()
    for k in range(1, n):
        found = found * _BASE + hashes[k : count + k]
    found ^= found >> np.uint64(31)
    found *= _MIX
    return found ^ (found >> np.uint64(29))


class SharedGrams:
    """How many grams of each row stand in another row too.

    Grams go to files by their first byte; later each file is sorted by itself, so that memory holds one of them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._buffer: list[NDArray[np.void]] = []
        self._held = 0
        self._totals = array("L")

    def add(self, grams: Hashes) -> None:
        """Take the grams of the next row."""
        records = np.empty(len(grams), _RECORD)
        records["gram"], records["row"] = grams, len(self._totals)
        self._totals.append(len(grams))
        self._buffer.append(records)
        self._held += len(grams)
        if self._held >= _BUFFERED:
            self._flush()

    def rates(self) -> NDArray[np.float64]:
        """For each row the share of its grams that also stand in another row, from 0 to 1; 0 for a row without any."""
        self._flush()
        totals = np.array(self._totals, dtype=np.int64)
        shared = np.zeros(len(totals), np.int64)
        for path in sorted(self._folder.glob("*.grams")):
            shared += np.bincount(_shared_rows(np.fromfile(path, _RECORD)), minlength=len(totals))
        return shared / np.maximum(totals, 1)

    def _flush(self) -> None:
        if not self._held:
            return
        records = np.concatenate(self._buffer)
        first = (records["gram"] >> np.uint64(56)).astype(np.uint8)
        records = records[np.argsort(first, kind="stable")]
        ends = np.cumsum(np.bincount(first, minlength=_PARTITIONS))
        for number, part in enumerate(np.split(records, ends[:-1])):
            if not len(part):
                continue
            with (self._folder / f"{number:03}.grams").open("ab") as file:
                part.tofile(file)
        self._buffer, self._held = [], 0


def _shared_rows(records: NDArray[np.void]) -> NDArray[np.int64]:
    """The row of every record whose gram has a record of another row."""
    records = records[np.argsort(records["gram"], kind="stable")]  # rows came in order, and stay so within a gram
    grams, rows = records["gram"], records["row"].astype(np.int64)
    starts = np.flatnonzero(np.concatenate([[True], grams[1:] != grams[:-1]]))
    sizes = np.diff(np.append(starts, len(grams)))
    several = np.repeat(rows[starts] != rows[starts + sizes - 1], sizes)
    shared: NDArray[np.int64] = rows[several]
    return shared
