"""Every formula against arithmetic by hand, scipy or statsmodels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from stat_frames import adjusted
from stat_frames import task_values as task
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.weightstats import DescrStatsW

from msm_bench.stats import (
    TaskValues,
    bootstrap,
    crossed_bootstrap,
    equivalence,
    holm,
    item_sign_flip,
    seed_swap,
    sharpening,
    smallest_p,
    two_way,
    two_way_interval,
)
from msm_bench.stats.values import Array, cluster_sums
from msm_bench.stats.variance import item_variance


def test_one_seed_one_cell_is_the_ordinary_t_interval() -> None:
    # values 1 2 3 4: mean 2.5, variance of the mean (5/3)/4 = 0.41667, se 0.6455
    interval = two_way_interval([task([[1, 2, 3, 4]])])
    expected = scipy_stats.t.interval(0.95, 3, loc=2.5, scale=math.sqrt(5 / 12))
    assert interval.estimate == 2.5
    assert (interval.low, interval.high) == pytest.approx(expected, abs=1e-8)
    assert interval.df == 3


def test_cells_are_fixed_so_differences_between_them_are_no_noise() -> None:
    # cells (1, 2) and (11, 12): within a cell the two deviations are ±0.5, so
    # G/(G-1) Σ(z - z̄)² = 2 (0.25 + 0.25) = 1 for each cell; V = (1 + 1) / 4² = 0.125
    assert item_variance(task([[1, 2, 11, 12]], cells=[0, 0, 1, 1])) == pytest.approx(0.125, abs=1e-12)


def test_items_of_a_cluster_move_together() -> None:
    # clusters {1, 3} and {5, 7}, mean 4: cluster sums of deviations are (-3 - 1) and (1 + 3), so
    # V = 2/1 (16 + 16) / 4² = 4; with four single items it would be 20/3/4 = 1.67
    assert item_variance(task([[1, 3, 5, 7]], clusters=[0, 0, 1, 1])) == pytest.approx(4.0, abs=1e-12)


def test_clusters_of_unequal_size_count_by_how_far_the_mean_moves_without_them() -> None:
    # clusters {0} and {4, 4, 4}: the mean is 3, without the first 4, without the second 0, so
    # V = 1/2 (1² + 3²) = 5; Σ z² with the factor 2 would be 2 (3² + 3²) / 4² = 2.25
    assert item_variance(task([[0, 4, 4, 4]], clusters=[0, 1, 1, 1])) == pytest.approx(5.0, abs=1e-12)


def test_a_cell_of_one_cluster_varies_as_others_do_by_its_size_squared() -> None:
    # cell 0: items 1 and 3, of variance 1 (2/1 (1 + 1) / 2² = 1), so 4 for the sum; squared sizes 1 + 1. Cell 1 is a
    # cluster of 3 items, 9 squared: 4 (2 + 9) / 2 = 22, over 5² items
    found = item_variance(task([[1, 3, 0, 0, 0]], cells=[0, 0, 1, 1, 1], clusters=[0, 1, 2, 2, 2]))
    assert found == pytest.approx(22 / 25, abs=1e-12)


@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 2), st.integers(0, 3)), min_size=2, max_size=20))
def test_the_item_variance_is_the_jackknife_by_cluster(rows: list[tuple[float, int, int]]) -> None:
    values, cells, inner = (np.array(column) for column in zip(*rows, strict=True))
    clusters, expected = 4 * cells + inner, 0.0
    if any(len(np.unique(clusters[cells == cell])) == 1 for cell in cells):
        return
    for cell in np.unique(cells):
        own, names = values[cells == cell], clusters[cells == cell]
        without = np.array([own[names != name].mean() for name in np.unique(names)])
        share, count = len(own) / len(values), len(without)
        expected += share**2 * (count - 1) / count * ((without - own.mean()) ** 2).sum()
    found = item_variance(task([values.tolist()], cells=cells.tolist(), clusters=clusters.tolist()))
    assert found == pytest.approx(expected, abs=1e-9)


def test_the_interval_covers_where_small_cells_have_clusters_of_unequal_size() -> None:
    # six cells of two clusters, of 1 and of 5 items that are mostly alike: Σ z² covers in 0.75
    rng, hits = np.random.default_rng(1), 0
    clusters = np.repeat(np.arange(12), [1, 5] * 6)
    for _ in range(400):
        values = rng.normal(size=12)[clusters] + 0.5 * rng.normal(size=36) + 0.5 * rng.normal(size=(8, 36))
        interval = two_way_interval([task(values, cells=clusters // 2, clusters=clusters)])
        hits += interval.low <= 0 <= interval.high
    assert hits / 400 >= 0.92


def test_clusters_agree_with_statsmodels() -> None:
    rng = np.random.default_rng(0)
    values, clusters = rng.normal(size=30), np.repeat(np.arange(10), 3)
    fit = OLS(values, np.ones(30)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": False}, use_t=True
    )
    ours = item_variance(task([values], clusters=clusters))
    # statsmodels without its correction lacks our factor G / (G − 1)
    assert ours == pytest.approx(float(fit.bse[0]) ** 2 * 10 / 9, abs=1e-8)


def test_two_way_variance_adds_seeds_and_items() -> None:
    # additive values s + i: seed means 1, 3 (variance 2, over S = 2: 1); item means 0, 2, 4 around 2
    # (variance 4, over n = 3: 4/3); no residual, so V = 1 + 4/3 and df = min(2, 3) - 1 = 1
    values = np.add.outer([-1.0, 1.0], [0.0, 2.0, 4.0])
    interval = two_way_interval([task(values)])
    assert interval.se**2 == pytest.approx(1 + 4 / 3, abs=1e-12)
    assert interval.df == 1


def test_two_way_variance_is_unbiased_for_crossed_effects() -> None:
    # seeds N(0, 1), items N(0, 2²), residual N(0, 1): the mean's variance is 1/S + 4/n + 1/(S n)
    rng = np.random.default_rng(1)
    seeds, items = 6, 40
    found = [
        two_way_interval(
            [task(rng.normal(size=(seeds, 1)) + 2 * rng.normal(size=(1, items)) + rng.normal(size=(seeds, items)))]
        ).se
        ** 2
        for _ in range(400)
    ]
    assert np.mean(found) == pytest.approx(1 / seeds + 4 / items + 1 / (seeds * items), rel=0.1)


def test_bootstrap_draws_seeds_and_items() -> None:
    rng = np.random.default_rng(2)
    values = 3 + rng.normal(size=(12, 1)) + 2 * rng.normal(size=(1, 60))
    interval, boot = two_way_interval([task(values)]), crossed_bootstrap([task(values)], draws=4000)
    assert boot.low < interval.estimate < boot.high
    # percentiles of a normal, stretched by t/z of 11 degrees of freedom: width 2 · 1.96 · se · 2.20/1.96
    assert boot.high - boot.low == pytest.approx(2 * 2.201 * interval.se, rel=0.05)


def test_bootstrap_of_small_cells_is_as_wide_as_the_variance() -> None:
    # 40 cells of 3 items: drawing 3 of 3 would give 2/3 of the variance, a width of 0.82
    rng = np.random.default_rng(5)
    small = task(rng.normal(size=(1, 120)), cells=np.repeat(np.arange(40), 3))
    boot = crossed_bootstrap([small])
    assert boot.high - boot.low == pytest.approx(2 * 1.96 * math.sqrt(item_variance(small)), rel=0.05)


def test_bootstrap_keeps_the_share_of_each_cell() -> None:
    # cells of mean 0 and 10, clusters of 1 and 5 items, next to nothing varies within a cell
    values = task([[1e-6] + [0.0] * 5 + [10.0] * 6], cells=[0] * 6 + [1] * 6, clusters=[0] + [1] * 5 + [2] + [3] * 5)
    assert crossed_bootstrap([values]) == pytest.approx((5.0, 5.0), abs=1e-6)


def test_bootstrap_of_cells_of_one_cluster_has_no_interval() -> None:
    lonely = task(np.arange(12.0).reshape(4, 3), cells=[0, 1, 2])
    assert all(math.isnan(limit) for limit in crossed_bootstrap([lonely]))


def test_the_two_way_interval_covers_the_truth() -> None:
    # 6 seeds x 24 items in 8 cells of 3, all kinds of noise: 95 % nominal, ±0.03 is 3 standard errors of 400 runs
    rng = np.random.default_rng(6)
    cells = np.repeat(np.arange(8), 3)
    hits = 0
    for _ in range(400):
        noise = rng.normal(size=(6, 1)) + 3 * rng.normal(size=(1, 24)) + rng.normal(size=(6, 24))
        interval = two_way_interval([task(noise + 5 * cells, cells=cells)])
        hits += interval.low <= 17.5 <= interval.high
    assert hits / 400 >= 0.92


def test_seeds_shared_by_two_tasks_keep_their_covariance() -> None:
    # seed effects ±1 on both tasks: the sum's seed means are ±2, variance 8, over S = 2: 4; tasks taken apart: 1 + 1
    values = np.add.outer([-1.0, 1.0], [0.0, 0.0, 0.0])
    interval = two_way_interval([task(values), task(values)])
    assert interval.se**2 == pytest.approx(4, abs=1e-12)


def test_degrees_of_freedom_are_those_of_the_poorer_factor() -> None:
    rng = np.random.default_rng(7)
    # 6 seeds; 4 clusters in 2 cells: min(5, 4 − 2)
    few = task(rng.normal(size=(6, 4)), cells=[0, 0, 1, 1])
    assert two_way_interval([few]).df == 2


def test_the_two_way_p_is_that_of_t() -> None:
    # one seed's worth of items 4, 0, -1, 1: t = 1 / sqrt(14/3/4), 3 degrees of freedom
    interval = two_way_interval([task([[4, 0, -1, 1]])])
    theirs = scipy_stats.ttest_1samp([4, 0, -1, 1], 0).pvalue
    assert two_way(interval.estimate, interval.se, interval.df) == pytest.approx(float(theirs), abs=1e-8)
    assert math.isnan(two_way(1.0, 0.0, 3))


def test_where_all_is_alike_there_is_no_interval() -> None:
    same = task(np.full((3, 5), 2.0))
    found = two_way_interval([same, same])
    assert (found.estimate, found.se) == (4.0, 0.0)
    assert np.isnan([found.low, found.high, *crossed_bootstrap([same, same])]).all()


def test_bootstrap_is_repeatable() -> None:
    rough = task(np.arange(15.0).reshape(3, 5))
    assert crossed_bootstrap([rough], seed=4) == crossed_bootstrap([rough], seed=4)


def test_seed_swap_counts_sign_patterns() -> None:
    # seed estimates 1, 2, 3: |±1 ±2 ±3| ≥ 6 for two of eight patterns
    assert seed_swap([task([[1.0], [2.0], [3.0]])]) == 2 / 8
    # 3, 3, -1 sum to 5: patterns with |sum| ≥ 5 are +++ (5), and with -1 flipped 7, and their mirrors: 4 of 8
    assert seed_swap([task([[3.0], [3.0], [-1.0]])]) == 4 / 8
    assert seed_swap([task([[1.0], [1.0], [1.0]])]) == smallest_p(3) == 0.25
    # a seed without a difference doubles every pattern: 2 · 2 of 2³
    assert seed_swap([task([[1.0], [1.0], [0.0]])]) == 4 / 8
    # the sum is 0, and rounded 5.6e-17: no pattern has less
    assert seed_swap([task([[0.1], [0.1], [0.1], [-0.3]])]) == 1
    # beyond 16 seeds patterns are drawn: of 20000 none as extreme as 20 equal seeds, and the observed one counts
    assert seed_swap([task(np.ones((20, 1)))]) == smallest_p(20) == 1 / 20001


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=8))
def test_seed_swap_agrees_with_scipy(values: list[int]) -> None:
    array = np.array(values, dtype=float)
    ours = seed_swap([task(array[:, None])])
    theirs = scipy_stats.permutation_test(
        [array], np.sum, permutation_type="samples", n_resamples=10**6, alternative="two-sided"
    ).pvalue
    # scipy doubles the smaller tail; the null distribution of signs is symmetric, so both agree
    assert ours == pytest.approx(min(1.0, float(theirs)), abs=1e-8)


def test_item_sign_flip_flips_clusters() -> None:
    # two clusters with sums 3 and 3 (over four items): |±3 ±3| ≥ 6 for 2 of 4 patterns
    assert item_sign_flip([task([[1, 2, 1, 2]], clusters=[0, 0, 1, 1])]) == 2 / 4


def test_item_sign_flip_beyond_the_exact_limit_is_repeatable() -> None:
    values = task([np.linspace(0.1, 1, 40)])
    assert item_sign_flip([values]) == item_sign_flip([values]) < 0.01


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_agrees_with_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(adjusted(p, "holm"), abs=1e-8)


@settings(max_examples=30)
@given(st.floats(-1, 1), st.integers(0, 1000))
def test_tost_agrees_with_statsmodels(shift: float, seed: int) -> None:
    sample = np.random.default_rng(seed).normal(shift, 1, size=20)
    se = float(sample.std(ddof=1)) / math.sqrt(20)
    theirs = DescrStatsW(sample).ttost_mean(-0.5, 0.5)[0]
    assert equivalence(float(sample.mean()), se, 19, 0.5) == pytest.approx(theirs, abs=1e-8)


def test_tost_refuses_a_bound_that_is_none() -> None:
    with pytest.raises(ValueError, match="positive"):
        equivalence(0.0, 1.0, 3, 0.0)


def test_sharpening_is_the_least_squares_line() -> None:
    # m_arm = 0.5 + 2 m_base exactly
    base = np.array([-1.0, 0.0, 1.0, 2.0])
    line = sharpening(0.5 + 2 * base, base)
    assert (line.slope, line.intercept, line.r) == pytest.approx((2.0, 0.5, 1.0), abs=1e-12)


@given(st.floats(-10, 10), st.floats(0.1, 10))
def test_intervals_move_and_scale_with_the_data(shift: float, scale: float) -> None:
    values = np.random.default_rng(3).normal(size=(4, 12))
    before, after = two_way_interval([task(values)]), two_way_interval([task(shift + scale * values)])
    assert after.estimate == pytest.approx(shift + scale * before.estimate, abs=1e-9)
    assert after.se == pytest.approx(scale * before.se, rel=1e-9)


def _plain_bootstrap(tasks: list[TaskValues], draws: int) -> list[float]:
    """`crossed_bootstrap` by its formula: k − 1 of k units drawn, with weights k / (k − 1), and limits times t/z."""
    rng = np.random.default_rng(0)

    def weights(count: int) -> Array:
        if count == 1:
            return np.ones((draws, 1))
        drawn = rng.multinomial(count - 1, np.full(count, 1 / count), size=draws)
        return drawn.astype(np.float64) * (count / (count - 1))

    seeds = tasks[0].values.shape[0]
    seed_weights = weights(seeds) / seeds
    estimates = np.zeros(draws)
    for values in tasks:
        sums, cells = cluster_sums(values, values.values)
        sizes = cluster_sums(values, np.ones((1, values.values.shape[1])))[0][0]
        for cell in np.unique(cells):
            own = cells == cell
            drawn = weights(int(own.sum()))
            means = np.einsum("ds,sc,dc->d", seed_weights, sums[:, own], drawn) / (drawn @ sizes[own])
            estimates += sizes[own].sum() / sizes.sum() * means
    interval = two_way_interval(tasks)
    stretch = scipy_stats.t.ppf(0.975, interval.df) / scipy_stats.norm.ppf(0.975)
    return [
        interval.estimate + stretch * (limit - interval.estimate) for limit in np.quantile(estimates, [0.025, 0.975])
    ]


@pytest.mark.parametrize("limits", [{}, {"KEPT": 0}, {"BLOCK": 50}])
def test_bootstrap_is_that_of_the_plain_formula(monkeypatch: pytest.MonkeyPatch, limits: dict[str, int]) -> None:
    for name, limit in limits.items():
        monkeypatch.setattr(bootstrap, name, limit)
    bootstrap._resamples.cache_clear()
    rng = np.random.default_rng(1)
    cells = np.array([0] * 6 + [1] * 4 + [2])  # the last has one cluster only
    clusters = np.array([0, 0, 1, 2, 2, 2, 3, 4, 5, 6, 7])
    first = TaskValues("a", rng.normal(size=(3, 11)), cells, clusters)
    second = TaskValues("b", rng.normal(size=(3, 7)), np.zeros(7, dtype=np.int64), np.arange(7))
    for tasks in ([first], [first, second], [first]):  # the first again, from what was kept
        assert crossed_bootstrap(tasks, draws=500) == pytest.approx(_plain_bootstrap(tasks, 500), rel=1e-12)
