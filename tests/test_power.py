"""Power against statsmodels, and against the tests themselves on drawn data; tables of designs."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from powering import ASKED, drawn, known
from scipy import stats as scipy_stats
from stat_frames import task_values as task
from statsmodels.stats.power import TTestPower

from msm_bench.errors import UserError
from msm_bench.planning import (
    Components,
    Design,
    Grid,
    Precision,
    Question,
    by_hand,
    contrast_components,
    detectable,
    equivalence_power,
    load_pilot,
    power_table,
    precision,
    record_power,
    solve,
    stated_contrast,
    t_power,
)
from msm_bench.planning.components import Shape, components
from msm_bench.planning.grid import Solved, design_of
from msm_bench.planning.power import smallest_bound
from msm_bench.stats import equivalence, seed_swap, term_values, two_way, two_way_interval


@pytest.mark.parametrize(
    ("seeds", "effect", "alpha"), [(3, 2.0, 0.05), (6, 1.5, 0.05), (8, 1.0, 0.01), (20, 0.2, 0.05)]
)
def test_seeds_alone_are_a_one_sample_t_test(seeds: int, effect: float, alpha: float) -> None:
    of = precision(known(2.0, 0, 0), Design(seeds, (40,), 1, (1,)))
    assert (of.df, of.df_se) == pytest.approx((seeds - 1, seeds - 1))
    expected = TTestPower().power(effect / 2, seeds, alpha)
    assert t_power(effect, of, alpha) == pytest.approx(float(expected), abs=1e-6)


def test_items_alone_are_a_one_sample_t_test() -> None:
    # one seed: no matter what seeds do; 40 items in one cell, 39 df
    of = precision(known(5.0, 1.2, 0.5), Design(1, (40,), 1, (1,)))
    assert of.se == pytest.approx(1.3 / math.sqrt(40))  # √(1.2² + 0.5²) = 1.3
    assert t_power(0.5, of) == pytest.approx(float(TTestPower().power(0.5 / 1.3, 40, 0.05)), abs=1e-6)


def test_detectable_effect_is_that_of_statsmodels_and_near_bloom() -> None:
    of = Precision(0.25, 9, 9)
    expected = TTestPower().solve_power(nobs=10, alpha=0.05, power=0.8) * math.sqrt(10) * 0.25
    assert detectable(of) == pytest.approx(float(expected), abs=1e-6)
    bloom = 0.25 * (scipy_stats.t.ppf(0.975, 9) + scipy_stats.t.ppf(0.8, 9))
    assert detectable(of) == pytest.approx(float(bloom), rel=0.02)


def test_standard_error_adds_the_parts() -> None:
    # seed 0.09/4, cluster 4 x 0.04/48, item 0.25/48, seed x cluster 4 x 0.01/(4 x 48), seed x item 0.16/(4 x 48)
    of = precision(
        known(0.3, 0.5, 0.4, shape=Shape(48, 12, 2), cluster=0.2, seed_cluster=0.1), Design(4, (48,), 1, (2,))
    )
    assert of.se**2 == pytest.approx(0.09 / 4 + 0.16 / 48 + 0.25 / 48 + 0.04 / 192 + 0.16 / 192)
    assert of.df == 3  # min(4 − 1, 12 − 2)


def test_clusters_of_unequal_size_leave_more_noise() -> None:
    # 10 clusters of 1 and of 9 items in turn: Σ n_g² = 5 · 82 = 410, so 410/50 = 8.2 items, not 5, in an item's cluster
    own = known(0.0, 0.0, 0.0, shape=Shape(50, 10, 1, 410), cluster=1.0)
    of = precision(own, Design(4, (50,), 1, (1,)))
    assert of.se**2 == pytest.approx(8.2 / 50)  # = Σ n_g² / n²
    assert of.df == 3


def test_a_plan_of_what_was_run_is_as_exact_as_the_run() -> None:
    pilot = load_pilot([str(Path(__file__).parents[1] / "results" / "cheese-smollm2")])
    for name in ("H1: D(aft)", "neutral against aft, A"):
        contrast = stated_contrast(pilot, name)
        values, _ = term_values(pilot.frame, contrast.terms, contrast.measure)
        of = contrast_components(pilot.frame, contrast)
        planned, run = precision(of, design_of(of, of.seeds, None, 1, None)), two_way_interval(values)
        # unequal cells, and bounds of the run's variance, leave a few per cent
        assert planned.se == pytest.approx(run.se, rel=0.05)
        assert planned.df == run.df


def test_more_epochs_take_away_sampling_noise_only() -> None:
    hand = by_hand(seed=0.0, item=0.3, noise=0.4, epoch=1.0, cells=1, per_cluster=1, arms=2)
    one, five = (precision(hand, Design(2, (50,), epochs, (1,))).se ** 2 for epochs in (1, 5))
    assert one - five == pytest.approx(1.0 * (1 - 1 / 5) / (2 * 50))


@pytest.mark.parametrize(
    ("of", "design"),
    [
        (known(0.5, 0.1, 0.1), Design(6, (40,), 1, (1,))),
        (known(0.1, 0.5, 0.4), Design(7, (40,), 1, (4,))),
        (
            known(0.1, 0.3, 0.3, shape=Shape(48, 12, 2), cluster=0.3, seed_cluster=0.2),
            Design(8, (48,), 1, (2,)),
        ),
    ],
)
def test_power_is_how_often_the_tests_reject(of: Components, design: Design) -> None:
    effect = detectable(precision(of, design), target=0.7)
    rng, draws, two, both = np.random.default_rng(4), 400, 0, 0
    for _ in range(draws):
        values = [drawn(of, design, effect, rng)]
        interval = two_way_interval(values)
        rejects = two_way(interval.estimate, interval.se, interval.df) <= 0.05
        two += rejects
        both += rejects and seed_swap(values) <= 0.05
    three_errors = 3 * math.sqrt(0.7 * 0.3 / draws)
    assert two / draws == pytest.approx(0.7, abs=three_errors)
    assert both / draws == pytest.approx(record_power(of, design, effect), abs=three_errors)


def test_power_of_equivalence_is_how_often_tost_rejects() -> None:
    of, design, bound = known(0.1, 0.5, 0.4), Design(6, (40,), 1, (1,)), 0.35
    rng, hits = np.random.default_rng(5), 0
    for _ in range(400):
        interval = two_way_interval([drawn(of, design, 0.05, rng)])
        hits += equivalence(interval.estimate, interval.se, interval.df, bound) <= 0.05
    predicted = equivalence_power(0.05, bound, precision(of, design))
    assert 0.3 < predicted < 0.9  # where a mistake would show
    assert hits / 400 == pytest.approx(predicted, abs=3 * math.sqrt(predicted * (1 - predicted) / 400))


def test_power_of_equivalence_with_a_known_error() -> None:
    # with so many degrees of freedom s is known, and the test rejects if |estimate| < 1 − 1.645 x 0.3
    of = Precision(0.3, 10**7, 1e7)
    room = 1 / 0.3 - scipy_stats.norm.ppf(0.95)
    assert equivalence_power(0, 1, of) == pytest.approx(2 * scipy_stats.norm.cdf(room) - 1, abs=1e-5)
    assert equivalence_power(0, 0.4, Precision(0.3, 10**7, 1e7)) == 0  # the bound is within 1.645 errors


sds = st.floats(0.01, 5)


@given(sds, sds, sds, st.integers(2, 12), st.integers(6, 200), st.floats(0.01, 5))
@settings(max_examples=60)
def test_power_grows(seed: float, item: float, noise: float, seeds: int, items: int, effect: float) -> None:
    of = known(seed, item, noise)

    def power(effect: float, seeds: int, items: int) -> float:
        return t_power(effect, precision(of, Design(seeds, (items,), 1, (2,))))

    here = power(effect, seeds, items)
    assert 0 <= here <= 1
    assert power(effect * 1.3, seeds, items) >= here - 1e-9
    if (
        here < 0.5
    ):  # where only a standard error that is estimated too small finds anything, knowing it better costs power
        return
    assert power(effect, seeds + 1, items) >= here - 1e-9
    assert power(effect, seeds, items + 1) >= here - 1e-9


@given(st.floats(1e-3, 1e3), st.integers(2, 200), st.floats(1e-3, 0.2), st.floats(0.3, 0.95))
@settings(max_examples=20)
def test_smallest_bound_inverts_power_of_equivalence(se: float, df: int, alpha: float, target: float) -> None:
    of = Precision(se, df, df)
    assert equivalence_power(0, smallest_bound(of, alpha, target), of, alpha) == pytest.approx(target, abs=1e-6)


@given(st.floats(1e-3, 1e3), st.integers(1, 200), st.floats(1, 500), st.floats(1e-4, 0.2), st.floats(0.3, 0.99))
@settings(max_examples=60)
def test_detectable_inverts_power(se: float, df: int, more: float, alpha: float, target: float) -> None:
    of = Precision(se, df, df * more)
    assert t_power(detectable(of, alpha, target), of, alpha) == pytest.approx(target, abs=1e-6)


# --- grids


def test_too_few_seeds_have_no_power() -> None:
    # 5 seeds give p ≥ 2/2⁵ = 0.0625; with two tests in the family 6 give 0.031 > 0.025, and 7 give 0.016
    table = power_table(known(0.01, 0.1, 0.1), Grid((5, 6, 7), (40,), (1,)), Question(5.0, 0.05))
    assert list(table["power"]) == pytest.approx([0, 1, 1])
    assert table["note"][0].startswith("needs 6 seeds: no p below 0.0625")
    family = power_table(known(0.01, 0.1, 0.1), Grid((5, 6, 7), (40,), (1,)), Question(5.0, 0.05 / 2))
    assert list(family["power"]) == pytest.approx([0, 0, 1])
    assert list(family["power_both"]) == pytest.approx([0, 0, 1])
    equal = power_table(known(0.01, 0.1, 0.1), Grid((3,), (40,), (1,)), Question(0.0, 0.05, bound=5.0))
    assert equal["power"][0] == pytest.approx(1)  # TOST has no such limit


@pytest.mark.parametrize(("what", "effect"), [("seeds", 0.27), ("items", 0.27), ("epochs", 0.2)])
def test_solve_gives_the_smallest_number(what: Solved, effect: float) -> None:
    of = by_hand(seed=0.1, item=0.3, noise=0.3, epoch=1.0, cells=1, per_cluster=1, arms=2)
    grid, question = Grid((8,), (60,), (2,)), Question(effect)
    row = solve(of, grid, question, what).iloc[0]
    assert row["power"] >= 0.8
    numbers = {"seeds": 8, "items": 60, "epochs": 2} | {what: int(row[what]) - 1}
    one_less = Grid((numbers["seeds"],), (numbers["items"],), (numbers["epochs"],))
    assert power_table(of, one_less, question)["power"][0] < 0.8


def test_solve_says_what_cannot_be_reached() -> None:
    # with 8 seeds of sd 1 no number of items helps against an effect of 0.1
    row = solve(known(1.0, 0.1, 0.1), Grid((8,), (), (1,)), Question(0.1), "items").iloc[0]
    assert row["note"] == "not reached"
    assert row["power"] < 0.1


def test_plans_that_nothing_is_known_for() -> None:
    one_seed = components([task([[1, 2, 3, 4]])], [ASKED])
    with pytest.raises(UserError, match="give --sd-seed"):
        power_table(one_seed, Grid((3,), (), (1,)), Question(1.0))
    with pytest.raises(UserError, match="give --sd-epoch"):
        solve(one_seed, Grid((1,), (), (1,)), Question(1.0), "epochs")
    with pytest.raises(UserError, match="do not vary"):
        power_table(components([task([[1, 1, 1]])], [ASKED]), Grid((1,), (), (1,)), Question(1.0))
    few = power_table(one_seed, Grid((1,), (4,), (1,), cells=4), Question(1.0))
    assert few["power"][0] == 0
    assert few["note"][0] == "too few clusters for its cells: no test"
