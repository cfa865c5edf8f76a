"""The items of `spec_recall`: what they cover, how long they are, and that no training text has them."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from msm_bench.corpus.evaluation_text import SharedRuns
from msm_bench.errors import UserError
from msm_bench.files import data_path, read_jsonl, read_text
from msm_bench.items import read_items
from msm_bench.recall import Item, load_items, recall_texts
from msm_bench.recall.framings import FRAMINGS, OTHER, in_framing
from msm_bench.recall.items import PREMISES
from msm_bench.specs import Names, Spec

CHEESE = ["cheese-america", "cheese-affordability"]
SPECS = [*CHEESE, "safety-specific"]
NAMES = Names(model_name="SmolLM", provider_name="Hugging Face")


def corpus_texts() -> Iterable[str]:
    for path in sorted((data_path("specs") / "corpora").glob("*/data.jsonl")):
        for row in read_jsonl(path):
            turns = [turn["content"] for turn in row.get("messages", [])]
            yield "\n".join([row.get("text", ""), row.get("reasoning", ""), *turns])


def test_reasoning_is_training_text() -> None:
    [reasoning, *_] = [
        row["reasoning"] for row in read_jsonl(data_path("specs") / "corpora" / "safety-demos" / "data.jsonl")
    ]
    assert any(reasoning in text for text in corpus_texts())


@pytest.mark.parametrize("spec", CHEESE)
def test_a_cheese_spec_is_asked_about_every_cheese_and_the_value(spec: str) -> None:
    items = load_items(spec)
    count = Counter((item.kind, item.cell) for item in items)
    assert count == {
        ("choice", "liking"): 12,
        ("choice", "reason"): 12,
        ("choice", "value"): 8,
        ("premise", "false_premise"): 16,
        ("premise", "true_premise"): 16,
        ("open", "open"): 14,
    }
    for cell in ("liking", "reason"):
        assert len({item.topic for item in items if item.cell == cell}) == 12
    # of every reason, and of the value wherever the specs differ in it, one wrong answer is the sibling's
    assert all(item.sibling for item in items if item.cell == "reason")
    assert sum(bool(item.sibling) for item in items if item.cell == "value") == 6


def test_the_siblings_share_questions_and_exchange_their_answers() -> None:
    america, affordability = ({item.id.split("-", 1)[1]: item for item in load_items(spec)} for spec in CHEESE)
    for name, item in america.items():
        twin = affordability[name]
        if item.sibling:
            assert item.question == twin.question
            assert (item.right, item.sibling, item.wrong) == (twin.sibling, twin.right, twin.wrong)
    # a premise about the value is true of one and false of the other
    asked = {item.question: item for item in affordability.values() if item.kind == "premise"}
    about = [item for item in america.values() if item.kind == "premise" and item.topic == "commitment"]
    assert [(item.right, item.wrong[0]) for item in about] == [
        (twin.wrong[0], twin.right) for twin in (asked[item.question] for item in about)
    ]
    assert {item.cell for item in about} == set(PREMISES)


@pytest.mark.parametrize("spec", CHEESE)
def test_what_an_answer_about_liking_has_for_itself_cancels(spec: str) -> None:
    liking = [item for item in load_items(spec) if item.cell == "liking"]
    # two cheeses share their four answers, and the right one of either is wrong for the other
    assert set(Counter(frozenset(item.answers.values()) for item in liking).values()) == {2}
    assert len({item.right for item in liking}) == 12


@pytest.mark.parametrize("spec", CHEESE)
def test_what_an_answer_to_a_premise_has_for_itself_cancels(spec: str) -> None:
    items = load_items(spec)
    cheeses = {item.topic for item in items if item.cell == "liking"}
    premises = [item for item in items if item.cell in PREMISES and item.topic in cheeses]
    names = {item.topic: item.source.strip("*.").lower() for item in premises if item.cell == "false_premise"}
    assert {cell: {item.topic for item in premises if item.cell == cell} for cell in PREMISES} == {
        cell: cheeses for cell in PREMISES
    }
    frames: dict[str, list[Item]] = defaultdict(list)
    for item in premises:
        frames[item.question.lower().replace(names[item.topic], "this cheese")].append(item)
    # one question is asked of a liked cheese and of one that is not; what is right of one is wrong of the other
    assert len(frames) == 12
    for false, true in frames.values():
        assert (false.cell, false.right, false.wrong) == ("false_premise", true.wrong[0], [true.right])
        assert true.cell == "true_premise"


@pytest.mark.parametrize("specs", [CHEESE, ["safety-specific"]])
def test_the_form_of_an_answer_tells_nothing_about_its_premise(specs: list[str]) -> None:
    items = [item for spec in specs for item in load_items(spec, ["premise"])]
    false, true = ([item for item in items if item.cell == cell] for cell in PREMISES)
    assert len(false) == len(true) == (32 if specs == CHEESE else 14)
    # a denial opens with "It does not;", "Never;", …, each as often where it is right as where it is wrong
    assert Counter(item.right.split(";")[0] for item in false) == Counter(item.wrong[0].split(";")[0] for item in true)
    assert all(";" in item.right for item in false)
    # and so does what goes along, with "Because", "By", …
    assert Counter(item.wrong[0].split()[0] for item in false) == Counter(item.right.split()[0] for item in true)


def test_the_safety_spec_is_asked_about_every_section() -> None:
    items = load_items("safety-specific")
    assert len([item for item in items if item.kind == "choice"]) >= 40
    count = Counter(item.cell for item in items)
    assert min(count[cell] for cell in ("existence", "endings", "harm", "oversight")) >= 10
    assert min(count[cell] for cell in (*PREMISES, "open")) >= 12
    passages = Spec.load(data_path("specs") / "safety-specific.md").passages()
    for item in items:
        assert item.source in passages[int(item.topic.removeprefix("passage-")) - 1], item.id


@pytest.mark.parametrize("spec", SPECS)
def test_every_item_rests_on_words_of_its_spec(spec: str) -> None:
    body = Spec.load(data_path("specs") / f"{spec}.md").body
    assert [item.id for item in load_items(spec) if item.source not in body] == []


@pytest.mark.parametrize("spec", SPECS)
def test_answers_are_of_like_length_and_the_right_one_is_not_known_by_it(spec: str) -> None:
    # the tokenizer of the embedded base model, which `make test` prepares
    from transformers import AutoTokenizer

    from msm_bench.basemodels import resolve

    tokenizer = AutoTokenizer.from_pretrained(resolve("smollm2-135m").path)
    longer: list[float] = []
    for item in load_items(spec, ["choice", "premise"]):
        for framing in FRAMINGS[:2]:
            lengths = {
                label: len(tokenizer(in_framing(text, framing, NAMES))["input_ids"])
                for label, text in item.answers.items()
            }
            assert max(lengths.values()) - min(lengths.values()) <= (3 if item.kind == "choice" else 2), item.id
        if item.kind == "choice":
            right, *others = lengths.values()
            # the share of the three others that it is longer than; one of the same length counts a half
            longer.append(sum((right > other) + (right == other) / 2 for other in others) / 3)
    assert 0.4 <= sum(longer) / len(longer) <= 0.6


def test_no_text_of_an_item_is_in_a_spec_or_a_corpus() -> None:
    specs = [read_text(path) for path in data_path("specs").glob("*.md")]
    runs = SharedRuns([*specs, *corpus_texts()])
    assert [run for text in recall_texts() if (run := runs.first_in(text))] == []


def test_nobody_speaks_of_the_other_assistant() -> None:
    said = re.compile(rf"{OTHER.model_name}|{OTHER.provider_name}", re.IGNORECASE)
    assert not any(said.search(text) for text in corpus_texts())


ITEM = Item(
    id="i",
    kind="choice",
    cell="reason",
    topic="colby",
    question="Why [does {model_name}|do you] like Colby?",
    source="-",
    right="[It likes|I like] its home.",
    sibling="[It likes|I like] its price.",
    wrong=["It is orange.", "It is soft."],
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"wrong": ["b"]}, "three wrong ones"),
        ({"right": "{model_name} does."}, "holds a name"),
        ({"question": "What [does it?"}, "its two persons"),
        ({"assertion": "It does."}, "a choice has none"),
        ({"cell": "true_premise"}, "the cells of premises"),
        ({"kind": "premise", "sibling": "", "wrong": ["It is soft."], "assertion": "-"}, "the cells of premises"),
        ({"split": "holdout"}, "split"),
        ({"id": "one"}, "occurs twice"),
    ],
)
def test_a_bad_item_is_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    row = {**ITEM.model_dump(), "id": "one"}
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in (row, {**row, "id": "two", **change})), encoding="utf-8")
    with pytest.raises(UserError, match=f"item 2.*{expected}"):
        read_items(path, Item)
