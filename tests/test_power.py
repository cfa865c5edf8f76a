"""Variance components by arithmetic; power against statsmodels and against the tests themselves on drawn data."""

import json
import math
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from commands import refusal, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
from inspect_ai.scorer import Score
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestPower

from msm_bench.cli import cli
from msm_bench.commands.power import Numbers
from msm_bench.errors import UserError
from msm_bench.planning import (
    Component,
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
    with_given,
)
from msm_bench.planning.components import Asking, Shape, TaskComponents, components
from msm_bench.planning.grid import Solved, design_of
from msm_bench.planning.power import smallest_bound
from msm_bench.recipe import Contrast, Term
from msm_bench.results import COLUMNS, write_frame
from msm_bench.stats import TaskValues, equivalence, seed_swap, term_values, two_way, two_way_interval

ASKED = Asking(2, 0)
ALONE = Shape(40, 40, 1)


def task(values: object, cells: object = None, clusters: object = None, name: str = "t") -> TaskValues:
    array = np.array(values, dtype=float)
    items = array.shape[1]
    return TaskValues(
        name,
        array,
        np.zeros(items, dtype=np.int64) if cells is None else np.array(cells),
        np.arange(items) if clusters is None else np.array(clusters),
    )


def known(
    seed: float,
    item: float,
    noise: float,
    *,
    shape: Shape = ALONE,
    cluster: float = 0.0,
    seed_cluster: float = 0.0,
) -> Components:
    """Components of one task from standard deviations."""
    between, of_item, of_both, rest = (Component(sd**2, 1) for sd in (cluster, item, seed_cluster, noise))
    own = TaskComponents("t", shape, 2, 0, between, of_item, of_both, rest, None)
    return Components(Component(seed**2, 1), math.nan, math.nan, 0, 0, (own,), math.nan)


def drawn(of: Components, design: Design, effect: float, rng: np.random.Generator) -> TaskValues:
    """Paired values with these components; cells, which are fixed, lie 3 apart."""
    own, seeds, n = of.tasks[0], design.seeds, design.items[0]
    clusters = np.repeat(np.arange(n // round(own.shape.per_cluster)), round(own.shape.per_cluster))
    cells = clusters % design.cells[0]
    g = clusters.max() + 1
    assert of.seed is not None
    values = (
        effect
        + 3 * (cells - cells.mean())
        + rng.normal(0, of.seed.sd, (seeds, 1))
        + rng.normal(0, own.cluster.sd, g)[clusters]
        + rng.normal(0, own.item.sd, n)
        + rng.normal(0, own.seed_cluster.sd, (seeds, g))[:, clusters]
        + rng.normal(0, own.seed_item.sd, (seeds, n))
    )
    return TaskValues("t", values, cells, clusters)


# --- components


def test_components_of_a_designed_array() -> None:
    # seeds ±1, items −3 −1 1 3, residual ±½ (1 −1 −1 1), 2 x 4, one cell.
    # seed x item: the four ±½ of each seed give 8/4 = 2 over (2 − 1)(4 − 1) = 3 df: 2/3
    # item: 20/3 between the items' means, less 2/3 over 2 seeds: 19/3
    # seed: variance of −1 and 1 is 2, less 2/3 over 4 items: 11/6
    q = np.array([1, -1, -1, 1]) / 2
    values = np.add.outer([-1.0, 1.0], [-3.0, -1.0, 1.0, 3.0]) + np.outer([-1, 1], q)
    found = components([task(values)], [ASKED])
    own = found.tasks[0]
    assert found.seed is not None
    assert (found.seed.variance, found.seed.df) == pytest.approx((11 / 6, 1))
    assert (own.item.variance, own.item.df) == pytest.approx((19 / 3, 3))
    assert (own.seed_item.variance, own.seed_item.df) == pytest.approx((2 / 3, 3))
    assert own.cluster.variance == own.seed_cluster.variance == 0


def test_cells_are_no_noise() -> None:
    rng = np.random.default_rng(0)
    values, cells = rng.normal(size=(3, 8)), [0, 0, 0, 0, 1, 1, 1, 1]
    before = components([task(values, cells)], [ASKED])
    apart = values + np.where(np.array(cells) == 1, 100.0, 0.0)
    after = components([task(apart, cells)], [ASKED])
    assert after.tasks[0].item.variance == pytest.approx(before.tasks[0].item.variance)
    assert after.seed_high == pytest.approx(before.seed_high)
    assert after.tasks[0].item.df == 6  # 8 items less 2 cells


def test_clusters_and_the_items_in_them() -> None:
    # clusters {1, 3} and {5, 7}: items 4 (±1)² = 4 over 4 − 2 df: 2; clusters 4 (±2)² = 16 over 1 df, which
    # expects item + k cluster with k = (4 − (2² + 2²)/4)/1 = 2, so (16 − 2)/2 = 7
    own = components([task([[1, 3, 5, 7]], clusters=[0, 0, 1, 1])], [ASKED]).tasks[0]
    assert (own.item.variance, own.cluster.variance) == pytest.approx((2.0, 7.0))
    assert (own.item.df, own.cluster.df) == (2, 1)


def test_estimates_are_right_on_average_with_unequal_clusters() -> None:
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(12), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 2, 4])
    cells = clusters % 2
    rows = []
    for _ in range(400):
        values = (
            rng.normal(0, 2, (4, 1))
            + rng.normal(0, 3, 12)[clusters]
            + rng.normal(0, 2, 36)
            + rng.normal(0, 1.5, (4, 12))[:, clusters]
            + rng.normal(0, 1, (4, 36))
        )
        found = components([task(values, cells, clusters)], [ASKED])
        own = found.tasks[0]
        assert found.seed is not None
        parts = (found.seed, own.cluster, own.item, own.seed_cluster, own.seed_item)
        rows.append([part.variance for part in parts])
    # truncation at 0 pulls up only what is near it; the tolerances are about three standard errors
    assert np.mean(rows, axis=0) == pytest.approx([4, 9, 4, 2.25, 1], rel=0.16)


def test_the_seed_interval_covers() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(400):
        found = components([task(rng.normal(0, 1, (3, 1)) + rng.normal(0, 1, (3, 30)))], [ASKED])
        held += found.seed_low <= 1 <= found.seed_high
    assert held / 400 == pytest.approx(0.95, abs=0.033)  # three standard errors
    # and three seeds know little: χ²(2) puts the upper limit at 1/√(0.0506/2) = 6.3 times the estimate
    assert found.seed_high / found.seed_low > 6


def test_seeds_are_common_to_tasks_and_items_are_not() -> None:
    # the two tasks' seed effects ±1 cancel in the sum; nothing else varies with the seed
    up, down = np.add.outer([-1.0, 1.0], [0.0, 4.0]), np.add.outer([1.0, -1.0], [0.0, 2.0])
    found = components([task(up), task(down, name="u")], [ASKED, ASKED])
    assert found.seed is not None
    assert found.seed.variance == 0
    assert [own.item.variance for own in found.tasks] == pytest.approx([8.0, 2.0])


def test_one_seed_says_so() -> None:
    found = components([task([[1, 2, 3, 4]])], [ASKED])
    assert found.seed is None
    assert found.tasks[0].item.variance == pytest.approx(5 / 3)
    assert [note.split(":")[0] for note in found.notes()] == ["one seed", "one epoch"]


def test_no_cell_with_two_clusters() -> None:
    with pytest.raises(UserError, match="no cell has two clusters"):
        components([task([[1, 2], [3, 4]], cells=[0, 1])], [ASKED])


def frame(epochs: int = 2, seeds: tuple[int, ...] = (1, 2, 3), n: int = 6) -> pd.DataFrame:
    """Arms `a` and `b` on one task; answers of `a` differ by 2 between two epochs, those of `b` by 4."""
    rng = np.random.default_rng(3)
    rows = []
    for arm, apart in (("a", 1.0), ("b", 2.0)):
        for seed in seeds:
            for item in range(n):
                middle = rng.normal()
                for epoch in range(1, epochs + 1):
                    value = middle + apart * (-1) ** epoch * (epochs > 1)
                    known = {"arm": arm, "seed": seed, "item": f"i{item}", "epoch": epoch, "value": value}
                    rows.append({"task": "t", "cell": "", "cluster": f"i{item}", "metric": "rate", **known})
    return pd.DataFrame(rows).reindex(columns=COLUMNS).fillna(dict.fromkeys(COLUMNS, ""))


A_LESS_B = Contrast(
    name="a − b", terms=[Term(arm="a", task="t", weight=1), Term(arm="b", task="t", weight=-1)], measure="rate"
)


def test_epochs_are_noise_of_both_arms() -> None:
    # in an item of `a` the answers m ± 1 have variance 2, of `b` m ± 2 variance 8; the difference of two has 10, and
    # 3 seeds x 6 items x (2 − 1) of each arm are 36 df. Means over two epochs keep 5 of it in seed x item.
    found = contrast_components(frame(), A_LESS_B)
    own = found.tasks[0]
    assert own.epoch is not None
    assert (own.epoch.variance, own.epoch.df) == pytest.approx((10.0, 36))
    averaged = contrast_components(frame(epochs=1), A_LESS_B)  # the same middles
    assert averaged.tasks[0].epoch is None
    assert own.seed_item.variance == pytest.approx(max(0.0, averaged.tasks[0].seed_item.variance - 5))
    assert (own.asked, own.asked_once) == (2, 0)


def test_an_untrained_arm_is_asked_once() -> None:
    # `b` as the base model, asked at one seed: its 8 are the items', whatever the seeds; `a` has 2 at each
    once = frame()
    once = once[(once["arm"] == "a") | (once["seed"] == 1)].replace({"arm": {"b": "base"}})
    terms = [Term(arm="a", task="t", weight=1), Term(arm="base", task="t", weight=-1)]
    own = contrast_components(once, A_LESS_B.model_copy(update={"terms": terms})).tasks[0]
    assert own.epoch is not None
    assert (own.epoch.variance, own.epoch_once.variance) == pytest.approx((2.0, 8.0))
    design = Design(5, (10,), 2, (1,))
    # 5 seeds and once the base model, 10 items, 2 epochs
    assert design.samples(Components(None, 0, 0, 3, 2, (own,), 0)) == 6 * 10 * 2


def test_noise_of_sampling_given_by_hand_is_taken_from_where_it_was() -> None:
    found = contrast_components(frame(epochs=1), A_LESS_B)
    whole = found.tasks[0].seed_item.variance
    own = with_given(found, 0.3, 0.5).tasks[0]
    assert own.epoch is not None
    assert own.epoch.variance + own.seed_item.variance == pytest.approx(whole)


# --- power


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


# --- the command


@given(st.lists(st.integers(1, 500), min_size=1, max_size=6))
def test_numbers_are_read_back(numbers: list[int]) -> None:
    assert Numbers().convert(",".join(map(str, numbers)), None, None) == tuple(dict.fromkeys(numbers))


def test_ranges_of_numbers() -> None:
    assert Numbers().convert("3-6, 10", None, None) == (3, 4, 5, 6, 10)


@given(st.text(alphabet="0123456789-, ~x²", max_size=12))
@settings(max_examples=50)
def test_other_text_is_refused_in_one_way(text: str) -> None:
    try:
        found = Numbers().convert(text, None, None)
    except click.BadParameter:
        return
    assert min(found) >= 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A results folder without a recipe."""
    write_frame(frame(n=12), tmp_path / "found" / "frame.parquet")
    return tmp_path / "found"


def power(*args: object) -> Result:
    result = CliRunner().invoke(cli, ["power", *map(str, args)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_plan_from_a_results_folder(folder: Path, tmp_path: Path) -> None:
    asked = [folder, "--baseline", "b", "--arm", "a", "--effect", 2, "--seeds", "5-7", "--items", "12,24"]
    rows = json.loads(power(*asked, "--epochs", "1,4", "--format", "json", "--out", tmp_path / "plan").stdout)
    assert [(row["items"], row["epochs"], row["seeds"]) for row in rows[:4]] == [
        *(("12", 1, seeds) for seeds in (5, 6, 7)),
        ("12", 4, 5),
    ]
    assert rows[0]["power"] == 0
    assert rows[4]["power"] > rows[1]["power"] > 0
    assert rows[0]["samples"] == 5 * 12 * 2
    for name in ("power.md", "power.csv", "power.tex", "power.png"):
        assert (tmp_path / "plan" / name).stat().st_size > 0
    text = power(*asked).stdout
    assert "seed x item" in text
    assert "3 seeds: sd of seeds" in text
    solved = json.loads(power(*asked, "--solve", "items", "--format", "json").stdout)
    assert [row["seeds"] for row in solved] == [5, 6, 7]


def write_log(path: Path, model: str, answers: str) -> None:
    """A finished log in which 6 questions were answered twice each: C for right, I for wrong."""
    about = EvalSpec(
        created="2026-01-01T00:00:00+00:00", task="questions", dataset=EvalDataset(), model=model, config=EvalConfig()
    )
    samples = [
        EvalSample(id=f"q{i % 6}", epoch=1 + i // 6, input="?", target="yes", scores={"exact": Score(value=grade)})
        for i, grade in enumerate(answers)
    ]
    write_eval_log(EvalLog(status="success", eval=about, samples=samples), str(path))


def test_a_plan_from_logs(tmp_path: Path) -> None:
    # two models, not always of one mind; no seeds, so the claim is about these models
    write_log(tmp_path / "a.eval", "mockllm/a", "CICCICCCCIIC")
    write_log(tmp_path / "b.eval", "mockllm/b", "IICICIICIIII")
    compared = [tmp_path, "--baseline", "mockllm/b", "--arm", "mockllm/a"]
    rows = json.loads(power(*compared, "--effect", 0.3, "--epochs", "1,4", "--items", "50", "--format", "json").stdout)
    assert [(row["seeds"], row["samples"]) for row in rows] == [(1, 2 * 50), (1, 2 * 50 * 4)]
    assert rows[0]["note"] == "about these models alone"
    assert rows[0]["power"] < rows[1]["power"]


def test_what_a_finished_run_could_have_seen(folder: Path) -> None:
    row = json.loads(power(folder, "--mde", "--baseline", "b", "--format", "json").stdout)[0]
    assert row["contrast"] == "a − b [t]"
    assert (row["seeds"], row["df"]) == (3, 2)
    assert row["detectable"] == pytest.approx(detectable(Precision(row["se"], 2, 2)))


def test_a_plan_by_hand() -> None:
    # sd 0.4 over items, effect 0.05: (0.05/0.4)² n = (1.96 + 0.84)² gives about 502
    row = json.loads(power("--sd-item", 0.4, "--effect", 0.05, "--solve", "items", "--format", "json").stdout)[0]
    expected = math.ceil(TTestPower().solve_power(0.05 / 0.4, alpha=0.05, power=0.8))
    assert int(row["items"]) == expected


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--effect", "1"], "--sd-item"),
        (["--sd-item", "1", "--effect", "1"], "--items"),
        (["--sd-item", "1", "--items", "9"], "--effect"),
        (["--sd-item", "nan", "--items", "9", "--effect", "1"], "finite"),
        (["--sd-item", "1", "--items", "9", "--effect", "0"], "no effect"),
        (["--sd-item", "1", "--items", "9-3", "--effect", "1"], "no range"),
        (["--sd-item", "1", "--items", "9", "--effect", "1", "--seeds", "3"], "--sd-seed"),
        (["--sd-item", "1", "--items", "9", "--effect", "1", "--epochs", "2"], "--sd-epoch"),
        (["--sd-item", "1", "--items", "9", "--effect", "2", "--equivalence", "1"], "not within"),
        (["--sd-item", "1", "--items", "9", "--effect", "1", "--format", "pdf"], "unknown format"),
        (["--sd-item", "1", "--items", "9", "--effect", "1", "--family", "900"], "--family"),
        (["--mde"], "finished run"),
        (["found"], "--baseline and --arm"),
        (["found", "--contrast", "H1"], "of no recipe"),
        (["found", "--baseline", "b", "--arm", "c", "--effect", "1"], "unknown arm 'c'"),
        (["found", "--baseline", "b", "--arm", "a", "--measure", "x"], "unknown measure 'x'"),
        (["found", "--baseline", "b", "--arm", "a", "--sd-item", "1"], "without a pilot"),
        (["found", "--mde"], "--baseline"),
        (["nowhere", "--mde"], "no such recipe"),
    ],
)
def test_mistakes_are_one_line(folder: Path, args: list[str], said: str) -> None:
    refused(refusal("power", *args, cwd=folder.parent), said)
