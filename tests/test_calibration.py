"""The simulation study: its arithmetic, its data sets, and that what it found wanting is said at run time."""

import importlib
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from msm_bench.files import read_json

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))  # no part of the package
command: Any = importlib.import_module("simulation.command")
draw: Any = importlib.import_module("simulation.draw")
scenarios: Any = importlib.import_module("simulation.scenarios")
show: Any = importlib.import_module("simulation.show")
study: Any = importlib.import_module("simulation.study")

ROWS: list[dict[str, Any]] = read_json(ROOT / "benchmarks" / "results" / "calibration.json")
BY_NAME = {scenario.name: scenario for scenario in scenarios.SCENARIOS}
FAILING = [row for row in ROWS if study.fails(row)]


def row(**values: Any) -> dict[str, Any]:
    return {"type1": None, "coverage": None, "mc_error": 0.005} | values


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (row(type1=0.071), True),  # 0.021 above nominal: more than 2 · 0.005, and than 0.02
        (row(type1=0.069), False),  # within the margin
        (row(type1=0.075, mc_error=0.02), False),  # within 2 · 0.02 = 0.04
        (row(coverage=0.929), True),
        (row(coverage=0.931), False),
        (row(coverage=1.0), False),  # too cautious is no failure
        (row(mc_error=None), False),  # nothing was given
    ],
)
def test_what_counts_as_failing(found: dict[str, Any], expected: bool) -> None:
    assert study.fails(found) is expected


def test_scenarios_have_names_of_their_own_and_known_methods() -> None:
    assert len(BY_NAME) == len(scenarios.SCENARIOS)
    for scenario in scenarios.SCENARIOS:
        assert set(scenario.methods) <= set(importlib.import_module("simulation.methods").METHODS)
        tests = {name for name in scenario.methods if command.METHODS[name].kind == "test"}
        # an error of the first kind needs a null that is true
        assert not tests - {"tost"} or (
            scenario.truth == 0 and (len(scenario.rates) < 2 or len(set(scenario.rates)) == 1)
        )


def test_the_results_are_those_of_the_scenarios() -> None:
    found = [(row["scenario"], row["method"]) for row in ROWS]
    assert found == [(own.name, method) for own in scenarios.SCENARIOS for method in own.methods]
    fields = ["method", "scenario", "type1", "coverage", "n_sim", "mc_error", "flagged"]
    assert all(sorted(row) == sorted(fields) for row in ROWS)


def test_a_committed_number_is_what_the_code_gives() -> None:
    scenario = BY_NAME["8 seeds, these 30 items"]
    (again,) = study.simulate(scenario, 2000)
    (committed,) = [row for row in ROWS if row["scenario"] == scenario.name]
    assert (again["type1"], again["n_sim"]) == (committed["type1"], committed["n_sim"])


def test_every_failure_is_flagged() -> None:
    assert FAILING
    assert [row for row in FAILING if not row["flagged"]] == []


@pytest.mark.parametrize("name", sorted({row["scenario"] for row in FAILING}))
def test_the_cautions_do_fire_where_a_method_fails(name: str) -> None:
    # flagged means in 0.9 of 200 data sets; of 30 at least 0.75, which is 2.7 standard errors below
    shares = study.firing(BY_NAME[name], 30)
    assert all(shares[row["method"]] >= 0.75 for row in FAILING if row["scenario"] == name)


@pytest.mark.parametrize("name", scenarios.QUIET)
def test_quiet_scenarios_are_quiet(name: str) -> None:
    assert not any(study.fails(row) for row in ROWS if row["scenario"] == name)
    assert all(share <= 0.1 for share in study.firing(BY_NAME[name], 60).values())


def test_a_number_from_some_of_the_data_sets_says_of_how_many() -> None:
    some = row(method="ratio", scenario="x", coverage=0.0, n_sim=80, flagged=True, mc_error=0.01)
    assert show._cell(some, 2000) == "**0.000** (4%) ⚑"
    assert show._cell(some | {"coverage": 0.95, "flagged": False, "n_sim": 1900}, 2000) == "0.950"


def test_the_page_has_the_results() -> None:
    page = (ROOT / "docs" / "statistics.md").read_text()
    assert show.tables(ROWS) in page
    assert all((ROOT / "docs" / f"calibration-{key}.png").exists() for key in ("type1", "coverage"))


def test_rates_have_the_stated_truth() -> None:
    scenario = scenarios.Scenario("x", (), rates=(0.9, 0.6), clusters=100, cluster_sd=0.5, size=2, cells=2)
    means = [sample.tasks[0].mean for sample in study.data_sets(scenario, 200)]
    error = float(np.std(means)) / math.sqrt(200)
    assert np.mean(means) == pytest.approx(0.3, abs=4 * error)


def test_ranks_have_the_stated_truth() -> None:
    scenario = scenarios.Scenario("x", (), marks=(0.5, 0.0), clusters=100, cluster_sd=0.5, size=2)
    samples = list(study.data_sets(scenario, 200))
    means = [sample.tasks[0].mean for sample in samples]
    assert np.mean(means) == pytest.approx(samples[0].truth, abs=4 * float(np.std(means)) / math.sqrt(200))
    assert {value for sample in samples for value in np.unique(sample.arms)} == {1, 2, 3, 4, 5}
    alike = scenarios.Scenario("x", (), marks=(1.0, 1.0))
    assert next(study.data_sets(alike, 1)).truth == pytest.approx(0, abs=1e-12)


def test_a_trend_is_its_slope() -> None:
    still = {"seed_sd": 0.0, "item_sd": 0.0, "noise_sd": 0.0, "truth": 0.7}
    scenario = scenarios.Scenario("x", (), doses=(0, 1, 2, 3), **still)
    (sample,) = study.data_sets(scenario, 1)
    assert sample.tasks[0].mean == pytest.approx(0.7, abs=1e-12)


def test_wrong_answers_that_are_lost_are_as_many_as_stated() -> None:
    scenario = scenarios.Scenario("x", (), rates=(0.7, 0.7), clusters=500, unscored=0.1, unscored_how="low")
    lost = np.mean([sample.unscored for sample in study.data_sets(scenario, 20)])
    assert lost == pytest.approx(0.05, abs=0.005)  # a tenth of the first arm's, none of the other's


def test_that_one_seed_says_nothing_of_training_flags_nothing_about_these_checkpoints() -> None:
    own, misused = (BY_NAME[f"one seed, 30 items{more}"] for more in ("", ", taken as about training again"))
    assert study.firing(own, 10)["two_way_p"] < 1 == study.firing(misused, 10)["two_way_p"]


def test_conditional_truths_hold_in_each_data_set() -> None:
    # without noise of seed and item, the mean over these items (or at these seeds) is what was fixed
    seeds = scenarios.Scenario("x", (), scenarios.SEEDS, seed_sd=0.0, noise_sd=0.0, truth=0.7)
    items = scenarios.Scenario("x", (), scenarios.ITEMS, item_sd=0.0, noise_sd=0.0, truth=0.7)
    for scenario in (seeds, items):
        for sample in study.data_sets(scenario, 3):
            assert sample.tasks[0].mean == pytest.approx(0.7, abs=1e-12)


def test_unscored_values_take_their_items_away() -> None:
    scenario = scenarios.Scenario("x", (), clusters=200, seeds=2, unscored=0.2)
    (sample,) = study.data_sets(scenario, 1)
    # of 200 items each of 2 arms · 2 seeds is scored with 0.8: 0.8⁴ = 0.41 remain; 4 · √(0.41 · 0.59 / 200) = 0.14
    assert sample.tasks[0].values.shape[1] / 200 == pytest.approx(0.41, abs=0.14)
    assert sample.unscored == pytest.approx(0.2, abs=4 * math.sqrt(0.2 * 0.8 / 800))


@pytest.mark.parametrize("shape", ["normal", "t3", "lognormal"])
def test_effects_have_mean_0_and_variance_1(shape: str) -> None:
    found = draw._effects(shape, 200_000, np.random.default_rng(0))
    assert found.mean() == pytest.approx(0, abs=0.02)
    assert found.var() == pytest.approx(1, abs=0.25)  # the fourth moments are large, or do not exist


def test_the_command_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["one seed, 10 items", "share 0.5 of 30", "six contrasts, all null", "10 cells of one cluster"]
    monkeypatch.setattr(command, "SCENARIOS", [BY_NAME[name] for name in names])
    asked = ["--quick", "--work", str(tmp_path / "work"), "--out", str(tmp_path)]
    first = CliRunner().invoke(command.main, asked, catch_exceptions=False)
    assert f"4/4 {names[-1]}" in first.output
    rows = read_json(tmp_path / "calibration.json")
    assert [row["n_sim"] for row in rows if row["scenario"] == names[0]] == [20] * 4
    assert [row["n_sim"] for row in rows if row["scenario"] == names[-1]] == [0] * 3
    monkeypatch.setattr(study, "simulate", None)  # not needed again
    assert CliRunner().invoke(command.main, asked, catch_exceptions=False).exit_code == 0
    assert read_json(tmp_path / "calibration.json") == rows
    shown = CliRunner().invoke(command.main, ["--markdown", "--out", str(tmp_path)], catch_exceptions=False)
    assert shown.output == show.tables(rows)


def test_quick_results_are_not_written_over_the_committed_ones() -> None:
    assert CliRunner().invoke(command.main, ["--quick"]).exit_code == 2
