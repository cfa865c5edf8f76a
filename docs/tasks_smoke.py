"""What became of each task in a folder of logs: how many samples have a score, why others have none, how long it took.

python docs/tasks_smoke.py runs/tasks-smoke --out results/tasks-smoke
"""

import shlex
import sys
from pathlib import Path
from typing import Any

import click
import pandas as pd

from msm_bench.files import write_json, write_text
from msm_bench.logs import finished_logs, frame_from_logs
from msm_bench.report import render_table
from msm_bench.report.collect import about_run
from msm_bench.report.publish import environment


def task_row(run: dict[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
    """A line of the table: a sample is scored that has a number in some metric; the metrics without are named."""
    numbers = frame["value"].notna()
    without = frame[~numbers].groupby(["unscored_reason", "metric"], sort=False).size()
    return {
        "task": run["task"].split("/")[-1],
        "version": run["task_version"],
        "samples": frame["item"].nunique(),
        "scored": frame[numbers]["item"].nunique(),
        "not scored": "; ".join(f"{metric} of {count}: {reason}" for (reason, metric), count in without.items()),
        "seconds": run["wall_seconds"],
    }


@click.command()
@click.argument("logs")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where the results go.")
def main(logs: str, out: Path) -> None:
    """Write the table and a summary of the Inspect logs in the folder LOGS."""
    found = [(about_run(log), frame_from_logs([log.location])) for log in finished_logs([logs])]
    table = pd.DataFrame([task_row(run, frame) for run, frame in found]).sort_values("task")
    command = "python " + shlex.join(sys.argv)
    write_json(out / "summary.json", {"command": command, "runs": [run for run, _ in found], **environment()})
    for style, ending in (("markdown", "md"), ("csv", "csv")):
        write_text(out / "tables" / f"tasks.{ending}", render_table(table, style))
    click.echo(render_table(table, "table"), nl=False)


if __name__ == "__main__":
    main()
