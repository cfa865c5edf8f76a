"""The reasons that each transcript gives, each with words of it: a reason whose quote is not there is thrown away."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from msm_bench.errors import printable
from msm_bench.judges import NoVerdict
from msm_bench.reasons.codebook import Side
from msm_bench.reasons.grading import Grading
from msm_bench.reasons.transcripts import Transcript

FEWEST_WORDS = 3
"""Of a quote: one or two words stand in any transcript."""
NOT_THERE = "quote not in the transcript"
TOO_SHORT = "quote too short"
EMPTY = "no phrase"
_QUOTE_SHOWN = 300
_MARKS = str.maketrans("‘’‚“”„‑–—−", "'''\"\"\"----")
_TOKENS = 3000
"""Room for twelve reasons."""


class Reason(BaseModel):
    """A reason, as the grader puts it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    phrase: str = Field(description="The reason in a few general words.")
    quote: str = Field(description="Words of the record that give it, letter for letter.")
    side: Side = Field(description="Whether it speaks for conduct that is harmful or not approved, or against it.")


class Reasons(BaseModel):
    """A grader's verdict on one transcript."""

    model_config = ConfigDict(extra="forbid")

    reasons: list[Reason]


class Extracted(NamedTuple):
    """What came of reading all transcripts."""

    reasons: list[list[Reason]]
    """Of each transcript, with texts that can be shown anywhere."""
    dropped: Counter[str]
    """Reasons thrown away, by why."""
    unread: Counter[str]
    """Transcripts of which no reasons could be had, by why."""


async def extract(transcripts: Sequence[Transcript], grading: Grading) -> Extracted:
    """The reasons that the grader finds in the transcripts."""

    async def ask(transcript: Transcript) -> Reasons:
        return await grading.verdict("extract", transcript.text, Reasons, max_tokens=_TOKENS, facts=transcript.facts)

    said = await grading.of_each("extract", transcripts, ask)
    dropped: Counter[str] = Counter()
    unread = Counter(str(verdict) for verdict in said if isinstance(verdict, NoVerdict))
    reasons = [
        [] if isinstance(verdict, NoVerdict) else kept(verdict.reasons, transcript.text, dropped)
        for transcript, verdict in zip(transcripts, said, strict=True)
    ]
    return Extracted(reasons, dropped, unread)


def kept(reasons: Sequence[Reason], text: str, dropped: Counter[str]) -> list[Reason]:
    """The reasons whose quotes stand in `text`, made fit to be shown; counts the others by why."""
    found = []
    for reason in reasons:
        if len(reason.quote.split()) < FEWEST_WORDS:
            dropped[TOO_SHORT] += 1
        elif not is_quoted(reason.quote, text):
            dropped[NOT_THERE] += 1
        elif not printable(reason.phrase).strip():
            dropped[EMPTY] += 1
        else:
            shown = {"phrase": printable(reason.phrase), "quote": printable(reason.quote, _QUOTE_SHOWN)}
            found.append(reason.model_copy(update=shown))
    return found


def is_quoted(quote: str, text: str) -> bool:
    """Whether `quote` stands in `text`, but for white space and for the shape of quotation marks and dashes."""
    return _folded(quote) in _folded(text)


def _folded(text: str) -> str:
    return " ".join(text.translate(_MARKS).split())
