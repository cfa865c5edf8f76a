"""The command of `benchmarks/calibration.py`."""

import platform
import shlex
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from msm_bench.files import read_json, write_json
from simulation.methods import METHODS, RESAMPLES
from simulation.scenarios import ERRORS, FIRES, MARGIN, NOMINAL, SCENARIOS, Scenario
from simulation.show import plot, tables
from simulation.study import LOOKS, SEED, fails, firing, flagged, run

RESULTS = Path(__file__).parents[1] / "results"
DOCS = Path(__file__).parents[2] / "docs"
_MOST = 2000
"""Data sets of a scenario."""
_QUICK = 20


@click.command()
@click.option("--quick", is_flag=True, help=f"{_QUICK} data sets a scenario, to see that it runs; needs --out.")
@click.option("--only", default="", help="Only scenarios whose name holds this text, printed and not written.")
@click.option("--markdown", is_flag=True, help="Print the tables of docs/statistics.md from the results, and stop.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option("--work", type=click.Path(path_type=Path), default=Path("runs/calibration"), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of results and figures instead of the committed.")
def main(quick: bool, only: str, markdown: bool, jobs: int, work: Path, out: Path | None) -> None:
    """Simulate every scenario that is not done yet, and write the results."""
    if markdown:
        click.echo(tables(read_json((out or RESULTS) / "calibration.json")), nl=False)
        return
    if quick and out is None:
        raise click.UsageError("--quick would write rough results over the committed ones; name a folder with --out")
    chosen = [scenario for scenario in SCENARIOS if only in scenario.name]
    started = time.perf_counter()
    found: dict[str, list[dict[str, Any]]] = {}
    shares: dict[str, dict[str, float]] = {}
    for scenario, rows, seconds in run(chosen, work, _QUICK if quick else _MOST, jobs):
        shares[scenario.name] = firing(scenario, _QUICK if quick else LOOKS)
        found[scenario.name] = [flagged(row, shares[scenario.name]) for row in rows]
        past = time.perf_counter() - started
        click.echo(f"{len(found)}/{len(chosen)} {scenario.name}: {seconds:.0f} s, {past:.0f} s in all")
        for row in found[scenario.name]:
            _say(row, shares[scenario.name][row["method"]])
    if not only:
        _write(chosen, found, shares, out)


def _say(row: dict[str, Any], fires: float) -> None:
    value = row["type1"] if row["coverage"] is None else row["coverage"]
    verdict = "FAILS" if fails(row) else "holds"
    error, count = row["mc_error"], row["n_sim"]
    click.echo(f"    {row['method']:20} {value} ±{error} {verdict}, n {count}, cautions in {fires:.0%} of runs")


def _write(
    scenarios: list[Scenario],
    found: dict[str, list[dict[str, Any]]],
    shares: dict[str, dict[str, float]],
    out: Path | None,
) -> None:
    """The rows, what is to know about them, and the figures."""
    folder = out or RESULTS
    rows = [row for scenario in scenarios for row in found[scenario.name]]
    absent = [[row["scenario"], row["method"], round(row["absent"], 4)] for row in rows if row["absent"]]
    kept = [{key: value for key, value in row.items() if key != "absent"} for row in rows]
    write_json(folder / "calibration.json", kept)
    about = {
        "command": "python " + shlex.join(sys.argv),
        "machine": f"{platform.machine()}, {platform.processor() or 'CPU'}",
        "seed": SEED,
        "resamples": RESAMPLES,
        "simulations": {name: min(_MOST, method.simulations) for name, method in METHODS.items()},
        "rule": {"nominal": NOMINAL, "simulation errors": ERRORS, "margin": MARGIN, "flagged from": FIRES},
        "absent": absent,
        "fires": shares,
        "scenarios": [asdict(scenario) for scenario in scenarios],
    }
    write_json(folder / "calibration.about.json", about)
    for key in ("type1", "coverage"):
        plot(kept, key, (out or DOCS) / f"calibration-{key}.png")
