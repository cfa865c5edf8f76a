"""Each sample once: seeds and epochs that named columns make, and what is there twice."""

import re

import numpy as np
import pandas as pd

from msm_bench.errors import UserError, printable
from msm_bench.logs.columns import Columns
from msm_bench.results import SAMPLE, UNTRAINED

_WHOLE = re.compile(r"\d{1,18}", re.ASCII)


def number_seeds(frame: pd.DataFrame, columns: Columns, created: dict[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """The seeds of a named column as whole numbers, and what to say of it.

    Args:
        frame: Rows, their seeds text, empty where there is none.
        columns: The column that names the seed.
        created: When each log was made.
    """
    if columns.seed is None:
        return frame.astype({"seed": "int64"}), []
    if columns.seed == "log":
        pairs = frame[["arm", "task", "log"]].drop_duplicates()
        pairs = pairs.assign(created=pairs["log"].map(created)).sort_values(["created", "log"])
        pairs["seed"] = pairs.groupby(["arm", "task"], observed=True).cumcount() + 1
        numbered = frame.drop(columns="seed").merge(pairs[["arm", "task", "log", "seed"]], on=["arm", "task", "log"])
        return numbered[list(frame.columns)], [
            "seeds number the logs of each arm and task by their age: which log of an arm stands beside which of "
            "another is arbitrary"
        ]
    names = sorted(name for name in frame["seed"].unique() if name)
    notes = []
    if all(_WHOLE.fullmatch(name) for name in names):
        codes = {name: int(name) for name in names}
    else:
        codes = {name: number for number, name in enumerate(names, 1)}
        listed = ", ".join(f"{number} {name}" for name, number in list(codes.items())[:10])
        notes.append(f"seeds number the values of {columns.seed}: {listed}{', …' if len(codes) > 10 else ''}")
    seeds = frame["seed"].map({**codes, "": UNTRAINED})
    return frame.assign(seed=seeds.astype("int64")), notes


def number_epochs(frame: pd.DataFrame, columns: Columns) -> tuple[pd.DataFrame, list[str]]:
    """Where a named item holds several samples of a log, they are its epochs; and what to say of it."""
    if columns.item == "sample_id":
        return frame, []
    of_item = ["log", *(name for name in SAMPLE if name != "epoch")]
    several = frame.duplicated([*of_item, "epoch"], keep=False)
    if not several.any():
        return frame, []
    items = frame[several].groupby("task", sort=False, observed=True)["item"].nunique()
    numbered = frame.assign(epoch=frame.groupby(of_item, sort=False, observed=True).cumcount() + 1)
    return numbered, [
        f"{task}: {count} items hold several samples of a log each ({columns.item}); their mean is taken"
        for task, count in items.items()
    ]


def check_once(frame: pd.DataFrame) -> None:
    """Raise a `UserError` that names the logs if two of them hold the same item for one arm, seed and epoch."""
    twice = np.flatnonzero(frame.duplicated(SAMPLE, keep="first").to_numpy())
    if not len(twice):
        return
    second = frame.iloc[twice[0]]
    same = np.logical_and.reduce([(frame[name] == second[name]).to_numpy() for name in SAMPLE])
    first = frame.iloc[np.flatnonzero(same)[0]]
    item, arm = printable(second["item"]), printable(second["arm"])
    seed = "" if second["seed"] == UNTRAINED else f", seed {second['seed']}"
    where = f"item {item} of {second['task']} is scored twice for arm {arm}{seed}"
    if first["sample_uuid"] == second["sample_uuid"] and first["sample_uuid"]:
        raise UserError(f"{second['log']}: {where}; give each log once")
    if first["log"] == second["log"]:
        raise UserError(f"{second['log']}: {where}; give its samples ids that differ as text, unlike 1 and '1'")
    raise UserError(
        f"{first['log']} and {second['log']}: {where}; leave one out, or tell them apart with --by, or with --seed log "
        "where each is a run of its own"
    )


def check_strata(frame: pd.DataFrame, columns: Columns) -> None:
    """Raise a `UserError` if a named cell or cluster is not the same for an item in all logs."""
    for role, name in (("cell", columns.cell), ("cluster", columns.cluster)):
        if name is None:
            continue
        pairs = frame[["task", "item", role]].drop_duplicates()
        several = pairs[pairs.duplicated(["task", "item"], keep=False)]
        if len(several):
            first = several.iloc[0]
            found = several[(several["task"] == first["task"]) & (several["item"] == first["item"])][role].head(3)
            raise UserError(
                f"item {printable(first['item'])} of {first['task']} has more than one {name} "
                f"({', '.join(map(repr, found))}); a {role} must be the same for an item in all logs"
            )
