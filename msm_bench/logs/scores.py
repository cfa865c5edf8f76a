"""Scores of any type as numbers, each under the name of a metric.

A plain value is a metric named after its scorer, and each entry of a dictionary one named after its key; where several
scorers of a task would give metrics of the same name, these are called `scorer/metric`.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from inspect_ai.log import EvalSample
from inspect_ai.scorer import Score

from msm_bench.errors import printable
from msm_bench.logs.find import Sample

_WORDS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""Grades and words as numbers, as Inspect's own `value_to_float` has them; the words in any case."""
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_REASON_LENGTH = 300
"""Characters of a reason that are kept; a summary holds a little over 1,000."""
LACKS = "not in the score of this sample"
"""The reason where other samples of an item have a metric that this one lacks."""

Source = tuple[str, str]
"""Scorer and key; the key of a plain value is empty."""


class Column(NamedTuple):
    """One metric of the samples of a log."""

    values: npt.NDArray[np.float64]
    """(samples,) NaN where there is no number."""
    reasons: list[str | None]
    """(samples,) Why there is no number, empty where there is one; None where the sample has no such score."""


class LogScores(NamedTuple):
    """What a log says of its samples."""

    columns: dict[Source, Column]
    """In the order in which they occur."""
    failed: list[str]
    """(samples,) Why a sample has no score at all; empty where it has one."""


def number(value: Any) -> tuple[float, str]:
    """A score's value as a number, and why it is none; the reason is empty where there is a finite number."""
    if isinstance(value, str):
        found = _WORDS.get(value, _WORDS.get(value.lower() if len(value) > 1 else value))
        if found is not None:
            return found, ""
        if not _NUMBER.fullmatch(value):
            return math.nan, f"the text {printable(value, 40)!r}"
        value = float(value)
    if value is None:
        return math.nan, "no value"
    if not isinstance(value, int | float):
        return math.nan, f"a {type(value).__name__}, where a number is needed"
    try:
        converted = float(value)
    except OverflowError:
        converted = math.inf
    if math.isfinite(converted):
        return converted, ""
    return math.nan, "not a number" if math.isnan(converted) else "infinite"


def read_scores(samples: Sequence[Sample]) -> LogScores:
    """The scores of a log's samples, as columns of numbers."""
    columns: dict[Source, Column] = {}
    failed = [_failure(sample) for sample in samples]

    def put(source: Source, index: int, value: float, reason: str) -> None:
        if source not in columns:
            columns[source] = _empty(len(samples))
        columns[source].values[index] = value
        columns[source].reasons[index] = reason

    for index, sample in enumerate(samples):
        for scorer, score in (sample.scores or {}).items() if not failed[index] else ():
            if isinstance(score.value, Mapping):
                for key, value in score.value.items():
                    found, reason = number(value)
                    put((scorer, key), index, found, _reason(score, reason, explained=False))
            else:
                found, reason = number(score.value)
                put((scorer, ""), index, found, _reason(score, reason, explained=reason == "not a number"))
    return LogScores(columns, failed)


def _empty(samples: int) -> Column:
    return Column(np.full(samples, np.nan), [None] * samples)


def _failure(sample: Sample) -> str:
    if sample.error is not None:
        return "error"
    if isinstance(sample, EvalSample) and sample.invalidation is not None:
        return "invalidated"
    return "" if sample.scores else "no score"


def _reason(score: Score, reason: str, *, explained: bool) -> str:
    """Why there is no number: what the scorer says, if it says something."""
    if not reason:
        return ""
    said = " ".join(str(score.reason or (score.explanation if explained else "") or reason).split())
    return said[:_REASON_LENGTH] or reason


def spread(scores: LogScores, keys: Mapping[str, Collection[str]], plain: Collection[str]) -> LogScores:
    """Scores in which a scorer that gives dictionaries, and could not give one, is unscored in each of their keys.

    Args:
        scores: Of a log.
        keys: The keys of each scorer in all logs of the task.
        plain: The scorers that give plain numbers in some log of the task.
    """
    columns: dict[Source, Column] = {}
    for (scorer, key), column in scores.columns.items():
        if key or not keys.get(scorer):
            columns.setdefault((scorer, key), column)
            continue
        if scorer in plain:
            columns[scorer, ""] = Column(column.values, [None if reason else reason for reason in column.reasons])
        for own in keys[scorer]:
            part = scores.columns.get((scorer, own), _empty(len(column.reasons)))
            pairs = zip(part.reasons, column.reasons, strict=True)
            reasons = [(whole or None) if reason is None else reason for reason, whole in pairs]
            columns[scorer, own] = Column(part.values, reasons)
    return LogScores(columns, scores.failed)


def metric_names(logs: Iterable[Collection[Source]]) -> dict[Source, str]:
    """The name of each metric of a task, from the columns of each of its logs."""
    every: dict[Source, str] = {}
    twice: set[str] = set()
    for sources in logs:
        found = Counter(key or scorer for scorer, key in sources)
        twice |= {name for name, count in found.items() if count > 1}
        every |= {(scorer, key): key or scorer for scorer, key in sources}
    return {
        (scorer, key): f"{scorer}/{key}" if key and name in twice else name for (scorer, key), name in every.items()
    }
