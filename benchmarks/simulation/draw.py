"""Data of a scenario: two arms or their contrast, with the truth for the scenario's population."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from msm_bench.stats import TaskValues, superiority, trend_weights
from msm_bench.stats.values import Array
from simulation.scenarios import ITEMS, SEEDS, Scenario

_CUTS = (-1.5, -0.5, 0.5, 1.5)
"""Between the ranks."""


class Sample(NamedTuple):
    """One simulated data set."""

    tasks: list[TaskValues]
    """What a contrast (or an arm alone) is made of."""
    truth: float
    share: bool
    """Whether values are shares or differences of shares."""
    unscored: float
    """Share of the needed values."""
    arms: Array
    """(arms, seeds, items) Values of each arm, where the scenario has arms; else empty."""
    family: tuple[tuple[list[TaskValues], float], ...] = ()
    """Of a family, each contrast with its truth."""
    graders: tuple[list[TaskValues], ...] = ()
    """The values by each grader."""


class _Layout(NamedTuple):
    """(items,) arrays."""

    cells: np.ndarray
    clusters: np.ndarray


def draw(scenario: Scenario, rng: np.random.Generator) -> Sample:
    """A data set of the scenario."""
    layout = _layout(scenario, rng)
    if scenario.effects:
        return _family(scenario, layout, rng)
    if scenario.marks:
        return _ranks(scenario, layout, rng)
    if scenario.doses:
        return _trend(scenario, layout, rng)
    if scenario.rates:
        return _shares(scenario, layout, rng)
    if scenario.sharpening != 1:
        return _sharpened(scenario, layout, rng)
    values = scenario.truth + _contrast(scenario, layout, rng)
    if scenario.graders:
        return _graded(scenario, layout, values, rng)
    if scenario.unscored:
        return _with_unscored(scenario, layout, values, rng)
    return Sample([_task(values, layout)], scenario.truth, False, 0.0, np.empty(0))


def _layout(scenario: Scenario, rng: np.random.Generator) -> _Layout:
    counts = np.resize(scenario.clusters, scenario.cells)
    sizes = np.resize(scenario.size, counts.sum())
    if scenario.unequal == "drawn":
        sizes = rng.integers(1, 2 * sizes)
    elif scenario.unequal == "one large":
        first = np.cumsum(counts) - counts
        sizes[first] *= counts - 1
    clusters = np.repeat(np.arange(counts.sum()), sizes)
    return _Layout(np.repeat(np.arange(scenario.cells), counts)[clusters], clusters)


def _task(values: Array, layout: _Layout, name: str = "task") -> TaskValues:
    return TaskValues(name, values, layout.cells, layout.clusters)


def _effects(shape: str, size: int, rng: np.random.Generator) -> Array:
    """Independent effects of mean 0 and variance 1."""
    if shape == "t3":
        return rng.standard_t(3, size=size) / np.sqrt(3)  # variance of t with 3 degrees of freedom: 3
    if shape == "lognormal":
        # exp of a standard normal: mean √e, variance (e − 1) e
        return (np.exp(rng.normal(size=size)) - np.sqrt(np.e)) / np.sqrt((np.e - 1) * np.e)
    return rng.normal(size=size)


def _contrast(scenario: Scenario, layout: _Layout, rng: np.random.Generator) -> Array:
    """(seeds, items) A contrast whose truth is 0 for the scenario's population."""
    items = len(layout.cells)
    by_item = scenario.cluster_sd * _effects(scenario.shape, layout.clusters.max() + 1, rng)[layout.clusters]
    by_item = by_item + scenario.item_sd * _effects(scenario.shape, items, rng)
    by_item *= np.resize(scenario.scales, scenario.cells)[layout.cells]
    by_seed = scenario.seed_sd * rng.normal(size=scenario.seeds)
    if scenario.about == SEEDS:
        by_item -= by_item.mean()
    if scenario.about == ITEMS:
        by_seed -= by_seed.mean()
    noise = scenario.noise_sd / np.sqrt(np.resize(scenario.epochs, items)) * rng.normal(size=(scenario.seeds, items))
    offsets = np.linspace(-2, 2, scenario.cells) if scenario.cells > 1 else np.zeros(1)
    offset = offsets[layout.cells]
    return by_seed[:, None] + by_item + (offset - offset.mean()) + noise


def _sharpened(scenario: Scenario, layout: _Layout, rng: np.random.Generator) -> Sample:
    """D on two tasks, half of each: arms s·m and m, and the other way round; the mean of m is 1 on both."""
    parts = []
    for name, sign in (("first", 1.0), ("second", -1.0)):
        base = 1 + rng.normal(size=len(layout.cells))
        extra = (scenario.sharpening - 1) * base
        parts.append(_task(0.5 * (sign * extra + _contrast(scenario, layout, rng)), layout, name))
    return Sample(parts, 0.0, False, 0.0, np.empty(0))


def _shares(scenario: Scenario, layout: _Layout, rng: np.random.Generator) -> Sample:
    """Right or wrong, by a latent normal: arms share the items' difficulty."""
    shape, items = (scenario.seeds, len(layout.cells)), len(layout.cells)
    difficulty = scenario.common * rng.normal(size=items)
    arms = []
    for number, rate in enumerate(scenario.rates):
        noise_sd = scenario.noise_sd / (scenario.sharpening if number == 0 else 1)
        parts = (scenario.seed_sd, scenario.cluster_sd, scenario.item_sd, noise_sd, scenario.common)
        spread = np.sqrt(np.square(parts).sum())
        latent = stats.norm.ppf(rate) * spread + difficulty + scenario.seed_sd * rng.normal(size=(scenario.seeds, 1))
        latent = latent + scenario.cluster_sd * rng.normal(size=layout.clusters.max() + 1)[layout.clusters]
        latent = latent + scenario.item_sd * rng.normal(size=items) + noise_sd * rng.normal(size=shape)
        arms.append((latent > 0).astype(np.float64))
    truth = scenario.rates[0] - (scenario.rates[1] if len(arms) == 2 else 0.0)
    return _scored(scenario, layout, np.stack(arms), truth, rng)


def _ranks(scenario: Scenario, layout: _Layout, rng: np.random.Generator) -> Sample:
    """Ranks from 1 to 5 of two arms that share the items' difficulty, compared item by item."""
    shape, items = (scenario.seeds, len(layout.cells)), len(layout.cells)
    own_sd = np.sqrt(np.square([scenario.seed_sd, scenario.cluster_sd, scenario.item_sd, scenario.noise_sd]).sum())
    spread = np.hypot(own_sd, scenario.common)
    difficulty = scenario.common * rng.normal(size=items)
    arms = []
    for _ in scenario.marks:
        latent = difficulty + scenario.seed_sd * rng.normal(size=(scenario.seeds, 1))
        latent = latent + scenario.cluster_sd * rng.normal(size=layout.clusters.max() + 1)[layout.clusters]
        latent = latent + scenario.item_sd * rng.normal(size=items) + scenario.noise_sd * rng.normal(size=shape)
        arms.append(latent / spread)
    ranks = np.stack([np.digitize(mean + own, _CUTS) + 1.0 for mean, own in zip(scenario.marks, arms, strict=True)])
    values = np.stack([superiority(first[None], second[None]) - 0.5 for first, second in zip(*ranks, strict=True)])
    truth = _superiority(scenario.marks, scenario.common / spread, own_sd / spread) - 0.5
    return Sample([_task(values, layout)], truth, True, 0.0, ranks)


def _superiority(means: Sequence[float], common: float, own: float) -> float:
    """P(first > second) + ½ P(alike) of the ranks, by integrating over the difficulty that both share."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    edges = np.array([-np.inf, *_CUTS, np.inf])
    chances = [np.diff(stats.norm.cdf((edges - mean - common * nodes[:, None]) / own), axis=1) for mean in means]
    below = np.cumsum(chances[1], axis=1) - 0.5 * chances[1]
    return float(weights @ (chances[0] * below).sum(axis=1) / weights.sum())


def _trend(scenario: Scenario, layout: _Layout, rng: np.random.Generator) -> Sample:
    """The least-squares slope of arms that each have noise of their own."""
    weights = trend_weights(scenario.doses)
    arms = [scenario.truth * dose + _contrast(scenario, layout, rng) for dose in scenario.doses]
    values = np.tensordot(weights, np.stack(arms), axes=1)
    return Sample([_task(values, layout)], scenario.truth, False, 0.0, np.empty(0))


def _scored(scenario: Scenario, layout: _Layout, arms: Array, truth: float, rng: np.random.Generator) -> Sample:
    """Shares of arms, of which some values are lost."""
    lost = np.zeros(arms.shape, dtype=bool)
    if scenario.unscored_how == "low":
        lost[0] = (arms[0] == 0) & (rng.random(arms[0].shape) < scenario.unscored / (1 - scenario.rates[0]))
    elif scenario.unscored:
        lost = rng.random(arms.shape) < scenario.unscored
    whole = ~lost.any(axis=(0, 1))
    kept, arms = _Layout(layout.cells[whole], layout.clusters[whole]), arms[:, :, whole]
    values = arms[0] - arms[1] if len(arms) == 2 else arms[0]
    return Sample([_task(values, kept)], truth, True, float(lost.mean()), arms)


def _with_unscored(scenario: Scenario, layout: _Layout, values: Array, rng: np.random.Generator) -> Sample:
    """Values of two arms, some of which are lost: an item stays if every arm has it at every seed."""
    base = rng.normal(size=values.shape[1]) + rng.normal(size=values.shape)
    arms = np.stack([base + values, base])
    lost = rng.random(arms.shape) < scenario.unscored
    if scenario.unscored_how == "low":
        # three in four of the lowest values of the first arm, so many that the stated share of them is lost
        limit = np.quantile(arms[0], scenario.unscored / 0.75)
        lost[0] = (arms[0] <= limit) & (rng.random(values.shape) < 0.75)
        lost[1] = False
    whole = ~lost.any(axis=(0, 1))
    kept = _Layout(layout.cells[whole], layout.clusters[whole])
    return Sample([_task(values[:, whole], kept)], scenario.truth, False, float(lost.mean()), arms)


def _graded(scenario: Scenario, layout: _Layout, values: Array, rng: np.random.Generator) -> Sample:
    """Graders have a leaning of their own, one on each item, and noise."""
    graders = []
    for _ in range(scenario.graders):
        leaning = scenario.grader_sd * (rng.normal() + rng.normal(size=values.shape[1]))
        graders.append(values + leaning + rng.normal(size=values.shape))
    parts = tuple([_task(own, layout)] for own in graders)
    return Sample([_task(np.mean(graders, axis=0), layout)], scenario.truth, False, 0.0, np.empty(0), graders=parts)


def _family(scenario: Scenario, layout: _Layout, rng: np.random.Generator) -> Sample:
    """Contrasts of several arms with one baseline: any two of them are correlated by one half."""
    half = 1 / np.sqrt(2)
    baseline = _contrast(scenario, layout, rng)
    contrasts = []
    for effect in scenario.effects:
        values = effect + half * (_contrast(scenario, layout, rng) - baseline)
        contrasts.append(([_task(values, layout)], effect))
    return Sample(contrasts[0][0], scenario.effects[0], False, 0.0, np.empty(0), tuple(contrasts))
