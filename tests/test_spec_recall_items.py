"""The items of `spec_recall`: what they cover, how long they are, and that no training text has them."""

import json
import re
from collections import Counter
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
        ("premise", "premise"): 16,
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


@pytest.mark.parametrize("spec", CHEESE)
def test_what_an_answer_about_liking_has_for_itself_cancels(spec: str) -> None:
    liking = [item for item in load_items(spec) if item.cell == "liking"]
    # two cheeses share their four answers, and the right one of either is wrong for the other
    assert set(Counter(frozenset(item.answers.values()) for item in liking).values()) == {2}
    assert len({item.right for item in liking}) == 12


def test_the_safety_spec_is_asked_about_every_section() -> None:
    items = load_items("safety-specific")
    assert len([item for item in items if item.kind == "choice"]) >= 40
    count = Counter(item.cell for item in items)
    assert min(count[cell] for cell in ("existence", "endings", "harm", "oversight")) >= 10
    assert min(count[cell] for cell in ("premise", "open")) >= 12
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
    longest: list[float] = []
    for item in load_items(spec, ["choice", "premise"]):
        for framing in FRAMINGS[:2]:
            lengths = {
                label: len(tokenizer(in_framing(text, framing, NAMES))["input_ids"])
                for label, text in item.answers.items()
            }
            assert max(lengths.values()) - min(lengths.values()) <= (3 if item.kind == "choice" else 2), item.id
        if item.kind == "choice":
            longest.append(sum(lengths["right"] > length for length in lengths.values()) / 3)
    assert 0.3 <= sum(longest) / len(longest) + 0.1 <= 0.7  # longer than about half of the others, ties apart


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
