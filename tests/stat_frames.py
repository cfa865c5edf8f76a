"""Result frames and paired values for the tests of the statistics."""

import gc
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from msm_bench.recipe import Term
from msm_bench.results import COLUMNS
from msm_bench.stats import TaskValues

Row = tuple[str, int, str, float]
"""Arm, seed, item, value."""


def result_frame(rows: Iterable[Row], **about: Any) -> pd.DataFrame:
    """A result frame of task `t` and measure `accuracy`, each item its own cluster in one cell; rows in order.

    A (arm, seed, item) that occurs again is another epoch.
    """
    epochs: dict[tuple[str, int, str], int] = {}
    found = []
    for arm, seed, item, value in rows:
        epoch = epochs[arm, seed, item] = epochs.get((arm, seed, item), 0) + 1
        own = {"arm": arm, "seed": seed, "item": item, "value": value, "epoch": epoch, "cluster": item}
        found.append(dict.fromkeys(COLUMNS, "") | {"task": "t", "metric": "accuracy", "cell": "c"} | own | about)
    return pd.DataFrame(found)


def values_of(arms: dict[tuple[str, int], list[float]], **about: Any) -> pd.DataFrame:
    """A result frame with a value for each (arm, seed) and item `i00`, `i01`, …"""
    return result_frame(
        ((arm, seed, f"i{number:02}", value) for (arm, seed), own in arms.items() for number, value in enumerate(own)),
        **about,
    )


def margins_of(arms: dict[tuple[str, int], list[float]], **about: Any) -> pd.DataFrame:
    """`values_of`, as margins: every second item is `named`, and each arm is a model that has a log."""
    found = values_of(arms, metric="margin")
    cues = np.where(found.groupby(["arm", "seed"]).cumcount() % 2, "named", "described")
    return found.assign(**{"cue": cues, "model": found["arm"], "log": found["arm"] + ".eval", **about})


def task_values(values: object, cells: object = None, clusters: object = None, name: str = "t") -> TaskValues:
    """Values (seeds, items) of a task; in one cell, and each item its own cluster, where nothing else is said."""
    array = np.array(values, dtype=float)
    items = array.shape[1]
    return TaskValues(
        name,
        array,
        np.zeros(items, dtype=np.int64) if cells is None else np.array(cells),
        np.arange(items) if clusters is None else np.array(clusters),
    )


def minus(first: str, second: str, weight: float = 1, task: str = "t") -> list[Term]:
    """The terms of one arm minus another."""
    return [Term(arm=first, task=task, weight=weight), Term(arm=second, task=task, weight=-weight)]


def adjusted(p: Sequence[float], method: str) -> list[float]:
    """p-values as statsmodels adjusts them."""
    gc.freeze()  # it collects garbage, which takes the longer the more is loaded
    found = multipletests(p, method=method)[1]
    gc.unfreeze()
    return [float(value) for value in found]
