"""Which logs there are, and which of them are read: those of finished runs."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from inspect_ai.log import (
    EvalLog,
    EvalSample,
    EvalSampleSummary,
    list_eval_logs,
    read_eval_log,
    read_eval_log_sample_summaries,
)

from msm_bench.errors import UserError

Sample = EvalSample | EvalSampleSummary
"""A sample as its log holds it, or in short; both have id, epoch, input, choices, target, metadata and scores."""


class LogFile(NamedTuple):
    """A log of a finished run, without its samples."""

    path: str
    """Where it lies."""
    name: str
    """Its file name, with its folder where two logs are called the same."""
    head: EvalLog
    """What it says of the whole run."""

    @property
    def task(self) -> str:
        """Its task, without the package."""
        return self.head.eval.task.split("/")[-1]


def log_files(paths: Sequence[Path | str]) -> list[str]:
    """The log files among `paths`; a directory stands for all logs below it, oldest first.

    Raises:
        UserError: a path does not exist or holds no log.
    """
    files: list[str] = []
    for given in paths:
        path = str(given).removeprefix("file://")  # Inspect names local logs so
        if not os.path.exists(path):
            raise UserError(f"{path}: no such log or directory")
        found = [path] if os.path.isfile(path) else [info.name for info in list_eval_logs(path, descending=False)]
        if not found:
            named = "; name a log itself if its file is not called as Inspect calls it" if _may_be_logs(path) else ""
            raise UserError(f"{path}: holds no Inspect logs{named}")
        files += found
    return files


def _may_be_logs(folder: str) -> bool:
    """Whether there are `.json` files below, which Inspect takes for logs only by the names that it gives them."""
    return next(Path(folder).rglob("*.json"), None) is not None


def finished_files(paths: Sequence[Path | str]) -> list[LogFile]:
    """The logs of finished runs. One that did not end well is passed over if a retry of it is there.

    Raises:
        UserError: a path holds no log, a log can't be read, or it is not of a finished run and there is no retry.
    """
    files = log_files(paths)
    heads = [read_log(file, header_only=True) for file in files]
    finished = {head.eval.task_id for head in heads if head.status == "success"}
    for file, head in zip(files, heads, strict=True):
        if head.status != "success" and head.eval.task_id not in finished:
            raise UserError(
                f"{file}: the run ended with status {head.status!r}; finish it with `inspect eval-retry`, or give "
                "the other logs alone"
            )
    known = Counter(Path(file).name for file in dict.fromkeys(files))
    return [
        LogFile(file, _name(Path(file), known), head)
        for file, head in zip(files, heads, strict=True)
        if head.status == "success"
    ]


def _name(path: Path, known: Counter[str]) -> str:
    return path.name if known[path.name] == 1 else f"{path.parent.name}/{path.name}"


def finished_logs(paths: Sequence[Path | str]) -> Iterator[EvalLog]:
    """The whole logs of finished runs that can be compared, one at a time.

    Raises:
        UserError: as `finished_files` and `check_alike`.
    """
    from msm_bench.logs.alike import check_alike

    files = finished_files(paths)
    check_alike(files)
    for file in files:
        yield read_log(file.path)


def read_log(file: str, header_only: bool = False) -> EvalLog:
    """The Inspect log in `file`, or its head alone.

    Raises:
        UserError: it can't be read.
    """
    try:
        return read_eval_log(file, header_only=header_only)
    except Exception as error:  # a damaged archive, JSON that is none, a schema that does not fit
        raise _unreadable(file, error) from None


def read_summaries(file: str) -> list[EvalSampleSummary]:
    """The samples of a log without messages, events and store, and with long texts cut.

    Several times faster than `read_log`, as an `.eval` log keeps them apart from the samples.

    Raises:
        UserError: it can't be read.
    """
    try:
        return read_eval_log_sample_summaries(file)
    except Exception as error:
        raise _unreadable(file, error) from None


def _unreadable(file: str, error: Exception) -> UserError:
    return UserError(f"{file}: can't be read as an Inspect log ({' '.join(str(error).split())})")
