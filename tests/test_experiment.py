"""A recipe from plan to contrasts on the tiny model, through the command, and every way in which it says no."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from inspect_ai.log import read_eval_log, write_eval_log

from msm_bench.cli import main
from msm_bench.errors import UserError
from msm_bench.experiment import Experiment
from msm_bench.files import only_one
from msm_bench.preferences import scorers
from msm_bench.preferences.margins import margins
from msm_bench.recipe import Recipe
from msm_bench.results import log_files, read_frame

WriteRecipe = Callable[..., Path]


def command(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`msm-bench ARGS` as a user types it."""
    program = [sys.executable, "-m", "msm_bench.cli", *map(str, args)]
    return subprocess.run(program, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


def refusal(*args: object, cwd: Path) -> str:
    """What `msm-bench ARGS`, in this process, says when it refuses."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["test", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    return one_line(subprocess.CompletedProcess([], ended.value.code, out.getvalue(), err.getvalue()))


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a refusal is, on standard error, with exit code 2."""
    assert done.returncode == 2, done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("msm-bench: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def refused(line: str, *expected: str) -> None:
    """The line has these parts."""
    for part in expected:
        assert part in line


@pytest.fixture
def finished(tmp_path: Path, tiny_recipe: WriteRecipe) -> Path:
    """A folder in which the tiny recipe has run."""
    path = tiny_recipe()
    loaded(tmp_path, path).run()
    return path


def loaded(tmp_path: Path, recipe: Path) -> Experiment:
    """The recipe with the folders that the command uses."""
    return Experiment(Recipe.load(recipe), tmp_path / "runs" / "tiny", tmp_path / "results" / "tiny")


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
    assert (len(sensitivity), set(sensitivity["contrast"])) == (9, {"msm *"})
    shards = {path: path.stat().st_mtime_ns for path in (results / "shards").iterdir()}
    assert len(shards) == 2 * 5
    second = command("run", recipe, cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert "left to do: about 0 min" in second.stdout
    assert shards == {path: path.stat().st_mtime_ns for path in (results / "shards").iterdir()}
    table = command("compare", recipe, "--baseline", "aft", "--format", "csv", cwd=tmp_path)
    assert "msm+aft − aft [cheese_preferences]" in table.stdout
    plan = command("plan", recipe, cwd=tmp_path)
    # a cell of the estimate column for each: two stages and two chains trained, at one seed or both, five evaluations
    assert plan.stdout.count("│ done") == 4 + 2 + 5


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


def test_compare_keeps_to_the_chosen_arms(tmp_path: Path, finished: Path) -> None:
    chosen = command("compare", finished, "--arm", "aft", cwd=tmp_path)
    assert chosen.returncode == 0, chosen.stderr
    assert "not yet: msm (no margin of arm 'msm+aft'" in chosen.stdout
    assert "base" not in chosen.stdout
    table = command("compare", finished, "--arm", "aft", "--baseline", "base", "--format", "csv", cwd=tmp_path)
    assert "aft − base" in table.stdout
    assert "msm+aft" not in table.stdout


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
    from msm_bench.results import frame_from_logs

    again = frame_from_logs([logs])
    again = again[again["arm"] == f"msm/{checkpoint}"]
    wanted = direct.set_index(["item", "metric"])["value"].sort_index()
    assert again.set_index(["item", "metric"])["value"].sort_index().tolist() == pytest.approx(
        wanted.tolist(), abs=1e-4
    )


def test_a_log_can_be_scored_again(tmp_path: Path, finished: Path) -> None:
    from inspect_ai import score
    from inspect_ai.log import list_eval_logs

    from msm_bench.preferences.scorers import preference_margin

    info = list_eval_logs(str(tmp_path / "runs" / "tiny" / "logs" / "seed-1"))[0]
    log = read_eval_log(info)
    # Inspect names a log by its URI, the user by its path
    assert info.name.startswith("file://")
    assert log_files([info.name]) == [info.name.removeprefix("file://")]
    again = score(log, preference_margin(), action="overwrite", display="none")
    before, after = [
        {sample.id: sample.scores["preference_margin"].value for sample in one.samples or [] if sample.scores}
        for one in (log, again)
    ]
    assert before == after


def test_generated_answers_are_scored_or_unscored(tmp_path: Path, tiny_base: Path) -> None:
    from inspect_ai import eval
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from msm_bench.preferences import preference_task
    from msm_bench.results import frame_from_logs

    # the first item answers A twice (position bias), the second is unreadable, the rest answer A then B
    usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    answers = ["A", "A", "both are nice", "A"] + ["A", "B"] * 4
    outputs = [ModelOutput.from_content("mockllm", answer) for answer in answers]
    for output in outputs:
        output.usage = usage
    log = eval(
        preference_task("cheese_preferences", method="generate", per_cell=1),
        model=get_model("mockllm/model", custom_outputs=outputs),
        log_dir=str(tmp_path),
        display="none",
        max_samples=1,
        max_connections=1,
    )[0]
    assert log.status == "success", log.error
    assert log.results
    scores = {(s.scorer, s.name): s.metrics["mean"].value for s in log.results.scores}
    assert scores["answer_format", "parsed"] == pytest.approx((1 + 0.5 + 4) / 6)
    frame = frame_from_logs([tmp_path])
    rates = frame[frame["metric"] == "choice_rate"]
    assert sorted(rates["value"].dropna()) == [0.5, 1, 1, 1, 1]
    assert rates["unscored_reason"].tolist().count("unparseable") == 1


def test_a_sample_that_failed_is_unscored_in_every_metric(tmp_path: Path) -> None:
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import match
    from inspect_ai.solver import Generate, Solver, TaskState, solver

    from msm_bench.results import frame_from_logs

    @solver
    def fragile(failing: int) -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            if state.sample_id == failing:
                raise ValueError("no")
            state.output = ModelOutput.from_content("none", "yes")
            return state

        return solve

    samples = [Sample(input="?", target="yes") for _ in range(3)]
    log = eval(
        Task(dataset=samples, solver=fragile(2), scorer=match(), fail_on_error=False),
        model="mockllm/model",
        log_dir=str(tmp_path / "a"),
        display="none",
    )[0]
    assert log.status == "success", log.error
    frame = frame_from_logs([tmp_path / "a"]).set_index("item")
    assert frame["metric"].tolist() == ["match"] * 3
    assert frame["value"].isna().tolist() == [False, True, False]
    assert frame.loc["2", "unscored_reason"] == "error"


def test_a_failed_log_beside_its_retry_is_passed_over(tmp_path: Path) -> None:
    from inspect_ai import Task, eval, eval_retry, task
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import match
    from inspect_ai.solver import Generate, Solver, TaskState, solver

    from msm_bench.results import frame_from_logs

    calls: list[int] = []

    @solver
    def fails_once() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            calls.append(1)
            if len(calls) == 1:
                raise ValueError("no")
            state.output = ModelOutput.from_content("none", "yes")
            return state

        return solve

    @task
    def one_question() -> Task:
        return Task(dataset=[Sample(input="?", target="x")], solver=fails_once(), scorer=match())

    first = eval(one_question(), model="mockllm/model", log_dir=str(tmp_path), display="none")[0]
    assert first.status == "error"
    with pytest.raises(UserError, match="eval-retry"):
        frame_from_logs([tmp_path])
    assert eval_retry(first, log_dir=str(tmp_path), display="none")[0].status == "success"
    assert len(frame_from_logs([tmp_path])) == 1


# --- ways to say no


def test_an_unknown_arm_is_refused(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    recipe = tiny_recipe()
    for args in (("run", recipe, "--arm", "atf"), ("compare", recipe, "--baseline", "atf")):
        refused(refusal(*args, cwd=tmp_path), "unknown arm 'atf'", "known: aft, base, msm+aft")


def test_a_spec_that_is_none_is_refused(tmp_path: Path, chat_corpus: Path) -> None:
    (tmp_path / "spec.md").write_text("# No head\n", encoding="utf-8")
    refused(refusal("corpus", "seal", chat_corpus, "--spec", tmp_path / "spec.md", cwd=tmp_path), "no front matter")
    (tmp_path / "data.jsonl").write_text('{"id": "a", "type": "t", "topic": "c", "text": "{their_name}"}\n')
    args = ("corpus", "seal", tmp_path, "--generator", "x", "--licence", "y")
    refused(refusal(*args, cwd=tmp_path), "data.jsonl", "unknown placeholder {their_name}")


TERM = {"arm": "aft", "task": "cheese_preferences", "weight": 1}


def confirmatory(terms: list[dict[str, Any]]) -> dict[str, Any]:
    """The change of a recipe that makes this its only contrast."""
    return {"contrasts": [{"name": "x", "confirmatory": True, "terms": terms}]}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"arms": {"x": ["nope"]}}, "unknown stage 'nope'"),
        ({"arms": {"../x": ["aft"]}}, "String should match pattern"),
        ({"arms": {"base": ["aft"]}}, "`base` is the name of the arm without stages"),
        ({"arms": {"none": []}}, "`base` is the name of the arm without stages"),
        ({"seeds": [-1]}, "seeds.0"),
        ({"tasks": [{"task": "cheese_preferences"}] * 2}, "a task occurs twice"),
        ({"tasks": [{"task": "cheese_preferences", "args": {"split": "dev"}}]}, "split is a field of the recipe"),
        ({"tasks": [{"task": "cheese_preferences", "args": {"per_cell": "many"}}]}, "per_cell is 'many'"),
        ({"tasks": [{"task": "cheese_preferences", "args": {"cues": "all"}}]}, "task cheese_preferences: "),
        ({"contrasts": [{"name": "x", "measure": "margn", "terms": [TERM]}]}, "unknown measure 'margn'"),
        ({"contrasts": [{"name": "x", "halves": True, "terms": [{**TERM, "weight": 0}]}]}, "a weight is 0"),
        ({"contrasts": [{"name": "x", "terms": [{**TERM, "weight": float("inf")}]}]}, "finite number"),
        (confirmatory([TERM]), "each weight needs its opposite"),
        (confirmatory([TERM, {**TERM, "arm": "base", "weight": -1}]), "`base` has no seeds"),
        ({"seeds": [0, 1]}, "seed 0 is for tuning only"),
        (
            {"contrasts": [{"name": "x", "equivalence": True, "measure": "margin_per_token", "terms": [TERM]}]},
            "not per token",
        ),
        ({"colour": "red"}, "colour: Extra inputs"),
        ({"seeds": []}, "seeds"),
        ({"id": "other"}, "make them equal"),
        ({"base": "no-such-model"}, "model prepare"),
        ({"tasks": [{"task": "pro_cheese"}], "contrasts": []}, "pro_cheese"),
    ],
)
def test_a_bad_recipe_is_refused(
    tmp_path: Path, tiny_recipe: WriteRecipe, change: dict[str, Any], expected: str
) -> None:
    refused(refusal("run", tiny_recipe(**change), cwd=tmp_path), expected)


def test_a_recipe_that_is_no_yaml_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    refused(refusal("plan", tmp_path / "bad.yaml", cwd=tmp_path), "bad.yaml", "not YAML")
    (tmp_path / "latin.yaml").write_bytes("id: caf\u00e9".encode("latin-1"))
    refused(refusal("plan", tmp_path / "latin.yaml", cwd=tmp_path), "latin.yaml", "not UTF-8")
    refused(refusal("plan", "nothing", cwd=tmp_path), "nothing", "no such recipe", "demo")


def test_a_corpus_that_changed_after_training_is_refused_and_nothing_is_lost(
    tmp_path: Path, finished: Path, chat_corpus: Path
) -> None:
    data = chat_corpus / "data.jsonl"
    data.write_text(data.read_text(encoding="utf-8").replace("number 3", "number three"), encoding="utf-8")
    refused(refusal("run", finished, cwd=tmp_path), str(data), "corpus seal")
    assert command("corpus", "seal", chat_corpus, cwd=tmp_path).returncode == 0
    before = sorted(path for path in (tmp_path / "runs").rglob("*") if path.is_file())
    refused(refusal("run", finished, cwd=tmp_path), "other inputs", str(chat_corpus), "aft.seed-1", "move")
    assert before == sorted(path for path in (tmp_path / "runs").rglob("*") if path.is_file())


def test_a_truncated_adapter_is_refused(tmp_path: Path, finished: Path) -> None:
    adapter = tmp_path / "runs/tiny/checkpoints/seed-1/aft/adapter_model.safetensors"
    adapter.write_bytes(adapter.read_bytes()[:100])
    refused(refusal("run", finished, cwd=tmp_path), "adapter_model.safetensors", "truncated", "remove")


def test_a_damaged_manifest_is_refused_by_who_needs_it(tmp_path: Path, finished: Path) -> None:
    manifest = tmp_path / "runs/tiny/checkpoints/seed-1/aft/manifest.json"
    manifest.write_text("{}", encoding="utf-8")
    assert command("plan", finished, cwd=tmp_path).returncode == 0
    refused(refusal("run", finished, cwd=tmp_path), "aft/manifest.json", "Field required")


def test_shards_made_under_other_settings_are_refused(tmp_path: Path, finished: Path) -> None:
    recipe = yaml.safe_load(finished.read_text(encoding="utf-8"))
    recipe["stages"]["aft"]["learning_rate"] = 0.02
    finished.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    for name in ("compare", "plot", "plan", "run"):
        refused(
            refusal(name, finished, cwd=tmp_path),
            "aft.seed-1",
            "training.stages.0.settings.learning_rate: was 0.01, is 0.02",
        )


def test_a_file_where_a_folder_is_needed_is_refused(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    refused(refusal("run", tiny_recipe(), "--workdir", tmp_path / "file", cwd=tmp_path), "file", "choose another")


def test_results_of_another_recipe_are_refused(tmp_path: Path, finished: Path) -> None:
    other = yaml.safe_load(finished.read_text(encoding="utf-8")) | {"id": "second"}
    (tmp_path / "second.yaml").write_text(yaml.safe_dump(other), encoding="utf-8")
    shutil.copytree(tmp_path / "results" / "tiny", tmp_path / "results" / "second")
    for name in ("compare", "run", "plan", "plot"):
        refused(refusal(name, tmp_path / "second.yaml", cwd=tmp_path), "aft.seed-1", 'recipe: was "tiny", is "second"')


def test_bad_logs_are_refused(tmp_path: Path, finished: Path) -> None:
    (tmp_path / "x.eval").write_bytes(b"PK broken")
    refused(refusal("compare", tmp_path / "x.eval", cwd=tmp_path), "x.eval", "can't be read")
    refused(refusal("compare", tmp_path / "none.eval", cwd=tmp_path), "no such log")
    (tmp_path / "empty").mkdir()
    refused(refusal("compare", tmp_path / "empty", cwd=tmp_path), "holds no Inspect logs")
    log = next((tmp_path / "runs" / "tiny" / "logs").rglob("*.eval"))
    refused(refusal("compare", log, log, cwd=tmp_path), "scored twice")
    refused(refusal("compare", log, "--format", "pdf", cwd=tmp_path), "unknown format 'pdf'")
    refused(refusal("compare", log, "--baseline", "nobody", cwd=tmp_path), "unknown arm 'nobody'")


def test_logs_that_do_not_compare_are_refused(tmp_path: Path, finished: Path) -> None:
    log = read_eval_log(str(next((tmp_path / "runs" / "tiny" / "logs").rglob("*.eval"))))
    log.eval.metadata = {"recipe": "tiny", "arm": "one", "seed": 1}
    write_eval_log(log, str(tmp_path / "one.eval"))
    for name, recipe, version in (("recipe", "second", log.eval.task_version), ("version", "", 99)):
        log.eval.metadata, log.eval.task_version = {"recipe": recipe, "arm": "two"}, version
        write_eval_log(log, str(tmp_path / f"{name}.eval"))
    line = refusal("compare", tmp_path / "one.eval", tmp_path / "recipe.eval", cwd=tmp_path)
    refused(line, "recipe.eval", "a log of recipe 'second' among those of 'tiny'", "one recipe at a time")
    line = refusal("compare", tmp_path / "one.eval", tmp_path / "version.eval", cwd=tmp_path)
    refused(line, "version.eval: version 99 of task cheese_preferences, beside version", "run the older one again")


def test_a_log_that_is_not_of_this_run_is_refused_beside_those_that_are(tmp_path: Path, finished: Path) -> None:
    results, logs = tmp_path / "results" / "tiny", tmp_path / "runs" / "tiny" / "logs" / "seed-1"
    (results / "shards" / "aft.seed-1.parquet").unlink()
    folder = next(logs.glob("aft-*"))
    foreign = shutil.copy(next(next(logs.glob("base-*")).glob("*.eval")), folder)
    # as the run that made them: Inspect's logs name the model by its path
    with pytest.raises(UserError, match="a log of another run; move it out"):
        loaded(tmp_path, finished).run()
    Path(foreign).write_bytes(Path(foreign).read_bytes()[:1000])
    with pytest.raises(UserError, match="can't be read as an Inspect log"):
        loaded(tmp_path, finished).run()
    Path(foreign).unlink()
    loaded(tmp_path, finished).run()
    assert (results / "shards" / "aft.seed-1.parquet").exists()


def test_an_interrupted_evaluation_is_no_finished_one(
    tmp_path: Path, tiny_recipe: WriteRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [{"task": name, "args": {"per_cell": 1, "cue": "named"}} for name in ("cheese_preferences", "pro_america")]
    path = tiny_recipe(tasks=tasks, arms={"base": []}, contrasts=[])
    scored: list[int] = []

    def interrupt(table: dict[str, list[float]]) -> dict[str, float]:
        scored.append(1)
        if len(scored) == 6 + 1:  # the first item of the second task
            signal.raise_signal(signal.SIGINT)
        return margins(table)

    with monkeypatch.context() as patch:
        patch.setattr(scorers, "margins", interrupt)
        with pytest.raises(KeyboardInterrupt):
            loaded(tmp_path, path).run()
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
    assert first != second
    assert margins_at(0.01) == first


def test_another_base_model_is_not_taken_for_the_first(tmp_path: Path, finished: Path, tiny_base: Path) -> None:
    other = shutil.copytree(tiny_base, tmp_path / "other")
    recipe = yaml.safe_load(finished.read_text(encoding="utf-8"))
    finished.write_text(yaml.safe_dump({**recipe, "base": str(other)}), encoding="utf-8")
    for name in ("compare", "plot", "plan", "run"):
        refused(refusal(name, finished, cwd=tmp_path), "aft.seed-1", "base: was", "other")
    # the same folder with another chat template is another model, too
    finished.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    manifest = tmp_path / "results" / "tiny" / "shards" / "aft.seed-1.json"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace(json.loads(text)["base_sha256"], "0" * 64), encoding="utf-8")
    refused(refusal("compare", finished, cwd=tmp_path), "made with another base model than", "aft.seed-1")
    refused(refusal("run", finished, cwd=tmp_path), "aft.seed-1", "base_sha256")


def test_two_runs_do_not_write_to_the_same_results(tmp_path: Path, finished: Path) -> None:
    with only_one(tmp_path / "results" / "tiny"):
        refused(refusal("run", finished, cwd=tmp_path), "results/tiny", "another run writes there")


def test_a_base_without_a_chat_template_or_tokenizer_is_refused(
    tmp_path: Path, tiny_base: Path, tiny_recipe: WriteRecipe
) -> None:
    base = shutil.copytree(tiny_base, tmp_path / "bare")
    recipe = tiny_recipe(base=str(base))
    for name in ("chat_template.jinja", "tokenizer.json"):
        (base / name).unlink()
        expected = "no chat template" if "chat" in name else "its tokenizer can't be loaded"
        refused(refusal("run", recipe, cwd=tmp_path), str(base), expected)


def test_a_damaged_shard_is_refused(tmp_path: Path, finished: Path) -> None:
    shard = tmp_path / "results/tiny/shards/aft.seed-1.parquet"
    shard.write_bytes(shard.read_bytes()[:50])
    refused(refusal("compare", finished, cwd=tmp_path), str(Path("shards/aft.seed-1.parquet")), "not a readable")


def test_items_that_one_arm_lacks_are_left_out_and_counted(tmp_path: Path, finished: Path) -> None:
    from msm_bench.stats import evaluate_all

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


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_the_run_goes_on_afterwards(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    recipe, disk = tiny_recipe(), tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], check=True)  # noqa: S607
    try:
        done = command("run", recipe, "--workdir", disk, "--results", tmp_path / "r", cwd=tmp_path)
        refused(one_line(done), "No space left on device", "make room")
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)  # noqa: S607
        done = command("run", recipe, "--workdir", disk, "--results", tmp_path / "r", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    finally:
        subprocess.run(["umount", str(disk)], check=True)  # noqa: S607


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_the_same_frame(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    recipe = tiny_recipe()
    whole = command("run", recipe, "--workdir", tmp_path / "whole", "--results", tmp_path / "r1", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    cut = ("run", recipe, "--workdir", tmp_path / "cut", "--results", tmp_path / "r2")
    program = [sys.executable, "-u", "-m", "msm_bench.cli", *map(str, cut)]
    # within a stage, at its end, within an evaluation, at the second seed, between an evaluation and its shard
    for moment in (
        "seed 1, aft: step 1/2",
        "seed 1, msm → aft: step 2/2",
        "Running 1 tasks",
        "seed 2, msm: step 1/2",
        "Completed all tasks",
    ):
        with subprocess.Popen(
            program, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout
            seen = any(moment in line for line in process.stdout)
            process.kill()
        assert seen, f"the run ended before {moment!r}"
    done = command(*cut, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    key = ["arm", "seed", "task", "item", "metric"]
    one, two = [
        read_frame(tmp_path / name / "frame.parquet").set_index(key)["value"].sort_index() for name in ("r1", "r2")
    ]
    pd.testing.assert_series_equal(one, two, atol=1e-4, rtol=0)


@pytest.mark.slow
def test_a_wheel_in_an_empty_environment_finds_its_tasks_specs_and_recipes(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(root)], check=True)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = str(tmp_path / "env" / "bin" / "python")
    wheel = str(next(tmp_path.glob("*.whl")))
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
    code = (
        "import sys, importlib.util; from msm_bench.recipe import Recipe; from msm_bench.specs import Spec;"
        "from msm_bench.files import data_path; from msm_bench.corpus import Corpus;"
        "Recipe.load('demo'); Recipe.load('cheese-smollm2'); Spec.load(data_path('specs') / 'cheese-america.md');"
        "Corpus.load(data_path('specs') / 'corpora' / 'cheese-demos');"
        "from msm_bench.tasks.pro_america import pro_america; assert len(pro_america().dataset) >= 120;"
        "assert importlib.util.find_spec('torch') is None and importlib.util.find_spec('tasks') is None"
    )
    subprocess.run([python, "-c", code], check=True, cwd=tmp_path)
    environment = {**os.environ, "PATH": f"{tmp_path / 'env' / 'bin'}:{os.environ['PATH']}"}
    listed = subprocess.run(
        [str(tmp_path / "env" / "bin" / "inspect"), "eval", "msm_bench/pro_america", "--model", "msm/x"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'msm-bench[train]'" in listed.stdout + listed.stderr
