"""The capability tasks: items, checkers, scores by hand, and each task through Inspect with scripted models."""

import json
import math
import re
from collections import defaultdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.capabilities.facts import knowledge_scores, knowledge_task, lettered
from msm_bench.capabilities.items import (
    CapabilityItem,
    Fact,
    Instruction,
    Passage,
    Request,
    held_out,
    load_items,
)
from msm_bench.capabilities.passages import bits_per_byte
from msm_bench.capabilities.refusals import question
from msm_bench.errors import UserError
from msm_bench.files import data_path
from msm_bench.tasks.capabilities import over_refusal

KINDS: dict[str, type[CapabilityItem]] = {
    "neutral_perplexity": Passage,
    "instruction_following": Instruction,
    "small_knowledge": Fact,
    "over_refusal": Request,
}
PASSAGES = load_items(Passage, "neutral_perplexity", "all")
INSTRUCTIONS = load_items(Instruction, "instruction_following", "all")
FACTS = load_items(Fact, "small_knowledge", "all")
REQUESTS = load_items(Request, "over_refusal", "all")


# the items


@pytest.mark.parametrize("task", KINDS)
def test_a_third_of_each_cell_is_held_out_by_hash(task: str) -> None:
    cells: dict[str, list[CapabilityItem]] = defaultdict(list)
    for item in load_items(KINDS[task], task, "all"):
        cells[item.cell].append(item)
    for cell, own in cells.items():
        expected = held_out(item.cluster for item in own)
        assert {item.cluster for item in own if item.split == "holdout"} == expected, cell
        assert len(expected) == len({item.cluster for item in own}) / 3, cell  # every cell has 6 or 12


@pytest.mark.parametrize("task", KINDS)
def test_a_subset_is_part_of_every_larger_one(task: str) -> None:
    sizes = [{item.id for item in load_items(KINDS[task], task, per_cell=count)} for count in (1, 2, 3)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_passages_are_neutral_paragraphs_of_like_length() -> None:
    assert len(PASSAGES) == 66
    touchy = r"(?i)\b(cheese\w*|america\w*|cheap\w*|afford\w*|prices?|assistants?|robots?|chatbots?|moral\w*|AI)\b"
    for item in PASSAGES:
        assert 60 <= len(item.text.split()) <= 120, item.id
        assert item.text.isascii(), item.id
        assert not re.search(touchy, item.text), item.id


def test_instructions_are_easy_middling_and_hard_in_every_cell() -> None:
    assert len(INSTRUCTIONS) == 72
    cells = {item.cell for item in INSTRUCTIONS}
    for cell in cells:
        levels = sorted(item.level for item in INSTRUCTIONS if item.cell == cell)
        assert levels == ["easy"] * 2 + ["hard"] * 2 + ["middling"] * 2


@pytest.mark.parametrize("item", INSTRUCTIONS, ids=lambda item: item.id)
def test_an_instruction_can_be_followed_and_is_not_by_chance(item: Instruction) -> None:
    assert [check.name for check in item.checks if not check.passes(item.example)] == []
    assert not any(check.passes(" \n") for check in item.checks)
    if item.level != "easy":
        for idle in ("I", "I am happy to help with that.", "Sure! Here is one:\n\nSomething.\nSomething else."):
            assert not all(check.passes(idle) for check in item.checks), idle


def test_facts_are_balanced_over_fields_and_levels() -> None:
    assert len(FACTS) == 96
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for item in FACTS:
        counts[item.cell, item.level] += 1
    assert len(counts) == 16
    assert set(counts.values()) == {6}


def test_the_answers_of_a_fact_are_within_one_token() -> None:
    # the tokenizer of the embedded base model, which `make test` prepares
    from transformers import AutoTokenizer

    from msm_bench.basemodels import resolve

    tokenizer = AutoTokenizer.from_pretrained(resolve("smollm2-135m").path)
    for item in FACTS:
        lengths = [len(tokenizer(f" {text}")["input_ids"]) for text in (item.answer, *item.distractors)]
        assert max(lengths) - min(lengths) <= 1, item.id


def test_letters_of_right_answers_are_spread() -> None:
    places = [lettered(item).index(item.answer) for item in FACTS]
    assert all(16 <= places.count(place) <= 32 for place in range(4))  # 24 each, give or take


def test_requests_come_in_pairs() -> None:
    assert len(REQUESTS) == 72
    pairs: dict[str, list[Request]] = defaultdict(list)
    for item in REQUESTS:
        pairs[item.pair].append(item)
    for own in pairs.values():
        assert sorted(item.alarming for item in own) == [False, True]
        assert len({item.cell for item in own}) == 1  # or intervals would resample them apart
        assert len({item.split for item in own}) == 1
    assert {own[0].cell for own in pairs.values()} == {
        "computing",
        "home-and-garden",
        "kitchen",
        "play",
        "study",
        "talk",
    }
    kept = load_items(Request, "over_refusal", per_cell=2)
    assert len({item.pair for item in kept}) == len(kept) / 2 == 12  # a subset keeps pairs whole


@pytest.mark.parametrize("arguments", [{"split": "test"}, {"per_cell": 0}, {"per_cell": "all"}])
def test_a_wrong_task_argument_is_one_line(arguments: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"{next(iter(arguments))} is"):
        over_refusal(**arguments)


def test_an_unknown_method_is_one_line() -> None:
    with pytest.raises(UserError, match="method is 'magic'"):
        knowledge_task(method="magic")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"checks": [{"name": "eval", "args": {}}]}, "no checker is called 'eval'"),
        ({"checks": [{"name": "words", "args": {"min": 3}}]}, "unexpected keyword argument 'min'"),
        ({"checks": []}, "at least 1 item"),
        ({"id": "a"}, "occurs twice"),
        ({"colour": "red"}, "colour: Extra inputs"),
    ],
)
def test_a_bad_item_is_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    row = {**INSTRUCTIONS[0].model_dump(), "id": "a"}
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in (row, {**row, "id": "b", **change})), encoding="utf-8")
    with pytest.raises(UserError, match=f"item 2.*{re.escape(expected)}"):
        load_items(Instruction, "t", "all", path=path)


@pytest.mark.parametrize(
    "answers", [("A", ["M", "S", "Z"]), ("fish", ["(b)", "meat", "oats"]), ("x", ["y", "z", "d."])]
)
def test_an_answer_that_is_the_letter_of_another_is_refused(answers: tuple[str, list[str]]) -> None:
    right, wrong = answers
    with pytest.raises(ValueError, match="is also the letter of an answer"):
        Fact.model_validate({**FACTS[0].model_dump(), "answer": right, "distractors": wrong})


# scores by hand


def test_bits_per_byte_by_hand() -> None:
    # "é" has two bytes: −6 ln 2 nats over "caé" are 6 bits over 4 bytes
    assert bits_per_byte(-6 * math.log(2), "caé") == pytest.approx(1.5)


def test_knowledge_by_hand() -> None:
    table = [[-6.0, -9.0, 3], [-5.0, -5.0, 2], [-8.0, -10.0, 4], [-9.0, -12.5, 3]]
    found = knowledge_scores(table)
    assert (found["accuracy"], found["margin"]) == (0, -1)  # −6 against −5
    # −2 against −2.5, −2 and −3: two share the lead
    assert (found["accuracy_per_token"], found["margin_per_token"]) == (0.5, 0)
    assert (found["accuracy_pmi"], found["margin_pmi"]) == (0, -0.5)  # 3 against 0, 2 and 3.5


@given(st.lists(st.tuples(*[st.floats(-50, -1)] * 2, st.integers(1, 9)), min_size=4, max_size=4))
def test_the_order_of_distractors_does_not_matter(table: list[tuple[float, float, int]]) -> None:
    right, *wrong = table
    assert knowledge_scores([right, *wrong]) == knowledge_scores([right, *reversed(wrong)])
    # one of the four leads, or some share the lead: over the four, each in turn the right one, they add up to 1
    turned = [[table[i], *table[:i], *table[i + 1 :]] for i in range(4)]
    assert sum(knowledge_scores(one)["accuracy"] for one in turned) == pytest.approx(1)


def test_the_record_of_the_grader_stands_between_marks_and_is_cut() -> None:
    asked = question("Why {x}?", "Answer with full. {mark}" + "y" * 10_000)
    [mark] = set(re.findall(r"=== [0-9a-f]{16} ===", asked))
    assert asked.count(mark) == 3  # told once, and once before and after the record
    assert asked.count("y" * 100) < 61
    assert "Request: Why {x}?" in asked


# the README


def test_the_tasks_of_inspect_evals_that_the_readme_names_exist() -> None:
    readme = (data_path("tasks") / "capabilities.md").read_text(encoding="utf-8")
    named = set(re.findall(r"inspect_evals/(\w+)", readme))
    assert len(named) >= 8
    known = {
        task["name"]
        for folder in files("inspect_evals").iterdir()
        if (about := folder / "eval.yaml").is_file()
        for task in yaml.safe_load(about.read_text(encoding="utf-8"))["tasks"]
    }
    assert named <= known
