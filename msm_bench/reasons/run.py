"""From logs to a codebook, and from a codebook to frequencies: what `msm-bench reasons` does.

msm-bench reasons logs --model-role grader=openai/gpt-5 --out results/reasons
msm-bench reasons logs --model-role grader=openai/gpt-5 --out results/reasons --codebook paper
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from inspect_ai.model import Model

from msm_bench.corpus.generate.ask import Asker, Limits
from msm_bench.corpus.generate.journal import Journal
from msm_bench.corpus.generate.progress import Progress
from msm_bench.embedding import MODEL, MODEL_SHA256, encoder
from msm_bench.errors import UserError, printable
from msm_bench.files import canonical_json, sha256_text, write_json
from msm_bench.reasons.classify import Reading, classify, reading_frame
from msm_bench.reasons.codebook import CLUSTERS, Codebook
from msm_bench.reasons.draft import codebook as drafted_codebook
from msm_bench.reasons.draft import draft, origin
from msm_bench.reasons.extract import Extracted, extract
from msm_bench.reasons.frequencies import frequencies
from msm_bench.reasons.grading import Grading
from msm_bench.reasons.overlap import THRESHOLD, Group, Merge, merge_overlapping
from msm_bench.reasons.transcripts import Transcript

CODEBOOK = "codebook.yaml"
ANSWERS = "answers.jsonl"
"""The journal: every answer of the grader."""


class Asking(NamedTuple):
    """Who reads, and how it is asked."""

    model: Model
    limits: Limits
    progress: Progress
    thinking_tokens: int = 0
    """More room for each answer."""


class Findings(NamedTuple):
    """What reading all transcripts against a codebook gave."""

    codebook: Codebook
    readings: list[Reading]
    frame: pd.DataFrame
    """One metric for each pattern of the codebook, nothing merged."""
    groups: list[Group]
    """Which patterns count as one."""
    merges: list[Merge]
    """In the order in which they were made."""
    numbers: pd.DataFrame
    """Frequencies of the groups."""
    grader: str
    thinking_tokens: int = 0
    """More room that each answer had."""

    @property
    def unscored(self) -> Counter[str]:
        """Transcripts without a verdict, by why."""
        return Counter(reading.unscored for reading in self.readings if reading.unscored)


class Draft(NamedTuple):
    """A codebook, and whether it was drafted just now."""

    codebook: Codebook
    new: bool
    """False: it was there already."""


async def draft_codebook(
    transcripts: Sequence[Transcript], out: Path, asking: Asking, most: int = CLUSTERS, seed: int = 0
) -> Draft:
    """Draft a codebook, and write it and the reasons that it was drawn from to `out`.

    A codebook that is there already and was drafted in the same way from the same transcripts stays as it is, edited or
    not, and is given back. The caller holds `only_one(out)`, so that what is found there stays true.

    Raises:
        UserError: one that was drafted otherwise is there, no reasons were found, the grader is out of reach, or the
            package that carries the embedding is missing.
    """
    digest = transcripts_sha256(transcripts)
    if there := _there(out / CODEBOOK, digest, str(asking.model), most, seed):
        return Draft(there, new=False)
    encoder()  # if anything that it needs is missing, say so before anyone is asked
    with _grading(out, asking) as grading:
        extracted = await extract(transcripts, grading)
        write_json(out / "reasons.json", _listed(transcripts, extracted))
        if not any(extracted.reasons):
            raise UserError(f"{out}: no reasons found ({_why_none(extracted)}); try a stronger grader, or other logs")
        drafted = await draft(extracted, grading, most, seed)
    if not drafted.patterns:
        raise UserError(f"{out}: {grading.grader} gave no cluster a name that can be read; try a stronger grader")
    known = {"transcripts": sum(not one.unscored for one in transcripts), "transcripts_sha256": digest}
    how = {
        "grader": grading.grader,
        "embedding": f"{MODEL}, sha256 {MODEL_SHA256[:12]}",
        "clusters": most,
        "seed": seed,
    }
    codebook = drafted_codebook(drafted, origin(drafted, extracted, **known, **how))
    codebook.save(out / CODEBOOK)
    return Draft(codebook, new=True)


async def apply_codebook(
    transcripts: Sequence[Transcript], codebook: Codebook, out: Path, asking: Asking, threshold: float = THRESHOLD
) -> Findings:
    """Read every transcript against the codebook, merge patterns that overlap, and count.

    The caller holds `only_one(out)` until what was found is written.

    Raises:
        UserError: nothing could be read, or the grader is out of reach.
    """
    with _grading(out, asking) as grading:
        readings = await classify(transcripts, codebook, grading)
    reasons = Counter(reading.unscored for reading in readings if reading.unscored)
    if reasons.total() == len(readings):
        raise UserError(f"{out}: no transcript could be read ({_counted(reasons)}); try a stronger grader")
    ids = [pattern.id for pattern in codebook.patterns]
    shown_by = {id: frozenset(row for row, one in enumerate(readings) if id in one.patterns) for id in ids}
    sides = {one.id: one.side for one in codebook.patterns}
    groups, merges = merge_overlapping(shown_by, sides, threshold, _by_condition(transcripts))
    frame = reading_frame(readings, ids)
    numbers = frequencies(frame, groups, codebook)
    return Findings(codebook, readings, frame, groups, merges, numbers, grading.grader, grading.thinking_tokens)


def _by_condition(transcripts: Sequence[Transcript]) -> dict[str, frozenset[int]]:
    """The rows of each condition."""
    names = dict.fromkeys(one.condition for one in transcripts)
    return {name: frozenset(row for row, one in enumerate(transcripts) if one.condition == name) for name in names}


@contextmanager
def _grading(out: Path, asking: Asking) -> Iterator[Grading]:
    with Journal(out / ANSWERS) as journal, asking.progress.shown():
        asker = Asker(asking.model, journal, asking.progress, asking.limits)
        yield Grading(asker, asking.progress, asking.thinking_tokens)
        asker.settle()


def _there(path: Path, digest: str, grader: str, most: int, seed: int) -> Codebook | None:
    if not path.exists():
        return None
    codebook = Codebook.load(path)
    how = codebook.origin
    if how is None or how.transcripts_sha256 != digest:
        raise UserError(f"{path}: is there, and not drafted from these logs; use it with --codebook, or move it away")
    if (how.grader, how.clusters, how.seed) != (grader, most, seed):
        raise UserError(
            f"{path}: drafted by {printable(how.grader)} with --clusters {how.clusters} --seed {how.seed}; move it "
            "away to draft anew"
        )
    return codebook


def transcripts_sha256(transcripts: Sequence[Transcript]) -> str:
    """Hash of their names and texts, and of the facts where there are any, in any order."""
    return sha256_text(canonical_json(sorted([one.name, one.text, *filter(None, [one.facts])] for one in transcripts)))


def _listed(transcripts: Sequence[Transcript], extracted: Extracted) -> list[dict[str, object]]:
    """The reasons of each transcript, for people and programs."""
    return [
        {**_whose(transcript), "reasons": [reason.model_dump() for reason in reasons]}
        for transcript, reasons in zip(transcripts, extracted.reasons, strict=True)
    ]


def _whose(transcript: Transcript) -> dict[str, object]:
    names = ("arm", "seed", "task", "item", "epoch", "log", "sample_uuid")
    return {**{name: transcript.about[name] for name in names}, "condition": transcript.condition}


def classifications(readings: Sequence[Reading]) -> list[dict[str, object]]:
    """The patterns of each transcript, for people and programs; null if it is unscored."""
    return [
        {
            **_whose(reading.transcript),
            "patterns": None if reading.unscored else sorted(reading.patterns),
            "unscored": reading.unscored,
        }
        for reading in readings
    ]


def _why_none(extracted: Extracted) -> str:
    return _counted(extracted.unread + extracted.dropped) or "the grader saw none"


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(f"{reason}: {count}" for reason, count in reasons.most_common())
