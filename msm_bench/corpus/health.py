"""Is a text corpus varied, and is it free of the evaluation? Word n-grams answer both.

Words are lower-cased runs of letters, digits and apostrophes. A long n-gram that stands in two documents is
template text; one that stands in a training text and in an item is a leak.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

WORD = re.compile(r"[\w'’]+")

Ngram = tuple[str, ...]


def words(text: str) -> list[str]:
    """The words of `text`, lower-cased."""
    return WORD.findall(text.lower())


def ngrams(text: str, n: int) -> list[Ngram]:
    """All runs of `n` words of `text`, in order, repeats included."""
    tokens = words(text)
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


def reuse_rates(texts: Sequence[str], n: int = 8) -> list[float]:
    """For each text the share of its n-grams that also stand in another text, from 0 to 1."""
    grams = [ngrams(text, n) for text in texts]
    holders = Counter(gram for own in grams for gram in set(own))
    return [sum(holders[gram] > 1 for gram in own) / len(own) if own else 0.0 for own in grams]


def distinct_openings(texts: Sequence[str], n: int = 8) -> float:
    """Distinct first `n` words over the number of texts, from 0 to 1."""
    return len({tuple(words(text)[:n]) for text in texts}) / len(texts)


class Pair(NamedTuple):
    """Two texts by position, and how alike they are."""

    first: int
    second: int
    jaccard: float


def nearest_pair(texts: Sequence[str], n: int = 5) -> Pair:
    """The two texts whose sets of n-grams have the highest Jaccard index |A ∩ B| / |A ∪ B|.

    Raises:
        ValueError: fewer than two texts.
    """
    grams = [set(ngrams(text, n)) for text in texts]
    pairs = (
        Pair(i, j, len(grams[i] & grams[j]) / max(1, len(grams[i] | grams[j])))
        for i, j in combinations(range(len(texts)), 2)
    )
    return max(pairs, key=lambda pair: pair.jaccard)


def leaks(training: Iterable[str], evaluation: Iterable[str], n: int = 8) -> set[Ngram]:
    """The n-grams that stand both in a training text and in an evaluation text."""
    seen = {gram for text in evaluation for gram in ngrams(text, n)}
    return {gram for text in training for gram in ngrams(text, n) if gram in seen}


def reserved_nouns(path: Path) -> dict[str, list[str]]:
    """The evaluation's nouns by domain, from lines such as `music: guitar, piano`; `#` starts a comment."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    pairs = (line.split(":", 1) for line in lines)
    return {domain: [noun.strip() for noun in nouns.split(",")] for domain, nouns in pairs}


def mentions(text: str, terms: Iterable[str]) -> list[str]:
    """The `terms` that stand in `text` as whole words, in singular or in a regular plural, any case."""
    return [term for term in terms if re.search(rf"\b{re.escape(term)}{_plural(term)}\b", text, re.IGNORECASE)]


def _plural(term: str) -> str:
    """A pattern for the plural ending: -es after a sibilant or o, else -s; `cares` is no plural of `car`."""
    return "(es)?" if re.search(r"(s|x|z|ch|sh|o)$", term) else "s?"
