"""A recipe from plan to contrasts on the tiny model, through the command, and every way in which it says no."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from msm_bench.experiment import Experiment
from msm_bench.recipe import Recipe
from msm_bench.results import log_files, read_frame

WriteRecipe = Callable[..., Path]


def command(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`msm-bench ARGS` as a user types it."""
    program = [sys.executable, "-m", "msm_bench.cli", *map(str, args)]
    return subprocess.run(program, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


def refused(done: subprocess.CompletedProcess[str], *expected: str) -> None:
    """One line on standard error, exit code 2."""
    assert done.returncode == 2, done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("msm-bench: ")]
    assert len(lines) == 1, done.stderr
    for part in expected:
        assert part in lines[0]


@pytest.fixture
def finished(tmp_path: Path, tiny_recipe: WriteRecipe) -> Path:
    """A folder in which the tiny recipe has run."""
    path = tiny_recipe()
    experiment = Experiment(Recipe.load(path), tmp_path / "runs" / "tiny")
    experiment.run()
    return path


def test_a_recipe_runs_by_command_and_a_second_call_reuses_everything(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    recipe = tiny_recipe()
    first = command("run", recipe, cwd=tmp_path)
    assert first.returncode == 0, first.stderr + first.stdout
    assert "msm *" in first.stdout
    results = tmp_path / "results" / "tiny"
    contrast = json.loads((results / "contrasts.json").read_text(encoding="utf-8"))[0]
    frame = read_frame(results / "frame.parquet")
    # the contrast by hand: mean over items and the two seeds of msm+aft minus aft
    means = frame[frame["metric"] == "margin"].groupby("arm")["value"].mean()
    assert contrast["estimate"] == pytest.approx(means["msm+aft"] - means["aft"], abs=1e-9)
    assert (contrast["n_seeds"], contrast["n_items"], contrast["smallest_p"]) == (2, 6, 0.5)
    assert contrast["p_holm"] == contrast["p"]
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
    shards = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.parquet")}
    second = command("run", recipe, cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert "left to do: about 0 min" in second.stdout
    assert shards == {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.parquet")}
    table = command("compare", recipe, "--baseline", "aft", "--format", "csv", cwd=tmp_path)
    assert "msm+aft − aft [cheese_preferences]" in table.stdout
    plan = command("plan", recipe, cwd=tmp_path)
    # a cell of the estimate column for each: two stages and two chains trained, at one seed or both, five evaluations
    assert plan.stdout.count("│ done") == 4 + 2 + 5


def test_inspect_evaluates_a_checkpoint_as_a_subprocess(tmp_path: Path, finished: Path) -> None:
    checkpoint = tmp_path / "runs" / "tiny" / "checkpoints" / "seed-1" / "aft"
    logs = tmp_path / "mylogs"
    for name, target in (
        ("tasks/cheese_preferences.py", checkpoint),
        ("msm_bench/cheese_preferences", checkpoint / ".." / "msm"),
    ):
        inspect = [sys.executable, "-m", "inspect_ai", "eval", name, "--model", f"msm/{target}"]
        done = subprocess.run(
            [*inspect, "-T", "per_cell=1", "--log-dir", str(logs), "--display", "plain"],
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
    direct = read_frame(tmp_path / "runs" / "tiny" / "shards" / "aft.seed-1.parquet")
    from msm_bench.results import frame_from_logs

    again = frame_from_logs([logs])
    again = again[again["arm"] == f"msm/{checkpoint}"]
    wanted = direct.set_index(["item", "metric"])["value"].sort_index()
    assert again.set_index(["item", "metric"])["value"].sort_index().tolist() == pytest.approx(
        wanted.tolist(), abs=1e-4
    )


def test_a_log_can_be_scored_again(tmp_path: Path, finished: Path) -> None:
    from inspect_ai import score
    from inspect_ai.log import list_eval_logs, read_eval_log

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
    rates = frame[frame["metric"] == "rate"]
    assert sorted(rates["value"].dropna()) == [0.5, 1, 1, 1, 1]
    assert rates["unscored_reason"].tolist().count("unparseable") == 1


# --- ways to say no


def test_an_unknown_arm_is_refused(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    recipe = tiny_recipe()
    for args in (("run", recipe, "--arm", "atf"), ("compare", recipe, "--baseline", "atf")):
        refused(command(*args, cwd=tmp_path), "unknown arm 'atf'", "known: aft, base, msm+aft")


def test_a_spec_that_is_none_is_refused(tmp_path: Path, chat_corpus: Path) -> None:
    (tmp_path / "spec.md").write_text("# No head\n", encoding="utf-8")
    refused(command("corpus", "seal", chat_corpus, "--spec", tmp_path / "spec.md", cwd=tmp_path), "no front matter")
    (tmp_path / "data.jsonl").write_text('{"id": "a", "type": "t", "topic": "c", "text": "{their_name}"}\n')
    args = ("corpus", "seal", tmp_path, "--generator", "x", "--licence", "y")
    refused(command(*args, cwd=tmp_path), "data.jsonl", "unknown placeholder {their_name}")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"arms": {"x": ["nope"]}}, "unknown stage 'nope'"),
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
    refused(command("run", tiny_recipe(**change), cwd=tmp_path), expected)


def test_a_recipe_that_is_no_yaml_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    refused(command("plan", tmp_path / "bad.yaml", cwd=tmp_path), "bad.yaml", "not YAML")
    refused(command("plan", "nothing", cwd=tmp_path), "nothing", "no such recipe", "demo")


def test_a_corpus_that_changed_after_training_is_refused_and_nothing_is_lost(
    tmp_path: Path, finished: Path, chat_corpus: Path
) -> None:
    data = chat_corpus / "data.jsonl"
    data.write_text(data.read_text(encoding="utf-8").replace("number 3", "number three"), encoding="utf-8")
    refused(command("run", finished, cwd=tmp_path), str(data), "corpus seal")
    assert command("corpus", "seal", chat_corpus, cwd=tmp_path).returncode == 0
    before = sorted(path for path in (tmp_path / "runs").rglob("*") if path.is_file())
    refused(command("run", finished, cwd=tmp_path), "corpus chats changed after training", "seed-1/aft", "move")
    assert before == sorted(path for path in (tmp_path / "runs").rglob("*") if path.is_file())


def test_a_truncated_adapter_is_refused(tmp_path: Path, finished: Path) -> None:
    adapter = tmp_path / "runs/tiny/checkpoints/seed-1/aft/adapter_model.safetensors"
    adapter.write_bytes(adapter.read_bytes()[:100])
    refused(command("run", finished, cwd=tmp_path), "adapter_model.safetensors", "truncated", "remove")


def test_results_of_another_recipe_are_refused(tmp_path: Path, finished: Path) -> None:
    other = yaml.safe_load(finished.read_text(encoding="utf-8")) | {"id": "second"}
    (tmp_path / "second.yaml").write_text(yaml.safe_dump(other), encoding="utf-8")
    shutil.copytree(tmp_path / "runs" / "tiny", tmp_path / "runs" / "second")
    refused(command("compare", tmp_path / "second.yaml", cwd=tmp_path), "recipe tiny", "not of second")
    refused(command("run", tmp_path / "second.yaml", cwd=tmp_path), "scored from another checkpoint")


def test_bad_logs_are_refused(tmp_path: Path, finished: Path) -> None:
    (tmp_path / "x.eval").write_bytes(b"PK broken")
    refused(command("compare", tmp_path / "x.eval", cwd=tmp_path), "x.eval", "can't be read")
    refused(command("compare", tmp_path / "none.eval", cwd=tmp_path), "no such log")
    (tmp_path / "empty").mkdir()
    refused(command("compare", tmp_path / "empty", cwd=tmp_path), "holds no Inspect logs")
    log = next((tmp_path / "runs" / "tiny" / "logs").rglob("*.eval"))
    refused(command("compare", log, log, cwd=tmp_path), "scored twice")
    refused(command("compare", log, "--format", "pdf", cwd=tmp_path), "unknown format 'pdf'")
    refused(command("compare", log, "--baseline", "nobody", cwd=tmp_path), "unknown arm 'nobody'")


def test_a_damaged_shard_is_refused(tmp_path: Path, finished: Path) -> None:
    shard = tmp_path / "runs/tiny/shards/aft.seed-1.parquet"
    shard.write_bytes(shard.read_bytes()[:50])
    refused(command("compare", finished, cwd=tmp_path), str(Path("shards/aft.seed-1.parquet")), "not a readable")


def test_items_that_one_arm_lacks_are_left_out_and_counted(tmp_path: Path, finished: Path) -> None:
    from msm_bench.stats import evaluate_all

    recipe = Recipe.load(finished)
    frame = Experiment(recipe, tmp_path / "runs" / "tiny").frame()
    gone = (frame["arm"] == "aft") & (frame["seed"] == 1) & (frame["item"] == frame["item"].iloc[0])
    frame.loc[gone, "value"] = float("nan")
    result = evaluate_all(frame, recipe)[0]
    # one of 2 arms x 2 seeds x 6 items is missing; its item goes from every arm and seed
    assert result.n_items == 5
    assert result.unscored_rate == pytest.approx(1 / 24)
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
        refused(done, "No space left on device", "make room")
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
