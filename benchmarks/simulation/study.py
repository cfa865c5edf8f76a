"""Running the study: scenario by scenario, each saved when it is done, so that a killed run goes on where it was."""

import inspect
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

import msm_bench.stats
import simulation.draw
from msm_bench.files import canonical_json, read_json, sha256_file, sha256_text, write_json
from msm_bench.stats.cautions import Caution, find_cautions
from simulation.draw import Sample, draw
from simulation.methods import METHODS, Trial
from simulation.scenarios import ERRORS, FIRES, ITEMS, MARGIN, NOMINAL, Scenario

SEED = 20261126
"""Of the study; every data set has a seed made of it, its scenario's name and its number."""
_STATS = Path(str(msm_bench.stats.__file__)).parent
_ESTIMATORS = (
    *(
        "bootstrap",
        "effects",
        "graders",
        "mixed",
        "ordinal",
        "share_intervals",
        "shares",
        "tests",
        "values",
        "variance",
    ),
)
"""Modules of `msm_bench.stats` on which results depend."""
LOOKS = 200
"""Data sets of a scenario on which the cautions are tried."""


def data_sets(scenario: Scenario, count: int) -> Iterator[Sample]:
    """The first `count` data sets of a scenario, always the same ones."""
    for number in range(count):
        yield draw(scenario, np.random.default_rng([SEED, crc32(scenario.name.encode()), number]))


def simulate(scenario: Scenario, most: int) -> list[dict[str, Any]]:
    """A row for each method of the scenario: the mean of its scores, over at most `most` data sets."""
    scores: dict[str, list[float]] = {name: [] for name in scenario.methods}
    counts = {name: min(most, METHODS[name].simulations) for name in scenario.methods}
    for number, sample in enumerate(data_sets(scenario, max(counts.values()))):
        trial = Trial(sample, scenario)
        for name in scenario.methods:
            if number < counts[name]:
                scores[name].append(METHODS[name].score(trial))
    return [_row(scenario, name, np.array(found)) for name, found in scores.items()]


def _row(scenario: Scenario, name: str, scores: np.ndarray) -> dict[str, Any]:
    """Data sets for which a method gives nothing are left out, and counted in `absent`.

    The simulation error of a share is √(p (1 − p)/n) with p no nearer to 0 or 1 than one data set of n.
    """
    given = scores[~np.isnan(scores)]
    test = METHODS[name].kind == "test"
    row: dict[str, Any] = {"method": name, "scenario": scenario.name, "type1": None, "coverage": None}
    row |= {"n_sim": len(given), "mc_error": None, "absent": 1 - len(given) / len(scores)}
    if len(given):
        mean = float(given.mean())
        bounded = min(max(mean, 1 / len(given)), 1 - 1 / len(given))
        row["type1" if test else "coverage"] = round(mean, 4)
        row["mc_error"] = round(math.sqrt(bounded * (1 - bounded) / len(given)), 4)
    return row


def fails(row: dict[str, Any]) -> bool:
    """Whether a row breaks the rule of `scenarios`: off by more than simulation error, and by a margin that matters."""
    if row["mc_error"] is None:
        return False
    off = row["type1"] - NOMINAL if row["type1"] is not None else 1 - NOMINAL - row["coverage"]
    return bool(off > ERRORS * row["mc_error"] and off > MARGIN)


def said(scenario: Scenario, sample: Sample) -> list[Caution]:
    """The cautions about a data set."""
    return find_cautions(
        sample.tasks,
        share=sample.share,
        unscored=sample.unscored,
        trained=scenario.about != ITEMS,  # that one seed says nothing of training is no caution about these checkpoints
        mixed="mixed_model" in scenario.methods,
        graders=max(1, scenario.graders),
        arms=sample.arms if len(scenario.rates) == 2 else None,
    )


def firing(scenario: Scenario, looks: int = LOOKS) -> dict[str, float]:
    """For each method of the scenario the share of data sets in which a caution about it fires."""
    hits = dict.fromkeys(scenario.methods, 0)
    for sample in data_sets(scenario, looks):
        fired = {name for caution in said(scenario, sample) for name in caution.about}
        for name in hits:
            hits[name] += name in fired
    return {name: count / looks for name, count in hits.items()}


def example(scenario: Scenario, methods: set[str]) -> list[str]:
    """What is said of some methods in the first data set in which anything is."""
    for sample in data_sets(scenario, LOOKS):
        if texts := [caution.text for caution in said(scenario, sample) if caution.about & methods]:
            return texts
    return []


def run(
    scenarios: Sequence[Scenario], work: Path, most: int, jobs: int
) -> Iterator[tuple[Scenario, list[dict[str, Any]], float]]:
    """Each scenario with its rows and seconds, in the order in which they are done; what lies in `work` is reused."""
    waiting = []
    for scenario in scenarios:
        path = work / f"{_key(scenario, most)}.json"
        if path.exists():
            yield scenario, read_json(path), 0.0
        else:
            waiting.append((scenario, path))
    if jobs == 1:
        yield from (_save(scenario, path, most) for scenario, path in waiting)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(_save, scenario, path, most) for scenario, path in waiting]):
            yield done.result()


def _save(scenario: Scenario, path: Path, most: int) -> tuple[Scenario, list[dict[str, Any]], float]:
    started = time.perf_counter()
    rows = simulate(scenario, most)
    write_json(path, rows)
    return scenario, rows, time.perf_counter() - started


def code_hash(scenario: Scenario) -> str:
    """Of the estimators, of the data and of the scenario's methods; the cautions are tried anew in every run."""
    files = {Path(inspect.getfile(METHODS[name].score)) for name in scenario.methods}
    files |= {Path(str(simulation.draw.__file__)), *(_STATS / f"{name}.py" for name in _ESTIMATORS)}
    return sha256_text("".join(sha256_file(path) for path in sorted(files)))


def _key(scenario: Scenario, most: int) -> str:
    """Of all that a scenario's rows depend on."""
    return sha256_text(canonical_json([asdict(scenario), most, code_hash(scenario)]))[:16]


def flagged(row: dict[str, Any], shares: dict[str, float]) -> dict[str, Any]:
    """The row with `flagged`."""
    return row | {"flagged": shares[row["method"]] >= FIRES}
