"""Patterns that the same transcripts show are one pattern."""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

THRESHOLD = 0.75
"""Patterns that overlap by more are merged."""

Transcripts = frozenset[int]


class Group(NamedTuple):
    """A pattern, or several that were merged."""

    id: str
    """That of the larger of the two at each merge, the first in the alphabet among equals."""
    members: tuple[str, ...]
    """Ids in the order of the alphabet."""
    transcripts: Transcripts
    """Which show one of them."""


class Merge(NamedTuple):
    """Two groups became one."""

    into: str
    """The id that stays."""
    merged: str
    """The id that goes."""
    overlap: float
    """Of the two."""
    both: int
    """Transcripts that show both."""
    into_size: int
    """Transcripts of the one that stays."""
    merged_size: int
    """Transcripts of the one that goes."""


def overlap(one: Transcripts, other: Transcripts) -> float:
    """|A ∩ B| / min(|A|, |B|), the overlap coefficient (Szymkiewicz 1934; Simpson 1960, Am. J. Sci. 258-A:300).

    0 if one of them is empty.
    """
    return len(one & other) / min(len(one), len(other)) if one and other else 0.0


def merge_overlapping(
    shown_by: Mapping[str, Transcripts], sides: Mapping[str, str], threshold: float = THRESHOLD
) -> tuple[list[Group], list[Merge]]:
    """Merge the two patterns that overlap most, as long as any overlap by more than `threshold`.

    Patterns of different sides are never merged. Among equal overlaps the one in more transcripts goes first, then the
    alphabet decides, so the order of `shown_by` does not matter. No two of the groups overlap by more than `threshold`.

    Args:
        shown_by: For each pattern's id the transcripts that show it.
        sides: For each pattern's id its side.
        threshold: From 0 to 1; at 1 nothing is merged.
    """
    groups = {id: Group(id, (id,), found) for id, found in shown_by.items()}
    merges: list[Merge] = []
    while pair := _closest(groups, sides, threshold):
        into, merged = sorted(pair, key=lambda group: (-len(group.transcripts), group.id))
        both = len(into.transcripts & merged.transcripts)
        sizes = len(into.transcripts), len(merged.transcripts)
        merges.append(Merge(into.id, merged.id, overlap(into.transcripts, merged.transcripts), both, *sizes))
        del groups[merged.id]
        members = tuple(sorted(into.members + merged.members))
        groups[into.id] = Group(into.id, members, into.transcripts | merged.transcripts)
    return [groups[id] for id in shown_by if id in groups], merges


def _closest(groups: Mapping[str, Group], sides: Mapping[str, str], threshold: float) -> tuple[Group, Group] | None:
    pairs = [
        (first, second)
        for first, second in combinations((groups[id] for id in sorted(groups)), 2)
        if sides[first.id] == sides[second.id] and overlap(first.transcripts, second.transcripts) > threshold
    ]
    return min(pairs, key=_rank, default=None)


def _rank(pair: tuple[Group, Group]) -> tuple[float, int, str, str]:
    one, other = pair
    both = len(one.transcripts & other.transcripts)
    return -overlap(one.transcripts, other.transcripts), -both, one.id, other.id
