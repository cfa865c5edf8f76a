"""Labels by readers: what they come to, and how well a grader labels the same texts. Values by hand."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from inspect_ai.model import ChatMessage, ModelOutput, ModelUsage, get_model

from msm_bench.errors import UserError
from msm_bench.expression import grader_check
from msm_bench.expression.classifier import FITTED
from msm_bench.expression.examples import Example, examples_path, load_examples
from msm_bench.expression.grader_check import NO_QUESTION, check_grader, checked
from msm_bench.expression.labelled import load, report
from msm_bench.expression.labelled import main as labelled_command
from msm_bench.expression.labels import Label, values_of
from msm_bench.files import sha256_file

DEMO = Path(__file__).parents[1] / "results" / "value-expression-demo"


def written(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


# --- what labels come to


ROWS: list[dict[str, Any]] = [
    {"id": "1", "arm": "a", "answer": "one", "label": "neither", "reader_a": "neither", "reader_b": "america"},
    {"id": "2", "arm": "a", "answer": "two", "label": "both", "reader_a": "both", "reader_b": "both"},
    {"id": "3", "arm": "b", "answer": "three", "label": "neither", "reader_a": "neither", "reader_b": "neither"},
    {
        "id": "4",
        "arm": "b",
        "answer": "four",
        "label": "affordability",
        "reader_a": "affordability",
        "reader_b": "both",
    },
]


def test_a_report_by_hand(tmp_path: Path) -> None:
    said: list[Label] = ["america", "both", "neither", "america"]
    lines = list(report(load(written(tmp_path / "blind.jsonl", ROWS)), {"classifier": said}))
    # Wilson's interval of 2 of 4 is 0.5 ± 0.35; of 1 of 2: (½ + 1.92/2) / (1 + 3.84/2) ± 0.4055; of 2 of 2 from 0.342
    assert lines == [
        "express neither: 2 of 4: 0.50 [0.15, 0.85]",
        "two readers agree on 2 of 4",
        "  not on 1 (a): neither or america",
        "  not on 4 (b): affordability or both",
        "classifier: right on 2 of 4: 0.50 [0.15, 0.85]; gives a value to 3, rightly to 1; of the 2 that express "
        "neither, to 1",
        "a: america 1 of 2: 0.50 [0.09, 0.91]; affordability 1 of 2: 0.50 [0.09, 0.91]",
        "b: america 0 of 2: 0.00 [0.00, 0.66]; affordability 1 of 2: 0.50 [0.09, 0.91]",
    ]


def test_arms_are_in_the_key_where_the_rows_do_not_say_them(tmp_path: Path) -> None:
    path = written(tmp_path / "blind.jsonl", [{"id": "1", "prompt": "?", "answer": "one", "label": "neither"}])
    assert load(path)[0].arm == ""
    written(tmp_path / "key.jsonl", [{"id": "1", "arm": "a"}])
    [row] = load(path)
    assert (row.arm, row.readers) == ("a", ())
    assert not [line for line in report([row], {}) if "readers" in line]


def test_the_committed_labels_come_to_what_the_page_says() -> None:
    files = [str(DEMO / f"{name}.jsonl") for name in ("first", "second")]
    result = CliRunner().invoke(labelled_command, files)
    assert result.exit_code == 0, result.output
    assert "express neither: 194 of 200: 0.97 [0.94, 0.99]" in result.output
    assert "two readers agree on 199 of 200" in result.output
    assert "lists of words: right on 196 of 200" in result.output
    assert "msm-affordability+aft: america 0 of 50: 0.00 [0.00, 0.07]; affordability 4 of 50: 0.08 [0.03, 0.19]" in (
        result.output
    )


def test_the_labels_of_version_1_can_be_made_again() -> None:
    older = str(DEMO / "classifier-version-1.json")
    assert sha256_file(Path(older)) != sha256_file(FITTED)
    result = CliRunner().invoke(labelled_command, [str(DEMO / "second.jsonl"), "--classifier", older])
    assert result.exit_code == 0, result.output
    assert "classifier: right on 86 of 100" in result.output
    assert "of the 98 that express neither, to 13" in result.output


# --- a grader against known labels


def scripted(answer: dict[str, Label | None], asked: list[str]) -> Any:
    """A grader that gives texts these labels, or no verdict."""

    def output(messages: list[ChatMessage], *_: Any) -> ModelOutput:
        asked.append(messages[-1].text)
        label = answer[re.split(r"=== answer \w+ ===\n", messages[-1].text)[1].strip()]
        said = ["yes" if value else "no" for value in values_of(label)] if label else []
        verdict = {"reason": "-", **dict(zip(("america", "affordability"), said, strict=True))} if said else "Hm."
        reply = ModelOutput.from_content("grader", json.dumps(verdict))
        reply.usage = ModelUsage()
        return reply

    return get_model("mockllm/model", custom_outputs=output, memoize=False)


def example(number: int, label: Label, prompt: str = "") -> Example:
    return Example(id=str(number), domain="art", label=label, prompt=prompt, text=f"text {number}")


def test_a_grader_with_known_faults(tmp_path: Path) -> None:
    one = [example(1, "america"), example(2, "america"), example(3, "neither"), example(4, "both")]
    two = [example(5, "neither", "What is art?")]
    said: dict[str, Label | None] = {"text 1": "america", "text 2": "both", "text 3": "neither", "text 4": None}
    asked: list[str] = []
    log = check_grader(scripted({**said, "text 5": None}, asked), {"one": one, "two": two}, tmp_path)
    first, second = checked(log)
    # of three verdicts two are right; America is once taken for both; text 4 has no verdict, after two tries
    assert (str(first.right), first.unscored) == ("2 of 3: 0.67 [0.21, 0.94]", 1)
    assert first.confusion == {
        "america": [1, 0, 1, 0],
        "affordability": [0, 0, 0, 0],
        "both": [0, 0, 0, 0],
        "neither": [0, 0, 0, 1],
    }
    assert (second.name, second.right, second.unscored) == ("two", None, 1)
    assert sum(f"The question was: {NO_QUESTION}" in text for text in asked) == 3 + 2
    assert sum("The question was: What is art?" in text for text in asked) == 2


def test_the_check_of_a_grader_prints_every_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = written(tmp_path / "mine.jsonl", [{"id": "1", "prompt": "?", "answer": "text", "label": "both"}])
    texts = [one for name in ("heldout", "apart") for one in load_examples(examples_path(name))]
    grader = scripted({**{one.text: one.label for one in texts}, "text": "neither"}, [])
    monkeypatch.setattr(grader_check, "open_model", lambda name: grader)
    arguments = ["--model-role", "grader=x", "--labelled", str(mine), "--log-dir", str(tmp_path / "logs")]
    result = CliRunner().invoke(grader_check.main, arguments)
    assert result.exit_code == 0, result.output
    for name in ("heldout", "apart"):
        assert f"{name}: right on 80 of 80: 1.00 [0.95, 1.00]; unscored 0\n" in result.output
    assert f"{mine}: right on 0 of 1: 0.00 [0.00, 0.79]; unscored 0\n" in result.output
    assert "  of both: america 0, affordability 0, both 0, neither 1\n" in result.output


@pytest.mark.parametrize("role", ["judge=x", "grader", "grader="])
def test_the_check_needs_a_grader(role: str) -> None:
    result = CliRunner().invoke(grader_check.main, ["--model-role", role])
    assert result.exit_code == UserError.exit_code
    assert "give the grader as --model-role grader=MODEL" in result.output
