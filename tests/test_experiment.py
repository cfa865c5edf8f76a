"""A recipe from plan to contrasts on the tiny model, through the command."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml
from commands import WriteRecipe, command, loaded

from msm_bench.experiment import Experiment
from msm_bench.preferences import Item, solvers
from msm_bench.preferences.prompts import Ask, Continuation, continuations
from msm_bench.recipe import Recipe
from msm_bench.report.publish import publish
from msm_bench.results import read_frame
from msm_bench.stats import evaluate_all

RESULTS = Path(__file__).parents[1] / "results"


def test_a_recipe_runs_by_command_and_a_second_call_reuses_everything(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    recipe = tiny_recipe()
    first = command("run", recipe, cwd=tmp_path)
    assert first.returncode == 0, first.stderr + first.stdout
    assert first.stdout.count("msm *") == 1 + 9  # the headline, and by every other measure
    results = tmp_path / "results" / "tiny"
    contrast = json.loads((results / "contrasts.json").read_text(encoding="utf-8"))[0]
    frame = read_frame(results / "frame.parquet")
    # the contrast by hand: mean over items and the two seeds of msm+aft minus aft
    means = frame[frame["metric"] == "margin"].groupby("arm")["value"].mean()
    assert contrast["estimate"] == pytest.approx(means["msm+aft"] - means["aft"], abs=1e-9)
    assert (contrast["n_seeds"], contrast["n_items"], contrast["smallest_p"]) == (2, 11, 0.5)
    # two items in each of five cells and one in the sixth: the items' variance can be estimated, so there is a p
    assert contrast["p_holm"] == contrast["p"] == max(contrast["p_swap"], contrast["p_two_way"])
    # a model is named by its place in the working folder, wherever that is
    assert set(frame[frame["arm"] != "base"]["model"]) == {
        f"msm/checkpoints/seed-{seed}/{chain}" for seed in (1, 2) for chain in ("aft", "msm/aft")
    }
    # the base model is scored once, the others at both seeds
    assert frame.groupby("arm")["seed"].nunique().to_dict() == {"aft": 2, "base": 1, "msm+aft": 2}
    for name in (
        "figures/arms-margin.png",
        "figures/sharpening.png",
        "tables/arms.md",
        "tables/contrasts.tex",
    ):
        assert (results / name).stat().st_size > 0
    versions = json.loads((results / "summary.json").read_text(encoding="utf-8"))["versions"]
    assert {"msm-bench", "inspect-ai", "torch"} <= set(versions)
    sensitivity = pd.read_csv(results / "tables" / "sensitivity.csv")
    # every variant of margin and rate, and the rate of record, beside the headline's margin
    assert (len(sensitivity), set(sensitivity["name"])) == (9, {"msm"})
    shards = {path: path.stat().st_mtime_ns for path in (results / "shards").iterdir()}
    assert len(shards) == 2 * 5
    second = command("run", recipe, cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert "left to do: about 0 min" in second.stdout
    assert shards == {path: path.stat().st_mtime_ns for path in (results / "shards").iterdir()}
    table = command("compare", recipe, "--baseline", "aft", "--format", "csv", cwd=tmp_path)
    assert "msm+aft − aft [cheese_preferences]" in table.stdout
    # programs get numbers, not the text of the tables
    numbers = json.loads(command("compare", recipe, "--format", "json", cwd=tmp_path).stdout)
    assert (numbers[0]["name"], numbers[0]["estimate"]) == ("msm", contrast["estimate"])
    plan = command("plan", recipe, cwd=tmp_path)
    # a cell of the estimate column for each: two stages and two chains trained, at one seed or both, five evaluations
    assert plan.stdout.count("│ done") == 4 + 2 + 5


@pytest.mark.slow
def test_who_has_the_shards_needs_no_checkpoint(tmp_path: Path, finished: Path) -> None:
    shutil.rmtree(tmp_path / "runs")
    done = command("run", finished, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "runs").exists()
    summary = json.loads((tmp_path / "results" / "tiny" / "summary.json").read_text(encoding="utf-8"))
    # two stages and one chain of two at each seed, the base once, two arms at each seed
    kinds = [name.split()[0] for name in summary["wall_seconds"]]
    assert (kinds.count("train"), kinds.count("evaluate")) == (3 * 2, 1 + 2 * 2)
    # one shard less: its chain is trained again, the other's stages are not
    (tmp_path / "results" / "tiny" / "shards" / "aft.seed-2.parquet").unlink()
    assert command("run", finished, cwd=tmp_path).returncode == 0
    trained = sorted(path.parent.name for path in (tmp_path / "runs").rglob("adapter_config.json"))
    assert trained == ["aft"]


@pytest.mark.slow
def test_a_task_of_free_answers_stands_beside_one_of_log_likelihoods(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    free = {"task": "pro_affordability", "args": {"method": "generate", "per_cell": 1, "cue": "named"}}
    recipe = tiny_recipe(
        tasks=[{"task": "cheese_preferences", "args": {"per_cell": 1}}, free],
        seeds=[1],
        arms={"base": [], "aft": ["aft"]},
        contrasts=[],
    )
    done = command("run", recipe, cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    frame = read_frame(tmp_path / "results" / "tiny" / "frame.parquet")
    # every pair of free answers counts, readable or not
    own = frame[frame["metric"] == "parsed"]
    assert len(own) == 2 * 11
    assert set(own["task"]) == {"pro_affordability"}


def test_tasks_seeds_and_splits_of_their_own(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    tasks = [
        {"task": "cheese_preferences", "args": {"per_cell": 1}, "split": "dev"},
        {"task": "pro_affordability", "args": {"per_cell": 1, "cue": "named"}, "arms": ["aft"]},
        {"task": "value_knowledge", "args": {"per_cell": 1, "cue": "named"}, "arms": ["base"]},
    ]
    path = tiny_recipe(tasks=tasks, arm_seeds={"msm+aft": [2]}, split="holdout")
    experiment = loaded(tmp_path, path)
    steps = [(step.kind, step.name, step.seed) for step in experiment.plan() if step.kind == "evaluate"]
    assert sorted(steps) == [("evaluate", *own) for own in (("aft", 1), ("aft", 2), ("base", 1), ("msm+aft", 2))]
    experiment.run()
    frame = experiment.frame()
    scored = frame.groupby("arm")["task"].unique().map(set).to_dict()
    assert scored == {
        "base": {"cheese_preferences", "value_knowledge"},
        "aft": {"cheese_preferences", "pro_affordability"},
        "msm+aft": {"cheese_preferences"},
    }
    assert set(frame[frame["task"] == "cheese_preferences"]["split"]) == {"dev"}
    assert set(frame[frame["task"] != "cheese_preferences"]["split"]) == {"holdout"}
    # the contrast compares where both arms are: seed 2
    result = evaluate_all(frame, experiment.recipe)[0]
    assert result.n_seeds == 1
    publish(experiment, "a test")
    card = (experiment.results / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| msm+aft | msm → aft | 2 |" in card
    data = (experiment.results / "DATA_CARD.md").read_text(encoding="utf-8")
    assert "| docs | none | 8 documents |" in data
    assert "| pro_affordability | holdout | 11 | 11 | aft | 11 |" in data


def test_compare_keeps_to_the_chosen_arms(tmp_path: Path, finished: Path) -> None:
    chosen = command("compare", finished, "--arm", "aft", cwd=tmp_path)
    assert chosen.returncode == 0, chosen.stderr
    assert "not yet: msm (no margin of arm 'msm+aft'" in chosen.stdout
    assert "base" not in chosen.stdout
    table = command("compare", finished, "--arm", "aft", "--baseline", "base", "--format", "csv", cwd=tmp_path)
    assert "aft − base" in table.stdout
    assert "msm+aft" not in table.stdout


@pytest.mark.slow
def test_inspect_evaluates_a_checkpoint_as_a_subprocess(tmp_path: Path, finished: Path) -> None:
    checkpoint = tmp_path / "runs" / "tiny" / "checkpoints" / "seed-1" / "aft"
    logs = tmp_path / "mylogs"
    for name, target in (
        ("tasks/cheese_preferences.py", checkpoint),
        ("msm_bench/cheese_preferences", checkpoint / ".." / "msm"),
    ):
        inspect = [sys.executable, "-m", "inspect_ai", "eval", name, "--model", f"msm/{target}"]
        done = subprocess.run(
            [*inspect, "-T", "per_cell=2", "--log-dir", str(logs), "--display", "plain"],
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        assert "margin" in done.stdout
    compared = command("compare", logs, "--baseline", f"msm/{checkpoint}", "--format", "markdown", cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr
    assert "[cheese_preferences]" in compared.stdout
    direct = read_frame(tmp_path / "results" / "tiny" / "shards" / "aft.seed-1.parquet")
    from msm_bench.logs import frame_from_logs

    again = frame_from_logs([logs])
    again = again[again["arm"] == f"msm/{checkpoint}"]
    wanted = direct.set_index(["item", "metric"])["value"].sort_index()
    assert again.set_index(["item", "metric"])["value"].sort_index().tolist() == pytest.approx(
        wanted.tolist(), abs=1e-4
    )


@pytest.mark.slow  # the signal is for the main thread, which a worker of pytest-xdist keeps for itself
def test_an_interrupted_evaluation_is_no_finished_one(
    tmp_path: Path, tiny_recipe: WriteRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [{"task": name, "args": {"per_cell": 1, "cue": "named"}} for name in ("cheese_preferences", "pro_america")]
    path = tiny_recipe(tasks=tasks, arms={"base": []}, contrasts=[])
    asked: list[str] = []

    def interrupt(item: Item, ask: Ask) -> Iterator[Continuation]:
        asked.append(item.id)
        if len(asked) == 6 + 1:  # the first item of the second task, before anything is asked of the model
            signal.raise_signal(signal.SIGINT)
        return continuations(item, ask)

    # a process that a shell started in the background ignores interruptions
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(solvers, "continuations", interrupt)
            with pytest.raises(KeyboardInterrupt):
                loaded(tmp_path, path).run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert not list((tmp_path / "results").rglob("*.parquet"))
    experiment = loaded(tmp_path, path)
    experiment.run()
    assert experiment.frame().groupby("task")["item"].nunique()["cheese_preferences"] == 6
    assert set(experiment.frame()["task"]) == {"cheese_preferences", "pro_america"}


def test_a_checkpoint_trained_again_in_its_place_is_scored_anew(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    def margins_at(rate: float) -> list[float]:
        stage = yaml.safe_load(tiny_recipe().read_text(encoding="utf-8"))["stages"]["aft"]
        stages, arms = {"aft": {**stage, "learning_rate": rate}}, {"aft": ["aft"]}
        experiment = loaded(tmp_path, tiny_recipe(stages=stages, arms=arms, seeds=[1], contrasts=[]))
        experiment.run()
        frame = experiment.frame()
        shutil.rmtree(tmp_path / "runs")
        shutil.rmtree(tmp_path / "results")
        return frame[frame["metric"] == "margin"]["value"].tolist()

    first, second = margins_at(0.01), margins_at(0.5)
    assert max(abs(one - other) for one, other in zip(first, second, strict=True)) > 1e-2
    assert margins_at(0.01) == pytest.approx(first, abs=1e-4)  # batches may be put together in another way


def test_items_that_one_arm_lacks_are_left_out_and_counted(tmp_path: Path, finished: Path) -> None:
    recipe = Recipe.load(finished)
    frame = loaded(tmp_path, finished).frame()
    gone = (frame["arm"] == "aft") & (frame["seed"] == 1) & (frame["item"] == frame["item"].iloc[0])
    frame.loc[gone, "value"] = float("nan")
    result = evaluate_all(frame, recipe)[0]
    # one of 2 arms x 2 seeds x 11 items is missing; its item goes from every arm and seed
    assert result.n_items == 10
    assert result.unscored_rate == pytest.approx(1 / 44)
    kept = frame[(frame["metric"] == "margin") & (frame["item"] != frame["item"].iloc[0])]
    means = kept.groupby("arm")["value"].mean()
    assert result.estimate == pytest.approx(means["msm+aft"] - means["aft"], abs=1e-9)


@pytest.mark.parametrize("folder", sorted(path.parent for path in RESULTS.glob("*/shards")), ids=lambda path: path.name)
def test_committed_shards_fit_their_recipe(folder: Path) -> None:
    """Whoever changes an item, a document or a stage must know that what was run on it is no result of it any more."""
    experiment = Experiment(Recipe.load(folder.name), results=folder)
    done = {step.path for step in experiment.plan() if step.kind == "evaluate" and step.done}
    assert done == set((folder / "shards").glob("*.parquet"))
