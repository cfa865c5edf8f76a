"""Which patterns of a codebook each transcript shows: a result frame with one metric for each pattern."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd
from inspect_ai.model import ResponseSchema
from inspect_ai.util import JSONSchema
from pydantic import BaseModel, ConfigDict

from msm_bench.judges import NoVerdict
from msm_bench.reasons.codebook import Codebook
from msm_bench.reasons.grading import Grading
from msm_bench.reasons.transcripts import Transcript, as_frame
from msm_bench.results import COLUMNS

_TOKENS = 1000
"""Room for sixty ids."""


class Shown(BaseModel):
    """A grader's verdict on one transcript."""

    model_config = ConfigDict(extra="forbid")

    patterns: list[str]
    """Ids."""


class Reading(NamedTuple):
    """A transcript, and the patterns that it shows."""

    transcript: Transcript
    patterns: frozenset[str]
    """Ids; empty if it is unscored."""
    unscored: str
    """Why there is no verdict; empty if there is one."""


async def classify(transcripts: Sequence[Transcript], codebook: Codebook, grading: Grading) -> list[Reading]:
    """What the grader says of each transcript; what can't be read is unscored."""
    ids = [pattern.id for pattern in codebook.patterns]
    schema = _schema(ids)

    async def ask(transcript: Transcript) -> Shown:
        return await grading.verdict(
            "classify",
            transcript.text,
            Shown,
            facts=transcript.facts,
            max_tokens=_TOKENS,
            schema=schema,
            fits=lambda verdict: set(verdict.patterns) <= set(ids),
            patterns=codebook.shown(),
        )

    said = await grading.of_each("classify", transcripts, ask)
    return [
        Reading(transcript, frozenset(), str(verdict))
        if isinstance(verdict, NoVerdict)
        else Reading(transcript, frozenset(verdict.patterns), "")
        for transcript, verdict in zip(transcripts, said, strict=True)
    ]


def reading_frame(readings: Sequence[Reading], ids: Sequence[str]) -> pd.DataFrame:
    """A result frame: for each transcript and pattern 1 if it is shown, 0 if not, NaN if the transcript is unscored.

    It has one more column, the transcript's `condition`.
    """

    def rows() -> Iterator[dict[str, Any]]:
        for reading in readings:
            for id in ids:
                value = math.nan if reading.unscored else float(id in reading.patterns)
                found = {"metric": id, "value": value, "unscored_reason": reading.unscored}
                yield {**reading.transcript.about, "condition": reading.transcript.condition, **found}

    return as_frame(rows(), [*COLUMNS, "condition"])


def _schema(ids: Sequence[str]) -> ResponseSchema:
    listed = JSONSchema(type="array", items=JSONSchema(type="string", enum=list(ids)))
    whole = JSONSchema(
        type="object", properties={"patterns": listed}, required=["patterns"], additionalProperties=False
    )
    return ResponseSchema(name="shown", json_schema=whole)
