"""Patterns that the same transcripts show, in every condition, are one pattern."""

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
    """Two groups became one. Numbers are of the condition in which they overlap least."""

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
    condition: str = ""
    """That condition; empty where there are none."""


def overlap(one: Transcripts, other: Transcripts) -> float:
    """|A ∩ B| / min(|A|, |B|), the overlap coefficient (Szymkiewicz 1934; Simpson 1960, Am. J. Sci. 258-A:300).

    0 if one of them is empty.
    """
    return len(one & other) / min(len(one), len(other)) if one and other else 0.0


def merge_overlapping(
    shown_by: Mapping[str, Transcripts],
    sides: Mapping[str, str],
    threshold: float = THRESHOLD,
    conditions: Mapping[str, Transcripts] | None = None,
) -> tuple[list[Group], list[Merge]]:
    """Merge the two patterns that overlap most, as long as any overlap by more than `threshold`.

    Two patterns overlap by as much as they do in the condition in which they overlap least, among those that show both;
    so a condition's own company of patterns merges nothing in the others, and all have the same groups. Patterns of
    different sides are never merged. Among equal overlaps the one in more transcripts goes first, then the alphabet
    decides, so the order of `shown_by` does not matter. No two of the groups overlap by more than `threshold`.

    Args:
        shown_by: For each pattern's id the transcripts that show it.
        sides: For each pattern's id its side.
        threshold: From 0 to 1; at 1 nothing is merged.
        conditions: The transcripts of each; without, all are of one.
    """
    parts = conditions or {"": frozenset[int]().union(*shown_by.values())}
    groups = {id: Group(id, (id,), found) for id, found in shown_by.items()}
    merges: list[Merge] = []
    while pair := _closest(groups, sides, threshold, parts):
        into, merged = sorted(pair, key=lambda group: (-len(group.transcripts), group.id))
        where, least = _least(into, merged, parts)
        one, other = into.transcripts & parts[where], merged.transcripts & parts[where]
        merges.append(Merge(into.id, merged.id, least, len(one & other), len(one), len(other), where))
        del groups[merged.id]
        members = tuple(sorted(into.members + merged.members))
        groups[into.id] = Group(into.id, members, into.transcripts | merged.transcripts)
    return [groups[id] for id in shown_by if id in groups], merges


def _least(one: Group, other: Group, parts: Mapping[str, Transcripts]) -> tuple[str, float]:
    """The condition in which they overlap least, of those that show both, and by how much; 0 if none does."""
    found = {
        name: overlap(one.transcripts & part, other.transcripts & part)
        for name, part in parts.items()
        if one.transcripts & part and other.transcripts & part
    }
    return min(found.items(), key=lambda item: (item[1], item[0]), default=("", 0.0))


def _closest(
    groups: Mapping[str, Group], sides: Mapping[str, str], threshold: float, parts: Mapping[str, Transcripts]
) -> tuple[Group, Group] | None:
    """The pair that overlaps most; None if none overlaps by more than `threshold`."""
    pairs = combinations((groups[id] for id in sorted(groups)), 2)
    measured = [(_least(*pair, parts)[1], pair) for pair in pairs if sides[pair[0].id] == sides[pair[1].id]]
    close = [(share, pair) for share, pair in measured if share > threshold]
    return min(close, key=_rank)[1] if close else None


def _rank(close: tuple[float, tuple[Group, Group]]) -> tuple[float, int, str, str]:
    share, (one, other) = close
    return -share, -len(one.transcripts & other.transcripts), one.id, other.id
