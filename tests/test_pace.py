"""What a plan says of time and of what is missing; what a contrast can be of, and of which items."""

import math
from pathlib import Path

import pandas as pd
import pytest
from commands import WriteRecipe, loaded

from msm_bench.errors import UserError
from msm_bench.measures import MEASURES, unit
from msm_bench.pace import ITEMS_PER_SECOND, seconds_per_item
from msm_bench.recipe import Recipe
from msm_bench.stats import evaluate_all


def test_seconds_are_counted_by_the_item(tmp_path: Path) -> None:
    shards = {tmp_path / "a.json": 10, tmp_path / "b.json": 190, tmp_path / "gone.json": 50, tmp_path / "bad.json": 50}
    for path, text in zip(shards, ('{"wall_seconds": 30}', '{"wall_seconds": 70}', None, "[]"), strict=True):
        if text:
            path.write_text(text, encoding="utf-8")
    # (30 + 70) s / (10 + 190) items; the mean of the shards would be 50 s whatever their size
    assert seconds_per_item("smollm2-135m", shards) == 0.5
    assert seconds_per_item("smollm2-135m", {}) == 1 / ITEMS_PER_SECOND
    assert math.isnan(seconds_per_item("some/model", {}))
    assert math.isnan(seconds_per_item(str(tmp_path), {}))


def test_a_base_that_can_not_be_prepared_is_no_step_to_take(
    tmp_path: Path, tiny_recipe: WriteRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_BENCH_CACHE", str(tmp_path / "cache"))
    for base in ("smollm2-135m", "some/model"):
        found = loaded(tmp_path, tiny_recipe(base=base)).missing()
        assert found == {base: f"msm-bench model prepare {base}"}
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty: no safetensors weights"):
        loaded(tmp_path, tiny_recipe(base=str(tmp_path / "empty"))).missing()


def test_a_contrast_is_labelled_with_the_splits_that_were_scored(tiny_recipe: WriteRecipe) -> None:
    tasks = [{"task": task} for task in ("pro_america", "agentic_misalignment")]
    weights = {"aft": 1.0, "msm+aft": -1.0}
    terms = [{"arm": arm, "task": own["task"], "weight": weight} for own in tasks for arm, weight in weights.items()]
    recipe = Recipe.load(tiny_recipe(tasks=tasks, contrasts=[{"name": "c", "terms": terms, "halves": True}]))
    rows = [
        {"arm": term["arm"], "seed": seed, "task": term["task"], "item": item, "cell": "c", "cluster": item}
        | {"split": "holdout" if term["task"] == "pro_america" else "", "metric": "margin", "value": 1.0}
        for term in terms
        for seed in (1, 2)
        for item in ("i", "j")
    ]
    whole, *halves = evaluate_all(pd.DataFrame(rows), recipe)
    assert recipe.split == "dev"
    assert whole.subset == "all and holdout"
    assert [half.subset for half in halves] == ["holdout", "all"]


@pytest.mark.parametrize(
    "measure",
    [
        *("graded_america", "graded_affordability", "graded_both", "graded_neither", "graded_lean"),
        *("answered", "refused_partly", "parsed", "ungraded"),
    ],
)
def test_a_contrast_can_be_of_every_share(measure: str) -> None:
    assert measure in MEASURES
    assert unit(measure) == "share"
