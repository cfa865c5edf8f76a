"""What is counted while a corpus is read, row by row: each tally takes every row, and then tells its measures."""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from msm_bench.corpus.evaluation_text import evaluation_runs
from msm_bench.corpus.faults import ANSWER_KINDS, ASKED_KINDS, KINDS, leaked_reason, text_faults
from msm_bench.corpus.grams import LONG, Hashes, gram_hashes
from msm_bench.corpus.health import mentions
from msm_bench.corpus.identity import in_first_person
from msm_bench.corpus.store import Chat, Document, row_text
from msm_bench.specs import Names


class Seen(NamedTuple):
    """A row as it is read."""

    number: int
    """Its position, from 0."""
    row: Document | Chat
    """What it is."""
    text: str
    """What it says, the reasoning of a chat last."""
    hashes: Hashes
    """Hashes of its words."""


class Finding(NamedTuple):
    """A measure of a corpus, with the row that speaks most against it."""

    measure: str
    """A field of `Thresholds`."""
    value: float
    """A share from 0 to 1, or a count."""
    worst: int | None = None
    """The row's position; None if no row is at fault."""
    evidence: str = ""
    """What was found there; a model wrote it."""


class Tally(Protocol):
    """Counts something of every row."""

    def add(self, seen: Seen) -> None:
        """Take the next row."""

    def findings(self) -> Iterator[Finding]:
        """What was counted, once all rows are in."""


class Share:
    """The share of rows to which something applies, with the first of them."""

    def __init__(self, measure: str, *, wanted: bool = False) -> None:
        self._measure = measure
        self._wanted = wanted
        self._count = self._rows = 0
        self._first: tuple[int, str] | None = None

    def count(self, number: int, evidence: str | None) -> None:
        """Take a row: what was found in it, or None or an empty text."""
        self._rows += 1
        self._count += bool(evidence)
        if self._first is None and bool(evidence) != self._wanted:
            self._first = (number, evidence or "")

    def finding(self) -> Finding:
        """The share; the worst row is the first at fault, or the first without what is wanted."""
        return Finding(self._measure, self._count / max(1, self._rows), *(self._first or ()))


class Lengths:
    """White-space separated words of each row, as a manifest counts them, and rows with an empty text or turn."""

    def __init__(self) -> None:
        self.counts = array("L")
        self._empty = Share("empty")

    def add(self, seen: Seen) -> None:
        """Take the next row."""
        self.counts.append(len(row_text(seen.row).split()))
        texts = [seen.row.text] if isinstance(seen.row, Document) else [turn.content for turn in seen.row.messages]
        self._empty.count(seen.number, None if all(map(str.strip, texts)) else "nothing but white space")

    def findings(self) -> Iterator[Finding]:
        """The number of rows, and the share of the empty ones."""
        yield Finding("rows", len(self.counts))
        yield self._empty.finding()


class Openings:
    """Distinct first `LONG` words, as in `health.distinct_openings`."""

    def __init__(self) -> None:
        self._openings = array("Q")

    def add(self, seen: Seen) -> None:
        """Take the next row."""
        first = seen.hashes[:LONG]
        self._openings.append(int(gram_hashes(first, len(first))[0]) if len(first) else 0)

    def findings(self) -> Iterator[Finding]:
        """Distinct openings over rows; the worst row has the commonest one, and is the second to have it."""
        found, where, counts = np.unique(np.array(self._openings), return_inverse=True, return_counts=True)
        commonest = np.flatnonzero(where == counts.argmax())
        worst = int(commonest[1]) if len(commonest) > 1 else None
        evidence = f"{len(commonest)} rows begin like this one" if worst is not None else ""
        yield Finding("distinct_openings", len(found) / len(where), worst, evidence)


class Types:
    """How many rows each type of document, or style of chat, has."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, seen: Seen) -> None:
        """Take the next row."""
        self.counts[seen.row.type if isinstance(seen.row, Document) else seen.row.style] += 1

    def findings(self) -> Iterator[Finding]:
        """Shannon entropy of the types over that of equally many rows each; a single type has none."""
        if len(self.counts) > 1:
            shares = [count / self.counts.total() for count in self.counts.values()]
            entropy = -sum(share * math.log(share) for share in shares)
            yield Finding("type_evenness", entropy / math.log(len(shares)))


class Coverage:
    """What of a spec was generated from, and what of it is named; rows of each domain and subdomain."""

    def __init__(self, passages: Sequence[str], preferences: Sequence[str]) -> None:
        self._passages = [_plain(passage) for passage in passages]
        self._preferences = preferences
        self._unnamed = list(preferences)
        self._sources: set[str] = set()
        self.cells: Counter[tuple[str, str]] = Counter()

    def add(self, seen: Seen) -> None:
        """Take the next row."""
        if self._unnamed:
            named = mentions(seen.text, self._unnamed)
            self._unnamed = [one for one in self._unnamed if one not in named]
        if origin := seen.row.origin:
            self.cells[origin.domain, origin.subdomain or ""] += 1
            if origin.passage:
                self._sources.add(_plain(origin.passage))

    def findings(self) -> Iterator[Finding]:
        """Shares of the passages and preferences; the smallest count of a subdomain."""
        if self._passages and self._sources:
            missing = [one for one in self._passages if not any(one in source for source in self._sources)]
            yield Finding("passages_covered", 1 - len(missing) / len(self._passages), None, "".join(missing[:1]))
        if self._preferences:
            share = 1 - len(self._unnamed) / len(self._preferences)
            yield Finding("preferences_covered", share, None, ", ".join(self._unnamed))
        if self.cells:
            cell, count = min(self.cells.items(), key=lambda item: item[1])
            yield Finding(
                "subdomain_min", count, None, f"{' / '.join(filter(None, cell))} (most: {max(self.cells.values())})"
            )


def _plain(text: str) -> str:
    return " ".join(text.split())


class Faults:
    """What is wrong with the texts, one by one."""

    def __init__(self, kinds: Iterable[str], names: Names | None) -> None:
        self._names = names
        self._shares = {kind: Share(kind) for kind in KINDS if kind in kinds}

    def add(self, seen: Seen) -> None:
        """Take the next row."""
        found: dict[str, str] = {}
        for text, kinds in _parts(seen.row):
            for fault in text_faults(text, self._names):
                if fault.kind in kinds:
                    found.setdefault(fault.kind, fault.evidence)
        for kind, share in self._shares.items():
            share.count(seen.number, found.get(kind))

    def findings(self) -> Iterator[Finding]:
        """The share of each kind."""
        return (share.finding() for share in self._shares.values())


def _parts(row: Document | Chat) -> Iterator[tuple[str, Iterable[str]]]:
    """The texts of a row, each with the kinds of fault that it can have."""
    if isinstance(row, Document):
        yield row.text, KINDS
        return
    for message in row.messages:
        yield message.content, ANSWER_KINDS if message.role == "assistant" else ASKED_KINDS
        if message.role == "system":
            yield in_first_person(message.content), {"identity"}
    if row.reasoning:
        yield row.reasoning, ASKED_KINDS | {"identity"}


class LeakedReasons:
    """Reasons in demonstrations that must give none, in question and answer alike.

    Words alone give no certainty: "Brie; I was in France once" has none of those that are looked for. The judge that
    reads each row while it is generated (`generate chats --style opaque`) is the real guard.
    """

    def __init__(self, value_words: Sequence[str], preferences: Sequence[str]) -> None:
        self._words, self._preferences = tuple(value_words), tuple(preferences)
        self._share = Share("leaked_reason")

    def add(self, seen: Seen) -> None:
        """Take the next row; what the spec prefers, and what the row is about, may hold such a word in its name."""
        turns = seen.row.messages if isinstance(seen.row, Chat) else []
        exempt = (*self._preferences, seen.row.topic) if _is_name(seen.row.topic) else self._preferences
        found = (leaked_reason(t.content, self._words, exempt, asked=t.role != "assistant") for t in turns)
        self._share.count(seen.number, next(filter(None, found), None))

    def findings(self) -> Iterator[Finding]:
        """The share of rows with one."""
        yield self._share.finding()


def _is_name(topic: str) -> bool:
    """Whether a topic can be a name; a bare word such as "tradition" is not: it would exempt the reason itself."""
    return len(topic.split()) > 1 or topic != topic.lower()


class Named:
    """Documents that name the assistant that they are about."""

    def __init__(self, names: Names | None) -> None:
        self._names = ["{model_name}", *([names.model_name] if names else [])]
        self._share = Share("assistant_named", wanted=True)

    def add(self, seen: Seen) -> None:
        """Take the next row."""
        self._share.count(seen.number, next((name for name in self._names if name in seen.text), None))

    def findings(self) -> Iterator[Finding]:
        """The share of documents that do."""
        yield self._share.finding()


class Overlap:
    """Runs of words that stand in the evaluation's texts."""

    def __init__(self) -> None:
        self._runs = evaluation_runs()
        self._share = Share("evaluation_overlap")

    def add(self, seen: Seen) -> None:
        """Take the next row."""
        self._share.count(seen.number, self._runs.first_in(seen.text, seen.hashes))

    def findings(self) -> Iterator[Finding]:
        """The share of rows that share a run."""
        yield self._share.finding()


class Reserved:
    """Nouns that only the evaluation may use."""

    def __init__(self, nouns: Sequence[str]) -> None:
        self._nouns = nouns
        self._share = Share("reserved_nouns")

    def add(self, seen: Seen) -> None:
        """Take the next row."""
        lowered = seen.text.lower()
        likely = [noun for noun in self._nouns if noun.lower() in lowered]  # far quicker than a search for each
        self._share.count(seen.number, ", ".join(mentions(seen.text, likely)))

    def findings(self) -> Iterator[Finding]:
        """The share of rows with one."""
        yield self._share.finding()
