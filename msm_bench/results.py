"""The result frame: one row per sample, epoch and metric, read from Inspect logs.

A log made by a recipe carries its arm and seed in its metadata. Any other Inspect log is read too: its arm is its
model's name, with what the model was told beyond the task's own words, and its seed `UNTRAINED`.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from inspect_ai.log import EvalLog, EvalSample, list_eval_logs, read_eval_log

from msm_bench.errors import UserError
from msm_bench.files import sha256_text
from msm_bench.judges import FAILED

COLUMNS = [
    "recipe",
    "model",
    "arm",
    "seed",
    "task",
    "item",
    "cell",
    "cluster",
    "split",
    "cue",
    "epoch",
    "metric",
    "value",
    "unscored_reason",
    "log",
    "sample_uuid",
]
UNTRAINED = -1
"""The seed of a model that no recipe trained: it stands beside every seed of those that were."""
_TOLD = ("name", "agent_name", "system", "prefill", "pressure")
"""Arguments of our tasks that change what a model is told around the same items (`docs/robustness.md`)."""
_TOLD_LENGTH = 24
"""Characters of a text that stand in an arm's name."""
_GRADES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Inspect's letter grades as numbers."""


def log_files(paths: Sequence[Path | str]) -> list[str]:
    """The log files among `paths`; a directory stands for all logs below it.

    Raises:
        UserError: a path does not exist or holds no log.
    """
    files: list[str] = []
    for given in paths:
        path = str(given).removeprefix("file://")  # Inspect names local logs so
        if not os.path.exists(path):
            raise UserError(f"{path}: no such log or directory")
        found = [path] if os.path.isfile(path) else [info.name for info in list_eval_logs(path)]
        if not found:
            raise UserError(f"{path}: holds no Inspect logs")
        files += found
    return files


def frame_from_logs(paths: Sequence[Path | str]) -> pd.DataFrame:
    """The result frame of Inspect logs. A log that did not end well is passed over if a retry of it is there.

    Raises:
        UserError: a path holds no log, a log can't be read or is not of a finished run, or the logs are of two recipes
            or of two versions of a task.
    """
    rows = [row for log in finished_logs(paths) for row in _rows(log)]
    if not rows:
        raise UserError(f"{', '.join(map(str, paths))}: no sample has a score; score it with `inspect score`")
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype({"seed": "int64", "epoch": "int64", "value": "float64"})


def finished_logs(paths: Sequence[Path | str]) -> Iterator[EvalLog]:
    """The logs of finished runs, one at a time. One that did not end well is passed over if a retry of it is there.

    Raises:
        UserError: a path holds no log, a log can't be read or is not of a finished run, or the logs can't be compared:
            they are of two recipes, of two states of one, or of two versions of a task.
    """
    files = log_files(paths)
    heads = [read_log(file, header_only=True) for file in files]
    _check_alike(files, heads)
    finished = {head.eval.task_id for head in heads if head.status == "success"}
    for file, head in zip(files, heads, strict=True):
        if head.status == "success":
            yield read_log(file)
        elif head.eval.task_id not in finished:
            raise UserError(f"{file}: the run ended with status {head.status!r}; finish it with `inspect eval-retry`")


def _check_alike(files: Sequence[str], heads: Sequence[EvalLog]) -> None:
    """Raise a `UserError` for the first log that can't be compared with those before it.

    Two recipes, or two states of one, may call different arms by the same name, and versions of a task do not measure
    the same thing. Logs without a recipe stand beside those of any.
    """
    recipe = ""
    settings: dict[str, Any] = {}
    versions: dict[str, int | str] = {}
    for file, head in zip(files, heads, strict=True):
        metadata = head.eval.metadata or {}
        own = str(metadata.get("recipe", ""))
        recipe = recipe or own
        if own not in ("", recipe):
            raise UserError(f"{file}: a log of recipe {own!r} among those of {recipe!r}; compare one recipe at a time")
        arm, made_from = str(metadata.get("arm", "")), metadata.get("settings")
        if own and settings.setdefault(arm, made_from) != made_from:
            raise UserError(
                f"{file}: arm {arm!r} of recipe {recipe!r}, made under other settings than in another log; compare the "
                "logs of one state of the recipe"
            )
        task, version = head.eval.task.split("/")[-1], head.eval.task_version
        if versions.setdefault(task, version) != version:
            raise UserError(
                f"{file}: version {version} of task {task}, beside version {versions[task]} in another log; run the "
                "older one again"
            )


def read_log(file: str, header_only: bool = False) -> EvalLog:
    """The Inspect log in `file`, or its head alone.

    Raises:
        UserError: it can't be read.
    """
    try:
        return read_eval_log(file, header_only=header_only)
    except Exception as error:  # a damaged archive, JSON that is none, a schema that does not fit
        raise UserError(f"{file}: can't be read as an Inspect log ({' '.join(str(error).split())})") from None


def about_log(log: EvalLog) -> dict[str, Any]:
    """The columns of a result frame that all samples of a log have in common.

    Raises:
        UserError: its metadata give a seed that is no whole number.
    """
    metadata = log.eval.metadata or {}
    seed = metadata.get("seed", UNTRAINED)
    if not isinstance(seed, int):
        raise UserError(f"{log.location}: its metadata give the seed {seed!r}; a seed is a whole number")
    return {
        "recipe": str(metadata.get("recipe", "")),
        "model": log.eval.model,
        "arm": str(metadata.get("arm", f"{log.eval.model}{_told(log.eval.task_args_passed)}")),
        "seed": seed,
        "task": log.eval.task.split("/")[-1],
        "log": Path(log.location).name,
    }


def _told(arguments: Mapping[str, Any]) -> str:
    """The options of a task that were given, for the name of an arm; a long text is cut, and told apart by its hash."""
    parts = []
    for option in _TOLD:
        if value := arguments.get(option):
            # Inspect's command line splits text at its commas
            text = " ".join((",".join(map(str, value)) if isinstance(value, list) else str(value)).split())
            if len(text) > _TOLD_LENGTH:
                text = f"{text[:_TOLD_LENGTH]}… {sha256_text(text)[:6]}"
            parts.append(f"{option}={text}")
    return f" ({', '.join(parts)})" if parts else ""


def about_sample(sample: EvalSample) -> dict[str, Any]:
    """The columns of a result frame that say which sample and epoch it is."""
    return {
        "item": str(sample.id),
        "cell": str(sample.metadata.get("cell", "")),
        "cluster": str(sample.metadata.get("cluster", sample.id)),
        "split": str(sample.metadata.get("split", "")),
        "cue": str(sample.metadata.get("cue", "")),
        "epoch": sample.epoch,
        "sample_uuid": sample.uuid or "",
    }


def _rows(log: EvalLog) -> Iterator[dict[str, Any]]:
    """Rows of one log."""
    common, metrics = about_log(log), _metrics(log.samples or [])
    for sample in log.samples or []:
        for metric, value, reason in _values(sample, metrics):
            yield {**common, **about_sample(sample), "metric": metric, "value": value, "unscored_reason": reason}


def _metrics(samples: Sequence[EvalSample]) -> dict[str, list[str]]:
    """The metrics of each scorer, from the samples that have them; a plain value is named after its scorer."""
    found: dict[str, list[str]] = {}
    for sample in samples:
        for name, score in (sample.scores or {}).items():
            if isinstance(score.value, dict):
                found[name] = list(score.value)
            found.setdefault(name, [name])
    return found


def _values(sample: EvalSample, metrics: dict[str, list[str]]) -> Iterator[tuple[str, float, str]]:
    """(metric, value, reason for no value) of a sample; one without a score is unscored in every metric."""
    if sample.error is not None or not sample.scores:
        for metric in (metric for own in metrics.values() for metric in own):
            yield metric, math.nan, "error" if sample.error is not None else "no score"
        return
    for name, score in sample.scores.items():
        if isinstance(score.value, dict):
            for metric, value in score.value.items():
                yield metric, _number(value), ""
        elif math.isnan(number := _number(score.value)):
            reason = str(score.reason or score.explanation or "not a number")
            for metric in metrics[name]:
                yield metric, number, reason
        else:
            yield name, number, ""


def _number(value: Any) -> float:
    """A score's value as a number; letter grades as Inspect counts them, other text as no number."""
    if isinstance(value, str):
        return _GRADES.get(value, math.nan)
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def check_frame(frame: pd.DataFrame, where: Path | str) -> pd.DataFrame:
    """`frame`, if it has the columns of a result frame and no sample twice.

    Raises:
        UserError: a column is missing, or an item was scored twice for an arm, seed and epoch.
    """
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise UserError(f"{where}: not a result frame; it lacks {', '.join(missing)}")
    key = ["arm", "seed", "task", "item", "epoch", "metric"]
    twice = frame[frame.duplicated(key)]
    if len(twice):
        first = twice.iloc[0]
        raise UserError(
            f"{where}: item {first['item']} of {first['task']} is scored twice for arm {first['arm']}, seed "
            f"{first['seed']}; give each log once"
        )
    return frame


def check_graded(frame: pd.DataFrame, where: Path) -> None:
    """Raise a `UserError` if the grader failed on most answers to a task: a few that have no grade are counted."""
    for (task, _), reasons in frame.groupby(["task", "metric"])["unscored_reason"]:
        failed = reasons[reasons.str.contains(FAILED, regex=False)]
        if 2 * len(failed) > len(reasons):
            raise UserError(
                f"{where}: {len(failed)} of {len(reasons)} answers to {task} have no grade, {failed.iloc[0]}; once the "
                "grader answers, run the recipe again: the answers are kept"
            )


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write Parquet to a temporary name and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        frame.to_parquet(partial, index=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_frame(path: Path) -> pd.DataFrame:
    """Read and check a result frame.

    Raises:
        UserError: no such file, not Parquet, or not a result frame.
    """
    if not path.exists():
        raise UserError(f"{path}: no such result frame")
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable Parquet file ({' '.join(str(error).split())[:120]})") from None
    return check_frame(frame, path)
