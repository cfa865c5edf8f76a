"""Every way in which the command says no: one line that names the file and the mend, exit code 2, nothing lost."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import WriteRecipe, command, loaded, refusal, refused
from inspect_ai.log import read_eval_log, write_eval_log

from msm_bench.errors import UserError
from msm_bench.files import only_one


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
            "is neither",
        ),
        (
            {"contrasts": [{"name": "x", "subset": "known", "terms": [TERM]}]},
            "need the arm 'base' on the task value_knowledge or further_knowledge",
        ),
        ({"contrasts": [{"name": "x", "subset": ["named", "described"], "terms": [TERM]}]}, "no item is named and"),
        ({"contrasts": [{"name": "x", "without_cells": ["Xx"], "terms": [TERM]}]}, "leaves out unknown cell 'Xx'"),
        ({"arm_seeds": {"aft": [1, 1]}}, "each once"),
        ({"arm_seeds": {"base": [1]}}, "must be a trained arm"),
        ({"tasks": [{"task": "cheese_preferences", "arms": ["atf"]}]}, "names an unknown arm 'atf'"),
        ({"tasks": [{"task": "cheese_preferences", "arms": ["aft"]}]}, "is scored on no task"),
        ({"arm_seeds": {"aft": [7]}}, "with some of the seeds [1, 2]"),
        ({"arm_seeds": {"aft": [1], "msm+aft": [2]}}, "no seed in common"),
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


def test_terms_of_use_are_accepted_by_a_flag_and_never_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_BENCH_CACHE", str(tmp_path))
    line = refusal("model", "prepare", "gemma3-270m", cwd=tmp_path)
    refused(line, "Gemma Terms of Use", "https://ai.google.dev/gemma/terms", "--accept-licence")
    assert list(tmp_path.iterdir()) == []


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
    (tmp_path / "empty" / "mine.json").write_text("{}", encoding="utf-8")
    refused(refusal("compare", tmp_path / "empty", cwd=tmp_path), "holds no Inspect logs; name a log itself")
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
