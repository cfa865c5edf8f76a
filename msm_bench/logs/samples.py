"""One log after another: its samples in short, as columns."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from inspect_ai.log import EvalSample

from msm_bench.errors import UserError
from msm_bench.logs.alike import Content, content
from msm_bench.logs.columns import (
    OF_SAMPLE,
    Columns,
    about_log,
    about_sample,
    column,
    column_names,
    may_be_cut,
    unknown_column,
)
from msm_bench.logs.find import LogFile, Sample, read_log, read_summaries
from msm_bench.logs.scores import LogScores, read_scores


class Counts(NamedTuple):
    """What became of the samples of a log."""

    file: LogFile
    """The log."""
    samples: int
    """In the log, each epoch counted."""
    errors: int
    """Of these, those that ended with an error."""
    limits: Counter[str]
    """And those that a limit stopped, by its kind; they are scored as they were."""


class LogSamples(NamedTuple):
    """A log with its samples as columns."""

    file: LogFile
    """Where it lies, and what it says of the run."""
    about: dict[str, npt.NDArray[Any]]
    """(samples,) each: the columns of a result frame, but for metric, value and reason."""
    scores: LogScores
    """The scores."""
    contents: dict[tuple[str, str], Content]
    """What was asked, by item and sample id."""
    counts: Counts
    """What became of them."""


class Reader:
    """Reads logs, and keeps in mind which columns there are."""

    def __init__(self, columns: Columns, full: bool = False) -> None:
        """Start with no log.

        Args:
            columns: What makes the arm, the item, and so on.
            full: Read whole samples rather than their summaries.
        """
        self._columns = columns
        self._full = full
        self._there: set[str] = set()
        self._samples = 0
        self._lacking = Counter({name: 0 for name in columns if name is not None})

    def read(self, file: LogFile) -> LogSamples:
        """One log.

        Raises:
            UserError: it can't be read.
        """
        samples = self._samples_of(file)
        self._there |= column_names(file, samples)
        self._samples += len(samples)
        about = self._about(file, samples)
        asked: dict[tuple[str, str], Content] = {}
        for item, sample in zip(about["item"], samples, strict=True):
            if (key := (item, str(sample.id))) not in asked:
                # where other logs are read by their summaries, texts are compared as far as these go
                asked[key] = content(sample.summary() if isinstance(sample, EvalSample) and not self._full else sample)
        return LogSamples(file, about, read_scores(samples), asked, _counts(file, samples))

    def check(self) -> list[str]:
        """How many samples lack a column that was asked for, one line each, once all logs are read.

        Raises:
            UserError: no sample has such a column, or one is without an item.
        """
        notes = []
        for role, name in self._columns._asdict().items():
            if name is None or not (lacking := self._lacking[name]):
                continue
            if lacking == self._samples:
                raise unknown_column(name, self._there)
            if role == "item":
                raise UserError(f"{lacking} of {self._samples} samples have no {name}, which is to be the item")
            instead = _INSTEAD[role].format(name=name)
            notes.append(f"{lacking} of {self._samples} samples have no {name}: {instead}")
        return notes

    def _samples_of(self, file: LogFile) -> Sequence[Sample]:
        if self._full:
            return read_log(file.path).samples or []
        summaries = read_summaries(file.path)
        # summaries do not say which samples were invalidated
        if file.head.invalidated or any(may_be_cut(summary, self._named) for summary in summaries):
            return read_log(file.path).samples or []
        return summaries

    @property
    def _named(self) -> list[str]:
        return [name for name in self._columns if name is not None]

    def _about(self, file: LogFile, samples: Sequence[Sample]) -> dict[str, npt.NDArray[Any]]:
        """The columns of a result frame; a seed that a column names is still text, empty where there is none."""
        whole = about_log(file.head, seed_named=self._columns.seed is not None) | {"log": file.name}
        own = [about_sample(sample) for sample in samples]
        about = {name: _repeated(value, len(samples)) for name, value in whole.items()}
        about |= {name: _texts(row[name] for row in own) for name in OF_SAMPLE}
        named = {role: self._values(name, file, samples) for role, name in self._columns._asdict().items() if name}
        about["item"] = _texts(value or "" for value in named.pop("item"))
        if self._columns.cluster is None:
            inherited = zip(samples, about["cluster"], about["item"], strict=True)
            about["cluster"] = _texts(
                item if sample.metadata.get("cluster") is None else cluster for sample, cluster, item in inherited
            )
        if "by" in named:
            about["arm"] = _texts(value or f"no {self._columns.by}" for value in named.pop("by"))
        if "cluster" in named:
            pairs = zip(named.pop("cluster"), about["item"], strict=True)
            about["cluster"] = _texts(item if value is None else value for value, item in pairs)
        return about | {role: _texts(value or "" for value in values) for role, values in named.items()}

    def _values(self, name: str, file: LogFile, samples: Sequence[Sample]) -> list[str | None]:
        value = column(name, file)
        values = [value(sample) for sample in samples]
        self._lacking[name] += sum(one is None or one == "" for one in values)
        return values


_INSTEAD = {
    "by": "their arm is called 'no {name}'",
    "cell": "they lie in a cell of their own",
    "cluster": "each of their items is its own cluster",
    "seed": "they stand beside every seed",
}
"""What becomes of samples that lack a column."""


def _counts(file: LogFile, samples: Sequence[Sample]) -> Counts:
    # of a whole sample the limit is an object, in a summary its kind
    limits = Counter(str(getattr(sample.limit, "type", sample.limit)) for sample in samples if sample.limit)
    return Counts(file, len(samples), sum(sample.error is not None for sample in samples), limits)


def _repeated(value: Any, times: int) -> npt.NDArray[Any]:
    return np.full(times, value, dtype=object if isinstance(value, str) else None)


def _texts(values: Iterable[Any]) -> npt.NDArray[Any]:
    """Values as an array; of texts each is kept once."""
    listed = list(values)
    if listed and not isinstance(listed[0], str):
        return np.array(listed)
    known: dict[str, str] = {}
    found = np.empty(len(listed), dtype=object)
    found[:] = [known.setdefault(text, text) for text in listed]
    return found
