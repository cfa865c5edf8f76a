"""Run the seeds of a recipe side by side, each in a process of its own with its share of the cores.

A training step of a small model keeps many cores busy only in part, so that two seeds on one core each are done sooner
than one after the other on two.
"""

import multiprocessing
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess, parent_process
from pathlib import Path
from typing import NamedTuple

import click

from msm_bench.basemodels import resolve
from msm_bench.errors import UserError
from msm_bench.experiment import Experiment


class _Running(NamedTuple):
    """A seed in its process."""

    seed: int
    process: BaseProcess
    refusal: Connection
    """The error that the process sends if it can't go on."""
    output: Path
    """What its libraries print."""


def run_side_by_side(experiment: Experiment, arms: Sequence[str], seeds: Sequence[int], jobs: int) -> None:
    """Carry out what is missing of `seeds` (all by default), `jobs` seeds at a time.

    What a seed prints goes to `WORKDIR/output/seed-S.log`. If one fails, the others that run are finished, no other
    begins, and the first failure is raised. No process outlives the command.

    Raises:
        UserError: a seed failed, or was killed.
        OSError: a file of a seed could not be read or written.
        RuntimeError: a seed ended for another reason.
    """
    recipe = experiment.recipe
    base = resolve(recipe.base)
    trained_at = {seed for arm in arms or recipe.arms for seed in recipe.seeds_of(arm)}
    wanted = [seed for seed in dict.fromkeys(seeds or recipe.seeds) if seed in trained_at]
    waiting = [seed for seed in wanted if not all(step.done for step in experiment.plan(arms, [seed], base))]
    # the processes inherit it, and torch reads it when it is loaded; what the user set stays
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // max(1, min(jobs, len(waiting))))))
    running: dict[int, _Running] = {}
    failures: list[Exception] = []
    try:
        while running or (waiting and not failures):
            while waiting and len(running) < jobs and not failures:
                begun = _start(experiment, arms, waiting.pop(0))
                running[begun.process.sentinel] = begun
                click.echo(f"seed {begun.seed}: started, says more in {begun.output}")
            for sentinel in wait(list(running)):
                ended = running.pop(int(sentinel))  # type: ignore[arg-type]  # sentinels are numbers on POSIX
                ended.process.join()
                click.echo(f"seed {ended.seed}: {'failed' if ended.process.exitcode else 'done'}")
                if ended.process.exitcode:
                    failures.append(_failure(ended))
    finally:
        for left in running.values():
            left.process.terminate()
            left.process.join()
    if failures:
        raise failures[0]


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start(experiment: Experiment, arms: Sequence[str], seed: int) -> _Running:
    output = experiment.workdir / "output" / f"seed-{seed}.log"
    output.parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    fresh = Experiment(experiment.recipe, experiment.workdir, experiment.results)  # tasks, once built, can't be sent
    process = context.Process(target=_run_seed, args=(fresh, list(arms), seed, output, there), daemon=True)
    process.start()
    there.close()
    return _Running(seed, process, here, output)


def _run_seed(experiment: Experiment, arms: list[str], seed: int, output: Path, refusal: Connection) -> None:
    """What a process does: its output, whichever library writes it, goes to a file."""
    threading.Thread(target=_end_with_the_command, daemon=True).start()
    with output.open("a", encoding="utf-8") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    try:
        experiment.run(arms, [seed])
    except (UserError, OSError) as error:
        refusal.send(error)
        raise SystemExit(2) from None


def _end_with_the_command() -> None:
    """A command that was killed can't end its processes, and the next one would work beside them on the same files."""
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _failure(ended: _Running) -> Exception:
    where, code = f"seed {ended.seed} failed", ended.process.exitcode or 0
    with suppress(EOFError):  # it ended without a word
        error = ended.refusal.recv()
        return error if isinstance(error, OSError) else UserError(f"{where}: {error}")
    if code < 0:
        return UserError(f"{where}: killed by signal {-code}; if memory was short give fewer --jobs, and run it again")
    return RuntimeError(f"{where} with exit code {code}; see the end of {ended.output}")
