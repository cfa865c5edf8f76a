"""What figures show, by hand: cells, slopes, doses, losses and lineage."""

import json
from pathlib import Path

import pandas as pd
import pytest
from stat_frames import margins_of as frame

from msm_bench.experiment import Experiment
from msm_bench.recipe import Recipe
from msm_bench.report.figures import cells, dose, items, lineage, loss
from msm_bench.stats import ContrastResult

ROOT = Path(__file__).parents[1]
DOSES = "science-dose-smollm2"


def test_the_slope_of_a_panel_by_hand() -> None:
    # 2, 4, 6 over 1, 2, 3: slope 2, intercept 0
    [pairs] = items.margin_pairs(frame({("base", 0): [1, 2, 3], ("a", 0): [2, 4, 6]}))
    assert (pairs.slope, pairs.intercept) == pytest.approx((2, 0))
    assert "slopes 2.00 to 2.00" in items.sharpening_alt([pairs])


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
    small = {(series.name, series.axis, series.points) for series in dose.dose_series(Recipe.load(DOSES))}
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
    results = json.loads((ROOT / "results" / DOSES / "contrasts.json").read_text(encoding="utf-8"))
    found = dose.dose_contrasts(Recipe.load(DOSES), [ContrastResult.model_validate(own) for own in results])
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
