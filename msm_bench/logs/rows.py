"""From Inspect logs to the result frame: one row per sample, epoch and metric."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from msm_bench.errors import UserError
from msm_bench.logs.alike import ALLOW, Contents, check_alike
from msm_bench.logs.columns import Columns
from msm_bench.logs.find import finished_files
from msm_bench.logs.notes import run_notes, scoring_notes
from msm_bench.logs.once import check_once, check_strata, number_epochs, number_seeds
from msm_bench.logs.samples import LogSamples, Reader
from msm_bench.logs.scores import LACKS, LogScores, Source, metric_names, spread
from msm_bench.results import COLUMNS


class Loaded(NamedTuple):
    """What logs say."""

    frame: pd.DataFrame
    """A result frame."""
    notes: list[str]
    """What to know of it: differences that are allowed, samples that were not run or were stopped; one line each."""


class _Table(NamedTuple):
    """The scores of a log."""

    metrics: list[str]
    values: npt.NDArray[np.float64]
    """(samples, metrics)"""
    reasons: npt.NDArray[np.object_]
    """(samples, metrics) Why there is no number, empty where there is one; None where the sample has no such score."""
    failed: npt.NDArray[np.bool_]
    """(samples,) Whether the sample has no score at all."""


def frame_from_logs(paths: Sequence[Path | str], *, full: bool = False) -> pd.DataFrame:
    """The result frame of Inspect logs. A log that did not end well is passed over if a retry of it is there.

    Args:
        paths: Logs, and folders of such.
        full: As in `read_logs`.

    Raises:
        UserError: as `read_logs`.
    """
    return read_logs(paths, full=full).frame


def read_logs(
    paths: Sequence[Path | str],
    columns: Columns | None = None,
    *,
    scorers: Collection[str] = (),
    allow: Collection[str] = (),
    full: bool = False,
) -> Loaded:
    """The result frame of Inspect logs, and what to know of it.

    Args:
        paths: Logs, and folders of such.
        columns: What makes the arm, the item, and so on.
        scorers: Only these scorers or metrics; all by default.
        allow: Differences between logs to allow (`ALLOW`).
        full: Read whole samples rather than their summaries: several times slower, the same numbers, and contents of
            items are compared to their end.

    Raises:
        UserError: a path holds no log, a log can't be read or is not of a finished run, the logs can't be compared, a
            column, scorer or difference is unknown, no sample has a score, or a sample is there twice.
    """
    if unknown := [word for word in allow if word not in ALLOW]:
        raise UserError(f"unknown difference {unknown[0]!r}; allow {' or '.join(ALLOW)}")
    columns = columns or Columns()
    files = finished_files(paths)
    notes = check_alike(files, allow)
    contents, reader = Contents(allow), Reader(columns, full)
    logs = []
    for file in files:
        logs.append(reader.read(file))
        contents.check(file, logs[-1].contents)
    notes += reader.check()
    frame = _rows(logs, scorers)
    if frame.empty:
        where = ", ".join(map(str, paths))
        if not any(log.counts.samples for log in logs):
            raise UserError(f"{where}: holds no samples")
        raise UserError(f"{where}: no sample has a score; score it with `inspect score`")
    frame, more = number_seeds(frame, columns, {file.name: file.head.eval.created for file in files})
    notes += more
    frame, more = number_epochs(frame, columns)
    notes += more
    check_once(frame)
    check_strata(frame, columns)
    notes += [*contents.notes, *scoring_notes(files), *run_notes([log.counts for log in logs])]
    return Loaded(frame, notes)


def _rows(logs: Sequence[LogSamples], scorers: Collection[str]) -> pd.DataFrame:
    """The rows of all logs, in their order."""
    tables: dict[int, _Table] = {}
    known: set[str] = set()
    for task in dict.fromkeys(log.file.task for log in logs):
        places = [place for place, log in enumerate(logs) if log.file.task == task]
        scores = _alike([logs[place].scores for place in places])
        names = metric_names([list(one.columns) for one in scores])
        known |= set(names.values()) | {scorer for scorer, _ in names}
        chosen = {source: name for source, name in names.items() if not scorers or {name, source[0]} & set(scorers)}
        own = {place: _table(one, chosen) for place, one in zip(places, scores, strict=True)}
        _mark_lacking(own, {place: logs[place].about["item"] for place in places})
        tables |= own
    for name in scorers:
        if known and name not in known:
            raise UserError(f"unknown scorer {name!r}; these logs have {', '.join(sorted(known))}")
    frames = [_frame(log, tables[place]) for place, log in enumerate(logs)]
    frame = pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
    return frame[COLUMNS].astype({"epoch": "int64", "value": "float64"})


def _alike(logs: Sequence[LogScores]) -> list[LogScores]:
    """The scores of a task's logs, where a scorer that could not give a dictionary is unscored in each of its keys."""
    keys: dict[str, dict[str, None]] = {}
    plain: set[str] = set()
    for log in logs:
        for (scorer, key), column in log.columns.items():
            if key:
                keys.setdefault(scorer, {})[key] = None
            elif not np.isnan(column.values).all():
                plain.add(scorer)
    return [spread(log, keys, plain) for log in logs]


def _table(scores: LogScores, names: Mapping[Source, str]) -> _Table:
    """The chosen metrics of a log; all those of the task where no sample of the log has a score."""
    own = [source for source in names if source in scores.columns] or list(names)
    shape = (len(scores.failed), len(own))
    values, reasons = np.full(shape, np.nan), np.full(shape, None, dtype=object)
    for place, source in enumerate(own):
        if source in scores.columns:
            values[:, place] = scores.columns[source].values
            reasons[:, place] = scores.columns[source].reasons
    failed = np.array(scores.failed, dtype=object)
    rows = failed != ""
    reasons[rows] = failed[rows, None]
    return _Table([names[source] for source in own], values, reasons, rows)


def _mark_lacking(tables: Mapping[int, _Table], items: Mapping[int, npt.NDArray[np.object_]]) -> None:
    """Where some sample of an item has a metric, other samples without it are unscored; else it is not of that item."""
    have: dict[str, set[str]] = {}
    for place, table in tables.items():
        for index, metric in enumerate(table.metrics):
            there = np.array([reason is not None for reason in table.reasons[:, index]]) & ~table.failed
            have.setdefault(metric, set()).update(items[place][there])
    for place, table in tables.items():
        for index, metric in enumerate(table.metrics):
            for row in np.flatnonzero([reason is None for reason in table.reasons[:, index]]):
                if items[place][row] in have[metric]:
                    table.reasons[row, index] = LACKS


def _frame(log: LogSamples, table: _Table) -> pd.DataFrame:
    """The rows of a log: sample by sample, each with its metrics."""
    there = np.array([reason is not None for reason in table.reasons.ravel()], dtype=bool).reshape(table.reasons.shape)
    samples, metrics = np.nonzero(there)
    columns: dict[str, Any] = {name: values[samples] for name, values in log.about.items()}
    columns["metric"] = np.array(table.metrics, dtype=object)[metrics]
    columns["value"] = table.values[samples, metrics]
    columns["unscored_reason"] = table.reasons[samples, metrics]
    return pd.DataFrame(columns)
