"""The methods under study: each gives, for one simulated data set, a score whose mean is its type-1 error or coverage.

The package's own functions are called. To add a method, write one line in `METHODS` and name it in a scenario.
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from msm_bench.recipe import Term
from msm_bench.report.tables import arm_summary
from msm_bench.results import COLUMNS
from msm_bench.stats import (
    Effect,
    Interval,
    TaskPart,
    benjamini_hochberg,
    clopper_pearson,
    crossed_bootstrap,
    equivalence,
    grader_interval,
    holm,
    item_sign_flip,
    mcnemar,
    mixed_model,
    rule_of_three,
    seed_swap,
    share_effects,
    share_limits,
    two_way,
    two_way_interval,
    wilson,
)
from msm_bench.stats.effects import superiority_effect
from simulation.draw import Sample
from simulation.scenarios import NOMINAL, Scenario

RESAMPLES = 1000
"""Of the bootstrap, a quarter of its default: its limits are a little rougher, and no narrower on average."""
FLIPS = 2000
"""Of the item sign-flips, where there are too many clusters for all patterns."""


class Trial:
    """A simulated data set, with what several methods need of it, computed once.

    Attributes:
        sample: The data.
        scenario: Where they come from.
    """

    def __init__(self, sample: Sample, scenario: Scenario) -> None:
        """Nothing is computed yet."""
        self.sample, self.scenario = sample, scenario

    @cached_property
    def interval(self) -> Interval:
        """Two-way."""
        return two_way_interval(self.sample.tasks)

    @property
    def two_way_p(self) -> float:
        """Of the interval."""
        return two_way(self.interval.estimate, self.interval.se, self.interval.df)

    @cached_property
    def swap(self) -> float:
        """p of the seed swap."""
        return seed_swap(self.sample.tasks)

    @cached_property
    def effects(self) -> dict[str, Effect]:
        """Effect sizes of two arms' shares, by name."""
        return {effect.name: effect for effect in share_effects(_part(self))}

    @property
    def confirmatory(self) -> float:
        """As in `evaluate`: the larger of both, none without the interval's."""
        return math.nan if math.isnan(self.two_way_p) else max(self.swap, self.two_way_p)


class Method(NamedTuple):
    """A method under study."""

    kind: str
    """`test` (the score's mean is a type-1 error) or `interval` (a coverage)."""
    score: Callable[[Trial], float]
    """NaN where the method gives nothing."""
    simulations: int = 2000
    """At most so many data sets."""


def _rejects(p: float) -> float:
    return math.nan if math.isnan(p) else float(p <= NOMINAL)


def _covers(low: float, high: float, truth: float) -> float:
    return math.nan if math.isnan(low) or math.isnan(high) else float(low <= truth <= high)


def _interval(trial: Trial) -> float:
    return _covers(trial.interval.low, trial.interval.high, trial.sample.truth)


def _bootstrap(trial: Trial) -> float:
    found = crossed_bootstrap(trial.sample.tasks, draws=RESAMPLES)
    return _covers(found.low, found.high, trial.sample.truth)


def _flips(trial: Trial) -> float:
    return _rejects(item_sign_flip(trial.sample.tasks, draws=FLIPS))


def _tost_p(trial: Trial) -> float:
    found = trial.interval
    return equivalence(found.estimate, found.se, found.df, trial.scenario.bound)


def _tost(trial: Trial) -> float:
    return _rejects(_tost_p(trial))


def _family_p(trial: Trial) -> tuple[list[float], list[bool]]:
    """p of record of each contrast, and whether it is null; where there is a bound, every other one is TOST's."""
    p, null = [], []
    for number, (tasks, truth) in enumerate(trial.sample.family):
        own = Trial(trial.sample._replace(tasks=tasks), trial.scenario)
        tost = trial.scenario.bound > 0 and number % 2 == 1
        p.append(_tost_p(own) if tost else own.confirmatory)
        null.append(abs(truth) >= trial.scenario.bound if tost else truth == 0)
    return p, null


def _holm(trial: Trial) -> float:
    """Familywise: any true null rejected."""
    p, null = _family_p(trial)
    return float(any(adjusted <= NOMINAL and none for adjusted, none in zip(holm(p), null, strict=True)))


def _benjamini_hochberg(trial: Trial) -> float:
    """The share of rejected contrasts that are null; 0 if none is rejected."""
    p, null = _family_p(trial)
    rejected = np.array(benjamini_hochberg(p)) <= NOMINAL
    return float((rejected & np.array(null)).sum() / max(1, rejected.sum()))


def _part(trial: Trial) -> TaskPart:
    """Two arms on a share, as `pair` gives them."""
    [task], arms = trial.sample.tasks, trial.sample.arms
    terms = tuple(Term(arm=name, task=task.task, weight=weight) for name, weight in (("first", 1), ("second", -1)))
    return TaskPart(task, task.values[None], arms[None], terms, arms.size, True)


def _mcnemar(trial: Trial) -> float:
    found = mcnemar(_part(trial))
    return math.nan if found is None else _rejects(found.p)


def _effect(name: str) -> Callable[[Trial], float]:
    def score(trial: Trial) -> float:
        first, second = trial.scenario.rates
        truth = {
            "ratio": first / second,
            "odds ratio": first / (1 - first) * (1 - second) / second,
            "Cohen's h": 2 * math.asin(math.sqrt(first)) - 2 * math.asin(math.sqrt(second)),
        }[name]
        found = trial.effects[name]
        return math.nan if found.low is None or found.high is None else _covers(found.low, found.high, truth)

    return score


def _superiority(trial: Trial) -> float:
    [found] = superiority_effect(_part(trial), trial.interval)
    none = found.low is None or found.high is None
    return math.nan if none else _covers(found.low, found.high, trial.sample.truth + 0.5)


def _graders(trial: Trial) -> float:
    found = grader_interval(trial.sample.graders)
    return _covers(found.low, found.high, trial.sample.truth)


def _mixed(trial: Trial) -> float:
    found = mixed_model(trial.sample.tasks[0])
    return math.nan if found.low is None or found.high is None else _covers(found.low, found.high, trial.sample.truth)


def _clopper_pearson(trial: Trial) -> float:
    """Every value taken as independent."""
    values = trial.sample.tasks[0].values
    return _covers(*clopper_pearson(int(values.sum()), values.size), trial.sample.truth)


def _rule_of_three(trial: Trial) -> float:
    """One-sided, and said only where all values are alike; where nothing is said nothing is wrong."""
    task = trial.sample.tasks[0]
    reach = rule_of_three(len(np.unique(task.clusters))).exact
    wrong = (task.mean == 0 and trial.sample.truth > reach) or (task.mean == 1 and trial.sample.truth < 1 - reach)
    return float(not wrong)


def _wilson(trial: Trial) -> float:
    """Every value taken as independent."""
    task = trial.sample.tasks[0]
    return _covers(*wilson(task.mean, task.values.size), trial.sample.truth)


def _frame(sample: Sample) -> pd.DataFrame:
    """The only arm's values as a result frame."""
    values = sample.arms[0]
    seeds, items = values.shape
    task = sample.tasks[0]
    frame = pd.DataFrame(
        {
            "arm": "arm",
            "task": "task",
            "metric": "rate",
            "value": values.ravel(),
            "seed": np.repeat(np.arange(seeds), items),
            "item": np.tile(np.arange(items).astype(str), seeds),
            "cell": np.tile(task.cells.astype(str), seeds),
            "cluster": np.tile(task.clusters.astype(str), seeds),
            "epoch": 1,
        }
    )
    return frame.reindex(columns=COLUMNS)


def _arm_summary(trial: Trial) -> float:
    row = arm_summary(_frame(trial.sample)).iloc[0]
    return _covers(row["ci_low"], row["ci_high"], trial.sample.truth)


def _share_limits(trial: Trial) -> float:
    found = share_limits(_frame(trial.sample), trial.sample.tasks[0])
    return _covers(found.low, found.high, trial.sample.truth)


METHODS: dict[str, Method] = {
    "two_way_interval": Method("interval", _interval),
    "two_way_p": Method("test", lambda trial: _rejects(trial.two_way_p)),
    "crossed_bootstrap": Method("interval", _bootstrap, 600),
    "seed_swap": Method("test", lambda trial: _rejects(trial.swap)),
    "item_sign_flip": Method("test", _flips),
    "confirmatory_p": Method("test", lambda trial: _rejects(trial.confirmatory)),
    "tost": Method("test", _tost),
    "holm": Method("test", _holm),
    "benjamini_hochberg": Method("test", _benjamini_hochberg, 1000),
    "mcnemar": Method("test", _mcnemar),
    "ratio": Method("interval", _effect("ratio")),
    "odds_ratio": Method("interval", _effect("odds ratio")),
    "cohens_h": Method("interval", _effect("Cohen's h")),
    "superiority": Method("interval", _superiority),
    "grader_interval": Method("interval", _graders),
    "mixed_model": Method("interval", _mixed, 400),
    "wilson": Method("interval", _wilson),
    "clopper_pearson": Method("interval", _clopper_pearson),
    "rule_of_three": Method("interval", _rule_of_three),
    "arm_summary": Method("interval", _arm_summary, 600),
    "share_limits": Method("interval", _share_limits, 600),
}
"""By name, as in the results."""
