"""The result frame: one row per sample, epoch and metric; `msm_bench.logs` makes it from Inspect logs."""

from pathlib import Path

import pandas as pd

from msm_bench.errors import UserError
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
SAMPLE = ["arm", "seed", "task", "item", "epoch", "metric"]
"""What a value of a result frame is known by."""


def check_frame(frame: pd.DataFrame, where: Path | str) -> pd.DataFrame:
    """`frame`, if it has the columns of a result frame and no sample twice.

    Raises:
        UserError: a column is missing, or an item was scored twice for an arm, seed and epoch.
    """
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise UserError(f"{where}: not a result frame; it lacks {', '.join(missing)}")
    twice = frame[frame.duplicated(SAMPLE)]
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
