"""A variant while it is being made: parts that stay as they are, and parts that may be worded anew."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msm_bench.corpus.generate.fill import Unusable
from msm_bench.corpus.generate.usable import clean
from msm_bench.specs import Names

Accept = Callable[[str], str]
"""Turns what a model wrote into what the spec says, with placeholders; raises `Unusable` if it can't be used."""

_LIST_LINE = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+", re.MULTILINE)
_LONGEST_NAME = 5
"""Words up to which a list item is a thing that a spec likes or doesn't (`Spec.preferences`)."""
_HEADING_LINE = re.compile(r"^\s{0,3}(?:#|(?:-{3,}|={3,})\s*$)", re.MULTILINE)
_REASON = re.compile(
    r"\b(?:because|so that|so as to|in order (?:to|that)|due to|owing to|thanks to|on account of|in view of|hence|"
    r"therefore|thus|consequently|after all|which is why|that is why|the reasons? (?:is|are|for this)|"
    r"for the sake of|lest)\b|, since\b|^Since\b",
    re.IGNORECASE | re.MULTILINE,
)


class Manner(NamedTuple):
    """How a part may be worded anew."""

    demand: str
    """What every wording has to keep to, in a sentence or two for the model."""
    accept: Accept
    """What every wording is checked by."""


class Part(NamedTuple):
    """A heading, a passage, a list item, or a stretch that is taken over as it stands."""

    text: str
    """With the placeholders of a spec."""
    mark: str = ""
    """What a list item begins with: `- ` or `3. `, and its label if it has one."""
    manner: Manner | None = None
    """How it may be worded anew; None if it may not."""

    @property
    def words(self) -> int:
        """White-space separated words of the text."""
        return len(self.text.split())


class Draft(NamedTuple):
    """A variant before it is written down."""

    title: str
    """For the front matter."""
    values: list[str]
    """The values that it gives the assistant."""
    form: str
    """prose or rules."""
    parts: Sequence[Part]
    """In order."""


def assemble(parts: Sequence[Part]) -> str:
    """The body: an empty line between parts, none between the items of a list."""
    lines = []
    for before, part in zip([None, *parts], parts, strict=False):
        tight = before is not None and before.mark and part.mark
        lines.append(("" if before is None else "\n" if tight else "\n\n") + part.mark + part.text)
    return "".join(lines) + "\n"


def passage(raw: str, names: Names, paragraphs: int = 1) -> str:
    """What a model wrote as running text of the spec.

    Raises:
        Unusable: a rule finds a fault in it, it is empty, or has headings, list items, control characters or more
            paragraphs.
    """
    text = clean(raw, names)
    _check_printable(text)
    if _HEADING_LINE.search(text) or _LIST_LINE.search(text):
        raise Unusable("a heading or a list in running text")
    if len(re.split(r"\n\s*\n", text)) > paragraphs:
        raise Unusable(f"more than {'one paragraph' if paragraphs == 1 else f'{paragraphs} paragraphs'}")
    return text if paragraphs > 1 else " ".join(text.split())


def split_mark(text: str) -> tuple[str, str]:
    """The mark with which a list item begins, and the rest; no mark if it is none."""
    end = match.end() if (match := _LIST_LINE.match(text)) else 0
    return text[:end], text[end:]


def unlike_a_name(mark: str, accept: Accept) -> Accept:
    """Lets pass what `accept` does, unless a list item of so few words would count as a thing that the spec likes."""

    def accept_item(raw: str) -> str:
        text = accept(raw)
        if mark and text and len(text.split()) <= _LONGEST_NAME:
            raise Unusable("as short as a name in a list")
        return text

    return accept_item


def _check_printable(text: str) -> None:
    line = " ".join(text.split())
    if not re.search(r"\w", line):
        raise Unusable("empty")
    if not line.isprintable():  # nor what can't be seen, which would hide an item's name
        raise Unusable("control characters")


def heading(raw: str, names: Names) -> str:
    """What a model wrote as a heading, without its mark.

    Raises:
        Unusable: it is no single line of one to twelve words, or a rule finds a fault in it.
    """
    text = clean(raw.strip("# \n"), names, {"refusal", "preamble", "tag", "placeholder", "identity", "link"})
    _check_printable(text)
    if "\n" in text or len(text.split()) > 12:
        raise Unusable("not a heading")
    return " ".join(text.split())


def check_no_reason(text: str) -> None:
    """Raise `Unusable` if a connective shows that `text` gives a reason."""
    if match := _REASON.search(text):
        raise Unusable(f"gives a reason: {match[0]}")


def words_of_values(values: Sequence[str]) -> re.Pattern[str]:
    """Matches any word that begins as one of `values` does, by five letters: affordability finds affordable, afford…

    A value of several words is matched as it stands.
    """
    stems = [re.escape(value) if " " in value else re.escape(value[:5]) + r"\w*" for value in values if value]
    return re.compile(rf"\b(?:{'|'.join(stems) or '(?!)'})", re.IGNORECASE)
