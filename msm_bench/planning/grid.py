"""Many designs at once: their power as a table, and the smallest number that reaches a wished power."""

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Literal, NamedTuple

import pandas as pd

from msm_bench.errors import UserError
from msm_bench.planning.components import Component, Components
from msm_bench.planning.power import (
    ALPHA,
    TARGET,
    Design,
    detectable,
    equivalence_power,
    precision,
    seeds_needed,
    t_power,
)
from msm_bench.planning.record import record_power
from msm_bench.stats import smallest_p

Solved = Literal["seeds", "items", "epochs"]
"""What can be looked for."""
_MOST = {"seeds": 200, "items": 1_000_000, "epochs": 1000}
"""Where the search ends."""

_COLUMNS = (
    *("seeds", "items", "epochs", "cells", "samples", "se", "df"),
    *("power", "power_low", "power_high", "power_both", "detectable", "note"),
)
_DRAWN = 0.02
"""By so much the power of both tests, which is drawn, can miss the other's by chance."""


class Question(NamedTuple):
    """What a run is to show."""

    effect: float
    """The true effect, in the measure's unit."""
    alpha: float = ALPHA
    """Two-sided level; of equivalence, of each one-sided test; already divided by the size of the family."""
    bound: float | None = None
    """Bound of equivalence; None for a difference from 0."""
    target: float = TARGET
    """The power that is asked for."""


class Grid(NamedTuple):
    """The designs to look at: every combination."""

    seeds: tuple[int, ...]
    """Numbers of seeds."""
    items: tuple[int, ...]
    """Items of each task; empty for the pilot's own."""
    epochs: tuple[int, ...]
    """Epochs."""
    cells: int | None = None
    """Fixed strata of each task; the pilot's own by default."""


def design_of(components: Components, seeds: int, items: int | None, epochs: int, cells: int | None) -> Design:
    """A design, with the pilot's own numbers where none are given."""
    shapes = [task.shape for task in components.tasks]
    own_items = tuple(shape.items if items is None else items for shape in shapes)
    return Design(seeds, own_items, epochs, tuple(cells or shape.cells for shape in shapes))


def power_of(components: Components, design: Design, question: Question) -> float:
    """Power of a design by the two-way test; 0 where too few seeds keep the seed-swap test above the level.

    An upper limit of the power of a confirmatory claim, for which the seed swap must reject too (`record_power`).
    """
    of = precision(components, design)
    if question.bound is not None:
        return equivalence_power(question.effect, question.bound, of, question.alpha)
    if _too_few_seeds(design.seeds, question):
        return 0.0
    return t_power(question.effect, of, question.alpha)


def power_table(components: Components, grid: Grid, question: Question) -> pd.DataFrame:
    """One row for each design, as numbers.

    Raises:
        UserError: nothing varies, or the plan is over seeds, of which nothing is known.
    """
    _check_known(components, grid.seeds)
    designs = [
        design_of(components, seeds, items, epochs, grid.cells)
        for items, epochs, seeds in product(grid.items or (None,), grid.epochs, grid.seeds)
    ]
    return _table([_row(components, design, question) for design in designs])


def solve(components: Components, grid: Grid, question: Question, what: Solved) -> pd.DataFrame:
    """For each combination of the two others the smallest number of `what` that reaches the wished power.

    Where no number does, the row has the largest that was tried, and says so.

    Raises:
        UserError: nothing is known of what more of `what` would change.
    """
    _check_known(components, (2,) if what == "seeds" else grid.seeds)
    if what == "epochs" and all(not task.epoch and not task.epoch_once.variance for task in components.tasks):
        raise UserError("nothing is known of the noise of sampling, so epochs can't be planned; give --sd-epoch")
    rows = []
    seeds = (None,) if what == "seeds" else grid.seeds
    items = (None,) if what == "items" else grid.items or (None,)
    epochs = (None,) if what == "epochs" else grid.epochs
    for one in product(items, epochs, seeds):
        rows.append(_solved(components, one, grid, question, what))
    return _table(rows)


def _check_known(components: Components, seeds: Sequence[int]) -> None:
    """Raise a `UserError` if nothing varies, or the plan is over seeds, of which nothing is known."""
    of_items = (part.variance for task in components.tasks for part in task if isinstance(part, Component))
    if not any(of_items) and not (components.seed and components.seed.variance):
        raise UserError("the differences do not vary at all, so nothing can be planned from them; use a larger pilot")
    if components.seed is None and max(seeds) > 1:
        raise UserError(
            "nothing is known of how seeds differ, so more than one can't be planned; give --sd-seed, or --seeds 1 for "
            "a claim about these very models"
        )


def _solved(
    components: Components, others: tuple[int | None, ...], grid: Grid, question: Question, what: Solved
) -> dict[str, object]:
    items, epochs, seeds = others

    def design(number: int) -> Design:
        wanted = number if what == "items" else items
        return design_of(components, seeds or number, wanted, epochs or number, grid.cells)

    found = _smallest(lambda number: power_of(components, design(number), question), question.target, what)
    row = _row(components, design(_MOST[what] if found is None else found), question)
    both = row.get("power_both", 1.0)
    if found is None:
        row["note"] = f"not reached; {row['note']}".removesuffix("; ")
    elif isinstance(both, float) and both < question.target - _DRAWN:
        row["note"] = "less where the seed swap must reject as well"
    return row


def _smallest(power: Callable[[int], float], target: float, what: Solved) -> int | None:
    """The smallest number whose power is at least `target`; above one half, power grows with it."""
    low, high = (1 if what == "seeds" else 0), 2  # the largest that is known to be too small, and what is tried
    while power(high) < target:
        if high == _MOST[what]:
            return None
        low, high = high, min(2 * high, _MOST[what])
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= target else (middle, high)
    return high


def _table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """The rows with the columns that any of them has, in one order."""
    return pd.DataFrame(rows, columns=[name for name in _COLUMNS if any(name in row for row in rows)])


def _row(components: Components, design: Design, question: Question) -> dict[str, object]:
    of, few = precision(components, design), _too_few_seeds(design.seeds, question)
    row: dict[str, object] = {
        "seeds": design.seeds,
        "items": _joined(design.items),
        "epochs": design.epochs,
        "cells": _joined(design.cells),
        "samples": design.samples(components),
        "se": of.se,
        "df": of.df,
        "power": power_of(components, design, question),
    }
    if design.seeds > 1 and math.isfinite(components.seed_low):
        limits = [
            power_of(components._replace(seed=Component(sd**2, 0)), design, question)
            for sd in (components.seed_high, components.seed_low)
        ]
        row |= {"power_low": min(limits), "power_high": max(limits)}
    if question.bound is None and design.seeds > 1:
        row["power_both"] = 0.0 if few else record_power(components, design, question.effect, question.alpha)
    if question.bound is None:
        row["detectable"] = math.nan if few else detectable(of, question.alpha, question.target)
    return row | {"note": _note(design, of.df, question)}


def _too_few_seeds(seeds: int, question: Question) -> bool:
    return question.bound is None and seeds > 1 and smallest_p(seeds) > question.alpha


def _note(design: Design, df: int, question: Question) -> str:
    if _too_few_seeds(design.seeds, question):
        least = smallest_p(design.seeds)
        return f"needs {seeds_needed(question.alpha)} seeds: no p below {least:.3g}, level {question.alpha:.3g}"
    if df < 1:
        return "too few clusters for its cells: no test"
    return "about these models alone" if design.seeds == 1 else ""


def _joined(numbers: Sequence[int]) -> str:
    """One number where all tasks have the same, else all of them."""
    return str(numbers[0]) if len(set(numbers)) == 1 else "+".join(map(str, numbers))
