"""On cases that both can compute, our numbers are those of Inspect's own metrics, of scipy and of statsmodels."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.scorer import Metric, SampleScore, Score, ci, ci_wilson, mean, stderr
from scipy import stats as scipy_stats
from stat_frames import adjusted, values_of
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint, proportion_effectsize
from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

from msm_bench.recipe import Smallest
from msm_bench.report.tables import arm_summary
from msm_bench.stats import (
    Options,
    TaskValues,
    baseline_contrasts,
    benjamini_hochberg,
    two_way_interval,
    wilson,
)
from msm_bench.stats.variance import item_variance

TO = 1e-8


def scores(values: Sequence[float], clusters: Sequence[int]) -> list[SampleScore]:
    """What Inspect's metrics are given."""
    return [
        SampleScore(score=Score(value=value), sample_id=str(number), sample_metadata={"cluster": cluster})
        for number, (value, cluster) in enumerate(zip(values, clusters, strict=True))
    ]


def inspects(metric: Metric, values: Sequence[float], clusters: Sequence[int] = ()) -> float:
    """A metric of Inspect's that is a number."""
    found = metric(scores(values, clusters or range(len(values))))  # type: ignore[arg-type]
    assert isinstance(found, int | float)
    return float(found)


def inspects_limits(metric: Metric, values: Sequence[float], clusters: Sequence[int] = ()) -> tuple[float, float]:
    """A metric of Inspect's that is an interval."""
    found = metric(scores(values, clusters or range(len(values))))  # type: ignore[arg-type]
    assert isinstance(found, dict)
    return float(found["lower"]), float(found["upper"])


def one_seed(values: Sequence[float], clusters: Sequence[int] = (), cells: Sequence[int] = ()) -> TaskValues:
    return TaskValues(
        "t",
        np.array([values], dtype=float),
        np.array(cells or [0] * len(values)),
        np.array(clusters or range(len(values))),
    )


def clustered(values: st.SearchStrategy[float]) -> st.SearchStrategy[list[tuple[float, int]]]:
    """Values with their clusters, at least two and all of one size."""
    return st.tuples(st.lists(values, min_size=6, max_size=30), st.integers(1, 3)).map(
        lambda drawn: [
            (value, place // drawn[1]) for place, value in enumerate(drawn[0][: len(drawn[0]) // drawn[1] * drawn[1]])
        ]
    )


CLUSTERED = clustered(st.floats(-10, 10))
BINARY = clustered(st.sampled_from([0.0, 1.0]))


# --- Inspect


@settings(max_examples=40)
@given(st.lists(st.floats(-10, 10), min_size=2, max_size=30))
def test_mean_stderr_and_interval_are_inspects(values: list[float]) -> None:
    ours = two_way_interval([one_seed(values)])
    assert ours.estimate == pytest.approx(inspects(mean(), values), abs=TO)
    assert ours.se == pytest.approx(inspects(stderr(), values), abs=TO)
    if ours.se > 1e-6:
        assert (ours.low, ours.high) == pytest.approx(inspects_limits(ci(), values), abs=TO)


@settings(max_examples=40)
@given(CLUSTERED)
def test_the_clustered_stderr_and_interval_are_inspects(rows: list[tuple[float, int]]) -> None:
    # one cell, clusters of equal size: both have the factor G / (G − 1) and G − 1 degrees of freedom
    values, clusters = (list(column) for column in zip(*rows, strict=True))
    ours = two_way_interval([one_seed(values, clusters)])
    assert ours.se == pytest.approx(inspects(stderr(cluster="cluster"), values, clusters), abs=TO)
    if ours.se > 1e-6:
        assert (ours.low, ours.high) == pytest.approx(inspects_limits(ci(cluster="cluster"), values, clusters), abs=TO)


def test_a_large_cluster_makes_our_stderr_larger_than_inspects() -> None:
    # mean 3; theirs 2 (3² + 3²) / 4² = 2.25, ours by how far the mean moves without a cluster: 1/2 (1² + 3²) = 5
    values, clusters = [0.0, 4.0, 4.0, 4.0], [0, 1, 1, 1]
    assert two_way_interval([one_seed(values, clusters)]).se ** 2 == pytest.approx(5, abs=TO)
    assert inspects(stderr(cluster="cluster"), values, clusters) ** 2 == pytest.approx(2.25, abs=TO)


def test_within_cells_our_stderr_is_smaller_than_inspects_which_has_no_strata() -> None:
    # cells of means 0 and 10: Inspect's variance has the difference between cells, which are the same in every run:
    # ours is Σ_h G/(G − 1) Σ z² / n² = 2 · (2/1 · 2) / 16 = ½, theirs 4/3 · (6² + 4² + 4² + 6²) / 16 = 26/3
    values, cells = [-1.0, 1.0, 9.0, 11.0], [0, 0, 1, 1]
    assert two_way_interval([one_seed(values, cells=cells)]).se ** 2 == pytest.approx(1 / 2, abs=TO)
    assert inspects(stderr(), values) ** 2 == pytest.approx(26 / 3, abs=TO)


@settings(max_examples=40)
@given(BINARY)
def test_the_wilson_interval_of_independent_items_is_inspects(rows: list[tuple[float, int]]) -> None:
    values = [value for value, _ in rows]
    row = arm_summary(values_of({("a", 1): values})).iloc[0]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(inspects_limits(ci_wilson(), values), abs=TO)


@settings(max_examples=60, deadline=None)
@given(BINARY)
def test_the_clustered_wilson_interval_is_inspects_where_there_is_a_variance_to_see(
    rows: list[tuple[float, int]],
) -> None:
    values, clusters = (list(column) for column in zip(*rows, strict=True))
    frame = values_of({("a", 1): values}).assign(cluster=[str(cluster) for cluster in clusters])
    row = arm_summary(frame).iloc[0]
    ours = (row["ci_low"], row["ci_high"])
    theirs = inspects_limits(ci_wilson(cluster="cluster"), values, clusters)
    groups = len(set(clusters))
    if two_way_interval([one_seed(values, clusters)]).se > 1e-9:
        if groups < len(values):
            # theirs puts t into Wilson's formula, ours (z/t)² into its size: the same
            assert ours == pytest.approx(theirs, abs=TO)
    elif groups < len(values):
        # no variance to see: each cluster counts once for us, each sample for them, with t for z
        share = float(np.mean(values))
        factor = (scipy_stats.norm.ppf(0.975) / scipy_stats.t.ppf(0.975, groups - 1)) ** 2
        assert ours == pytest.approx(wilson(share, groups), abs=TO)
        assert theirs == pytest.approx(wilson(share, len(values) * factor), abs=TO)


# --- scipy and statsmodels


@settings(max_examples=40)
@given(CLUSTERED)
def test_the_clustered_variance_is_statsmodels_but_for_its_factor(rows: list[tuple[float, int]]) -> None:
    values, clusters = (np.array(column) for column in zip(*rows, strict=True))
    count, groups = len(values), len(np.unique(clusters))
    ours = item_variance(one_seed(values.tolist(), clusters.tolist()))
    for correction in (False, True):
        # statsmodels' correction is G / (G − 1) · (n − 1) / (n − k), with k = 1 the factor of ours
        fit = OLS(values, np.ones(count)).fit(
            cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": correction}
        )
        factor = 1 if correction else groups / (groups - 1)
        assert ours == pytest.approx(float(fit.cov_params()[0, 0]) * factor, abs=TO)


@settings(max_examples=40)
@given(st.integers(0, 40), st.integers(1, 40), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilsons_interval_is_statsmodels_and_scipys(seen: int, more: int, level: float) -> None:
    n = seen + more
    ours = wilson(seen / n, n, level)
    assert ours == pytest.approx(proportion_confint(seen, n, 1 - level, "wilson"), abs=TO)
    theirs = scipy_stats.binomtest(seen, n).proportion_ci(level, "wilson")
    assert ours == pytest.approx((theirs.low, theirs.high), abs=TO)


def test_a_comparison_of_two_models_is_the_paired_test_of_scipy_and_statsmodels() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.3, 1, 30), rng.normal(0, 1, 30)
    options = Options(draws=100, equivalence=True, smallest=Smallest(rate=0.5))
    frame = values_of({("a", -1): first.tolist(), ("b", -1): second.tolist()}, metric="score")
    [result], _ = baseline_contrasts(frame, "b", ["score"], options)
    paired = scipy_stats.ttest_rel(first, second)
    assert result.p_two_way == pytest.approx(float(paired.pvalue), abs=TO)
    limits = paired.confidence_interval()
    assert (result.ci_low, result.ci_high) == pytest.approx((limits.low, limits.high), abs=TO)
    assert (result.ci_low, result.ci_high) == pytest.approx(DescrStatsW(first - second).tconfint_mean(), abs=TO)
    assert result.p_equivalence == pytest.approx(float(ttost_paired(first, second, -0.5, 0.5)[0]), abs=TO)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=4, max_size=40))
def test_shares_of_two_models_have_statsmodels_mcnemar_and_h(pairs: list[tuple[bool, bool]]) -> None:
    first, second = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    frame = values_of({("a", -1): first.tolist(), ("b", -1): second.tolist()})
    [result], _ = baseline_contrasts(frame, "b", ["accuracy"], Options(draws=100))
    table = [[int(((first == i) & (second == j)).sum()) for j in (1, 0)] for i in (1, 0)]
    assert result.mcnemar is not None
    theirs = statsmodels_mcnemar(table, exact=True).pvalue if table[0][1] + table[1][0] else 1.0
    assert result.mcnemar.p == pytest.approx(float(theirs), abs=TO)
    h = next(effect for effect in result.effects if effect.name == "Cohen's h")
    assert h.estimate == pytest.approx(float(proportion_effectsize(first.mean(), second.mean())), abs=TO)


@settings(max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_benjamini_and_hochbergs_q_is_statsmodels(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(adjusted(p, "fdr_bh"), abs=TO)


def test_the_odds_ratio_of_unrelated_arms_has_woolfs_variance() -> None:
    # of arms that are independent by item, the odds ratio's variance is nearly Woolf's sum of 1/n for the four counts
    rng = np.random.default_rng(1)
    first, second = (rng.random(4000) < share for share in (0.6, 0.4))
    frame = values_of({("a", -1): first.astype(float).tolist(), ("b", -1): second.astype(float).tolist()})
    [result], _ = baseline_contrasts(frame, "b", ["accuracy"], Options(draws=100))
    odds = next(effect for effect in result.effects if effect.name == "odds ratio")
    counts = [first.sum(), (~first).sum(), second.sum(), (~second).sum()]
    assert odds.low is not None
    assert odds.high is not None
    reach = 1.96 * math.sqrt(sum(1 / count for count in counts))
    assert math.log(odds.high / odds.low) / 2 == pytest.approx(reach, rel=0.05)
