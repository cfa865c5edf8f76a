"""Everything that the evaluation shows a model: what no training text may repeat."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import yaml

from msm_bench.corpus.grams import LONG, Hashes, WordHashes, gram_hashes
from msm_bench.corpus.health import words
from msm_bench.files import data_path, read_jsonl, read_text
from msm_bench.office.company import COMPANIES
from msm_bench.office.judge_check import TRANSCRIPTS
from msm_bench.preferences import load_items
from msm_bench.preferences.prompts import continuations, fact, preference
from msm_bench.recall import recall_texts


@lru_cache
def evaluation_texts() -> tuple[str, ...]:
    """Items as they are asked and answered, the office's texts, the judge's transcripts."""
    texts = dict.fromkeys([*_items(), *_prompts(), *recall_texts(), *_office(), *_transcripts()])  # each once
    return tuple(text for text in texts if text.strip())


class SharedRuns:
    """Finds runs of `LONG` words that a text shares with any of some other texts."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._hashes = WordHashes()
        grams = (gram_hashes(self._hashes.of(text), LONG) for text in texts)
        self._grams = np.unique(np.concatenate([np.empty(0, np.uint64), *grams]))

    def first_in(self, text: str, hashes: Hashes | None = None) -> str:
        """The first such run of `text`, in lower case; empty if there is none.

        Args:
            text: Any text.
            hashes: Those of its words, if they are known already.
        """
        own = gram_hashes(self._hashes.of(text) if hashes is None else hashes, LONG)
        if not len(own) or not len(self._grams):
            return ""
        hits = np.flatnonzero(self._grams[np.searchsorted(self._grams[:-1], own)] == own)
        return " ".join(words(text)[hits[0] : hits[0] + LONG]) if len(hits) else ""


@lru_cache
def evaluation_runs() -> SharedRuns:
    """The runs of `evaluation_texts`."""
    return SharedRuns(evaluation_texts())


def _items() -> Iterator[str]:
    for path in sorted((data_path("tasks") / "items").glob("*.jsonl")):
        if "aligned" not in read_jsonl(path)[0]:  # readings of items, which no model is shown
            continue
        for item in load_items(path.stem, split="all"):
            for ask in (preference(item), fact(path.stem, item)):
                for continuation in continuations(item, ask) if ask else ():
                    yield from (continuation.question, continuation.answer)


def _prompts() -> Iterator[str]:
    """What the tasks without pairs of answers show a model."""
    for path in sorted((data_path("tasks") / "items").rglob("*.jsonl")):
        for row in read_jsonl(path):
            if "label" in row:  # an example that teaches a classifier; no model is shown it
                break
            yield from (row[key] for key in ("text", "prompt", "question", "request") if key in row)


def _office() -> Iterator[str]:
    for path in [*sorted(COMPANIES.glob("*.yaml")), COMPANIES.with_name("goals.yaml")]:
        yield from _strings(yaml.safe_load(read_text(path)))


def _transcripts() -> Iterator[str]:
    for row in read_jsonl(TRANSCRIPTS):
        yield row["transcript"]


def _strings(value: Any) -> Iterator[str]:
    """All strings in a YAML value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)
