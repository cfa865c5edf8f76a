"""Run the seeds of a recipe side by side, each in a process of its own with its share of the cores.

A training step of a small model keeps many cores busy only in part, so that two seeds on one core each are done sooner
than one after the other on two.
"""

import multiprocessing
import os
import sys
from collections.abc import Sequence
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from rich.console import Console

from msm_bench.errors import UserError
from msm_bench.experiment import Experiment


def run_side_by_side(experiment: Experiment, arms: Sequence[str], seeds: Sequence[int], jobs: int) -> None:
    """Carry out what is missing of `seeds` (all by default), `jobs` seeds at a time.

    What a seed prints goes to `WORKDIR/output/seed-S.log`. If one fails the others that run are finished, no other
    begins, and the first failure is raised.

    Raises:
        UserError: a seed failed; what it said.
    """
    # the processes inherit it, and torch reads it when it is loaded; what the user set stays
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // jobs)))
    say = Console(highlight=False).print
    waiting = [
        seed
        for seed in seeds or experiment.recipe.seeds
        if not all(step.done for step in experiment.plan(arms, [seed]))
    ]
    running: dict[int, tuple[int, SpawnProcess]] = {}
    failures: list[UserError] = []
    try:
        while running or (waiting and not failures):
            while waiting and len(running) < jobs and not failures:
                seed = waiting.pop(0)
                process = _start(experiment, arms, seed)
                running[process.sentinel] = (seed, process)
                say(f"seed {seed}: started, says more in {_output(experiment, seed)}")
            for sentinel in wait(list(running)):
                seed, process = running.pop(int(sentinel))  # type: ignore[arg-type]  # sentinels are numbers on POSIX
                process.join()
                say(f"seed {seed}: {'failed' if process.exitcode else 'done'}")
                if process.exitcode:
                    failures.append(_failure(experiment, seed))
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()
    if failures:
        raise failures[0]


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _output(experiment: Experiment, seed: int) -> Path:
    return experiment.workdir / "output" / f"seed-{seed}.log"


def _start(experiment: Experiment, arms: Sequence[str], seed: int) -> SpawnProcess:
    path = _output(experiment, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = Experiment(experiment.recipe, experiment.workdir, experiment.results)  # tasks, once built, can't be sent
    # daemon: no seed outlives the command
    process = multiprocessing.get_context("spawn").Process(
        target=_run_seed, args=(fresh, list(arms), seed, path), daemon=True
    )
    process.start()
    return process


def _run_seed(experiment: Experiment, arms: list[str], seed: int, output: Path) -> None:
    """What a process does: its output, whichever library writes it, goes to a file."""
    with output.open("a", encoding="utf-8") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    try:
        experiment.run(arms, [seed])
    except UserError as error:
        print(error, file=sys.stderr, flush=True)
        sys.exit(2)


def _failure(experiment: Experiment, seed: int) -> UserError:
    path = _output(experiment, seed)
    said = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return UserError(f"seed {seed} failed: {said[-1] if said else 'it was killed'} (more in {path})")
