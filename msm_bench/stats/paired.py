"""Paired values of a contrast: items matched on every arm and seed, weighted and summed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from msm_bench.recipe import Term
from msm_bench.results import UNTRAINED
from msm_bench.stats.ordinal import superiority
from msm_bench.stats.panel import ArmValues, Panel, Panels
from msm_bench.stats.values import Array, NotComparable, TaskValues


class TaskPart(NamedTuple):
    """What a task contributes to a contrast, before and after its terms are summed."""

    task: TaskValues
    """The weighted sum, mean over graders."""
    by_grader: Array
    """(graders, seeds, items) The weighted sum by each grader; a measure without graders has one."""
    arms: Array
    """(graders, terms, seeds, items) The mean over epochs of each term's arm."""
    terms: tuple[Term, ...]
    """The terms of the task."""
    scored: int
    """Scored values, over terms, seeds, items and epochs, of one grader."""
    once: bool
    """Whether every item was asked once."""

    def of_grader(self, number: int) -> TaskValues:
        """The weighted sum by one grader."""
        return self.task._replace(values=self.by_grader[number])


class Paired(NamedTuple):
    """The paired values of a contrast."""

    parts: list[TaskPart]
    """One for each task."""
    unscored: float
    """Share of the values that arms were asked for, of items that some arm has, that are unscored."""
    left_out: int
    """Items, over all tasks, that some arm of the contrast has, but not every arm and seed has a value for."""
    trained: bool
    """Whether any arm has seeds of its own: one that is neither `base` nor a model that no recipe trained."""

    @property
    def tasks(self) -> list[TaskValues]:
        """The weighted sums."""
        return [part.task for part in self.parts]

    @property
    def by_grader(self) -> list[list[TaskValues]]:
        """The weighted sums by each grader."""
        return [[part.of_grader(number) for part in self.parts] for number in range(len(self.parts[0].by_grader))]


def term_values(frame: pd.DataFrame, terms: Sequence[Term], measure: str) -> tuple[list[TaskValues], float]:
    """Paired values of each task of a contrast, and the share of needed values that are unscored (see `pair`).

    Raises:
        NotComparable: the frame lacks an arm, task, or common seeds and items.
    """
    own = frame[(frame["metric"] == measure) & frame["task"].isin({term.task for term in terms})]
    found = pair(Panels(own), terms, (measure,))
    return found.tasks, found.unscored


def pair(panels: Panels, terms: Sequence[Term], metrics: Sequence[str], *, ordinal: bool = False) -> Paired:
    """Match the items of a contrast and sum its terms.

    Epochs are averaged within an item: they measure sampling noise only. The base model, and a model that no recipe
    trained, is the same at every seed, so its values are repeated for each seed of the other arms.

    Args:
        panels: The results.
        terms: The weighted sum.
        metrics: What is averaged for the value of an item: a measure, or the metrics of its graders.
        ordinal: Compare the two arms of each task by `superiority` − ½, times the weight of the first.

    Raises:
        NotComparable: the results lack an arm, task, or common seeds and items, or `ordinal` terms are not two arms
            with opposite weights.
    """
    seeds, trained = _common_seeds(panels, terms, metrics)
    parts: list[TaskPart] = []
    needed = missing = 0.0
    left_out = 0
    for task in dict.fromkeys(term.task for term in terms):
        own = tuple(term for term in terms if term.task == task)
        graders = [_Matched(_panel(panels, task, metric), own, seeds) for metric in metrics]
        names, whole = _common_items(graders)
        if not whole.any():
            of = " and ".join(metrics)
            raise NotComparable(f"task {task}: no item has a {of} for every arm and seed of the contrast")
        needed += sum(grader.needed for grader in graders)
        missing += sum(grader.missing for grader in graders)
        left_out += len(names) - int(whole.sum())
        parts.append(_part(task, graders, list(names[whole]), ordinal=ordinal))
    return Paired(parts, missing / needed, left_out, trained)


class _Matched:
    """The terms of a task by one grader, on the items that some of its arms has."""

    def __init__(self, panel: Panel, terms: Sequence[Term], seeds: Sequence[int]) -> None:
        arms = [arm for term in terms if (arm := panel.arm(term.arm)) is not None]
        self.panel, self.terms = panel, terms
        self.rows_of = [[_seed_row(arm, seed) for seed in seeds] for arm in arms]
        self.any = np.logical_or.reduce([arm.rows.any(axis=0) for arm in arms])
        self.items = panel.items[self.any]
        self.means = self._stack([arm.means for arm in arms])
        self.rows = self._stack([arm.rows for arm in arms])
        self.scored = self._stack([arm.scored for arm in arms])
        self.seeds = [[arm.seeds[row] for row in rows] for arm, rows in zip(arms, self.rows_of, strict=True)]
        asked = self.rows > 0  # an item that an arm was never asked is left out, not unscored
        self.needed = int(asked.sum())
        self.missing = float((1 - self.scored[asked] / self.rows[asked]).sum())

    def _stack(self, arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """(terms, seeds, items)"""
        return np.stack([array[rows][:, self.any] for array, rows in zip(arrays, self.rows_of, strict=True)])

    @property
    def whole(self) -> pd.Series:
        """By item: whether every term has a value at every seed."""
        return pd.Series(~np.isnan(self.means).any(axis=(0, 1)), index=self.items)

    def places(self, names: Sequence[str]) -> list[int]:
        """Where items stand in `means`."""
        return [int(place) for place in pd.Index(self.items).get_indexer(pd.Index(names))]


def _common_items(graders: Sequence[_Matched]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """All items of a task, sorted, and which of them every grader has for every term and seed."""
    if len(graders) == 1:
        return graders[0].items, graders[0].whole.to_numpy()
    table = pd.concat([grader.whole for grader in graders], axis=1, sort=True)
    return table.index.to_numpy(), table.eq(True).all(axis=1).to_numpy()


def _part(task: str, graders: Sequence[_Matched], names: list[str], *, ordinal: bool) -> TaskPart:
    first = graders[0]
    terms = tuple(first.terms)
    places = [grader.places(names) for grader in graders]
    means = np.stack([grader.means[:, :, at] for grader, at in zip(graders, places, strict=True)])
    if ordinal:
        by_grader = np.stack([_superiority(grader, names) for grader in graders])
    else:
        by_grader = np.tensordot(means, np.array([term.weight for term in terms]), axes=([1], [0]))
    where = pd.Index(first.panel.items).get_indexer(names)
    cells, clusters = first.panel.cells[where], first.panel.clusters[where]
    codes = pd.factorize(pd.Series(cells) + "\0" + pd.Series(clusters))[0]
    values = TaskValues(task, by_grader.mean(axis=0), pd.factorize(cells)[0], codes, tuple(str(name) for name in names))
    rows = first.rows[:, :, places[0]]
    return TaskPart(values, by_grader, means, terms, int(first.scored[:, :, places[0]].sum()), bool((rows == 1).all()))


def _superiority(grader: _Matched, names: Sequence[str]) -> Array:
    """(seeds, items) The weighted probability of superiority, less a half, of the arm whose weight comes first."""
    terms = grader.terms
    if len(terms) != 2 or terms[0].weight != -terms[1].weight:
        raise NotComparable(f"task {terms[0].task}: ranks compare two arms, with opposite weights")
    at = pd.Index(grader.panel.items).get_indexer(list(names))
    found = [
        superiority(*(grader.panel.epochs(term.arm, seed)[:, at] for term, seed in zip(terms, seeds, strict=True)))
        for seeds in zip(*grader.seeds, strict=True)
    ]
    return terms[0].weight * (np.stack(found) - 0.5)


def _panel(panels: Panels, task: str, metric: str) -> Panel:
    panel = panels.of(task, metric)
    if panel is None:
        raise NotComparable(f"no {metric} on task {task!r} in these results")
    return panel


def _common_seeds(panels: Panels, terms: Sequence[Term], metrics: Sequence[str]) -> tuple[list[int], bool]:
    """Seeds that every arm of the contrast has on its task, and whether any arm has seeds of its own."""
    common: set[int] | None = None
    single: set[int] = set()
    own: dict[str, set[int]] = {}
    for metric in metrics:
        for term in terms:
            panel = panels.of(term.task, metric)
            arm = panel.arm(term.arm) if panel is not None else None
            seeds = set(arm.scored_seeds) if arm is not None else set()  # a seed of which nothing was scored is none
            if not seeds:
                raise NotComparable(f"no {metric} of arm {term.arm!r} on task {term.task!r} in these results")
            if term.arm == "base" or seeds == {UNTRAINED}:
                single |= seeds
                continue
            common = seeds if common is None else common & seeds
            own[term.arm] = own.get(term.arm, seeds) & seeds
    if common is None:
        return [min(single)], False
    if not common:
        each = "; ".join(f"{arm} has {', '.join(map(str, sorted(own[arm])[:4])) or 'none'}" for arm in sorted(own))
        raise NotComparable(f"the arms {', '.join(sorted(own))} have no seed in common: {each}")
    return sorted(common), True


def _seed_row(arm: ArmValues, seed: int) -> int:
    """Where an arm has a seed; for one that it lacks the untrained arm repeats its first."""
    return arm.seeds.index(seed if seed in arm.seeds else arm.scored_seeds[0])
