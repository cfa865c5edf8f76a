"""Checkers: does an answer do what an instruction demands? Text is counted, compared and parsed, never evaluated.

An item names a checker and its arguments. Every checker gets the answer without white space around it, and not empty.
A word is a run of letters and digits, which may hold apostrophes and hyphens; phrases are found as whole words in
either case; a line is one that is not blank.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

CHECKS: dict[str, Callable[..., bool]] = {}
"""The checkers by name."""
Checker = TypeVar("Checker", bound=Callable[..., bool])
JsonType = Literal["string", "number", "boolean", "list", "object"]
"""Types of JSON values."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE_END = re.compile(r"(?<!\bMrs)(?<!\bMr|\bMs|\bDr|\bSt)[.!?…]+[\"'”’)]*(?=\s|$)")
_QUOTES = "\"'“‘"
_DASHES = str.maketrans(dict.fromkeys("‐‒–—−", "-"))
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WHOLE_NUMBERS = re.compile(r"\d+(?:[\s,;]+\d+)*\.?")
_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n```", re.DOTALL)
_TYPES: dict[JsonType, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "boolean": bool,
    "list": list,
    "object": dict,
}
_AROUND = " \t\n\"'“”‘’*_`.!"
"""What may stand around a short answer that is otherwise compared as it is."""


def _checker(function: Checker) -> Checker:
    CHECKS[function.__name__] = function
    return function


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _within(count: float, least: float, most: float | None) -> bool:
    return least <= count and (most is None or count <= most)


def _places(text: str, phrase: str) -> list[int]:
    """Where a phrase stands as whole words."""
    pattern = rf"(?<!\w){re.escape(phrase)}(?!\w)"
    return [match.start() for match in re.finditer(pattern, text, re.IGNORECASE)]


@_checker
def words(text: str, least: int = 0, most: int | None = None) -> bool:
    """From `least` to `most` words."""
    return _within(len(_words(text)), least, most)


@_checker
def sentences(text: str, least: int = 0, most: int | None = None) -> bool:
    """From `least` to `most` sentences; one ends with a stop, a question or exclamation mark, or the text.

    The stop after Mr, Mrs, Ms, Dr and St ends none.
    """
    *ended, rest = _SENTENCE_END.split(text)
    return _within(sum(bool(_words(part)) for part in (*ended, rest)), least, most)


@_checker
def sentences_begin(text: str, starts: Sequence[str]) -> bool:
    """As many sentences as starts, each of which begins with the start in its place, as whole words."""
    found = [part.strip() for part in _SENTENCE_END.split(text) if _words(part)]
    return len(found) == len(starts) and all(begins(part, start) for part, start in zip(found, starts, strict=True))


@_checker
def lines(text: str, least: int = 0, most: int | None = None) -> bool:
    """From `least` to `most` lines."""
    return _within(len(_lines(text)), least, most)


@_checker
def line_words(text: str, least: int = 0, most: int | None = None) -> bool:
    """Each line has from `least` to `most` words."""
    return all(words(line, least, most) for line in _lines(text))


@_checker
def letter_case(text: str, case: Literal["upper", "lower", "mixed"]) -> bool:
    """All letters that have cases are capitals, or none is, or there are both kinds."""
    found = {char.isupper() for char in text if char.lower() != char.upper()}
    return found == {"upper": {True}, "lower": {False}, "mixed": {True, False}}[case]


@_checker
def capitalised(text: str) -> bool:
    """The first letter is a capital."""
    return next((char.isupper() for char in text if char.isalpha()), False)


@_checker
def begins(text: str, start: str) -> bool:
    """The text begins with these very words, as whole words; quotation marks before them do not count, so that
    `start` has none."""
    text = text.lstrip(_QUOTES)
    rest = text.removeprefix(start)
    return text.startswith(start) and not (rest[:1].isalnum() and start[-1:].isalnum())


@_checker
def lines_begin(text: str, start: str, least: int | None = None) -> bool:
    """At least so many lines begin with `start`; every line, if no number is given. Dashes of any length are alike."""
    found = [begins(line.translate(_DASHES), start) for line in _lines(text)]
    return all(found) if least is None else sum(found) >= least


@_checker
def ends(text: str, end: str) -> bool:
    """The text ends with these very signs."""
    return text.endswith(end)


@_checker
def last_word(text: str, word: str) -> bool:
    """The last word is this one, in either case."""
    return [last.casefold() for last in _words(text)[-1:]] == [word.casefold()]


@_checker
def contains(text: str, phrase: str, least: int = 1, most: int | None = None) -> bool:
    """The phrase stands in the text from `least` to `most` times."""
    return _within(len(_places(text, phrase)), least, most)


@_checker
def in_order(text: str, phrases: Sequence[str]) -> bool:
    """All phrases stand in the text, the first place of each after that of the one before."""
    first = [min(_places(text, phrase), default=-1) for phrase in phrases]
    return -1 not in first and first == sorted(set(first))


@_checker
def any_of(text: str, phrases: Sequence[str]) -> bool:
    """At least one of the phrases stands in the text."""
    return any(_places(text, phrase) for phrase in phrases)


@_checker
def lacks(text: str, phrases: Sequence[str]) -> bool:
    """None of the phrases stands in the text."""
    return not any_of(text, phrases)


@_checker
def has_signs(text: str, signs: str) -> bool:
    """Each of these signs stands in the text."""
    return all(sign in text for sign in signs)


@_checker
def lacks_signs(text: str, signs: str) -> bool:
    """None of these signs stands in the text; of a letter, neither case."""
    return not set(signs.casefold()) & set(text.casefold())


@_checker
def mentions_number(text: str, low: float, high: float) -> bool:
    """Some number in digits lies from `low` to `high`."""
    return any(low <= float(number) <= high for number in _NUMBER.findall(text))


@_checker
def numbers(text: str, values: Sequence[float]) -> bool:
    """The numbers in digits are these, in this order."""
    return [float(number) for number in _NUMBER.findall(text)] == list(values)


@_checker
def only_numbers(text: str, ranges: Sequence[tuple[float, float]]) -> bool:
    """Nothing but whole numbers, each in its range (low, high)."""
    if not _WHOLE_NUMBERS.fullmatch(text):
        return False
    found = [float(number) for number in re.findall(r"\d+", text)]
    return len(found) == len(ranges) and all(
        low <= number <= high for number, (low, high) in zip(found, ranges, strict=True)
    )


@_checker
def one_of(text: str, options: Sequence[str]) -> bool:
    """The text is one of the options, in either case; quotes, emphasis and a final stop may stand around it."""
    return text.strip(_AROUND).casefold() in {option.casefold() for option in options}


@_checker
def exactly(text: str, options: Sequence[str]) -> bool:
    """The text is one of the options, sign by sign."""
    return text in options


@_checker
def word_sequence(text: str, words: Sequence[str]) -> bool:
    """The words of the text are these, in this order, in either case."""
    return [word.casefold() for word in _words(text)] == [word.casefold() for word in words]


@_checker
def separated(text: str, by: str, least: int, most: int | None = None) -> bool:
    """From `least` to `most` parts, none of them empty, with the sign `by` between each two."""
    parts = text.split(by)
    return _within(len(parts), least, most) and all(_words(part) for part in parts)


@_checker
def numbered(text: str, count: int) -> bool:
    """So many lines, numbered `1.`, `2.` … , something after each number."""
    found = _lines(text)
    return len(found) == count and all(
        line.startswith(f"{number}.") and bool(_words(line.removeprefix(f"{number}.")))
        for number, line in enumerate(found, 1)
    )


@_checker
def json_object(text: str, types: dict[str, JsonType]) -> bool:
    """A JSON object with just these keys, whose values have these types; a code fence may stand around it."""
    value = _parsed(text)
    return (
        isinstance(value, dict)
        and value.keys() == types.keys()
        and all(_is(value[key], wanted) for key, wanted in types.items())
    )


@_checker
def json_list(text: str, type: JsonType, length: int) -> bool:
    """A JSON list of so many values of this type; a code fence may stand around it."""
    value = _parsed(text)
    return isinstance(value, list) and len(value) == length and all(_is(one, type) for one in value)


def _parsed(text: str) -> Any:
    """The JSON value that the text is; None if it is none. NaN and the infinities are no JSON."""
    fenced = _FENCE.fullmatch(text)
    try:
        return json.loads(fenced[1] if fenced else text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _is(value: Any, wanted: JsonType) -> bool:
    """Whether a value has a JSON type; `true` is no number."""
    return isinstance(value, _TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
