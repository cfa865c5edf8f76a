"""A recipe that scores the checkpoints of another one on other tasks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import refusal

from msm_bench.errors import UserError
from msm_bench.experiment import Experiment
from msm_bench.files import only_one
from msm_bench.recipe import Recipe

KNOWLEDGE = [{"task": "small_knowledge", "args": {"per_cell": 1}}]


def extension(parent: Path, **changes: Any) -> Path:
    """A recipe `more` beside `parent`, which scores its checkpoints on a few facts."""
    stated = {"id": "more", "description": "A test.", "extends": str(parent), "seeds": [1, 2], "tasks": KNOWLEDGE}
    path = parent.with_name("more.yaml")
    path.write_text(yaml.safe_dump({**stated, **changes}), encoding="utf-8")
    return path


def test_it_trains_nothing_that_is_there(finished: Path) -> None:
    workdir = finished.parent / "runs" / "tiny"
    recipe = Recipe.load(extension(finished))
    steps = Experiment(recipe, workdir, finished.parent / "more").plan()
    # (aft, msm, msm+aft) x 2 seeds are trained; base once, and two arms x 2 seeds, are to be scored
    assert [step.done for step in steps if step.kind == "train"] == [True] * 6
    assert [step.done for step in steps if step.kind == "evaluate"] == [False] * 5
    # trained from the very same inputs, and kept where the other recipe keeps them
    Experiment(recipe, workdir, finished.parent / "more").run(["aft"], [1])
    assert Experiment(recipe, workdir, finished.parent / "more").finished_seeds("aft") == [1]
    assert Experiment(recipe).workdir == Experiment(Recipe.load(finished)).workdir
    assert Experiment(recipe).results == Path("results/more")


def test_it_may_score_some_arms_only(tiny_recipe: Callable[..., Path]) -> None:
    recipe = Recipe.load(extension(tiny_recipe(), arms={"msm": ["msm"]}))
    assert recipe.arms == {"msm": ["msm"]}
    assert recipe.stages == Recipe.load(tiny_recipe()).stages


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages": {}, "base": "other"}, "more.yaml: base, stages come from tiny; leave them out"),
        ({"extends": "nowhere"}, "nowhere: no such recipe"),
        ({"extends": 3}, "3: no such recipe"),
    ],
)
def test_what_can_not_be_extended_is_one_line(
    tiny_recipe: Callable[..., Path], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        Recipe.load(extension(tiny_recipe(), **changes))


def test_one_extension_is_enough(tiny_recipe: Callable[..., Path]) -> None:
    first = extension(tiny_recipe())
    second = first.with_name("third.yaml")
    second.write_text(yaml.safe_dump({"id": "third", "extends": str(first)}), encoding="utf-8")
    with pytest.raises(UserError, match=r"third.yaml: extends more, which extends .*tiny.yaml; extend one"):
        Recipe.load(second)
    # nor does a recipe stand on itself
    with pytest.raises(UserError, match=r"more.yaml: extends more, which extends"):
        Recipe.load(extension(first, extends=str(first)))


def test_what_is_missing_can_be_made_as_the_other_recipe_says(tiny_recipe: Callable[..., Path]) -> None:
    source = {"kind": "documents", "spec": "safety-rules", "rows": 12, "words": 300}
    stages = yaml.safe_load(tiny_recipe().read_text(encoding="utf-8"))["stages"]
    stages["msm"]["corpora"] = [{"id": "texts/rules"}]
    parent = tiny_recipe(stages=stages, generate={"texts/rules": source})
    assert "msm-bench generate documents" in Recipe.load(extension(parent)).missing_corpora()["texts/rules"]


def test_two_recipes_do_not_train_in_one_folder_at_a_time(tiny_recipe: Callable[..., Path], tmp_path: Path) -> None:
    path = extension(tiny_recipe())
    with only_one(tmp_path / "runs" / "tiny"):  # as `msm-bench run tiny.yaml` does
        line = refusal("run", path, cwd=tmp_path)
    assert "runs/tiny: another run writes there" in line
