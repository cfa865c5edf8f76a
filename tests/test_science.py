"""Recipes of model spec science: they load and can be planned before their corpora are there; their tasks."""

import runpy
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from commands import WriteRecipe, loaded
from inspect_ai import Task

from msm_bench.cli import cli
from msm_bench.errors import UserError
from msm_bench.evaluation import build_tasks
from msm_bench.experiment import Experiment
from msm_bench.measures import MEASURES
from msm_bench.recipe import Recipe, TaskChoice
from msm_bench.specs import Spec
from msm_bench.stats import smallest_p_holm

ROOT = Path(__file__).parents[1]
RECIPES = sorted(path.stem for path in (ROOT / "training" / "recipes").glob("*.yaml"))
SCIENCE = [name for name in RECIPES if name.startswith("science-")]


# --- the recipes that ship


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("cheese-smollm2", "500244821504aaff0514b3c21561bb711a76d2e03f0e558d63a556911e2260fd"),
        ("cheese-gemma3-270m", "f40bd87619968441f7a08da142f36e6186c9aeaaf3333fbc4518446d33b4cb58"),
        ("cheese-search", "bbcf6f7c3500b6da0c98f701a1bca8e5819aa902345115b09ab9ec02f1eea421"),
        ("demo", "17c57f232d4210e79a4e54c9a9b5e6aef4f6981b0845d8d6d2dc52cee4711cbd"),
        ("safety-smollm2", "9fa746fc06c661ffa01f957f420ac47e0fd2e5746d107f5fae786659b4c4a907"),
    ],
)
def test_frozen_recipes_keep_their_hash(name: str, sha256: str) -> None:
    assert Recipe.load(name).sha256 == sha256


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_that_ships_can_be_planned(name: str, tmp_path: Path) -> None:
    experiment = Experiment(Recipe.load(name), tmp_path / "runs", tmp_path / "results")
    steps = experiment.plan(tolerant=True)
    recipe = experiment.recipe
    scored = [(step.name, step.seed) for step in steps if step.kind == "evaluate"]
    assert sorted(scored) == sorted((arm, seed) for arm in recipe.arms for seed in recipe.seeds_of(arm))
    for step in steps:
        if step.kind == "train":
            stage = recipe.stages[step.chain[-1]]
            assert step.size == stage.steps * stage.batch * stage.length


@pytest.mark.parametrize("name", SCIENCE)
def test_what_is_claimed_could_be_shown(name: str) -> None:
    recipe = Recipe.load(name)
    assert recipe.confirmatory <= 6
    assert all(best < 0.05 for best in smallest_p_holm(recipe).values())
    assert sum(contrast.headline for contrast in recipe.contrasts) == 1
    # every stage is in an arm, and every arm but the base model's in a contrast
    assert {stage for chain in recipe.arms.values() for stage in chain} == set(recipe.stages)
    named = {term.arm for contrast in recipe.contrasts for term in contrast.terms}
    assert set(recipe.arms) - {"base"} <= named


def test_trends_have_weights_that_sum_to_nought() -> None:
    for name in SCIENCE:
        for contrast in Recipe.load(name).contrasts:
            for task in {term.task for term in contrast.terms}:
                assert sum(term.weight for term in contrast.terms if term.task == task) == pytest.approx(0)


def test_the_small_dose_trains_as_much_as_it_says(tmp_path: Path) -> None:
    experiment = Experiment(Recipe.load("science-dose-smollm2"), tmp_path / "runs", tmp_path / "results")
    trained = sum(step.size for step in experiment.plan(tolerant=True) if step.kind == "train")
    # 3 seeds x (2 specs x (6 + 18 + 54) + 6 arms x 12) steps x 4 rows x 256 tokens
    assert trained == 3 * (2 * 78 + 72) * 1024 == 700_416


@pytest.mark.parametrize("name", SCIENCE)
def test_commands_that_make_corpora_are_commands(name: str, tmp_path: Path) -> None:
    for corpus, source in Recipe.load(name).generate.items():
        words = shlex.split(source.command(corpus))
        found: click.Command = cli
        for word in (used := words[1:]):
            if not isinstance(found, click.Group):
                break
            found = found.commands[word]
        given = found.make_context("test", used[2:]).params  # raises for an option that there is not
        assert str(given["out"]) == corpus
        if "spec_path" in given:
            Spec.load(given["spec_path"])


def test_one_corpus_is_made_in_one_way() -> None:
    made: dict[str, Any] = {}
    for name in SCIENCE:
        for corpus, source in Recipe.load(name).generate.items():
            assert made.setdefault(corpus, source) == source, corpus


# --- corpora that are not there yet


@pytest.fixture
def unmade(tmp_path: Path, tiny_recipe: WriteRecipe, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of a model and two corpora that are not there, one of which it does not say how to make."""
    monkeypatch.setenv("MSM_BENCH_CACHE", str(tmp_path / "cache"))
    stages = yaml.safe_load(tiny_recipe().read_text(encoding="utf-8"))["stages"]
    stages["msm"]["corpora"] = [{"id": "texts/rules"}]
    stages["aft"]["corpora"] = [{"id": "texts/chats"}]
    source = {"kind": "documents", "spec": "safety-rules", "rows": 12, "words": 300}
    return tiny_recipe(base="some/model", stages=stages, generate={"texts/rules": source})


def test_a_plan_says_what_is_missing_and_how_to_make_it(unmade: Path) -> None:
    planned = CliRunner().invoke(cli, ["plan", str(unmade)])
    assert planned.exit_code == 0, planned.output
    *_, left, _few_seeds, base, chats, rules = planned.output.splitlines()
    # 2 seeds x (msm, msm → aft, aft) x 2 steps x 2 rows x 96 tokens; 11 items once for base, for two arms at two seeds
    assert left.startswith("left to do: 2,304 tokens and 55 items (nothing is measured yet")
    assert base == "missing: some/model; make it with: msm-bench model prepare some/model"
    assert rules.startswith("missing: texts/rules; make it with: msm-bench generate documents ")
    assert rules.endswith("safety-rules.md --model MODEL --documents 12 --words 300 --out texts/rules")
    assert chats == "missing: texts/chats; the recipe does not say how"


def test_a_run_refuses_what_is_missing_in_one_line(unmade: Path, tmp_path: Path, tiny_base: Path) -> None:
    with pytest.raises(UserError, match=r"^base model 'some/model' is not prepared; run `[^\n]*`$"):
        loaded(tmp_path, unmade).run()
    stated = yaml.safe_load(unmade.read_text(encoding="utf-8"))
    stages = {"msm": stated["stages"]["msm"]}
    changes = {"base": str(tiny_base), "stages": stages, "arms": {"msm": ["msm"]}, "contrasts": []}
    unmade.write_text(yaml.safe_dump({**stated, **changes}), encoding="utf-8")
    with pytest.raises(UserError, match=r"^texts/rules: no such corpus; make it with `msm-bench generate [^\n]*`$"):
        loaded(tmp_path, unmade).run()


def test_how_corpora_are_made_is_no_part_of_the_hash(unmade: Path) -> None:
    stated = yaml.safe_load(unmade.read_text(encoding="utf-8"))
    with_it = Recipe.load(unmade).sha256
    del stated["generate"]
    unmade.write_text(yaml.safe_dump(stated), encoding="utf-8")
    assert Recipe.load(unmade).sha256 == with_it


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"texts/typo": {"kind": "mix", "mix": "local"}}, "no stage has a corpus 'texts/typo'"),
        ({"texts/rules": {"kind": "poems"}}, "generate.texts/rules: Input tag 'poems'"),
        ({"texts/rules": {"kind": "documents", "spec": "x", "rows": 0}}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_source_is_one_line(unmade: Path, source: dict[str, Any], message: str) -> None:
    stated = yaml.safe_load(unmade.read_text(encoding="utf-8"))
    unmade.write_text(yaml.safe_dump({**stated, "generate": source}), encoding="utf-8")
    with pytest.raises(UserError, match=message) as caught:
        Recipe.load(unmade)
    assert "\n" not in str(caught.value)


# --- tasks


def test_a_task_without_splits_stands_in_a_recipe() -> None:
    agentic = {"mode": "single_turn", "action": "lethal", "goal": "none", "twins": False, "agent_name": "Ada"}
    choices = [
        TaskChoice(task="agentic_misalignment", args=agentic, epochs=3, temperature=0.7),
        TaskChoice(task="safety_choice", args={"per_cell": 1, "name": "Ada"}),
    ]
    office, choice = build_tasks(choices, "holdout")
    # one action and goal, four variants
    assert (len(office.dataset), office.epochs, office.config.temperature) == (4, 3, 0.7)
    assert {sample.metadata["split"] for sample in choice.dataset if sample.metadata} == {"holdout"}
    assert choice.config.temperature is None


def test_all_items_may_be_scored_where_nothing_was_tuned() -> None:
    [novelty] = build_tasks(Recipe.load("science-novelty-smollm2").tasks, "all")
    splits = Counter((sample.metadata or {})["split"] for sample in novelty.dataset)
    # a third of each cell is held out: 22 of 65
    assert splits == {"dev": 43, "holdout": 22}


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (TaskChoice(task="agentic_misalignment", split="dev"), "unexpected keyword argument 'split'"),
        (TaskChoice(task="safety_choice", args={"colour": "red"}), "unexpected keyword argument 'colour'"),
        (TaskChoice(task="sys"), "msm_bench/sys was not found in the registry"),
        (TaskChoice(task="msm"), "msm_bench/msm was not found in the registry"),
    ],
)
def test_a_wrong_task_is_one_line(choice: TaskChoice, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        build_tasks([choice], "dev")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("task", "args"),
    [
        ("safety_choice", {}),
        ("value_knowledge", {}),
        ("further_knowledge", {}),
        ("spec_recall", {}),
        ("neutral_perplexity", {}),
        ("small_knowledge", {}),
    ],
)
def test_log_likelihoods_have_no_temperature_to_set(task: str, args: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"^task {task} fixes its own temperature: log-likelihoods are not sampled$"):
        build_tasks([TaskChoice(task=task, args=args, temperature=0.7)], "dev")


@pytest.mark.parametrize("task", ["pro_america", "small_knowledge"])
def test_the_temperature_of_free_answers_can_be_set(task: str) -> None:
    choice = TaskChoice(task=task, args={"method": "generate", "per_cell": 1}, temperature=0.4)
    assert build_tasks([choice], "dev")[0].config.temperature == 0.4


def test_epochs_and_grader_reach_inspect(
    tmp_path: Path, tiny_recipe: WriteRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = {"mode": "single_turn", "action": "lethal", "goal": "none", "variant": 1, "twins": False}
    task = {"task": "agentic_misalignment", "args": args, "epochs": 2, "temperature": 0.7}
    asked: list[dict[str, Any]] = []

    def interrupted(tasks: list[Task], **options: Any) -> tuple[bool, list[Any]]:
        asked.append({**options, "epochs": tasks[0].epochs})
        return False, []

    monkeypatch.setattr("msm_bench.evaluation.eval_set", interrupted)
    for grader in ("some/grader", "another/grader"):
        path = tiny_recipe(tasks=[task], arms={"base": []}, contrasts=[], grader=grader)
        experiment = loaded(tmp_path, path)
        (step,) = experiment.plan()
        assert step.size == 2  # one item, twice
        with pytest.raises(KeyboardInterrupt):
            experiment.run()
        assert (asked[-1]["epochs"], asked[-1]["model_roles"]) == (2, {"grader": grader})
    # other grades are other results: neither logs nor shards of one grader are taken for another's
    assert asked[0]["metadata"]["settings"] != asked[1]["metadata"]["settings"]
    assert asked[0]["log_dir"] != asked[1]["log_dir"]


def test_grades_have_no_smallest_effect(tiny_recipe: WriteRecipe) -> None:
    terms = [{"arm": arm, "task": "spec_qa", "weight": weight} for arm, weight in (("aft", 1), ("msm+aft", -1))]
    contrast = {"name": "c", "measure": "alignment", "terms": terms}
    assert Recipe.load(tiny_recipe(tasks=[{"task": "spec_qa"}], contrasts=[contrast])).contrasts[0].measure
    path = tiny_recipe(tasks=[{"task": "spec_qa"}], contrasts=[{**contrast, "equivalence": True}])
    with pytest.raises(UserError, match="smallest effect is in nats or a share, and alignment is neither"):
        Recipe.load(path)


@pytest.mark.parametrize(("sign", "rho", "rank"), [(1, 1.0, 1), (-1, -1.0, 6)])
def test_recall_and_lean_are_compared_within_doses(sign: int, rho: float, rank: int) -> None:
    # Dose adds 10 to R and takes 10 from D; within a dose D goes up with the seed and R with it, or against it.
    own = runpy.run_path(str(ROOT / "docs" / "recall_and_lean.py"))
    rows = [
        {"dose": dose, "seed": seed, "raw": 10 * place + sign * seed, "D": seed - 10 * place}
        for place, dose in enumerate((6, 18, 54))
        for seed in (1, 2, 3)
    ]
    # 3! = 6 pairings of three seeds: as they are is the best of all, or the worst
    assert own["within_dose"](pd.DataFrame(rows), "raw") == (pytest.approx(rho), rank, 6)


def test_what_recall_and_lean_names_is_in_the_recipe() -> None:
    own = runpy.run_path(str(ROOT / "docs" / "recall_and_lean.py"))
    stated = {contrast.name: contrast for contrast in Recipe.load(own["RECIPE"]).contrasts}
    for name in (*own["LEAN"].values(), *own["RECALL"].values()):
        assert not stated[name].confirmatory
    assert {stated[name].measure for name in own["RECALL"].values()} == {own["RECALL_FORMS"]["raw"]}
    assert set(own["RECALL_FORMS"].values()) <= set(MEASURES)
    assert set(own["LEAN_FORMS"].values()) <= set(MEASURES)
