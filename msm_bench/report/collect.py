"""Results of Inspect logs that no recipe made: frame, summary, a table and a heat map of the cells."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from inspect_ai.log import EvalLog

from msm_bench.errors import UserError
from msm_bench.files import write_json, write_text
from msm_bench.logs import frame_from_logs, log_files, read_log
from msm_bench.report.figures import save_figure
from msm_bench.report.figures.cells import cell_grids, cells_caption, draw_cells
from msm_bench.report.publish import environment
from msm_bench.report.render import render_table
from msm_bench.results import write_frame


def collect(sources: Sequence[str], folder: Path, command: str) -> pd.DataFrame:
    """Write what the logs say to a folder; gives back the table of cells.

    Raises:
        UserError: there are no logs, they can't be compared, or their samples have no cells.
    """
    frame = frame_from_logs(sources)
    if (frame["cell"] == "").any():
        task = frame[frame["cell"] == ""]["task"].iloc[0]
        raise UserError(f"{', '.join(sources)}: samples of {task} lie in no cell; give logs of tasks with cells alone")
    heads = [read_log(file, header_only=True) for file in log_files(sources)]
    table = cell_table(frame)
    write_frame(frame, folder / "frame.parquet")
    runs = [about_run(head) for head in heads if head.status == "success"]
    write_json(folder / "summary.json", {"command": command, "runs": runs, **environment()})
    for style, ending in (("markdown", "md"), ("csv", "csv")):
        write_text(folder / "tables" / f"cells.{ending}", render_table(table, style))
    if grids := cell_grids(frame):
        scored = set(frame[frame["value"].notna()]["metric"])
        blank = [metric for metric in dict.fromkeys(frame["metric"]) if metric not in scored]
        note = f"{cells_caption(grids, blank=blank)} {_note(frame)}"
        save_figure(draw_cells(grids), folder / "figures" / "cells.png", note)
    return table


def cell_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Model, task (where there are several) and cell as rows; for each metric the mean over its scored samples, and how
    many of all those are."""
    rows: list[dict[str, Any]] = []
    keys = ["model", "task", "cell"] if frame["task"].nunique() > 1 else ["model", "cell"]
    for names, own in frame.groupby(keys, sort=False, observed=True):
        row: dict[str, Any] = dict(zip(keys, names, strict=True))
        for metric, values in own.groupby("metric", sort=False, observed=True)["value"]:
            scored = values.notna().sum()
            row[str(metric)] = f"{values.mean():.2f} ({scored}/{len(values)})" if scored else f"– (0/{len(values)})"
        rows.append(row)
    return pd.DataFrame(rows).fillna("")


def about_run(head: EvalLog) -> dict[str, Any]:
    """A log in short: what was run, for how long, and every metric."""
    scores = head.results.scores if head.results else []
    seconds = None
    if head.stats.started_at and head.stats.completed_at:
        ended, began = (datetime.fromisoformat(time) for time in (head.stats.completed_at, head.stats.started_at))
        seconds = round((ended - began).total_seconds(), 1)
    return {
        "task": head.eval.task,
        "task_version": head.eval.task_version,
        "task_args": head.eval.task_args,
        "model": head.eval.model,
        "model_args": head.eval.model_args,
        "config": head.eval.config.model_dump(
            include={"epochs", "limit", "sample_id", "message_limit", "token_limit"}, exclude_none=True
        ),
        "generation": head.plan.config.model_dump(exclude_none=True),
        "samples": head.results.completed_samples if head.results else 0,
        "wall_seconds": seconds,
        "scores": {
            score.name: {
                "scored": score.scored_samples,
                "unscored": score.unscored_samples,
                **{
                    name: round(metric.value, 4)
                    for name, metric in score.metrics.items()
                    if metric.value == metric.value
                },
            }
            for score in scores
        },
    }


def _note(frame: pd.DataFrame) -> str:
    epochs, models = frame["epoch"].nunique(), ", ".join(dict.fromkeys(frame["model"]))
    return f"{models}; {frame['item'].nunique()} samples, {epochs} epoch{'' if epochs == 1 else 's'}"
