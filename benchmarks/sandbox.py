"""What the sandbox costs: a tool call in bubblewrap against Inspect's `local`, and episodes a minute at 1, 4 and 16.

    python benchmarks/sandbox.py

Writes `benchmarks/results/sandbox.json`. The agent is scripted, so that no model's time is in it.
"""

import os
import platform
import shlex
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import click
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import sandbox

from msm_bench.files import write_json
from msm_bench.office import agentic_task, cases, scenario
from msm_bench.office.scripted import play
from msm_bench.office.solvers import lay_out
from msm_bench.office.tools import office
from msm_bench.providers.bubblewrap.jail import PATH

OURS, PEER = "bubblewrap", "local"


@solver
def calls(count: int) -> Solver:
    """Seconds of commands and of the office's tool calls, into the store."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        await lay_out(scenario(cases()[0]).office)
        times: dict[str, list[float]] = {"exec": [], "tool": []}
        for _ in range(count):
            start = time.perf_counter()
            await sandbox().exec(["true"])
            middle = time.perf_counter()
            await office("list_messages", {})
            times["exec"].append(middle - start)
            times["tool"].append(time.perf_counter() - middle)
        state.store.set("times", times)
        return state

    return solve


@click.command()
@click.option("--count", default=100, show_default=True, help="Calls a round.")
@click.option("--rounds", default=5, show_default=True, help="Rounds of either sandbox, in turn.")
@click.option("--goals", default=4, show_default=True, help="Goals of the episodes: three times as many cells.")
def main(count: int, rounds: int, goals: int) -> None:
    """Time both."""
    os.environ["PATH"] = PATH  # the same python3 for both
    found: dict[str, dict[str, list[float]]] = {kind: {"exec": [], "tool": []} for kind in (OURS, PEER)}
    for _ in range(rounds):
        for kind, times in found.items():
            for name, seconds in _calls(kind, count).items():
                times[name].append(1000 * statistics.median(seconds))
    cost = {kind: {name: statistics.median(each) for name, each in times.items()} for kind, times in found.items()}
    for name in ("exec", "tool"):
        click.echo(f"{name}: {cost[OURS][name]:.1f} ms in {OURS}, {cost[PEER][name]:.1f} ms in {PEER}")
    growth = []
    for concurrent in (1, 4, 16):
        ours, peer = (_episodes(kind, concurrent, goals) for kind in (OURS, PEER))
        growth.append({"concurrent": concurrent, "ours": ours, "peer": peer, "ratio": ours / peer})
        click.echo(f"{concurrent} at a time: {ours:.0f} episodes a minute in {OURS}, {peer:.0f} in {PEER}")
    write_json(
        Path(__file__).parent / "results" / "sandbox.json",
        {
            "ours": cost[OURS]["tool"],
            "peer": cost[PEER]["tool"],
            "ratio": cost[PEER]["tool"] / cost[OURS]["tool"],
            "goal": 0.5,
            "unit": "milliseconds of one tool call of the office, median of the rounds' medians; peer: Inspect's local",
            "exec": {"ours": cost[OURS]["exec"], "peer": cost[PEER]["exec"], "unit": "milliseconds of `true`"},
            "growth": growth,
            "growth_unit": "episodes a minute by a scripted agent of four tool calls; concurrent samples",
            "command": "python " + shlex.join(sys.argv),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        },
    )


def _calls(kind: str, count: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        task = Task(dataset=[Sample(input="-")], solver=calls(count), sandbox=kind)
        [log] = inspect_eval(task, model="mockllm/model", log_dir=folder, display="none")
        if not log.samples or log.status != "success":
            raise click.ClickException(f"{kind}: {log.error}")
        times: dict[str, list[float]] = log.samples[0].store["times"]
        return times


def _episodes(kind: str, concurrent: int, goals: int) -> float:
    """A minute's worth, from the start of the first to the end of the last sample."""
    chosen = ["none", "america", "global", "ethical", "pragmatic", "safety"][:goals]
    with tempfile.TemporaryDirectory() as folder:
        task = agentic_task(variant=[1, 2], goal=chosen, twins=False, allow_unsafe_local=True)
        [log] = inspect_eval(
            task,
            solver=play("harmless"),
            sandbox=kind,
            model="mockllm/model",
            max_samples=concurrent,
            max_sandboxes=concurrent,
            log_dir=folder,
            display="none",
        )
        samples = log.samples or []
        times = [(sample.started_at, sample.completed_at) for sample in samples if sample.completed_at]
        if log.status != "success" or len(times) < len(samples):
            raise click.ClickException(f"{kind}: {log.error}")
        starts, ends = zip(*((_seconds(start), _seconds(end)) for start, end in times), strict=True)
        return 60 * len(times) / (max(ends) - min(starts))


def _seconds(stamp: object) -> float:
    return (stamp if isinstance(stamp, datetime) else datetime.fromisoformat(str(stamp))).timestamp()


if __name__ == "__main__":
    main()
