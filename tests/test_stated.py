"""Contrasts in a file of their own, and the comparison of results from Python."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import refusal, refused
from making_logs import make_log

import msm_bench
from msm_bench import compare, load_results
from msm_bench.errors import UserError
from msm_bench.files import write_json
from msm_bench.recipe import Contrast, Term
from msm_bench.results import write_frame
from msm_bench.stats import Options


def stated(arm: str = "two", **changes: Any) -> dict[str, Any]:
    terms = [{"arm": f"mockllm/{name}", "task": "quiz", "weight": weight} for name, weight in ((arm, 1), ("one", -1))]
    return {"name": "gain", "measure": "grade", "terms": terms, **changes}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two arms at three seeds: `two` is better by 1, 1 and 0 on each of two items."""
    folder = tmp_path_factory.mktemp("stated") / "logs"
    for seed, value in ((1, 1), (2, 1), (3, 0)):
        make_log(folder, "one", {"a": 0, "b": 0}, metadata={"seed": seed})
        make_log(folder, "two", {"a": value, "b": value}, metadata={"seed": seed})
    return folder


def test_stated_contrasts_carry_the_hash_of_their_file(tmp_path: Path, logs: Path) -> None:
    path = tmp_path / "contrasts.yaml"
    path.write_text(yaml.safe_dump([stated(confirmatory=True), stated(name="again")]), encoding="utf-8")
    found = compare(load_results(logs), contrasts=path)
    first, second = found.contrasts
    # (1 + 1 + 0) / 3
    assert first.estimate == pytest.approx(2 / 3)
    assert first.recipe_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    # one claim in the family: Holm leaves its p as it is
    assert first.p_holm == first.p is not None
    assert second.p_holm is None
    assert "gain" in found.table()
    assert list(found.arms["arm"]) == ["mockllm/one", "mockllm/two"]


def test_without_contrasts_there_are_the_means_of_arms(logs: Path) -> None:
    found = compare(load_results(logs))
    assert found.contrasts == []
    # (0 + 0 + 0) / 3 and (1 + 1 + 0) / 3
    assert found.arms["mean"].tolist() == pytest.approx([0, 2 / 3])
    assert "quiz grade" in found.table()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([stated("three")], "names an unknown arm 'mockllm/three'; these results have mockllm/one, mockllm/two"),
        ([stated(measure="rate")], "names an unknown measure 'rate'; these results have grade"),
        ([stated(), stated()], "two contrasts have the same name"),
        ([stated(name=str(i), confirmatory=True) for i in range(7)], "more than six confirmatory contrasts"),
        ([{**stated(), "weight": 1}], "contrasts.0.weight"),
        ([], "no contrasts"),
    ],
)
def test_contrasts_that_can_not_be_are_refused(
    tmp_path: Path, logs: Path, given: list[dict[str, Any]], expected: str
) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
    refused(refusal("compare", logs, "--contrasts", tmp_path / "c.yaml", cwd=tmp_path), expected)


def test_a_claim_needs_labels_to_swap(logs: Path) -> None:
    one = Contrast(
        name="mean", measure="grade", confirmatory=True, terms=[Term(arm="mockllm/one", task="quiz", weight=1)]
    )
    with pytest.raises(UserError, match="on quiz each weight needs its opposite"):
        compare(load_results(logs), contrasts=[one])


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        ({}, []),
        ({"recipe": "cheese-smollm2", "recipe_sha256": "0" * 64}, ["has changed since these results were written"]),
        ({"recipe": "nobody-wrote-it"}, ["the recipe can't be read"]),
    ],
)
def test_results_say_why_their_recipe_is_not_used(
    tmp_path: Path, logs: Path, summary: dict[str, str], said: list[str]
) -> None:
    write_frame(load_results(logs).frame, tmp_path / "frame.parquet")
    write_json(tmp_path / "summary.json", summary)
    found = load_results(tmp_path)
    assert found.recipe is None
    notes = [note for note in found.notes if "recipe" in note]
    assert len(notes) == len(said)
    assert all(part in note for part, note in zip(said, notes, strict=True))


def test_a_summary_that_is_none_is_refused(tmp_path: Path, logs: Path) -> None:
    write_frame(load_results(logs).frame, tmp_path / "frame.parquet")
    write_json(tmp_path / "summary.json", ["recipe"])
    refused(refusal("compare", tmp_path, cwd=tmp_path), "summary.json: not a summary; write the results again")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--ordinal", "grad"), "ordinal: unknown metric 'grad'; these results have grade"),
        (("--graders", "both=grade,grad"), "graders 'both': unknown metric 'grad'; these results have grade"),
        (("--graders", "grade=grade"), "graders 'grade': a metric is called so"),
    ],
)
def test_a_metric_that_there_is_not_is_refused(tmp_path: Path, logs: Path, options: tuple[str, str], said: str) -> None:
    refused(refusal("compare", logs, "--baseline", "mockllm/one", *options, cwd=tmp_path), said)


def test_a_stated_p_stands_beside_exploratory_q(tmp_path: Path, logs: Path) -> None:
    path = tmp_path / "contrasts.yaml"
    path.write_text(yaml.safe_dump([stated(confirmatory=True)]), encoding="utf-8")
    make_log(logs, "three", {"a": 1, "b": 0})
    head, _, first, *others = compare(load_results(logs), "mockllm/one", contrasts=path).table().splitlines()
    assert "| p (Holm) | q (BH, exploratory) |" in head
    # labels of three seeds, one of which shows nothing: 4 of 8 swaps are as large; no q of what was stated
    assert first.endswith("| 0.500 (min. 0.25) | – |")
    assert all("| – | " in other for other in others)


def test_the_estimate_of_ranks_is_named(logs: Path) -> None:
    found = compare(load_results(logs), "mockllm/one", options=Options(ordinal=("grade",)))
    # two is better on both items in two of three runs, alike in one: (1 + 1 + ½) / 3 − ½
    assert found.contrasts[0].estimate == pytest.approx(1 / 3)
    assert "| grade (superiority − ½) |" in found.table()


def test_a_task_that_an_arm_lacks_is_said(tmp_path: Path) -> None:
    for model, task in (("one", "quiz"), ("two", "quiz"), ("one", "riddles"), ("two", "puns")):
        make_log(tmp_path, model, {"a": 1, "b": 0}, task=task)
    found = compare(load_results(tmp_path), "mockllm/one")
    assert [contrast.name for contrast in found.contrasts] == ["mockllm/two − mockllm/one [quiz]"]
    assert found.notes == [
        "not comparable: riddles: nothing of mockllm/two on this task",
        "not comparable: puns: nothing of mockllm/one on this task",
    ]


def test_the_package_says_what_it_has() -> None:
    assert set(msm_bench.__all__) <= set(dir(msm_bench))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = msm_bench.nothing
