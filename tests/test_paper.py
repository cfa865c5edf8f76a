"""The paper's numbers as data, and the arithmetic that sets ours beside them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from commands import refusal, refused
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from msm_bench.cli import cli
from msm_bench.errors import UserError
from msm_bench.experiment import Experiment
from msm_bench.paper import Comparison, Figure, Row, beside, load_paper, load_partners, render_comparison, same_sign
from msm_bench.paper.compare import MEANING, Setup, our_terms
from msm_bench.paper.figures import FIGURES
from msm_bench.paper.partners import PARTNERS, Beside, Ours
from msm_bench.preferences.items import load_items
from msm_bench.recipe import Recipe
from msm_bench.report import FORMATS
from msm_bench.results import COLUMNS

SHIPPED = sorted(path.stem for path in PARTNERS.glob("*.yaml"))
COLUMN = {"task": "pairs", "measure": "rate", "meaning": "a share", "more": "aligned", "model": "M"}
FIGURE: dict[str, Any] = {
    "number": "9",
    "title": "A test",
    "step": 0.01,
    "training": "none",
    "columns": {"America": COLUMN},
    "arms": {"AFT": [0.36], "MSM+AFT": [0.55], "odd": [0.1]},
    "differences": [{"of": "MSM+AFT", "minus": "AFT"}, {"of": "odd", "minus": "AFT"}],
}
STATED: dict[str, Any] = {
    "measures": ["margin"],
    "more": "aligned",
    "blocks": [{"columns": {"America": "pro_america"}, "arms": {"AFT": "aft", "MSM+AFT": "msm-america+aft"}}],
}


def frame(arms: Mapping[str, Sequence[float]], metrics: tuple[str, ...] = ("margin",)) -> pd.DataFrame:
    """Results of seed 0 on both tasks: one value for each item of an arm."""
    rows = [
        {
            **dict.fromkeys(COLUMNS, ""),
            **{"arm": arm, "seed": 0, "task": task, "item": f"i{number}", "cell": "c", "cluster": f"i{number}"},
            **{"epoch": 1, "metric": metric, "value": value},
        }
        for task in ("pro_america", "pro_affordability")
        for metric in metrics
        for arm, own in arms.items()
        for number, value in enumerate(own)
    ]
    return pd.DataFrame(rows)


def compared(values: pd.DataFrame, figure: dict[str, Any] | None = None, **changes: Any) -> dict[str, Row]:
    """The rows of the figure above beside the demo's recipe, by the paper's arm; ours without partner by their own."""
    stated = Beside.model_validate({**STATED, **changes})
    setup = Setup("a Llama (1B parameters)", "it: 2 steps")
    rows = beside(values, Recipe.load("demo"), Figure.model_validate(figure or FIGURE), stated, setup)
    return {row.paper_arm or f"ours: {row.our_arm}": row for row in rows}


# --- the data


def test_the_numbers_are_all_there() -> None:
    paper = load_paper()
    counts = {name: sum(record.figure == name for record in paper.records()) for name in paper.figures}
    # arms x columns, of figures 7 and 8 without the four cells that they do not have
    expected = {
        "fig2": 6 * 2,
        "fig3": 4 * 6,
        "fig4": 6 * 4,
        "fig7-8": 6 * 4 - 4,
        "fig10": 2 * 8,
        "headline": 3,
        "tokens": 2,
    }
    assert counts == expected


@pytest.mark.parametrize(
    ("figure", "arm", "column", "value"),
    [
        ("fig2", "MSM(America)+AFT", "America", 0.55),
        ("fig2", "MSM(affordability)+AFT", "affordability", 0.48),
        ("fig2", "baseline", "affordability", 0.23),
        ("fig3", "MSM", "novelty", 0.61),
        ("fig3", "MSM+AFT", "individualism", 0.72),
        ("fig4", "AFT no CoT", "Qwen2.5-32B AM", 0.70),
        ("fig4", "MSM+AFT with CoT", "Qwen3-32B QA", 8.77),
        ("fig7-8", "rule-augmented", "Qwen3-32B", 0.06),
        ("fig7-8", "general", "Qwen3-14B", None),
        ("fig10", "ablated", "affordability", -0.01),
        ("tokens", "MSM+AFT against AFT", "Qwen3-32B, no CoT", 60),
    ],
)
def test_values_by_hand(figure: str, arm: str, column: str, value: float | None) -> None:
    assert load_paper().figure(figure).value(arm, column) == value


def test_a_record_says_what_it_is_of() -> None:
    record = next(record for record in load_paper().records() if record.arm == "MSM(America)+AFT")
    assert record.model_dump(exclude={"task"}) == {
        "arxiv": "2605.02087v2",
        "figure": "fig2",
        "number": "2",
        "arm": "MSM(America)+AFT",
        "column": "affordability",
        "measure": "rate",
        "more": "aligned",
        "model": "Llama-3.1-8B base",
        "value": 0.29,
        "seeds": 4,
        "drawn": "±1 SEM over 4 seeds",
        "reading": "read off a drawn figure; no numbers are printed",
    }


def test_the_figures_agree_with_each_other() -> None:
    paper = load_paper()
    gains, values, further = paper.figure("fig10"), paper.figure("fig2"), paper.figure("fig3")
    # Fig. 10 draws MSM+AFT - MSM of Figs. 2 and 3: both are given to 0.01, so they may differ by that
    for column in gains.columns:
        if column in values.columns:
            found = dict((d.of, v) for d, v in values.differences_on(column) if d.minus == f"MSM({column})")
            gain = found[f"MSM({column})+AFT"]
        else:
            gain = next(v for d, v in further.differences_on(column) if (d.of, d.minus) == ("MSM+AFT", "MSM"))
        assert gains.value("original", column) == pytest.approx(gain, abs=0.0101), column
    fourth, headline = paper.figure("fig4"), paper.figure("headline")
    assert all(headline.value(arm, "Qwen3-32B") == fourth.value(arm, "Qwen3-32B AM") for arm in headline.arms)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"arms": {"AFT": [0.36, 0.4]}}, "arm 'AFT': 2 values for 1 columns"),
        ({"arms": {"AFT": [55]}}, "55.0 is no rate"),
        ({"differences": [{"of": "AFT", "minus": "none"}]}, "unknown arm 'none'"),
        ({"differences": [{"of": "AFT", "minus": "odd", "columns": ["x"]}]}, "unknown column 'x'; known: America"),
        ({"source": "memory"}, "source: Extra inputs are not permitted"),
        ({"columns": {"America": {**COLUMN, "measure": "percent"}}}, "columns.America.measure"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    whole = yaml.safe_load(FIGURES.read_text(encoding="utf-8"))
    path = tmp_path / "figures.yaml"
    path.write_text(yaml.safe_dump({**whole, "figures": {"fig9": {**FIGURE, **change}}}), encoding="utf-8")
    with pytest.raises(UserError, match=r"^\S+figures\.yaml: figures\.fig9") as error:
        load_paper(path)
    assert expected in str(error.value)


def test_what_is_not_on_record_stays_empty() -> None:
    records = load_paper().records()
    assert {record.reading for record in records if record.figure == "headline"} == {None}
    assert {(record.seeds, record.task) for record in records if record.figure == "tokens"} == {(None, None)}


# --- whose partner is whose


@pytest.mark.parametrize("recipe", ["demo", "science-novelty-smollm2", "science-values"])
def test_notes_say_what_differs(recipe: str) -> None:
    for stated in load_partners(recipe).figures.values():
        notes = " ".join(stated.notes)
        assert "our base is tuned on instructions before any of this" in notes
        assert "half of" in notes  # say their attribute
        for task in {task for block in stated.blocks for task in block.columns.values()}:
            per_cell = 2 if recipe == "demo" else None  # as its tasks have it
            items = load_items(task, Recipe.load(recipe).split_of(task), per_cell=per_cell)
            assert str(len(items)) in notes
            assert abs(2 * sum(item.cue == "described" for item in items) - len(items)) <= 2


@pytest.mark.parametrize("recipe", SHIPPED)
def test_partners_are_arms_of_the_recipe_and_of_the_figure(recipe: str) -> None:
    partners = load_partners(recipe)
    for name, stated in partners.figures.items():
        stated.check(load_paper().figure(name), Recipe.load(recipe), recipe)


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([{"columns": {"America": "pro_america"}, "arms": {"AFT": "atf"}}], "'atf' is not an arm of demo"),
        ([{"columns": {"America": "pro_america"}, "arms": {"SFT": "aft"}}], "'SFT' is not an arm of the figure"),
        ([{"columns": {"Amerika": "pro_america"}, "arms": {"AFT": "aft"}}], "'Amerika' is not a column"),
        ([{"columns": {"America": "pro_cheese"}, "arms": {"AFT": "aft"}}], "'pro_cheese' is not a task of demo"),
        ([{"columns": {"America": "pro_america"}, "arms": {"AFT": ["aft", "base"]}}], "beside a gain stand two arms"),
    ],
)
def test_partners_that_do_not_exist_are_refused(blocks: list[dict[str, Any]], expected: str) -> None:
    stated = Beside.model_validate({**STATED, "blocks": blocks})
    with pytest.raises(UserError, match=expected):
        stated.check(Figure.model_validate(FIGURE), Recipe.load("demo"), "partners/demo.yaml")


def test_a_file_of_partners_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    whole = {"recipe": "tiny", "model": "a Llama", "figures": {"fig2": STATED}}
    for change, expected in (
        ({"recipe": "small"}, "recipe is 'small' but the file is called 'tiny'"),
        ({"figures": {"fig2": {**STATED, "blocks": STATED["blocks"] * 2}}}, "a column stands in two blocks"),
        ({"figures": {"fig2": {**STATED, "measures": ["share"]}}}, "unknown measure 'share'"),
        ({"modell": "x"}, "modell: Extra inputs"),
    ):
        path.write_text(yaml.safe_dump({**whole, **change}), encoding="utf-8")
        with pytest.raises(UserError, match=expected):
            load_partners("tiny", tmp_path)
    with pytest.raises(UserError, match=r"recipe other: nothing says which of its arms .* stated for tiny"):
        load_partners("other", tmp_path)


names = st.text(st.characters(codec="utf-8"), max_size=12)


@given(names, names)
def test_one_arm_needs_no_brackets(arm: str, other: str) -> None:
    ours = TypeAdapter[tuple[str, ...]](Ours)
    assert ours.validate_python(arm) == ours.validate_python([arm]) == (arm,)
    assert ours.validate_python([arm, other]) == (arm, other)


# --- the arithmetic


@pytest.mark.parametrize(
    ("paper", "low", "high", "turned", "expected"),
    [
        (0.19, 0.02, 0.68, False, "yes"),
        (0.19, -0.68, -0.02, False, "no"),
        (-0.19, -0.68, -0.02, False, "yes"),
        (0.19, -0.01, 0.68, False, "unclear"),
        (0.19, 0.0, 0.68, False, "unclear"),
        (0.19, None, None, False, "unclear"),
        (0.01, 0.02, 0.68, False, "unclear"),  # one step: no direction to agree with
        (0.02, 0.02, 0.68, False, "yes"),
        (-0.4, 0.02, 0.68, True, "yes"),  # less harm, more aligned choices
        (-0.4, -0.68, -0.02, True, "no"),
    ],
)
def test_the_same_sign(paper: float, low: float | None, high: float | None, turned: bool, expected: str) -> None:
    assert same_sign(paper, low, high, 0.01, turned) == expected


@given(st.floats(-1, 1), st.floats(-5, 5), st.floats(0, 5), st.booleans())
def test_a_mirror_changes_no_verdict(paper: float, low: float, width: float, turned: bool) -> None:
    verdict = same_sign(paper, low, low + width, 0.01, turned)
    assert same_sign(-paper, -(low + width), -low, 0.01, turned) == verdict
    assert same_sign(paper, low, low + width, 0.01, not turned) == {"yes": "no", "no": "yes"}.get(verdict, verdict)


arms = st.lists(st.sampled_from("abcd"), min_size=1, max_size=2)


@given(arms, arms)
def test_terms_of_a_difference_add_up(ours: list[str], minus: list[str]) -> None:
    values = {"a": 1.0, "b": 10.0, "c": 100.0, "d": 1000.0}

    def total(names: list[str]) -> float:
        return values[names[0]] - (values[names[1]] if len(names) > 1 else 0)

    terms = our_terms(ours, minus, "t")
    assert sum(term.weight * values[term.arm] for term in terms) == total(ours) - total(minus)
    assert len({term.arm for term in terms}) == len(terms)
    assert all(term.weight for term in terms)


def test_values_and_differences_by_hand() -> None:
    rows = compared(frame({"aft": [1, 1, 1], "msm-america+aft": [2, 3, 4], "base": [0, 0, 0]}))
    # differences 1, 2, 3: mean 2, se 1/sqrt(3) = 0.577, t(2) = 4.303: 2 ± 2.48
    row = rows["MSM+AFT − AFT"]
    assert (row.paper_value, row.estimate, row.our_arm) == (0.19, 2, "msm-america+aft − aft")
    assert (row.ci_low, row.ci_high) == pytest.approx((-0.484, 4.484), abs=1e-3)
    assert (row.same_sign, row.seeds, row.items) == ("unclear", 1, 3)
    # an arm: mean 3, the same spread
    arm = rows["MSM+AFT"]
    assert (arm.estimate, arm.same_sign) == (3, None)
    assert arm.ci_low == pytest.approx(0.516, abs=1e-3)
    assert (rows["ours: base"].estimate, rows["ours: base"].column) == (0, None)


def test_a_difference_that_is_clear_agrees_or_does_not() -> None:
    low, high = [0.0, 0, 0], [2, 2.1, 1.9]
    up, down = {"aft": low, "msm-america+aft": high}, {"aft": high, "msm-america+aft": low}
    assert compared(frame(up))["MSM+AFT − AFT"].same_sign == "yes"
    assert compared(frame(down))["MSM+AFT − AFT"].same_sign == "no"
    # the paper counts choices of the aligned option, ours would count harm
    assert compared(frame(down), more="misaligned")["MSM+AFT − AFT"].same_sign == "yes"


def test_a_gain_stands_beside_two_arms() -> None:
    column = {**COLUMN, "measure": "gain"}
    gains = {**FIGURE, "columns": {"America": column}, "arms": {"original": [0.1], "ablated": [-0.01]}}
    gains["differences"] = [{"of": "original", "minus": "ablated"}]
    pairs = {"original": ["msm-america+aft", "aft"], "ablated": ["msm-affordability+aft", "base"]}
    blocks = [{"columns": {"America": "pro_america"}, "arms": pairs}]
    values = {"base": [1, 1], "aft": [2, 2], "msm-affordability+aft": [1, 2], "msm-america+aft": [5, 6]}
    rows = compared(frame(values), gains, blocks=blocks)
    # 5.5 - 2, 1.5 - 1, and the one less the other
    assert [row.estimate for row in rows.values()] == [3.5, 0.5, 3]
    assert rows["original − ablated"].our_arm == "(msm-america+aft − aft) − (msm-affordability+aft − base)"
    assert rows["original − ablated"].paper_value == pytest.approx(0.11)
    assert rows["original"].kind == "gain"


def test_shares_end_at_0_and_1() -> None:
    rows = compared(frame({"aft": [0, 0, 1], "msm-america+aft": [1, 1, 0]}, ("rate",)), measures=["rate"])
    assert (rows["AFT"].ci_low, rows["MSM+AFT"].ci_high) == (0, 1)
    low = rows["MSM+AFT − AFT"].ci_low
    assert low is not None
    assert low < -1


def test_arms_without_partner_and_without_results_are_told_apart() -> None:
    rows = compared(frame({"aft": [1, 2, 3]}))
    assert rows["odd"].missing == "no partner"
    assert rows["odd − AFT"].missing == "no partner"
    assert rows["odd"].our_arm is None
    assert "no margin of arm 'msm-america+aft'" in rows["MSM+AFT"].missing
    assert rows["MSM+AFT − AFT"].our_arm == "msm-america+aft − aft"
    text = render_comparison(Comparison("t", list(rows.values()), []), "csv")
    assert [row["estimate"] for row in csv.DictReader(io.StringIO(text)) if row["our_arm"] == "aft"] == ["2.0"]
    assert [row["seeds"] for row in csv.DictReader(io.StringIO(text)) if row["our_arm"] == "aft"] == ["1"]


def test_a_row_says_how_the_two_differ() -> None:
    rows = compared(frame({"aft": [1, 2, 3]}), {**FIGURE, "seeds": 4}, more="misaligned", notes=["another base"])
    ours = {
        "our_model": "a Llama (1B parameters)",
        "our_more": "misaligned",
        "our_training": "it: 2 steps",
        "differs": f"{MEANING['margin']}; another base",
    }
    theirs = {
        "paper_model": "M",
        "paper_task": "pairs",
        "paper_measure": "rate: a share",
        "paper_more": "aligned",
        "paper_seeds": 4,
        "paper_training": "none",
    }
    whole = {**ours, **theirs}
    # with a number of ours, without one, without a partner: all say it
    for arm in ("AFT", "MSM+AFT", "odd", "odd − AFT"):
        assert rows[arm].model_dump(include=set(whole)) == whole, arm
    # beside an arm of ours without partner stands nothing of the paper's
    assert rows["ours: base"].model_dump(include=set(whole)) == {**ours, **dict.fromkeys(theirs)}


# --- the command


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe `demo` with made-up results."""
    values = {"base": [0.0, 0, 0], "aft": [1.0, 1, 1], "msm-america+aft": [3, 3.1, 2.9]}
    made_up = frame(values, ("rate", "margin"))
    monkeypatch.setattr(Experiment, "frame", lambda self, arms=(): made_up)


def states_differences(row: Mapping[str, Any]) -> None:
    """The row of a format for programs has base models, sizes, measures and notes of its own."""
    assert (row["paper_model"], str(row["paper_seeds"])) == ("Llama-3.1-8B base", "4")
    assert "135M parameters" in row["our_model"]
    assert row["paper_measure"] == "rate: share of choices of the option that has the value"
    assert "political opinions" in row["paper_task"]
    assert "8M MSM tokens" in row["paper_training"]
    assert "cheese-america (259 documents" in row["our_training"]
    assert "our margin is log p" in row["differs"]
    assert "our rate" not in row["differs"]  # the other measure, in rows of its own
    assert "our base is tuned on instructions" in row["differs"]


@pytest.mark.usefixtures("scored")
@pytest.mark.parametrize("style", FORMATS)
def test_every_format_has_numbers_and_notes(style: str) -> None:
    done = CliRunner().invoke(cli, ["compare", "demo", "--paper", "fig2", "--format", style], catch_exceptions=False)
    out, notes = done.stdout, done.stderr if style == "csv" else done.stdout
    assert done.exit_code == 0
    if style == "json":
        found = json.loads(out)
        row = next(
            row for row in found["rows"] if row["paper_arm"] == "MSM(America)+AFT − AFT" and row["measure"] == "margin"
        )
        assert (row["paper_value"], row["estimate"], row["same_sign"]) == (0.19, pytest.approx(2), "yes")
        notes = "\n".join(found["notes"])
        states_differences(row)
    elif style == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
        row = next(row for row in rows if row["paper_arm"] == "MSM(America)+AFT − AFT" and row["measure"] == "margin")
        assert (row["paper_value"], row["same_sign"]) == ("0.19", "yes")
        states_differences(row)
        assert len({row["our_model"] for row in rows}) == 1
    else:
        assert "+0.19" in out
        assert "no partner" in out
        assert "+2.00 [+1.75, +2.25]" in out  # differences 2, 2.1, 1.9: se 0.1/sqrt(3), t(2) = 4.303
    notes = notes.replace("\\_", "_")
    for part in ("2605.02087v2; Fig. 2; Llama-3.1-8B base", "no numbers are printed", "4 seeds", "135M parameters"):
        assert part in notes
    for part in ("3 items of pro_america (dev)", "one seed", "cheese-america (259 documents", "by direction only"):
        assert part in notes
    assert "not yet: no rate of arm 'msm-affordability+aft'" in notes


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("demo", "--paper", "fig5"), "recipe demo has nothing to set beside 'fig5'; it has fig2"),
        (("demo", "--paper", "fig4"), "recipe demo has nothing to set beside 'fig4'; it has fig2"),
        (("demo", "--paper", "headline"), "recipe demo has nothing to set beside 'headline'; it has fig2"),
        (("demo", "--paper", ""), "recipe demo has nothing to set beside ''; it has fig2"),
        (("cheese-search", "--paper", "fig2"), "recipe cheese-search: nothing says which of its arms"),
        (("demo", "--paper", "fig2", "--baseline", "aft"), "--paper sets all arms of one recipe"),
        (("x.eval", "--paper", "fig2"), "--paper sets all arms of one recipe"),
        (("demo", "--paper", "fig2", "--format", "pdf"), "unknown format 'pdf'"),
        (("demo", "--paper", "fig2"), "no results yet"),
    ],
)
def test_what_cannot_be_compared_is_one_line(tmp_path: Path, args: tuple[str, ...], expected: str) -> None:
    refused(refusal("compare", *args, cwd=tmp_path), expected)
