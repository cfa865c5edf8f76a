"""The methods under study: each gives, for one simulated data set, a score whose mean is its type-1 error or coverage.

The package's own functions are called. To add a method, write one line in `METHODS` and name it in a scenario.
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from msm_bench.reasons.intervals import share_limits
from msm_bench.report.tables import arm_summary
from msm_bench.results import COLUMNS
from msm_bench.stats import (
    Interval,
    crossed_bootstrap,
    equivalence,
    holm,
    item_sign_flip,
    seed_swap,
    two_way,
    two_way_interval,
    wilson,
)
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


def _tost(trial: Trial) -> float:
    found = trial.interval
    return _rejects(equivalence(found.estimate, found.se, found.df, trial.scenario.bound))


def _family_p(trial: Trial) -> tuple[list[float], list[bool]]:
    """p of record of each contrast, and whether it is null."""
    family = trial.sample.family
    p = [Trial(trial.sample._replace(tasks=tasks), trial.scenario).confirmatory for tasks, _ in family]
    return p, [truth == 0 for _, truth in family]


def _holm(trial: Trial) -> float:
    """Familywise: any true null rejected."""
    p, null = _family_p(trial)
    return float(any(adjusted <= NOMINAL and none for adjusted, none in zip(holm(p), null, strict=True)))


def _benjamini_hochberg(trial: Trial) -> float:
    """The share of rejected contrasts that are null; 0 if none is rejected."""
    p, null = _family_p(trial)
    rejected = stats.false_discovery_control(p) <= NOMINAL
    return float((rejected & np.array(null)).sum() / max(1, rejected.sum()))


def _mcnemar(trial: Trial) -> float:
    """Exact, items taken as independent."""
    first, second = trial.sample.arms[:, 0]
    better, worse = int((first > second).sum()), int((first < second).sum())
    return 0.0 if better + worse == 0 else _rejects(float(stats.binomtest(better, better + worse).pvalue))


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
    "wilson": Method("interval", _wilson),
    "arm_summary": Method("interval", _arm_summary, 600),
    "share_limits": Method("interval", _share_limits, 600),
}
"""By name, as in the results."""
