"""`msm-bench power` as a user types it."""

import json
import math
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from commands import refusal, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
from inspect_ai.scorer import Score
from powering import frame
from statsmodels.stats.power import TTestPower

from msm_bench.cli import cli
from msm_bench.commands.power import Numbers
from msm_bench.planning import (
    Grid,
    Precision,
    Question,
    by_hand,
    detectable,
    power_table,
)
from msm_bench.planning.curve import power_curve
from msm_bench.results import write_frame


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
    solved = json.loads(power(*asked[:-2], "--solve", "items", "--format", "json").stdout)
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


@pytest.mark.parametrize(
    "grid", [Grid((1,), (20, 40), (1,)), Grid((1,), (20,), (1, 2)), Grid((3, 9), (20, 40), (1, 2))]
)
def test_the_curve_has_a_line_for_each_other_number(grid: Grid) -> None:
    of = by_hand(seed=0.1, item=0.3, noise=0.3, epoch=1.0, cells=1, per_cluster=1, arms=2)
    figure = power_curve(power_table(of, grid, Question(0.3)), Question(0.3))
    lines = figure.axes[0].get_lines()
    # items, epochs, and the four combinations; beside them the level and the wished power
    assert len(lines) - 2 == (1 if len(grid.seeds) == 1 else 4)
    assert [list(np.asarray(line.get_ydata())) for line in lines[-2:]] == [[0.8, 0.8], [0.05, 0.05]]


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
        (["--sd-item", "1", "--items", "9", "--effect", "1", "--arm", "a"], "--arm chooses from a pilot"),
        (["--sd-item", "1", "--items", "9", "--effect", "1", "--solve", "items"], "leave --items out"),
        (["--mde"], "finished run"),
        (["found", "--mde", "--baseline", "b", "--solve", "items"], "--solve of a plan"),
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
