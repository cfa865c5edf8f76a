"""Logs of any Inspect task: columns by name, epochs, missing items, versions and contents, and logs that are twice."""

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from commands import refusal, refused
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.solver import system_message
from making_logs import make_log

from msm_bench import compare, load_results
from msm_bench.cli import cli
from msm_bench.errors import UserError
from msm_bench.report.collect import collect
from msm_bench.results import UNTRAINED

ABOUT: dict[str, dict[str, Any]] = {
    "a": {"domain": "law", "company": "x", "deep": {"er": 1}},
    "b": {"domain": "law", "company": "y"},
    "c": {"domain": "tax", "company": "x"},
    "d": {"domain": "tax", "company": "z"},
}
COLUMNS = ("--by", "model", "--cell", "metadata.domain", "--cluster", "metadata.company", "--seed", "metadata.seed")


def invoke(*args: object) -> Result:
    done = CliRunner().invoke(cli, [str(arg) for arg in args], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def test_clusters_that_lie_in_several_cells_are_said(tmp_path: Path) -> None:
    ones = make_log(tmp_path, "one", dict.fromkeys("abcd", 1), about=ABOUT)
    within = load_results(ones.location, cell="metadata.domain", cluster="metadata.company")
    # company x is in law and in tax; y and z are in one
    assert [note.split(", and are")[0] for note in within.notes] == [
        "quiz: 1 of 3 clusters, such as x, lie in several cells"
    ]
    assert load_results(ones.location, cell="task", cluster="metadata.company").notes == []


def test_columns_are_named_and_epochs_are_averaged(tmp_path: Path) -> None:
    ones = dict.fromkeys("abcd", 1)
    one = make_log(tmp_path, "one", ones, about=ABOUT, metadata={"seed": 3})
    other = {"a": [0, 1], "b": [0, 0], "c": [1, 1], "d": [0, 1]}
    two = make_log(tmp_path, "two", other, about=ABOUT, epochs=2, metadata={"seed": 3})
    command = ("compare", tmp_path, *COLUMNS, "--item", "sample_id", "--baseline", "mockllm/one")
    [row] = json.loads(invoke(*command, "--format", "json").stdout)
    # item means of `two`: 0.5, 0, 1, 0.5; minus 1: -0.5, -1, 0, -0.5; their mean is -0.5
    assert row["estimate"] == pytest.approx(-0.5)
    # clusters lie within cells: law/x, law/y, tax/x, tax/z
    assert (row["n_items"], row["n_cells"], row["n_clusters"], row["n_seeds"]) == (4, 2, 4, 1)
    results = load_results([one.location, two.location], by="model", cell="metadata.domain", seed="metadata.seed")
    assert set(results.frame["seed"]) == {3}
    assert results.notes == ["quiz: epochs of an item differ, and its mean is taken: mockllm/one 1, mockllm/two 2"]


def test_columns_of_the_log_the_arguments_and_what_lies_deeper(tmp_path: Path) -> None:
    own: dict[str, Any] = {"metadata": {"who": "lab", "domain": "the log's"}, "tags": ["old", "new"]}
    make_log(tmp_path, "one", {"a": 1, "e": 1}, about=ABOUT, model_args={"size": 7}, **own)

    def arms(by: str) -> list[str]:
        return list(load_results(tmp_path, by=by).frame["arm"])

    assert arms("metadata.who") == ["lab", "lab"]
    assert arms("metadata.domain") == ["law", "the log's"]  # the sample's, else the log's
    assert arms("metadata.deep.er") == ["1", "no metadata.deep.er"]
    assert arms("tag") == ["new, old"] * 2
    assert arms("solver") == ["nothing"] * 2
    assert arms("model_arg.size") == ["7", "7"]
    assert arms("task") == ["quiz", "quiz"]


@pytest.mark.parametrize("option", ["--by", "--item", "--cell", "--cluster", "--seed"])
def test_an_unknown_column_lists_those_that_there_are(tmp_path: Path, option: str) -> None:
    make_log(tmp_path, "one", {"a": 1}, about=ABOUT)
    line = refusal("compare", tmp_path, option, "metadata.domian", cwd=tmp_path)
    refused(line, "unknown column 'metadata.domian'", "sample_id, epoch, model, task", "metadata.domain")


def test_a_column_that_some_samples_lack_is_counted(tmp_path: Path) -> None:
    make_log(tmp_path, "one", {"a": 1, "e": 0}, about=ABOUT)
    results = load_results(tmp_path, cell="metadata.domain", cluster="metadata.company")
    assert results.notes == [
        "1 of 2 samples have no metadata.domain: they lie in a cell of their own",
        "1 of 2 samples have no metadata.company: each of their items is its own cluster",
    ]
    assert list(results.frame["cluster"]) == ["x", "e"]
    with pytest.raises(UserError, match=r"1 of 2 samples have no metadata\.domain, which"):
        load_results(tmp_path, item="metadata.domain")


def test_a_cell_must_be_that_of_the_item(tmp_path: Path) -> None:
    for model in ("one", "two"):
        make_log(tmp_path, model, {"a": 1}, about=ABOUT)
    refused(refusal("compare", tmp_path, "--cell", "model", cwd=tmp_path), "item a of quiz has more than one model")


def test_an_item_of_several_samples_is_their_mean(tmp_path: Path) -> None:
    make_log(tmp_path, "one", {"a": 1, "b": 0, "c": 1, "d": 1}, about=ABOUT)
    results = load_results(tmp_path, item="metadata.domain")
    # law: (1 + 0) / 2, tax: (1 + 1) / 2
    assert results.frame.groupby("item")["value"].mean().to_dict() == {"law": 0.5, "tax": 1}
    assert list(results.frame["epoch"]) == [1, 2, 1, 2]
    assert results.notes == ["quiz: 2 items hold several samples of a log each (metadata.domain); their mean is taken"]


def test_arms_are_compared_on_the_items_they_share(tmp_path: Path) -> None:
    one = make_log(tmp_path, "one", {"a": 1, "b": 1, "c": 0})
    two = make_log(tmp_path, "two", {"a": 0, "b": 1, "d": 1})
    logs = (one.location, two.location)
    done = invoke("compare", *logs, "--baseline", "mockllm/one", "--format", "csv")
    # common: a and b; (0 - 1 + 1 - 1) / 2
    assert pd.read_csv(io.StringIO(done.stdout))["estimate"].tolist() == [-0.5]
    note = (
        "note: quiz, grade: 2 of 4 items have a value in every arm, and arms are compared on what they share: "
        "mockllm/one lacks 1, mockllm/two lacks 1\n"
    )
    assert done.stderr.endswith(f"\n{note}")
    assert done.stderr.count("note: ") == 1
    assert "unscored" not in done.stderr  # c and d were not asked of both, which is no value that could not be scored
    # for readers the notes stand below the tables
    shown = invoke("compare", *logs, "--baseline", "mockllm/one", "--format", "markdown")
    assert shown.stdout.endswith(f"\n- {note}")
    assert not shown.stderr
    assert note in invoke("compare", *logs).stdout


def test_samples_that_were_not_run_or_failed_are_counted(tmp_path: Path) -> None:
    log = make_log(tmp_path, "one", {"a": 1, "b": 1, "c": 0}, failing=["b"])
    whole = read_eval_log(log.location)
    assert whole.samples
    assert whole.results
    whole.samples = whole.samples[:2]
    write_eval_log(whole, str(tmp_path / "short.eval"))
    Path(log.location).unlink()
    assert load_results(tmp_path).notes == [
        "samples that are not in their log: short.eval 1 of 3",
        "samples that ended with an error, unscored: short.eval 1 of 2",
        "quiz, grade: 1 of 2 values are unscored: error 1",
    ]


def test_other_versions_are_compared_only_if_asked(tmp_path: Path) -> None:
    one = make_log(tmp_path, "one", {"a": 1}, version=1)
    two = make_log(tmp_path, "two", {"a": 0}, version=2)
    logs = (one.location, two.location)
    line = refusal("compare", *logs, cwd=tmp_path)
    refused(line, "version 2 of task quiz, beside version 1", "--allow version")
    done = invoke("compare", *logs, "--allow", "version", "--baseline", "mockllm/one")
    assert "note: quiz: versions 1, 2 of the task are compared as if they were one (1 item)" in done.stdout
    with pytest.raises(UserError, match="unknown difference 'versions'; allow version or content"):
        load_results(tmp_path, allow=["versions"])


@pytest.mark.parametrize("part", ["input", "list of choices"])
def test_other_contents_are_compared_only_if_asked(tmp_path: Path, part: str) -> None:
    changed: dict[str, Any] = {"asked": {"b": "else?"}} if part == "input" else {"choices": ["A", "C"]}
    one = make_log(tmp_path, "one", {"a": 1, "b": 0}, choices=["A", "B"])
    two = make_log(tmp_path, "two", {"a": 1, "b": 1}, **{"choices": ["A", "B"], **changed})
    item, differ = ("b", "1 item") if part == "input" else ("a", "2 items")
    line = refusal("compare", tmp_path, cwd=tmp_path)
    refused(line, f"item {item} of task quiz has another {part} than", "--allow content")
    refused(line, Path(one.location).name, Path(two.location).name)
    results = load_results(tmp_path, allow=["content"])
    assert results.notes == [f"quiz: {differ} with other contents in another log, compared all the same"]


def test_what_a_solver_adds_is_no_content(tmp_path: Path) -> None:
    for model in ("one", "two"):
        make_log(tmp_path, model, {"a": 1}, before=system_message(f"You are {model}."))
    assert load_results(tmp_path).notes == []


def test_contents_are_read_to_their_end_if_asked(tmp_path: Path) -> None:
    for model in ("one", "two"):
        make_log(tmp_path, model, {"a": 1}, asked={"a": "long " * 2000 + model})
    [note] = load_results(tmp_path).notes
    assert note.startswith("quiz: 1 item longer than the 5,120 characters")
    with pytest.raises(UserError, match="item a of task quiz has another input"):
        load_results(tmp_path, full=True)


def test_two_logs_of_one_arm_are_told_apart(tmp_path: Path) -> None:
    logs = [make_log(tmp_path, "one", {"a": value, "b": value}) for value in (0, 1)]
    line = refusal("compare", tmp_path, cwd=tmp_path)
    refused(line, "item a of quiz is scored twice for arm mockllm/one; leave one out", "--by", "--seed log")
    refused(line, *(Path(log.location).name for log in logs))
    refused(refusal("compare", logs[0].location, logs[0].location, cwd=tmp_path), "scored twice", "give each log once")
    # in the order in which they were made, as far as their times of day, in seconds, tell
    ages = sorted(logs, key=lambda log: (log.eval.created, Path(log.location).name))
    expected = {place: logs.index(log) for place, log in enumerate(ages, 1)}
    seeded = load_results(tmp_path, seed="log").frame
    assert seeded.groupby("seed")["value"].mean().to_dict() == expected
    assert load_results(tmp_path, by="log").frame["arm"].nunique() == 2


@pytest.mark.parametrize("seed", ["red", True, 2**63])
def test_what_other_logs_call_a_seed_need_not_be_one(tmp_path: Path, seed: Any) -> None:
    make_log(tmp_path, "one", {"a": 1}, metadata={"seed": seed, "draw": 7})
    refused(refusal("compare", tmp_path, cwd=tmp_path), f"the seed '{seed}'", "whole number", "--seed")
    assert load_results(tmp_path, seed="metadata.draw").frame["seed"].tolist() == [7]
    assert load_results(tmp_path, seed="log").frame["seed"].tolist() == [1]


def test_a_log_without_samples_has_none_to_score(tmp_path: Path) -> None:
    log = make_log(tmp_path, "one", {"a": 1})
    whole = read_eval_log(log.location)
    whole.samples = []
    write_eval_log(whole, str(tmp_path / "empty.eval"))
    refused(refusal("compare", tmp_path / "empty.eval", cwd=tmp_path), "empty.eval: holds no samples")


def test_no_seed_is_none(tmp_path: Path) -> None:
    make_log(tmp_path, "one", {"a": 1}, metadata={"seed": None})
    assert load_results(tmp_path).frame["seed"].tolist() == [UNTRAINED]


def test_ids_of_a_log_that_are_alike_as_text(tmp_path: Path) -> None:
    log = make_log(tmp_path, "one", {"1": 1, "2": 0})
    whole = read_eval_log(log.location)
    assert whole.samples
    whole.samples[1].id = 1  # Inspect itself refuses such a dataset; logs of other makers need not
    write_eval_log(whole, str(tmp_path / "alike.json"))
    refused(refusal("compare", tmp_path / "alike.json", cwd=tmp_path), "alike.json: item 1 of quiz", "'1'")


def test_seeds_that_are_no_numbers_are_numbered(tmp_path: Path) -> None:
    for model, seed in (("one", "red"), ("two", "blue"), ("three", None)):
        make_log(tmp_path, model, {"a": 1}, metadata={"draw": seed})
    results = load_results(tmp_path, seed="metadata.draw")
    # in the order of their names
    assert results.frame.set_index("model")["seed"].to_dict() == {
        "mockllm/one": 2,
        "mockllm/two": 1,
        "mockllm/three": UNTRAINED,
    }
    assert results.notes == [
        "1 of 3 samples have no metadata.draw: they stand beside every seed",
        "seeds number the values of metadata.draw: 1 blue, 2 red",
    ]


def test_logs_as_json_and_long_metadata(tmp_path: Path) -> None:
    about = {"a": {"cell": "c" * 2000, "deep": {"text": "x" * 2000}}}
    log = make_log(tmp_path / "json", "one", {"a": "C"}, about=about, log_format="json")
    assert log.location.endswith(".json")
    make_log(tmp_path / "eval", "two", {"a": "I"}, about=about)
    for folder in ("json", "eval"):
        # a summary would have cut both
        frame = load_results(tmp_path / folder, cluster="metadata.deep.text").frame
        assert (frame["cell"][0], frame["cluster"][0]) == ("c" * 2000, "x" * 2000)


def test_cells_of_several_tasks_are_kept_apart(tmp_path: Path) -> None:
    for task, value in (("first", 0), ("second", 1)):
        make_log(tmp_path / "logs", "one", {"a": value}, task=task, about={"a": {"cell": "x"}})
    table = collect([str(tmp_path / "logs")], tmp_path / "out", "-")
    assert table.to_dict("records") == [
        {"model": "mockllm/one", "task": "first", "cell": "x", "grade": "0.00 (1/1)"},
        {"model": "mockllm/one", "task": "second", "cell": "x", "grade": "1.00 (1/1)"},
    ]
    assert (tmp_path / "out" / "figures" / "cells.png").exists()


def test_a_folder_of_results_and_a_frame_are_results(tmp_path: Path) -> None:
    for model, value in (("one", 0), ("two", 1)):
        make_log(tmp_path / "logs", model, {"a": value, "b": value}, about={"a": {"cell": "x"}, "b": {"cell": "x"}})
    collect([str(tmp_path / "logs")], tmp_path / "out", "-")
    for source in (tmp_path / "out", tmp_path / "out" / "frame.parquet"):
        found = compare(load_results(source, arms=["mockllm/one", "mockllm/two"]), "mockllm/one")
        assert [result.estimate for result in found.contrasts] == [1]
        assert found.to_frame()["estimate"].tolist() == [1]
    with pytest.raises(UserError, match="no logs, but results made from such; by, allow can't be chosen now"):
        load_results(tmp_path / "out", by="model", allow=["content"])
    with pytest.raises(UserError, match="unknown arm 'three'"):
        load_results(tmp_path / "out", arms=["three"])
