"""Scores of every type as numbers, by hand and by property; the fast reading against the plain one."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inspect_ai import Epochs, Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalSample,
    EvalSpec,
    ProvenanceData,
    invalidate_samples,
    read_eval_log,
    write_eval_log,
)
from inspect_ai.model import Model, get_model
from inspect_ai.scorer import Score, includes, match, value_to_float
from making_logs import make_log, nothing

from msm_bench import load_results
from msm_bench.errors import UserError
from msm_bench.logs import frame_from_logs
from msm_bench.logs.scores import LACKS, number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("C", 1), ("I", 0), ("P", 0.5), ("N", 0), (True, 1), (False, 0), (3, 3), (-0.25, -0.25),
        ("0.5", 0.5), (" -2e1 ", -20), ("yes", 1), ("No", 0),
    ],
)  # fmt: skip
def test_values_that_are_numbers(value: Any, expected: float) -> None:
    assert number(value) == (expected, "")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("maybe", "the text 'maybe'"),
        ("c", "the text 'c'"),
        ("1_000", "the text '1_000'"),
        ("nan", "the text 'nan'"),
        ("1e999", "infinite"),
        (math.inf, "infinite"),
        (math.nan, "not a number"),
        (None, "no value"),
        ([1, 2], "a list, where a number is needed"),
        ("\x1b[31mred", "the text '\N{REPLACEMENT CHARACTER}[31mred'"),
    ],
)
def test_values_that_are_none(value: Any, reason: str) -> None:
    found, said = number(value)
    assert math.isnan(found)
    assert said == reason


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none(), st.lists(st.floats())))
def test_a_value_is_a_finite_number_or_has_a_reason(value: Any) -> None:
    found, reason = number(value)
    assert math.isfinite(found) == (reason == "")
    if not reason:
        assert found == pytest.approx(value_to_float()(value))  # as Inspect's own metrics take it


def values_of(path: Path, **options: Any) -> dict[tuple[str, str], Any]:
    """By item and metric: the value, or the reason."""
    frame = load_results(path, **options).frame
    rows = zip(frame["item"], frame["metric"], frame["value"], frame["unscored_reason"], strict=True)
    return {(item, metric): reason if math.isnan(value) else value for item, metric, value, reason in rows}


def test_metrics_of_several_scorers(tmp_path: Path) -> None:
    values = {
        "left": {"a": {"accuracy": 1, "style": "C"}, "b": {"accuracy": 0, "style": "?"}},
        "right": {"a": {"accuracy": 0.5}, "b": Score.unscored(reason="no grade")},
        "plain": {"a": "P", "b": [3]},
    }
    make_log(tmp_path, "one", values, several=True)
    assert values_of(tmp_path) == {
        ("a", "left/accuracy"): 1, ("a", "style"): 1, ("a", "right/accuracy"): 0.5, ("a", "plain"): 0.5,
        ("b", "left/accuracy"): 0, ("b", "style"): "the text '?'", ("b", "right/accuracy"): "no grade",
        ("b", "plain"): 3,
    }  # fmt: skip
    assert values_of(tmp_path, scorers=["plain"]) == {("a", "plain"): 0.5, ("b", "plain"): 3}
    assert set(values_of(tmp_path, scorers=["left", "plain"])) == {
        (item, metric) for item in "ab" for metric in ("left/accuracy", "style", "plain")
    }
    with pytest.raises(UserError, match="unknown scorer 'middle'; these logs have left, left/accuracy, plain, right"):
        load_results(tmp_path, scorers=["middle"])


def test_a_key_that_is_there_in_some_samples(tmp_path: Path) -> None:
    # `b` has `style` in its first epoch only; `a` never has it: it is not about `a`
    both, one = {"accuracy": 1, "style": 0}, {"accuracy": 1}
    make_log(tmp_path, "one", {"a": [one, one], "b": [both, one]}, epochs=2)
    frame = load_results(tmp_path).frame
    style = frame[frame["metric"] == "style"]
    assert list(style["item"]) == ["b", "b"]
    assert list(style["unscored_reason"]) == ["", LACKS]
    assert len(frame[frame["metric"] == "accuracy"]) == 4


def test_a_log_in_which_nothing_could_be_scored_has_the_metrics_of_its_task(tmp_path: Path) -> None:
    make_log(tmp_path, "one", {"a": {"accuracy": 1}, "b": {"accuracy": 0}})
    make_log(tmp_path, "two", {"a": {"accuracy": 1}, "b": {"accuracy": 0}}, failing=["a", "b"])
    make_log(tmp_path, "three", {"a": Score.unscored(reason="mute"), "b": Score.unscored(reason="mute")})
    frame = load_results(tmp_path).frame
    assert set(frame["metric"]) == {"accuracy"}
    reasons = frame.groupby("arm")["unscored_reason"].unique().map(list).to_dict()
    assert reasons == {"mockllm/one": [""], "mockllm/two": ["error"], "mockllm/three": ["mute"]}


def test_an_invalidated_sample_is_unscored(tmp_path: Path) -> None:
    log = read_eval_log(make_log(tmp_path, "one", {"a": 1, "b": 1}).location)
    assert log.samples
    uuid = log.samples[0].uuid
    assert uuid
    write_eval_log(invalidate_samples(log, [uuid], ProvenanceData(author="a test")), log.location)
    assert values_of(tmp_path) == {("a", "grade"): "invalidated", ("b", "grade"): 1}


scores = st.dictionaries(
    st.sampled_from(["first", "second"]),
    st.one_of(
        st.sampled_from(["C", "I", "maybe", "0.5"]),
        st.floats(),
        st.booleans(),
        st.lists(st.integers(), min_size=1, max_size=2),
        st.dictionaries(st.sampled_from(["x", "y"]), st.one_of(st.none(), st.floats(), st.just("?")), min_size=1),
    ).map(lambda value: Score(value=value, explanation="said  so " * 300)),
)
texts = st.one_of(st.text(max_size=8), st.integers(), st.just("w  " * 600), st.none(), st.just({"k": ["v"] * 400}))
samples: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict, scores=scores, metadata=st.dictionaries(st.sampled_from(["cell", "cluster", "note"]), texts, max_size=3)
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(samples, min_size=1, max_size=4), min_size=1, max_size=2))
def test_summaries_say_what_whole_samples_say(tmp_path: Path, logs: list[list[dict[str, Any]]]) -> None:
    for file in tmp_path.glob("*.eval"):
        file.unlink()
    for model, own in enumerate(logs):
        spec = EvalSpec(
            created="2026-01-01T00:00:00+00:00",
            task="quiz",
            model=f"mockllm/{model}",
            dataset=EvalDataset(samples=len(own)),
            config=EvalConfig(),
        )
        made = [
            EvalSample(id=f"i{index}", epoch=1, input="?", target="", uuid=f"{model}-{index}", **sample)
            for index, sample in enumerate(own)
        ]
        write_eval_log(EvalLog(status="success", eval=spec, samples=made), str(tmp_path / f"{model}.eval"))
    if not any(sample["scores"] for own in logs for sample in own):
        for full in (True, False):
            with pytest.raises(UserError, match="no sample has a score"):
                frame_from_logs([tmp_path], full=full)
        return
    pd.testing.assert_frame_equal(frame_from_logs([tmp_path]), frame_from_logs([tmp_path], full=True))


def test_what_was_scored_otherwise_is_said(tmp_path: Path) -> None:
    samples = [Sample(id=number, input=f"{number}?", target="Default") for number in (1, 2)]
    for model, heed, grader, reducer in (("one", True, "strict", "mean"), ("two", False, "mild", "max")):
        task = Task(
            samples,
            solver=nothing(),
            scorer=[includes(ignore_case=heed), match()],
            name="quiz",
            epochs=Epochs(2, reducer),
        )
        roles: dict[str, str | Model | Sequence[str | Model]] = {"grader": f"mockllm/{grader}"}
        roles["jury"] = [get_model("mockllm/a"), get_model("mockllm/b")]
        eval(task, model=f"mockllm/{model}", model_roles=roles, log_dir=str(tmp_path / model), display="none")
    assert load_results(tmp_path).notes == [
        "quiz: options of scorer includes differ between logs: ignore_case",
        "quiz: models of roles differ between logs: grader",
        "quiz: epochs of an item are averaged, which is not what its logs show: max",
    ]
    assert load_results(tmp_path / "one").notes == []
