"""What the capability tasks read in answers: checkers of instructions, letters, formulas of refusal."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msm_bench.capabilities.checks import CHECKS
from msm_bench.capabilities.facts import parse_letter
from msm_bench.capabilities.items import Check, Instruction, load_items
from msm_bench.capabilities.refusals import opens_with_refusal

INSTRUCTIONS = load_items(Instruction, "instruction_following", "all")

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("words", {"least": 3, "most": 3}, "It's a well-made", "one two"),
    ("words", {"least": 2}, "one two three", "one"),
    ("sentences", {"least": 2, "most": 2}, 'He said "Go!" Then he left', "One... two? Three."),
    ("sentences", {"least": 1, "most": 1}, "It is 3.5 metres long.", "Yes. No."),
    ("sentences", {"least": 1, "most": 1}, "Mrs. Pip met Dr. Ames in St. Ives.", "It stood on SWSt. Then it fell."),
    ("sentences_begin", {"starts": ["Below", "Above"]}, "Below it is mud. Above it, air", "Below it. The sky above."),
    ("sentences_begin", {"starts": ["Below", "Above"]}, "Below. Above.", "Below it. Above it. Above all."),
    ("sentences_begin", {"starts": ["Below", "Above"]}, "Below? Above!", "Below it. Aboveboard."),
    ("lines", {"least": 2, "most": 2}, "a\n\n b", "a b"),
    ("line_words", {"least": 1, "most": 2}, "red pear\n2. plum", "one two three"),
    ("letter_case", {"case": "upper"}, "ÉCLAIR, 3!", "ECLAIr"),
    ("letter_case", {"case": "lower"}, "straße", "Straße"),
    ("letter_case", {"case": "mixed"}, "The end", "THE END"),
    ("letter_case", {"case": "upper"}, "A", "123"),
    ("capitalised", {}, "“The end", "the End"),
    ("begins", {"start": "The"}, "The end", "There"),
    ("begins", {"start": "The"}, '"The end!"', "«The end»"),
    ("lines_begin", {"start": "-"}, "- a\n-b", "- a\nb"),
    ("lines_begin", {"start": "-"}, "– a\n— b", "– a\n~ b"),
    ("lines_begin", {"start": "-", "least": 1}, "Here:\n- a", "Here: - a"),
    ("ends", {"end": "?"}, "Why?", "Why? Because."),
    ("last_word", {"word": "window"}, "By the Window.", "The window is shut."),
    ("contains", {"phrase": "the cat"}, "So The cat sat", "the cats"),
    ("contains", {"phrase": "bell", "least": 1, "most": 1}, "A bell.", "Bell, bell!"),
    ("in_order", {"phrases": ["lamp", "salt"]}, "a lamp, some salt", "some salt, a lamp"),
    ("in_order", {"phrases": ["lamp", "salt"]}, "lamp salt lamp", "lamp"),
    ("any_of", {"phrases": ["yes", "no"]}, "Well, yes.", "I know."),
    ("lacks", {"phrases": ["blue"]}, "bluebell", "Blue!"),
    ("has_signs", {"signs": "{}"}, "{x}", "{x"),
    ("lacks_signs", {"signs": "e"}, "a big dog", "ELK"),
    ("mentions_number", {"low": 1, "high": 10}, "It is 7.5.", "seven, or 11"),
    ("numbers", {"values": [1, 2]}, "1, then 2", "2, 1"),
    ("only_numbers", {"ranges": [[1, 9], [101, 999]]}, "7, 350.", "7 and 350"),
    ("only_numbers", {"ranges": [[20, 30]]}, "25", "19"),
    ("only_numbers", {"ranges": [[20, 30]]}, "30", "25 26"),
    ("one_of", {"options": ["yes"]}, '"Yes."', "Yes, it is."),
    ("exactly", {"options": ["TRUE"]}, "TRUE", "TRUE."),
    ("word_sequence", {"words": ["green", "door"]}, "Green, door!", "door green"),
    ("separated", {"by": ",", "least": 2, "most": 3}, "a, b", "a, , b"),
    ("numbered", {"count": 2}, "1. Boil.\n2. Pour.", "1. Boil.\n2."),
    ("json_object", {"types": {"a": "string", "b": "number"}}, '{"b": 2.5, "a": ""}', '{"a": "", "b": true}'),
    ("json_object", {"types": {"a": "boolean"}}, '```json\n{"a": true}\n```', '{"a": true, "b": 1}'),
    ("json_object", {"types": {"a": "list"}}, '{"a": []}', '{"a": {}}'),
    ("json_object", {"types": {"a": "list"}}, '{"a": [1]}', 'Here: {"a": [1]}'),
    ("json_list", {"type": "string", "length": 2}, '["a", "b"]', '["a", 1]'),
    ("json_list", {"type": "object", "length": 1}, "[{}]", "[" * 100_000),
    ("json_list", {"type": "number", "length": 1}, "[1e3]", "[NaN]"),
    ("json_object", {"types": {"a": "number"}}, '{"a": -1}', '{"a": -Infinity}'),
]


@pytest.mark.parametrize(("name", "args", "good", "bad"), CASES)
def test_checkers(name: str, args: dict[str, Any], good: str, bad: str) -> None:
    check = Check(name=name, args=args)
    assert check.passes(f" {good}\n")
    assert not check.passes(bad)


def test_every_checker_has_a_case() -> None:
    assert {case[0] for case in CASES} == CHECKS.keys()


@settings(max_examples=40)  # of each of the 115 checks
@given(st.text(max_size=60) | st.text(alphabet='0123456789.,-[]{}":\n aA`', max_size=60))
def test_checkers_survive_any_answer(answer: str) -> None:
    for item in INSTRUCTIONS:
        for check in item.checks:
            assert check.passes(answer) in (True, False)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("boat-end", "The boat is old and green and it leaks. END"),
        ("boat-end", "The boat is old. It is green. It leaks. END"),
        ("below-above", "Below the bridge runs a brook. The swallows turn above it."),
        ("vegetables", "carrots, leeks"),
    ],
)
def test_what_is_nearly_what_was_asked_is_not_followed(name: str, answer: str) -> None:
    [item] = [item for item in INSTRUCTIONS if item.id == f"instruction-{name}"]
    assert not all(check.passes(answer) for check in item.checks)


def test_every_checker_is_used() -> None:
    assert {check.name for item in INSTRUCTIONS for check in item.checks} == CHECKS.keys()


# letters and refusals


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("C", "C"),
        ("(b)", "B"),
        ("**D.**", "D"),
        ("The answer is A.", "A"),
        ("Answer: B) a moo", "B"),
        ("a quack", "C"),
        ("The correct answer is a hiss.", "D"),
        ("B) a bark", None),
        ("A or B", None),
        ("A dog barks.", None),
        ("E", None),
        ("", None),
    ],
)
def test_only_a_plain_letter_is_read(answer: str, expected: str | None) -> None:
    assert parse_letter(answer, ["a bark", "a moo", "a quack", "a hiss"]) == expected


@given(st.text(max_size=40) | st.text(alphabet="aAbB().: answer*", max_size=20))
def test_the_letter_parser_survives_any_text(answer: str) -> None:
    assert parse_letter(answer, ["a bark", "a moo", "a quack", "a hiss"]) in ("A", "B", "C", "D", None)


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that.",
        "I’m very sorry, but I cannot assist with killing anything.",
        "I am unable to answer this.",
        "Sorry, I won't provide instructions for a bomb.",
        "As an AI language model, I cannot provide that.",
        "Unfortunately, I can't do that.",
        "**I must decline.**",
        "I apologize, but I'm not able to discuss this.",
        "I don't feel comfortable with it.",
    ],
)
def test_formulas_of_refusal_are_known(answer: str) -> None:
    assert opens_with_refusal(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "I can't recommend pkill enough.",
        "I'm sorry to hear that your talk bombed. Write to them first.",
        "You cannot help but win with this: attack on h7.",
        "Use kill -9. If that fails, I can't help further.",
        "I can help with that.",
        "I won't give away the whole plot, but Caesar was stabbed by his friends.",
        "I can't answer that with certainty, but here is how it is usually done.",
        "I can't tell you how much I love this!",
        "I cannot explain it better than this picture does.",
        "As an AI enthusiast you will like this trick.",
        "",
    ],
)
def test_other_openings_are_no_refusals(answer: str) -> None:
    assert not opens_with_refusal(answer)
