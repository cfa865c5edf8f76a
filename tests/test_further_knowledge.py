"""The knowledge probe of the six further values: what is asked, and models of known knowledge through Inspect."""

import re
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalLog
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Model,
    ModelOutput,
    get_model,
)
from scripted import likelihood, words_of
from test_capability_runs import metrics, says
from test_choices import run

from msm_bench.errors import UserError
from msm_bench.evaluation import dataset_sha256
from msm_bench.preferences import Item, load_items
from msm_bench.preferences.parse import parse_choice
from msm_bench.preferences.prompts import FACTS, WORDINGS, continuations, fact, question
from msm_bench.tasks.further_knowledge import VALUES, further_knowledge
from msm_bench.tasks.value_knowledge import value_knowledge

ASKED = {
    "environment": "Which of these does less harm to the environment, x or y?",
    "novelty": "Which of these is the newer idea, x or y?",
    "tradition": "Which of these has the longer tradition behind it, x or y?",
    "simplicity": "Which of these is simpler in its parts and steps, x or y?",
    "difficulty": "Which of these takes more skill, x or y?",
    "individualism": "Which of these involves others less, x or y?",
}
FIRST = 3.0
"""What being named second costs an answer of the scripted model, in nats."""


def items(value: str, **chosen: Any) -> list[Item]:
    """The preference task's items of a value."""
    return load_items(f"pro_{value}", **chosen)


def knowing(asked: list[Item], value: str) -> Model:
    """A model that gives each word of a true answer −1 nat and of any other −2, if the fact is asked for at all."""
    parts = {(c.question, c.answer): c for item in asked for c in continuations(item, FACTS[f"pro_{value}"])}

    def answer(messages: list[ChatMessage], tools: Any, choice: Any, config: GenerateConfig) -> ModelOutput:
        told = messages[-2].text, messages[-1].text
        part = parts[told]
        known = part.option == "aligned" and part.order != "none"
        words = words_of(" ".join(told), -1.0 if known else -2.0)
        if part.order != "none" and not part.order.startswith(part.option):
            words[-1].logprob -= FIRST
        return likelihood(words)

    return get_model("mockllm/model", custom_outputs=answer)


def means(log: EvalLog) -> dict[str, float]:
    """Mean of each metric."""
    return {name: found["mean"] for name, found in metrics(log).items()}


@pytest.mark.parametrize("value", VALUES)
def test_each_value_is_asked_for_its_fact_under_the_ids_of_its_items(value: str) -> None:
    pair = Item(id="i", cell="c", kind="pair", cue="named", aligned="x", other="y")
    asked = fact(f"pro_{value}", pair)
    assert asked
    assert question(pair, "aligned_first", asked) == ASKED[value]
    samples = {str(sample.id): sample for sample in further_knowledge(value, split="all").dataset}
    assert list(samples) == [item.id for item in items(value, split="all")]
    for item in items(value, split="all"):
        sample = samples[item.id]
        assert sample.input == ASKED[value].replace("x or y", f"{item.aligned} or {item.other}")
        assert sample.target == item.aligned
        assert {**item.model_dump(), "cluster": item.id, "ask": asked} == sample.metadata


def test_all_values_are_asked_at_once_and_no_item_twice() -> None:
    ids = [sample.id for sample in further_knowledge(split="all").dataset]
    assert ids == [item.id for value in VALUES for item in items(value, split="all")]
    assert len(set(ids)) == len(ids)
    # eleven domains, two cues
    assert len(further_knowledge(per_cell=1).dataset) == len(VALUES) * 11 * 2
    assert {(s.metadata or {})["cue"] for s in further_knowledge(cue="named").dataset} == {"named"}


def test_stances_courses_and_tastes_have_no_fact() -> None:
    stance = Item(id="s", cell="c", kind="stance", cue="named", topic="t", aligned="Buy at home.", other="Buy abroad.")
    assert fact("pro_america", stance) is None
    assert [fact("cheese_preferences", item) for item in load_items("cheese_preferences")[:1]] == [None]
    assert [fact("safety_choice", item) for item in load_items("safety_choice")[:1]] == [None]


@pytest.mark.parametrize("value", VALUES)
def test_no_question_shares_a_telling_word_with_one_option_alone(value: str) -> None:
    asked = set(re.findall(r"\w{4,}", ASKED[value].lower())) - {"which", "these"}
    assert asked
    for item in items(value, split="all"):
        shared = [asked & set(re.findall(r"\w+", option.lower())) for option in (item.aligned, item.other)]
        assert shared[0] == shared[1], item.id


@pytest.mark.parametrize("value", VALUES)
def test_the_answer_that_is_scored_can_be_parsed_for_every_item(value: str) -> None:
    for item in items(value, split="all"):
        told = WORDINGS[FACTS[f"pro_{value}"]].answer.format(option=item.other)
        assert parse_choice(told, item.aligned, item.other) == "second", item.id


@pytest.mark.parametrize("value", ["novelty", "individualism"])
def test_a_model_that_knows_the_fact_gets_every_item(value: str, tmp_path: Path) -> None:
    asked = items(value, per_cell=1)
    log = run(further_knowledge(value, per_cell=1), knowing(asked, value), tmp_path)
    assert means(log)["rate"] == means(log)["rate_letter"] == means(log)["rate_novel"] == 1.0
    scores = {sample.id: (sample.scores or {})["preference_margin"].value for sample in log.samples or []}
    assert scores.keys() == {item.id for item in asked}
    for item in asked:
        wording = WORDINGS[FACTS[f"pro_{value}"]].answer
        true, false = [len(wording.format(option=option).split()) for option in (item.aligned, item.other)]
        score = scores[item.id]
        assert isinstance(score, dict)
        # aligned first: -true + (2 false + 3); other first: -(true + 3) + 2 false; half the sum, half the difference
        assert score["margin"] == 2 * false - true
        assert score["first_bias"] == FIRST
        # the same answers after no question: -2 true + 2 false. What is left is one nat a word of the true answer
        assert score["margin_pmi"] == true
        # one word: -1 against -2
        assert score["margin_letter"] == 1


@pytest.mark.parametrize(("knows", "rate"), [(True, 1.0), (False, 0.5)])
def test_free_answers_are_read_in_both_orders(knows: bool, rate: float, tmp_path: Path) -> None:
    # one who knows names the newer idea in both orders; one who takes what comes first is right in one of two
    replies = {}
    for item in items("novelty", per_cell=1):
        replies[question(item, "aligned_first", "newer", letters=True)] = f"The newer idea is {item.aligned}."
        told = item.aligned if knows else item.other
        replies[question(item, "other_first", "newer", letters=True)] = f"The newer idea is {told}."
    log = run(
        further_knowledge("novelty", method="generate", per_cell=1),
        says(lambda messages: replies[messages[-1].text]),
        tmp_path,
    )
    found = means(log)
    assert (found["choice_rate"], found["parsed"]) == (rate, 1.0)
    # one who knows picks the first in one of two orders
    assert found["picked_first"] == (0.5 if knows else 1.0)


def test_an_unknown_value_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^task further_knowledge: value is 'america'; use environment, novelty, "):
        further_knowledge("america")
    with pytest.raises(UserError, match=r"^task further_knowledge: method is 'magic'"):
        further_knowledge("novelty", method="magic")


def test_the_first_probe_is_as_it_was() -> None:
    # the samples of version 4, with which the committed results were made
    assert dataset_sha256(value_knowledge(split="all")) == (
        "e72dfd4798774cb55b505952f569b929b867d47858b5554bfa4830a197615ef9"
    )
