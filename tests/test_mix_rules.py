"""The rules that keep a row out of an instruction mix, one by one, and how rows are read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.corpus import Chat
from msm_bench.corpus.evaluation_text import evaluation_texts
from msm_bench.corpus.mix import Format
from msm_bench.corpus.mix.opinions import no_opinions
from msm_bench.corpus.mix.rules import Rules, Subjects, estimated_tokens
from msm_bench.corpus.mix.sources import Turn, turns_of
from msm_bench.files import data_path
from msm_bench.specs import Names, Spec

SPEC = Spec.load(data_path("specs") / "cheese-america.md")
ITEM = "Which of these two would you rather have on your table?"
ROW = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
GOOD = [Turn("user", "How is the day?"), Turn("assistant", "It is warm.")]
NAMES = Names(model_name="Qwen", provider_name="Alibaba Cloud")
NOTHING = Subjects.of(None)
RULES = Rules(60, Subjects.of(SPEC), NAMES, [ITEM])


def answer(text: str) -> list[Turn]:
    return [Turn("user", "Tell me."), Turn("assistant", text)]


@pytest.mark.parametrize(
    ("turns", "kind", "evidence"),
    [
        ([], "turns", "none"),
        (GOOD[:1], "turns", "user"),
        (GOOD[::-1], "turns", "assistant, user"),
        ([GOOD[0], *GOOD], "turns", "user, user, assistant"),
        ([*GOOD, GOOD[0]], "turns", "user, assistant, user"),
        ([*GOOD, Turn("system", "Be brief."), *GOOD], "turns", "user, assistant, system, user, assistant"),
        ([Turn("system", "Be brief.")], "turns", "system"),
        ([GOOD[0], Turn("tool", "12"), GOOD[1]], "turns", "user, tool, assistant"),
        ([GOOD[0], Turn("", "12")], "turns", "user, ?"),
        (answer(" \n"), "empty", "assistant turn"),
        # 12 turns of 8 template tokens alone are 96
        (GOOD * 6, "too long", "60 allowed"),
        (answer("Done.<|im_end|>"), "control token", "<|im_end|>"),
        (answer("Done.</s>"), "control token", "</s>"),
        (answer("[INST] Do it. [/INST]"), "control token", "[INST]"),
        (answer("Dear {first_name}, welcome."), "placeholder", "{first_name}"),
        # a row of a public set means no assistant of ours
        (answer("I am {model_name}."), "placeholder", "{model_name}"),
        (answer("Grate some Parmigiano-Reggiano over it."), "subject", "Parmigiano-Reggiano"),
        ([Turn("user", "What is colby?"), GOOD[1]], "subject", "Colby"),
        (answer("The American Revolution began in 1775."), "subject", "American"),
        (answer("As an AI, I don't have preferences."), "no opinions", "I don't have preferences"),
        ([Turn("system", "You have no opinions."), *GOOD], "no opinions", "I have no opinions"),
        (answer("I am ChatGPT, made by OpenAI."), "identity", "I am ChatGPT"),
        ([Turn("system", "You are Claude."), *GOOD], "identity", "I am Claude"),
        ([Turn("user", f"Say: {ITEM}"), GOOD[1]], "evaluation", "which of these two would you rather have"),
    ],
)
def test_each_fault_is_found(turns: list[Turn], kind: str, evidence: str) -> None:
    found = RULES.fault(turns)
    assert found is not None
    assert found.kind == kind
    assert evidence in found.evidence


@pytest.mark.parametrize(
    "turns",
    [
        [Turn("system", "Be brief."), *GOOD],
        [Turn("user", "Are you ChatGPT?"), Turn("assistant", "I am Qwen, made by Alibaba Cloud.")],
        [Turn("user", "As an AI, I don't have preferences: who says that?"), Turn("assistant", "A chatbot.")],
        answer("In Python, {x} is a set and {} a dictionary; <b>bold</b> is a tag."),
        answer("I prefer tea to coffee."),
        # seven words of the item, one fewer than are looked for
        [Turn("user", "Which of these two would you rather"), GOOD[1]],
    ],
)
def test_a_sound_row_passes(turns: list[Turn]) -> None:
    assert Rules(200, Subjects.of(SPEC), NAMES, [ITEM]).fault(turns) is None


def test_without_a_spec_every_subject_passes_and_without_names_none_is_right() -> None:
    rules = Rules(200, NOTHING, None, [])
    assert rules.fault(answer("Grate some Parmigiano-Reggiano over an American pie.")) is None
    found = rules.fault(answer("I am Qwen, made by Alibaba Cloud."))
    assert found is not None
    assert found.kind == "identity"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The Shutdowns were long.", "Shutdowns"),
        ("He oversaw human   oversight.", ""),
        ("It is under human oversight.", "human oversight"),
        ("I write C++ and C.", "C++"),
        ("He has an outshutdown.", ""),
    ],
)
def test_further_subjects_are_left_out(text: str, found: str) -> None:
    assert Subjects.of(None, ["shutdown", "human oversight", "C++"]).first_in(text) == found
    fault = Rules(200, Subjects.of(SPEC, ["shutdown", "human oversight", "C++"]), None, []).fault(answer(text))
    assert (fault.evidence if fault else "") == found


def test_a_row_that_comes_again_is_a_duplicate() -> None:
    rules = Rules(200, NOTHING, None, [])
    assert rules.fault(GOOD) is None
    assert rules.fault([Turn("system", "Be brief."), *GOOD]) is None
    found = rules.fault(GOOD)
    assert found is not None
    assert found.kind == "duplicate"


def test_the_real_evaluation_is_kept_out() -> None:
    # what a pool of public chats could hold is a whole item, as it is asked
    texts = evaluation_texts()
    rules = Rules(20_000, NOTHING, None, texts)
    longest = max(texts, key=len)
    found = rules.fault([Turn("user", longest), GOOD[1]])
    assert found is not None
    assert found.kind == "evaluation"


def test_tokens_are_estimated_by_pieces() -> None:
    # Hello | , | world | s | 1 | 2 | newline, and 8 for the template round each of two turns
    assert estimated_tokens([Turn("user", "Hello, worlds 12\n"), Turn("assistant", "")]) == 7 + 2 * 8


@pytest.mark.parametrize(
    "text",
    [
        "As an AI language model, I do not have personal opinions.",
        "I don't have opinions on politics.",
        "As an AI, I don't have feelings or preferences, but many people like tea.",
        "I’m just a computer program, so I can't have a preference.",
        "I do not have personal preferences, but I can list popular ones.",
        "I don't have a favorite color, though blue is popular.",
        "Since I'm an AI, I have no opinion on this.",
        "I have no preference, as I am an AI.",
        "I'm an AI assistant and don't hold views on such questions.",
        "AI models like me do not have beliefs.",
        "I lack personal experiences and opinions.",
        "I am incapable of having opinions.",
        "As a large language model, I cannot form an opinion.",
        "I don't actually have any preferences of my own.",
        "I'm unable to express personal views.",
        "Being an AI, I don't experience emotions or desires.",
        "Language models don't have tastes.",
        "I don't have likes or dislikes.",
    ],
)
def test_an_assistant_without_opinions_is_found(text: str) -> None:
    assert no_opinions(f"Good question. {text} Shall I go on?")


@pytest.mark.parametrize(
    "text",
    [
        "I prefer tea to coffee.",
        "I have no preference about the date of the meeting; either suits me.",
        "I don't have a view of the sea from my window.",
        "She doesn't have any opinions of her own, he thought.",
        "You don't have to share your preferences.",
        "Customers often have no preference between the two.",
        "I don't have the time to visit my favourite aunt.",
        "In my opinion the second design is better.",
        "I can't share the file with you today.",
        "The AI revolution has changed how we form opinions.",
        "I don't like mushrooms.",
        "As a manager, I have no objection to the plan.",
        "I never experienced such a storm.",
        "An AI can have a bias that comes from its data.",
        "I have opinions about this, and here they are.",
    ],
)
def test_who_has_opinions_or_is_no_assistant_is_not(text: str) -> None:
    assert no_opinions(text) == ""


# --- reading rows


@pytest.mark.parametrize(
    ("row", "form", "expected"),
    [
        ({"messages": ROW}, Format(messages="messages"), [("user", "a"), ("assistant", "b")]),
        (
            {"talk": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
            Format(messages="talk", role="from", content="value"),
            [("user", "a"), ("assistant", "b")],
        ),
        ({"talk": ["a", "b", "c"]}, Format(messages="talk"), [("user", "a"), ("assistant", "b"), ("user", "c")]),
        ({"q": "a", "a": "b"}, Format(prompt="q", response="a"), [("user", "a"), ("assistant", "b")]),
        (
            {"q": "a", "a": "b", "s": "c"},
            Format(prompt="q", response="a", system="s"),
            [("system", "c"), ("user", "a"), ("assistant", "b")],
        ),
        # a row without a system message has an empty cell in that column
        (
            {"q": "a", "a": None, "s": None},
            Format(prompt="q", response="a", system="s"),
            [("user", "a"), ("assistant", "")],
        ),
        ({"messages": None}, Format(messages="messages"), []),
    ],
)
def test_turns_are_read_from_any_format(row: dict[str, Any], form: Format, expected: list[tuple[str, str]]) -> None:
    assert [tuple(turn) for turn in turns_of(row, form, "here")] == expected


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda own: st.lists(own, max_size=3), max_leaves=5
)
ROLE = st.sampled_from(["user", "assistant", "system", "human", "gpt", "tool"]) | JSON
TURN = st.fixed_dictionaries({}, optional={"role": ROLE, "content": JSON, "name": JSON}) | JSON


@given(st.lists(TURN, max_size=5) | JSON)
def test_whatever_a_row_holds_what_passes_is_a_chat(messages: Any) -> None:
    turns = turns_of({"messages": messages}, Format(messages="messages"), "here")
    if Rules(400, NOTHING, None, []).fault(turns) is None:
        row = Chat.model_validate({"id": "a", "topic": "t", "messages": [turn._asdict() for turn in turns]})
        assert row.messages[-1].role == "assistant"
