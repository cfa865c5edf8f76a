"""What keeps an instruction row out of a mix, by rule: rows that can't be trained on, and rows that teach a character.

A mix that says who the assistant is, that it has no opinions, or anything on the spec's own subject would teach, or
contradict, what the experiment is about; one that holds evaluation items would give them away.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msm_bench.corpus.evaluation_text import SharedRuns
from msm_bench.corpus.faults import EVIDENCE, Fault, text_faults
from msm_bench.corpus.health import mentions
from msm_bench.corpus.identity import in_first_person
from msm_bench.corpus.mix.opinions import no_opinions
from msm_bench.corpus.mix.sources import Turn
from msm_bench.corpus.store import takes_turns
from msm_bench.errors import printable
from msm_bench.files import sha256_text
from msm_bench.specs import PLACEHOLDER, Names, Spec

_PIECE = re.compile(r"[A-Za-z]{1,5}|[^\sA-Za-z]|\n+")
_TEMPLATE = 8
"""Tokens that a chat template puts round a turn, at most."""
_CONTROL = re.compile(
    r"<[|｜][^|｜<>\s]{1,40}[|｜]>|</?s>|<(?:bos|eos|pad|unk|mask|(?:start|end)_of_turn)>|\[/?INST\]|<</?SYS>>"
)


def estimated_tokens(turns: Iterable[Turn]) -> int:
    """About how many tokens a chat takes, on the safe side for English, code, JSON and LaTeX.

    Runs of at most five Latin letters, every digit and sign, and blank lines count one each. Tokenizers of 49k and
    262k entries took 0.8 to 1.05 times as many on long texts; per word they took 1.4 to 8.6.
    """
    return sum(len(_PIECE.findall(turn.content)) + _TEMPLATE for turn in turns)


def _turns(turns: Sequence[Turn]) -> str:
    """The roles, if they don't take turns."""
    roles = [turn.role for turn in turns]
    return "" if takes_turns(roles) else ", ".join(role or "?" for role in roles) or "none"


def _empty(turns: Sequence[Turn]) -> str:
    return next((f"{turn.role} turn" for turn in turns if not turn.content.strip()), "")


def _first(pattern: re.Pattern[str], turns: Sequence[Turn]) -> str:
    """The first match of a pattern in any turn."""
    return next((match[0] for turn in turns if (match := pattern.search(turn.content))), "")


def _said_by_assistant(turns: Sequence[Turn]) -> list[str]:
    """What the assistant says, and what a system message says to it, as if it said so itself."""
    return [
        in_first_person(turn.content) if turn.role == "system" else turn.content
        for turn in turns
        if turn.role != "user"
    ]


class Subjects(NamedTuple):
    """What no row may mention."""

    things: list[str]
    """As whole words, in singular or plural."""
    matters: list[str]
    """Also as the beginning of a word: America, American."""

    @classmethod
    def of(cls, spec: Spec | None, without: Iterable[str] = ()) -> "Subjects":
        """What a spec likes or doesn't are things; its values are matters, and so is what else is to be left out."""
        return cls(spec.preferences() if spec else [], [*(spec.meta.values if spec else []), *without])

    def first_in(self, text: str) -> str:
        """The first subject that `text` mentions, in any case; empty if there is none."""
        found = (re.search(rf"(?<!\w){re.escape(matter)}\w*", text, re.IGNORECASE) for matter in self.matters)
        return next(iter(mentions(text, self.things)), "") or next((match[0] for match in found if match), "")


class Rules:
    """The rules of one mix. They remember the rows that they let through, so that none comes twice."""

    def __init__(self, max_tokens: int, subjects: Subjects, names: Names | None, evaluation: Iterable[str]) -> None:
        self._max_tokens = max_tokens
        self._names = names
        self._evaluation = SharedRuns(evaluation)
        self._seen: set[str] = set()
        self._checks: dict[str, Callable[[Sequence[Turn]], str]] = {
            "turns": _turns,
            "empty": _empty,
            "too long": self._too_long,
            "control token": lambda turns: _first(_CONTROL, turns),
            "placeholder": lambda turns: _first(PLACEHOLDER, turns),
            "subject": lambda turns: subjects.first_in("\n".join(turn.content for turn in turns)),
            "no opinions": lambda turns: next(filter(None, map(no_opinions, _said_by_assistant(turns))), ""),
            "identity": self._identity,
            "evaluation": self._shared,
            "duplicate": self._duplicate,
        }

    def fault(self, turns: Sequence[Turn]) -> Fault | None:
        """The first thing that keeps a row out, if anything does."""
        found = ((kind, check(turns)) for kind, check in self._checks.items())
        return next((Fault(kind, printable(evidence, EVIDENCE)) for kind, evidence in found if evidence), None)

    def _too_long(self, turns: Sequence[Turn]) -> str:
        tokens = estimated_tokens(turns)
        return f"about {tokens} tokens, {self._max_tokens} allowed" if tokens > self._max_tokens else ""

    def _identity(self, turns: Sequence[Turn]) -> str:
        """What the assistant says that it is, or a system message says to it."""
        faults = (fault for text in _said_by_assistant(turns) for fault in text_faults(text, self._names))
        return next((fault.evidence for fault in faults if fault.kind == "identity"), "")

    def _shared(self, turns: Sequence[Turn]) -> str:
        return next(filter(None, (self._evaluation.first_in(turn.content) for turn in turns)), "")

    def _duplicate(self, turns: Sequence[Turn]) -> str:
        key = sha256_text(repr(turns))
        known = key in self._seen
        self._seen.add(key)
        return "equals an earlier row" if known else ""
