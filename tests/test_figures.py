"""Figures: of the committed results and of odd ones, in every format, for light and dark pages and grey print."""

import html
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from stat_frames import margins_of as frame

from msm_bench.cli import cli
from msm_bench.errors import UserError
from msm_bench.experiment import Experiment
from msm_bench.recipe import Contrast, Recipe, Smallest, Term
from msm_bench.report.figures import (
    COLUMN,
    IMAGES,
    TEXT,
    Drawn,
    figure_bytes,
    figures_of,
    items,
    lineage,
    save_figure,
    style,
    theme,
)
from msm_bench.report.publish import draw
from msm_bench.report.tables import arm_summary
from msm_bench.results import UNTRAINED, read_frame, write_frame
from msm_bench.stats import ContrastResult, baseline_contrasts, evaluate

ROOT = Path(__file__).parents[1]
RECIPES = ("cheese-smollm2", "safety-smollm2", "science-dose-smollm2")
HOSTILE = ("$x^{ \\frac %s{0}", "<b>&amp;</b>", "a" * 200, "要点 \N{SLICE OF PIZZA}", "_hidden\nname")


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


def test_a_name_that_does_not_show_can_be_written_as_pdf(tmp_path: Path) -> None:
    # matplotlib's PDF backend fails on a byte order mark, which the font has
    values = frame({("d\ufeffe", 1): [1, 2, 3], ("\ufeff", 1): [2, 3, 4]}, task="\ufefft")
    assert draw(values, tmp_path, "\ufeff", formats=["pdf"])


def test_text_of_models_is_text_in_an_svg_and_in_its_caption(tmp_path: Path) -> None:
    values = frame({("<script>x</script>", 1): [1, 2, 3], ("$\\foo$", 1): [2, 3, 4]}, task="<b>t</b>")
    draw(values, tmp_path, "<i>note</i>", formats=["svg"])
    whole = (tmp_path / "arms-margin.svg").read_text(encoding="utf-8")
    assert not re.search("<script|<b>|<i>", whole)
    assert {"<script>x</script>", "$\\foo$", "<b>t</b>"} <= set(written(tmp_path / "arms-margin.svg"))


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
    [one] = [drawn for drawn in figures_of(values, results) if drawn.name == "contrasts-rate"]
    assert one.caption.endswith("3 more by other measures.")  # D, the odd one and "same"; a half is none
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


def test_the_command_writes_every_format(tmp_path: Path) -> None:
    wide = frame({("base", 1): [1, 2, 3], ("a", 1): [2, 3, 5]})
    write_frame(wide, tmp_path / "frame.parquet")
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
