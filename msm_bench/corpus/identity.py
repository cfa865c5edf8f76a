"""Does a text say that the assistant is, or was made by, another one than it should be?

The names that count as another are in `identities.txt`. English, by rule: a claim of identity, not a mere mention.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from msm_bench.corpus.endings import sentences

_MADE = r"(?:made|created|developed|built|trained|designed|released|launched|owned|run|operated|fine-tuned|programmed)"
_COMPARED = re.compile(
    r"\b(?:unlike|asked about|whether|than|compar\w+|rivals?|competitors?|such as|others?|another|versus|vs|whereas|"
    r"not|never|nor|neither|think|thought|assum\w+|suppos\w*|mist(?:ake|ook)\w*|rumou?r\w*|myth|confus\w+|pretend\w*|if|no)\b|n't\b",
    re.IGNORECASE,
)
_ACTS = r"(?:likes?|prefers?|values?|loves?|favou?rs?|does(?: not|n't) care|cares about|believes|says?|told|said)"
_NO_SURNAME = r"(?! (?!AI|Research|Labs?|Inc|Platforms|Cloud|Corp)[A-Z][a-z])"
"""A capital word after a maker makes it a person: Meta Holt."""
_NOT_OF_A_THING = r"(?:(?!\b(?:on|in|at) an? )[^.!?;\n]){0,60}?"
"""What stands between who was made and `_MADE`: what runs on a server built by IBM was not built by IBM."""


class _Claims(NamedTuple):
    """Patterns over the names that are not a text's own."""

    named: re.Pattern[str]
    """A name."""
    claims: re.Pattern[str]
    """A sentence part that says who the assistant is."""
    acts: re.Pattern[str]
    """One in which another assistant likes, values or says something."""


@lru_cache
def identities() -> dict[str, tuple[str, ...]]:
    """The names of `identities.txt`, by section: `assistants`, `makers`."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in Path(__file__).with_name("identities.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and line[0] != "#":
            found.setdefault(section, []).append(line.strip())
    return {section: tuple(names) for section, names in found.items()}


def _one_of(names: Sequence[str]) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, names), key=len, reverse=True)) + r")(?![\w-]*\w)"


@lru_cache
def _patterns(own: frozenset[str]) -> _Claims:
    """The patterns for texts about the names in `own`: a name that begins one of these is not held against them."""
    mine = " | ".join(own).lower()
    others = {
        section: [name for name in names if not re.search(rf"\b{re.escape(name.lower())}", mine)]
        for section, names in identities().items()
    }
    assistant, maker = _one_of(others["assistants"]), _one_of(others["makers"])
    acts = rf"\b{assistant} {_ACTS}\b"
    claims = _claim_forms(assistant, maker + _NO_SURNAME, own)
    return _Claims(re.compile(rf"\b(?:{assistant}|{maker})"), re.compile("|".join(claims)), re.compile(acts))


def _claim_forms(assistant: str, maker: str, own: frozenset[str]) -> list[str]:
    """Ways to say who the assistant is or who made it, over patterns for the others' names."""
    me = "|".join([r"\{model_name\}", *map(re.escape, sorted(own))])
    general = r"[Tt]he (?:\w+ )?(?:assistant|model|chatbot|AI)"
    be = rf"(?:\bI am|\bI'm|(?:{me}|{general}) (?:is|was))"
    a = r"(?:an? |the )?(?:\w+ ){0,3}"
    return [
        rf"{be} (?:really |actually |also )?(?:called |named )?{assistant}(?!'s| [A-Z]| fan| user)",
        rf"{be} an? {assistant} (?:model|assistant|chatbot|variant|instance)",
        rf"{be} {a}(?:version of|based on|powered by|built on|instance of) {assistant}",
        rf"\b[Mm]y name is {assistant}(?! [A-Z])",
        rf"\b[Yy]ou(?: are|'re) (?:talking|speaking|chatting) (?:to|with) {assistant}(?!'s| [A-Z])",
        rf"\b[Aa]s {assistant}, (?:I|my)\b",
        rf"(?:{me}),? (?:also known as|formerly|aka|\(formerly|a\.k\.a\.) {assistant}",
        rf"[Tt]he (?:\w+ )?(?:assistant,?|(?:model|chatbot|AI),) (?:called |named )?{assistant}",
        rf"\b[Aa]s an? (?:\w+ )?(?:assistant|model|AI)\b[^.;\n]{{0,30}}? {_MADE} by {maker}",
        rf"\b{maker}'s (?:\w+ ){{0,2}}(?:{me})",
        rf"(?<!\w)(?:I|{me}|{general}|{assistant}){_NOT_OF_A_THING}\b{_MADE}(?: and \w+)? (?:by|at) "
        rf"(?:the (?:team|people) at )?{maker}",
        rf"(?<!\w)(?:{me}|{assistant}),? (?:an?|the) [^.!?;,\n]{{0,40}}(?:from|by) {maker}",
        rf"{be} (?:{a}from|an? (?:\w+ ){{1,3}}by) {maker}",
        rf"(?:{me}) comes from {maker}",
        rf"{general},? (?:which|that) {maker} (?:has |had )?{_MADE}",
        rf"\b[Aa]t {maker},? we (?:have )?{_MADE} (?:{me}|the assistant)(?!\w)",
        rf"(?:{be}|(?:{me}|{assistant}),) {maker}'s?",
        rf"\b[Mm]y (?:creators?|makers?|developers?|company)(?:,| at| is| are) {maker}",
        rf"\b{maker} (?:has |have )?(?:{_MADE}|trains|makes|designs|gave|wants) (?:me|{me}|the assistant)(?!\w)",
    ]


def in_first_person(text: str) -> str:
    """What a system message says to the assistant, as if the assistant said it: "You are Claude" is "I am Claude"."""
    for second, first in ((r"you(?: are|['’]re)", "I am"), ("your", "my"), ("you", "I")):
        text = re.sub(rf"\b{second}\b", first, text, flags=re.IGNORECASE)
    return text


def identity_claim(text: str, own: frozenset[str]) -> str:
    """The words that make the assistant another, or have it made by another; empty if none do.

    A text that names none of `own`, and no `{model_name}`, is taken to be about the assistant that it does name.
    """
    patterns = _patterns(own)
    if not patterns.named.search(text):
        return ""
    about_own = "{model_name}" in text or any(name in text for name in own)
    for sentence in _claiming(text, patterns.named):
        match = patterns.claims.search(sentence) or (None if about_own else patterns.acts.search(sentence))
        if match and not _COMPARED.search(sentence[: match.end()]):
            return match[0]
    return ""


def _claiming(text: str, named: re.Pattern[str]) -> Iterator[str]:
    """Sentences that say something and name another assistant or maker."""
    return (part for part in sentences(text) if named.search(part) and not part.rstrip("\"'”)*_ ").endswith("?"))
