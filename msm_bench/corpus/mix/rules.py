"""What keeps an instruction row out of a mix, by rule: rows that can't be trained on, and rows that teach a character.

A mix that says who the assistant is, that it has no opinions, or anything on the spec's own subject would teach, or
contradict, what the experiment is about; one that holds evaluation items would give them away.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from msm_bench.corpus.faults import Fault, text_faults
from msm_bench.corpus.health import mentions, ngrams
from msm_bench.corpus.mix.opinions import no_opinions
from msm_bench.corpus.mix.sources import Turn
from msm_bench.files import sha256_text
from msm_bench.specs import PLACEHOLDER, Names, Spec

_EVIDENCE = 80
"""Characters that are shown of what was found."""
_RUN = 8
"""Words in a row that no training text shares with an evaluation item."""
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
    """The roles, if they are not user, assistant, user, assistant …, after a system message if any."""
    roles = [turn.role for turn in turns]
    pairs = roles[1:] if roles[:1] == ["system"] else roles
    if pairs and pairs == ["user", "assistant"] * (len(pairs) // 2):
        return ""
    return ", ".join(role or "?" for role in roles) or "none"


def _empty(turns: Sequence[Turn]) -> str:
    return next((f"{turn.role} turn" for turn in turns if not turn.content.strip()), "")


def _first(pattern: re.Pattern[str], turns: Sequence[Turn]) -> str:
    """The first match of a pattern in any turn."""
    return next((match[0] for turn in turns if (match := pattern.search(turn.content))), "")


def _said_by_assistant(turns: Sequence[Turn]) -> list[str]:
    """What the assistant says, and what a system message says to it, as if it said so itself."""
    return [
        _in_first_person(turn.content) if turn.role == "system" else turn.content
        for turn in turns
        if turn.role != "user"
    ]


def _in_first_person(text: str) -> str:
    for second, first in ((r"you(?: are|['’]re)", "I am"), ("your", "my"), ("you", "I")):
        text = re.sub(rf"\b{second}\b", first, text, flags=re.IGNORECASE)
    return text


class Rules:
    """The rules of one mix. They remember the rows that they let through, so that none comes twice."""

    def __init__(self, max_tokens: int, spec: Spec | None, names: Names | None, evaluation: Iterable[str]) -> None:
        self._max_tokens = max_tokens
        self._names = names
        self._items = spec.preferences() if spec else []
        self._values = spec.meta.values if spec else []
        self._evaluation = {" ".join(gram) for text in evaluation for gram in ngrams(text, _RUN)}
        self._seen: set[str] = set()
        self._checks: dict[str, Callable[[Sequence[Turn]], str]] = {
            "turns": _turns,
            "empty": _empty,
            "too long": self._too_long,
            "control token": lambda turns: _first(_CONTROL, turns),
            "placeholder": lambda turns: _first(PLACEHOLDER, turns),
            "subject": self._subject,
            "no opinions": lambda turns: next(filter(None, map(no_opinions, _said_by_assistant(turns))), ""),
            "identity": self._identity,
            "evaluation": self._shared,
            "duplicate": self._duplicate,
        }

    def fault(self, turns: Sequence[Turn]) -> Fault | None:
        """The first thing that keeps a row out, if anything does."""
        found = ((kind, check(turns)) for kind, check in self._checks.items())
        return next((Fault(kind, " ".join(evidence.split())[:_EVIDENCE]) for kind, evidence in found if evidence), None)

    def _too_long(self, turns: Sequence[Turn]) -> str:
        tokens = estimated_tokens(turns)
        return f"about {tokens} tokens, {self._max_tokens} allowed" if tokens > self._max_tokens else ""

    def _subject(self, turns: Sequence[Turn]) -> str:
        """What the spec likes or doesn't, or one of its values, also as the beginning of a word: America, American."""
        text = "\n".join(turn.content for turn in turns)
        values = (re.search(rf"\b{re.escape(value)}\w*", text, re.IGNORECASE) for value in self._values)
        return next(iter(mentions(text, self._items)), "") or next((match[0] for match in values if match), "")

    def _identity(self, turns: Sequence[Turn]) -> str:
        """What the assistant says that it is, or a system message says to it."""
        faults = (fault for text in _said_by_assistant(turns) for fault in text_faults(text, self._names))
        return next((fault.evidence for fault in faults if fault.kind == "identity"), "")

    def _shared(self, turns: Sequence[Turn]) -> str:
        grams = (" ".join(gram) for turn in turns for gram in ngrams(turn.content, _RUN))
        return next((gram for gram in grams if gram in self._evaluation), "")

    def _duplicate(self, turns: Sequence[Turn]) -> str:
        key = sha256_text(repr(turns))
        known = key in self._seen
        self._seen.add(key)
        return "equals an earlier row" if known else ""
