"""Figures: of the committed results and of odd ones, in every format, for light and dark pages and grey print."""

import html
import itertools
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from msm_bench.cli import cli
from msm_bench.errors import UserError
from msm_bench.experiment import Experiment
from msm_bench.recipe import Contrast, Recipe, Smallest, Term
from msm_bench.report.figures import (
    COLUMN,
    IMAGES,
    TEXT,
    Drawn,
    cells,
    dose,
    figure_bytes,
    figures_of,
    items,
    lineage,
    loss,
    save_figure,
    style,
    theme,
)
from msm_bench.report.publish import draw
from msm_bench.report.tables import arm_summary
from msm_bench.results import COLUMNS, UNTRAINED, read_frame
from msm_bench.stats import ContrastResult, baseline_contrasts, evaluate

ROOT = Path(__file__).parents[1]
RECIPES = ("cheese-smollm2", "safety-smollm2", "science-dose-smollm2")
HOSTILE = ("$x^{ \\frac %s{0}", "<b>&amp;</b>", "a" * 200, "要点 \N{SLICE OF PIZZA}", "_hidden\nname")


def frame(values: dict[tuple[str, int], list[float]], **changes: Any) -> pd.DataFrame:
    """A result frame of one task with a margin for each (arm, seed) and item."""
    rows = [
        {
            **dict.fromkeys(COLUMNS, ""),
            "arm": arm,
            "model": arm,
            "seed": seed,
            "task": "t",
            "item": f"i{number}",
            "cell": "c",
            "cluster": f"i{number}",
            "cue": "named" if number % 2 else "described",
            "epoch": 1,
            "metric": "margin",
            "value": value,
            "log": f"{arm}.eval",
            **changes,
        }
        for (arm, seed), own in values.items()
        for number, value in enumerate(own)
    ]
    return pd.DataFrame(rows)


@cache
def committed(name: str, width: float = TEXT) -> dict[str, Drawn]:
    """The figures of committed results: of a recipe, or of logs."""
    folder = ROOT / "results" / name
    values = read_frame(folder / "frame.parquet")
    if name not in RECIPES:
        return {drawn.name: drawn for drawn in figures_of(values, width=width)}
    stated = json.loads((folder / "contrasts.json").read_text(encoding="utf-8"))
    results = [ContrastResult.model_validate(own) for own in stated]
    experiment = Experiment(Recipe.load(name), results=folder)
    manifests = experiment.manifests()
    kept = values[values["metric"].isin(("margin", "margin_sibling"))]  # more measures are more of the same figures
    found = figures_of(kept, results, recipe=experiment.recipe, manifests=manifests, width=width)
    return {drawn.name: drawn for drawn in found}


def texts(figure: Figure) -> Iterator[Text]:
    """Every text that is drawn."""
    figure.draw_without_rendering()
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text():
            yield text


def written(svg: Path) -> list[str]:
    """The lines of text of an SVG figure."""
    found = re.findall(r"<(?:text|tspan)[^>]*>([^<]+)</", svg.read_text(encoding="utf-8"))
    return [html.unescape(line) for line in found]


def check(drawn: Drawn, most: float) -> None:
    """Draws without a warning, no wider than a page, with no text under 7 points and none outside."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with theme():
            figure = drawn.draw()
            shown = list(texts(figure))
    assert figure.get_size_inches()[0] <= most
    assert min(float(text.get_fontsize()) for text in shown) >= 7
    assert not any(text.get_parse_math() for text in shown)
    assert drawn.caption.endswith(".")
    assert drawn.alt
    assert drawn.title
    assert "nan" not in f"{drawn.caption} {drawn.alt}".lower().replace("finance", "")


@pytest.mark.parametrize(
    "name", [*(pytest.param(name, marks=pytest.mark.slow) for name in RECIPES[:2]), RECIPES[2], "agentic-smoke"]
)
def test_every_figure_of_the_committed_results(name: str) -> None:
    found = committed(name)
    for drawn in found.values():
        check(drawn, TEXT)
    expected = {"cells", "lineage"}
    if name in RECIPES:
        expected |= {"contrasts", "arms-margin", "sharpening", "items", "losses", "cells-difference"}
    if "dose" in name:
        expected |= {"dose", "dose-arms"}
    assert expected <= set(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_every_figure_fits_a_column(name: str) -> None:
    for drawn in committed(name, COLUMN).values():
        check(drawn, TEXT if drawn.name == "lineage" else COLUMN)


def test_the_same_numbers_give_the_same_bytes(tmp_path: Path) -> None:
    drawn = committed("science-dose-smollm2")["dose"]
    one, two = ({style: figure_bytes(figure, style) for style in IMAGES} for figure in (drawn.draw(), drawn.draw()))
    assert one == two
    pdf, svg = one["pdf"], one["svg"].decode()
    # fonts as TrueType, no date, and text as text
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf
    assert "<dc:date>" not in svg
    assert "tokens of training" in svg
    with pytest.raises(UserError, match="unknown format 'gif' of a figure; use one of png, svg, pdf"):
        figure_bytes(Figure(), "gif")


def test_a_note_stands_below_and_leaves_the_figure_as_it_was(tmp_path: Path) -> None:
    figure = committed("science-dose-smollm2")["dose"].draw()
    before = figure_bytes(figure, "png")
    save_figure(figure, tmp_path / "a.png", "note " * 60)
    save_figure(figure, tmp_path / "b.png", "note " * 60)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    plain, noted = Image.open(BytesIO(before)), Image.open(tmp_path / "a.png")
    assert plain.width == noted.width
    # 60 x 5 characters on lines of (6.9 − 0.1) / 0.054 = 125: 3 lines of 7 pt x 1.3 at 150 dots an inch
    assert noted.height - plain.height == pytest.approx(3 * 7 * 1.3 / 72 * 150 + 0.08 * 150, abs=2)
    assert figure_bytes(figure, "png") == before
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_a_dark_figure_is_dark_wherever_it_is_saved(tmp_path: Path) -> None:
    drawn = committed("science-dose-smollm2")["arms-margin"]
    with theme(dark=True):
        figure = drawn.draw()
    save_figure(figure, tmp_path / "dark.png", "a note")
    save_figure(drawn.draw(), tmp_path / "light.png", "a note")
    dark, light = (np.asarray(Image.open(tmp_path / f"{name}.png").convert("L")) for name in ("dark", "light"))
    assert np.median(dark) < 50
    assert np.median(light) == 255
    # on either page some pixels are as far from the ground as text must be
    assert dark.max() > 200
    assert light.min() < 50


def luminance(color: str) -> float:
    """Relative luminance of WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2, from 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def seen(color: str, deficiency: np.ndarray) -> np.ndarray:
    """CIE Lab (D65) of a colour as it is seen with a deficiency."""
    linear = np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)])
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(
        deficiency @ linear, 0, 1
    )
    f = np.cbrt(xyz / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Machado, Oliveira & Fernandes (2009, IEEE TVCG 15), severity 1
PROTAN = np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]])
DEUTAN = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])


def test_colours_are_told_apart_by_the_colour_blind_and_marks_without_any_colour() -> None:
    for deficiency in (np.eye(3), PROTAN, DEUTAN):
        labs = [seen(color, deficiency) for color in style.PALETTE]
        nearest = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(labs, 2))
        assert nearest > 15  # a difference of 2 is just seen (CIE 1976)
    # neighbours differ in grey print as well: by at least 5 of 100 in lightness
    light = [seen(color, np.eye(3))[0] for color in style.PALETTE]
    assert min(abs(a - b) for a, b in itertools.pairwise(light)) > 5
    found = style.marks(56)
    assert len({(mark.color, mark.marker) for mark in found}) == 56
    for channel in ("marker", "line", "hatch"):
        assert len({getattr(mark, channel) for mark in found[:7]}) == 7


def test_inks_and_colours_stand_out_from_their_page() -> None:
    for inks in (style.LIGHT, style.DARK):
        assert contrast(inks.ink, inks.paper) > 12
        assert contrast(inks.muted, inks.paper) > 4.5  # WCAG 2.2, 1.4.3: small text
        assert min(contrast(color, inks.paper) for color in style.PALETTE) > 2
        assert min(contrast(color, inks.ink) for color in style.PALETTE) > 1.2  # the rim around a marker


ODD: dict[str, pd.DataFrame] = {
    "one arm": frame({("a", 1): [1, 2, 3]}),
    "one item": frame({("base", 1): [1], ("a", 1): [2]}),
    "one seed": frame({("base", 1): [1, 2, 3], ("a", 1): [2, 3, 5]}),
    "one base margin": frame({("base", 1): [1, 1, 1], ("a", 1): [2, 3, 5]}),
    "nothing scored": frame({("base", 1): [float("nan")] * 3, ("a", 1): [float("nan")] * 3}),
    "one arm unscored": frame({("base", 1): [1, 2, 3], ("a", 1): [float("nan")] * 3}),
    "infinite": frame({("base", 1): [1, 2, float("inf")], ("a", 1): [float("-inf"), 3, 5]}),
    "no recipe": frame({("x", UNTRAINED): [0, 1, 1], ("y", UNTRAINED): [1, 1, 1]}, metric="accuracy"),
    "no cell": frame({("x", 1): [0, 1, 1], ("y", 1): [1, 1, 1]}, cell="", cue=""),
    "cells": pd.concat([frame({("x", 1): [0, 1], ("base", 1): [1, 2]}, cell=cell) for cell in ("c", "d", "$e")]),
    "conditions": pd.concat(
        [
            frame({(arm, 1): [0, 1] for arm in "xy"}, cell=cell, metric="executed")
            for cell in ("a/b", "a/b/calm", "a/$c/odd")
        ]
    ),
    "many arms": frame({(f"arm-{number}", 1): [number, number + 1] for number in range(16)}),
    "hostile": pd.concat(
        [
            frame({(arm, 1): [1, 2, 3], ("base", 1): [3, 2, 1]}, task=name, cell=cell, cue=name, log=name)
            for arm, name in zip(HOSTILE, HOSTILE[1:] + HOSTILE[:1], strict=True)
            for cell in HOSTILE[:2]
        ]
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_results_have_figures_or_none(name: str) -> None:
    values = ODD[name].reset_index(drop=True)
    arms = list(dict.fromkeys(values["arm"]))
    results = baseline_contrasts(values, arms[0], list(dict.fromkeys(values["metric"])))[0]
    found = figures_of(values, results)
    for drawn in found:
        check(drawn, TEXT)
    if name == "nothing scored":
        assert [drawn.name for drawn in found] == ["lineage"]
    if name == "hostile":
        assert {"contrasts", "arms-margin", "sharpening", "items", "cells", "lineage"} <= {own.name for own in found}


def test_text_of_models_is_text_in_an_svg_and_in_its_caption(tmp_path: Path) -> None:
    values = frame({("<script>x</script>", 1): [1, 2, 3], ("$\\foo$", 1): [2, 3, 4]}, task="<b>t</b>")
    draw(values, tmp_path, "<i>note</i>", formats=["svg"])
    whole = (tmp_path / "arms-margin.svg").read_text(encoding="utf-8")
    assert not re.search("<script|<b>|<i>", whole)
    assert {"<script>x</script>", "$\\foo$", "<b>t</b>"} <= set(written(tmp_path / "arms-margin.svg"))


@given(st.text(max_size=200), st.integers(2, 40), st.integers(1, 4))
def test_labels_are_cut_and_wrapped_to_what_the_font_has(text: str, width: int, lines: int) -> None:
    shown = style.wrapped(text, width, lines).split("\n")
    assert len(shown) <= lines
    assert max(map(len, shown)) <= width
    assert len(style.cut(text, width)) <= width
    assert all(char.isprintable() for char in style.drawable(text).replace("\N{REPLACEMENT CHARACTER}", ""))


def test_a_task_that_compares_nothing_has_no_panel(tmp_path: Path) -> None:
    both = frame({("base", 0): [1, 2], ("a", 1): [2, 3]})
    alone = both[both["arm"] == "base"].assign(task="asked_of_one")
    draw(pd.concat([both, alone]), tmp_path / "two", "", formats=["svg"])
    lines = written(tmp_path / "two" / "arms-margin.svg")
    assert "asked of one" not in lines
    assert any("in the tables: asked of one." in line for line in lines)
    draw(alone, tmp_path / "one", "", formats=["svg"])
    assert "asked of one" in written(tmp_path / "one" / "arms-margin.svg")


def test_items_without_a_cue_have_points_too() -> None:
    values = frame({("base", 0): [1, 2, 3], ("a", 0): [2, 3, 5]})
    for cued, points, names in ((values, [2, 1], ["named", "described"]), (values.assign(cue=""), [3], [])):
        figure = items.draw_sharpening(items.margin_pairs(cued))
        drawn = [len(np.asarray(dots.get_offsets())) for dots in figure.axes[0].collections]
        assert sorted(drawn, reverse=True) == points
        assert [text.get_text() for key in figure.legends for text in key.get_texts()] == names


def test_the_slope_of_a_panel_by_hand() -> None:
    # 2, 4, 6 over 1, 2, 3: slope 2, intercept 0
    [pairs] = items.margin_pairs(frame({("base", 0): [1, 2, 3], ("a", 0): [2, 4, 6]}))
    assert (pairs.slope, pairs.intercept) == pytest.approx((2, 0))
    assert "slopes 2.00 to 2.00" in items.sharpening_alt([pairs])


def contrasts_of(values: pd.DataFrame) -> list[ContrastResult]:
    terms = [Term(arm="a", task="t", weight=1)]
    names = ("D", "D [t]", "$\\foo$", "same", "by rate")
    whole, half, odd, same, rate = (
        evaluate(values, Contrast(name=name, terms=terms), smallest=Smallest(), split="dev") for name in names
    )
    return [
        whole.model_copy(update={"headline": True, "p_holm": 0.0471, "smallest_p": 0.031}),
        half.model_copy(update={"half_of": "D"}),
        odd,  # a name is not a formula
        same.model_copy(update={"p_holm": 0.00001, "p_equivalence": 0.00001}),
        rate.model_copy(update={"measure": "rate"}),
    ]


def test_the_figure_of_contrasts_has_a_row_for_each_and_shows_halves_by_their_task(tmp_path: Path) -> None:
    values = frame({("a", seed): [2, 3, 5] for seed in (1, 2)})
    results = contrasts_of(values)
    draw(values, tmp_path / "all", "", results, formats=["svg"])
    lines = written(tmp_path / "all" / "contrasts.svg")
    assert {"D", "t", "$\\foo$", "same"} <= set(lines)
    assert not {"D [t]", "by rate"} & set(lines)
    assert {"p 0.047 (min. 0.031); 2 seeds", "2 seeds", "p (TOST) < 0.001; 2 seeds"} <= set(lines)
    assert "1 more by other measures." in " ".join(lines)
    assert "by rate" in written(tmp_path / "all" / "contrasts-rate.svg")
    # a half that can be compared before its whole has a row
    draw(values, tmp_path / "half", "", [results[1]], formats=["svg"])
    assert "D [t]" in written(tmp_path / "half" / "contrasts.svg")
    # in a column p and seeds stand below the name
    draw(values, tmp_path / "narrow", "", results, formats=["svg"], width=COLUMN)
    assert "p 0.047 (min. 0.031); 2 seeds" in written(tmp_path / "narrow" / "contrasts.svg")


def test_captions_are_made_from_the_data() -> None:
    values = frame({("base", 1): [1, 2, 3], ("a", 1): [2, 3, 6], ("a", 2): [2, 3, 7]})
    found = {drawn.name: drawn for drawn in figures_of(values, contrasts_of(values))}
    assert found["arms-margin"].caption == (
        "Mean preference margin (nats) of 2 arms on 1 task, with 95 % intervals; open dots are seeds (up to 2)."
    )
    # of a: (2 + 3 + 6 + 2 + 3 + 7) / 6 = 3.83
    assert found["arms-margin"].alt.endswith("t: 2.00 (base) to 3.83 (a).")
    # item means over the seeds: 2, 3, 6.5
    assert found["items"].alt == "Sorted item effects. t: 3 of 3 items above 0, mean 3.83, from 2.00 to 6.50."
    assert found["items"].caption.startswith("Effect of “D” on each of 3 items, sorted by the mean over 2 seeds; thin")


def test_cells_are_means_and_differences_by_hand() -> None:
    parts = {"c": ([1.0, 3.0], [2.0, 2.0]), "d": ([0.0, 0.0], [-1.0, 2.0])}
    values = pd.concat([frame({("base", 1): one, ("a", 1): two}, cell=cell) for cell, (one, two) in parts.items()])
    [means] = cells.cell_grids(values, "margin")
    assert means.means.to_dict() == {"base": {"c": 2, "d": 0}, "a": {"c": 2, "d": 0.5}}
    [less] = cells.cell_grids(values, "margin", "base")
    assert less.means.to_dict() == {"a": {"c": 0, "d": 0.5}}
    assert cells.cells_alt([less]) == "Heat map of cells. t: from 0.00 (c and a) to 0.50 (d and a)."
    assert cells.cell_grids(values, "margin", "nobody") == []


def test_doses_are_told_from_the_stages_of_a_recipe() -> None:
    small = {(series.name, series.axis, series.points) for series in dose.dose_series(Recipe.load(RECIPES[2]))}
    # 4 rows of 256 tokens a step
    assert small == {
        (f"msm-{value}-…+aft", "tokens", tuple((n * 1024, f"msm-{value}-{n}+aft") for n in (6, 18, 54)))
        for value in ("america", "affordability")
    }
    # tokens and steps together, steps alone, tokens alone, and demonstrations, each with as many points as stated
    large = {(series.name, series.axis): len(series.points) for series in dose.dose_series(Recipe.load("science-dose"))}
    assert large == dict.fromkeys(
        [
            ("msm-…+aft-10000", "tokens"),
            ("msm-10m-…+aft-10000", "steps"),
            ("msm-…-320+aft-10000", "tokens"),
            ("msm-42m-1280+aft-…", "tokens"),
            ("aft-…", "tokens"),
        ],
        3,
    )
    assert dose.dose_series(Recipe.load("cheese-smollm2")) == []


def test_contrasts_stated_at_several_doses_form_a_curve() -> None:
    results = json.loads((ROOT / "results" / RECIPES[2] / "contrasts.json").read_text(encoding="utf-8"))
    found = dose.dose_contrasts(Recipe.load(RECIPES[2]), [ContrastResult.model_validate(own) for own in results])
    assert [(own.name, own.measure, list(own.lines)) for own in found] == [
        ("D(aft) after …", "margin", ["all tasks", "pro_america", "pro_affordability"]),
        ("R after …", "margin_sibling", ["all tasks"]),
    ]
    stated = {own["name"]: own["estimate"] for own in results}
    assert [result.estimate for _, result in found[0].lines["all tasks"]] == [
        stated[f"D(aft) after {steps} steps, {tokens}k tokens"] for steps, tokens in ((6, 6), (18, 18), (54, 55))
    ]


def test_a_stage_that_arms_share_has_one_curve() -> None:
    manifests = Experiment(Recipe.load("safety-smollm2"), results=ROOT / "results" / "safety-smollm2").manifests()
    found = {curve.name: curve for curve in loss.loss_curves(manifests)}
    # three arms begin with it, of which two have seven seeds
    assert len(found["msm-safety"].losses) == 7
    assert (found["msm-safety"].place, found["msm+aft-cot"].place, found["aft-cot"].place) == (1, 2, 1)
    assert loss.loss_curves([shard for shard in manifests if not shard["checkpoint"]]) == []


def test_lineage_goes_from_spec_to_task() -> None:
    name = "science-dose-smollm2"
    manifests = Experiment(Recipe.load(name), results=ROOT / "results" / name).manifests()
    graph = lineage.recipe_lineage(Recipe.load(name), manifests)
    titles = [graph.titles[box.column] for box in graph.boxes.values()]
    assert {title: titles.count(title) for title in graph.titles} == {
        "spec": 2,
        "corpora": 3,
        "stage 1": 6,
        "arm": 7,
        "scored on": 3,
    }
    # everything but the base model is made from something, and leads to something
    made, used = {end for _, end in graph.links}, {start for start, _ in graph.links}
    assert {key for key, box in graph.boxes.items() if box.column > 0 and key not in made} == {
        "arm base",
        *(key for key, box in graph.boxes.items() if box.name == "instruct + cheese-demos"),
    }
    assert {box.column for key, box in graph.boxes.items() if key not in used} == {4}


def test_many_logs_become_one_box() -> None:
    values = pd.concat([frame({(f"m{number}", 1): [1]}) for number in range(40)])
    figure = lineage.draw_lineage(lineage.log_lineage(values))
    shown = [text.get_text().replace("\n", " ") for text in texts(figure)]
    assert shown.count("… and 26 more") == 2
    assert "What was made from what: model or arm (40) → log (40) → task (1)." in lineage.lineage_caption(
        lineage.log_lineage(values)
    )


def test_arm_marks_are_those_of_the_whole_frame() -> None:
    values = pd.concat(
        [frame({("a", 1): [1, 2], ("b", 1): [1, 2]}), frame({("b", 1): [1, 2], ("a", 1): [2, 1]}, task="u")]
    )
    from msm_bench.report.figures.arms import draw_arms

    figure = draw_arms(values, arm_summary(values))
    looks = [
        [(line.get_color(), line.get_marker()) for line in axis.get_lines() if line.get_marker() != "None"]
        for axis in figure.axes
    ]
    assert looks[0] == looks[1]


def invoke(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if isinstance(done.exception, UserError):
        return 2, str(done.exception)
    return done.exit_code, done.output


def test_the_command_writes_every_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = frame({("base", 1): [1, 2, 3], ("a", 1): [2, 3, 5]})
    monkeypatch.setattr("msm_bench.results.frame_from_logs", lambda *_: wide)
    monkeypatch.setattr("msm_bench.results.check_frame", lambda given, *_: given)
    code, output = invoke(
        "plot", tmp_path, "--out", tmp_path / "out", "--format", "pdf, svg", "--width", "column", "--dark"
    )
    assert code == 0, output
    found = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert found == sorted(
        f"{name}.{end}" for name in ("arms-margin", "sharpening", "lineage") for end in ("pdf", "svg")
    )
    assert style.DARK.paper in (tmp_path / "out" / "arms-margin.svg").read_text(encoding="utf-8")
    code, output = invoke("plot", tmp_path, "--out", tmp_path / "none", "--format", "png,gif")
    assert (code, "unknown format 'gif'" in output) == (2, True)
    assert not (tmp_path / "none").exists()


def names(found: Sequence[Path]) -> list[str]:
    return [path.name for path in found]


def test_a_metric_without_any_value_has_no_figure(tmp_path: Path) -> None:
    nothing = frame({("a", 0): [float("nan")] * 3}).assign(metric="choice_rate")
    values = pd.concat([nothing, nothing.assign(metric="parsed", value=0.0)])
    assert names(draw(values, tmp_path, "")) == ["arms-parsed.png", "lineage.png"]
    assert names(draw(nothing, tmp_path, "")) == ["lineage.png"]
