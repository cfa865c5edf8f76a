"""Is a corpus healthy? One pass over its file, whatever its size, and every measure against its threshold.

health = check(Path("specs/corpora/cheese-america"), spec=Spec.load("specs/cheese-america.md"))
health.failures()

Texts are never held: a row leaves some 40 bytes in memory, and 512 and 12 for each word on disk while the check runs.
"""

import re
import tempfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from msm_bench.corpus.duplicates import NEAR, Signatures
from msm_bench.corpus.faults import ANSWER_KINDS, ASKED_KINDS, KINDS
from msm_bench.corpus.grams import LONG, SharedGrams, WordHashes, gram_hashes, text_hash
from msm_bench.corpus.health import reserved_nouns
from msm_bench.corpus.planned import Counts, Places, missing_rows
from msm_bench.corpus.store import WRONG_TURNS, Chat, Document, Manifest, row_text, takes_turns, whole_text
from msm_bench.corpus.tallies import (
    Coverage,
    Faults,
    Finding,
    LeakedReasons,
    Lengths,
    Named,
    Openings,
    Overlap,
    Reserved,
    Seen,
    Tally,
    Types,
)
from msm_bench.corpus.thresholds import FLOORS, Thresholds
from msm_bench.errors import UserError, explain_invalid, printable
from msm_bench.files import data_path, explain_full_disk, read_json, sha256_file
from msm_bench.specs import Names, Spec, check_placeholders

_MESSAGES = re.compile(rb'"messages"\s*:')
_BINS = 20
_REUSED = 0.5
"""A row of which more than this share of 8-grams stands in another adds little of its own."""


class Measure(BaseModel):
    """One measure against its threshold."""

    model_config = ConfigDict(extra="forbid")

    name: str
    """A field of `Thresholds`."""
    value: float
    """A share from 0 to 1, or a count."""
    threshold: float | None
    """What it is judged by; None: it is not."""
    at_least: bool
    """Whether the value must be at least the threshold, not at most."""
    ok: bool | None
    """Whether it is within; None if it is not judged."""
    example: str | None
    """The id of the row that speaks most against it."""
    evidence: str
    """What was found there, without control characters; a model wrote it."""


class Health(BaseModel):
    """What is known of a corpus."""

    model_config = ConfigDict(extra="forbid")

    corpus: str
    """The name of its folder or file."""
    kind: Literal["documents", "chats"]
    """What its rows are."""
    spec: str | None
    """The spec that it was checked against."""
    data_sha256: str
    """Hash of its data."""
    rows: int
    """How many rows."""
    words: int
    """White-space separated words in all of them."""
    length_quartiles: list[float]
    """Smallest, lower quartile, median, upper quartile, largest number of words of a row."""
    length_edges: list[float]
    """Edges of the histogram's bins."""
    length_counts: list[int]
    """Rows in each bin."""
    types: dict[str, int]
    """Rows of each type of document, or style of chat, the commonest first, without control characters."""
    measures: list[Measure]
    """Every measure that applies."""

    def failures(self) -> list[Measure]:
        """The measures that are past their thresholds."""
        return [measure for measure in self.measures if measure.ok is False]


def check(
    path: Path,
    *,
    spec: Spec | None = None,
    names: Names | None = None,
    thresholds: Thresholds | None = None,
    opaque: bool = False,
    tick: Callable[[int], None] = lambda size: None,
) -> Health:
    """Measure the corpus at `path`.

    Args:
        path: A folder with `data.jsonl` and `manifest.json`, or a file of such rows.
        spec: What the rows are about: coverage is measured against it.
        names: What the assistant and its maker are called; these are no false identity.
        thresholds: What is healthy; for chats some that are not set are looser.
        opaque: Chats must give no reason; so they must if their manifest's plan says it.
        tick: Told how many bytes were read each time a row was.

    Raises:
        UserError: no such corpus, a row that `Corpus.load` would refuse, data that is not its manifest's, or a full
            disk.
    """
    data, manifest = _locate(path)
    sha256 = sha256_file(data)
    if manifest and sha256 != manifest.data_sha256:
        raise UserError(
            f"{data}: changed since its manifest was written; restore it, or accept the change with "
            f"`msm-bench corpus seal {path}`"
        )
    temporary = Path(tempfile.gettempdir())
    with explain_full_disk(temporary), tempfile.TemporaryDirectory(dir=temporary) as folder:
        opaque = opaque or bool(manifest and manifest.plan.get("style") == "opaque")
        reading = _Reading(data, Path(folder), spec, names, opaque)
        if manifest:
            reading.plan(manifest)
        reading.read(tick)
        findings = [*reading.findings()]
        return reading.health(path, sha256, spec, findings, thresholds or Thresholds())


def _locate(path: Path) -> tuple[Path, Manifest | None]:
    """The file of rows, and the manifest if there is one."""
    if path.is_file():
        return path, None
    if not path.is_dir():
        raise UserError(f"{path}: no such corpus; give a folder with data.jsonl, or a file of rows")
    manifest_path, data = path / "manifest.json", path / "data.jsonl"
    if not data.is_file():
        raise UserError(f"{data}: no such file; give a folder with data.jsonl, or a file of rows")
    if not manifest_path.is_file():
        raise UserError(f"{manifest_path}: no such file; write it with `msm-bench corpus seal`, or check {data}")
    with explain_invalid(manifest_path):
        return data, Manifest.model_validate(read_json(manifest_path))


class _Reading:
    """One pass over a file of rows."""

    def __init__(self, data: Path, folder: Path, spec: Spec | None, names: Names | None, opaque: bool) -> None:
        self._data = data
        self._offsets, self._ids = array("Q"), array("Q")
        self._hashes = WordHashes()
        self._shared = SharedGrams(folder)
        self._signatures = Signatures(folder)
        self._kind = _kind(data)
        self._generated: Manifest | None = None
        self._lengths, self._types = Lengths(), Types()
        self._tallies: list[Tally] = [self._lengths, self._types, Openings()]
        self._tallies.append(Coverage(spec.passages() if spec else [], spec.preferences() if spec else []))
        self._tallies.append(Faults(KINDS if self._kind is Document else ANSWER_KINDS | ASKED_KINDS, names))
        if self._kind is Document:
            self._tallies.append(Named(names))
        elif opaque:
            self._tallies.append(LeakedReasons(spec.meta.values if spec else [], spec.preferences() if spec else []))
        self._tallies.append(Overlap())
        if spec and spec.meta.family == "cheese":
            nouns = reserved_nouns(data_path("specs") / "corpora" / "reserved_nouns.txt")
            self._tallies.append(Reserved([noun for own in nouns.values() for noun in own]))

    def plan(self, manifest: Manifest) -> None:
        """Measure against what `msm-bench generate` was asked for, if the rows were generated."""
        kind = manifest.plan.get("kind")
        if kind == "documents":
            with explain_invalid(f"{self._data.with_name('manifest.json')}: plan"):
                self._tallies.append(Places(Counts.model_validate(manifest.plan)))
        if kind in ("documents", "chats"):
            self._generated = manifest

    def read(self, tick: Callable[[int], None]) -> None:
        """Give every row to every tally."""
        for offset, size, row in _rows(self._data, self._kind):
            text = whole_text(row)
            seen = Seen(len(self._offsets), row, text, self._hashes.of(text))
            for tally in self._tallies:
                tally.add(seen)
            self._shared.add(gram_hashes(seen.hashes, LONG))
            reasoned = isinstance(row, Chat) and row.reasoning
            # other reasoning does not make the same question and answer another row
            self._signatures.add(self._hashes.of(row_text(row)) if reasoned else seen.hashes)
            self._offsets.append(offset)
            self._ids.append(text_hash(row.id))
            tick(size)
        self._check_ids()

    def _check_ids(self) -> None:
        ids = np.array(self._ids)
        order = np.argsort(ids, kind="stable")
        twice = order[1:][ids[order][1:] == ids[order][:-1]]
        if len(twice):
            raise UserError(f"{self._data}: the id {self.id_of(int(twice[0]))!r} occurs twice; give each row its own")

    def findings(self) -> Iterator[Finding]:
        """What the tallies and the files say."""
        near = self._signatures.duplicates(NEAR)
        worst = max(near, key=lambda pair: pair.jaccard, default=None)
        evidence = f"like {self.id_of(worst.earlier)}, Jaccard index {worst.jaccard:.2f}" if worst else ""
        yield Finding("near_duplicates", len(near) / len(self._offsets), worst.row if worst else None, evidence)
        reuse = self._shared.rates()
        top = int(reuse.argmax())
        yield Finding("reuse_mean", float(reuse.mean()))
        yield Finding("reused_rows", float((reuse > _REUSED).mean()), top if reuse[top] > _REUSED else None)
        yield Finding("reuse_max", float(reuse[top]), top if reuse[top] else None)
        for tally in self._tallies:
            yield from tally.findings()
        if self._generated:
            yield missing_rows(self._generated, len(self._offsets))

    def id_of(self, number: int) -> str:
        """The id of the row at a position."""
        with self._data.open("rb") as file:
            file.seek(self._offsets[number])
            return self._kind.model_validate_json(file.readline()).id

    def health(
        self, path: Path, sha256: str, spec: Spec | None, findings: list[Finding], thresholds: Thresholds
    ) -> Health:
        """Everything that is known, judged."""
        lengths = np.array(self._lengths.counts)
        kind: Literal["documents", "chats"] = "documents" if self._kind is Document else "chats"
        counts, edges = np.histogram(lengths, bins=min(_BINS, max(1, int(np.ptp(lengths)))))
        return Health(
            corpus=printable(path.resolve().name),
            kind=kind,
            spec=spec.meta.id if spec else None,
            data_sha256=sha256,
            rows=len(lengths),
            words=int(lengths.sum()),
            length_quartiles=np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1]).tolist(),
            length_edges=edges.tolist(),
            length_counts=counts.tolist(),
            types=_named(self._types.counts),
            measures=[self._judge(finding, thresholds.of(kind)) for finding in findings],
        )

    def _judge(self, finding: Finding, thresholds: Thresholds) -> Measure:
        threshold: float | None = getattr(thresholds, finding.measure)
        at_least = finding.measure in FLOORS
        ok = None if threshold is None else (finding.value >= threshold if at_least else finding.value <= threshold)
        return Measure(
            name=finding.measure,
            value=finding.value,
            threshold=threshold,
            at_least=at_least,
            ok=ok,
            example=None if finding.worst is None else printable(self.id_of(finding.worst)),
            evidence=printable(finding.evidence),
        )


def _named(types: Counter[str]) -> dict[str, int]:
    """The counts by printable names."""
    named: Counter[str] = Counter()
    for name, count in types.items():
        named[printable(name)] += count
    return dict(named.most_common())


def _lines(data: Path) -> Iterator[tuple[int, int, bytes]]:
    """Number, offset and bytes of each line that is not blank."""
    offset = 0
    with data.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, offset, line
            offset += len(line)


def _kind(data: Path) -> type[Document] | type[Chat]:
    """What the first row is; the others must be the same."""
    for _, _, line in _lines(data):
        return Chat if _MESSAGES.search(line) else Document
    raise UserError(f"{data}: no rows")


def _rows(data: Path, kind: type[Document] | type[Chat]) -> Iterator[tuple[int, int, Document | Chat]]:
    """Offset, size and content of each row; none that `Corpus.load` would refuse."""
    for number, offset, line in _lines(data):
        where = f"{data}:{number}"
        with explain_invalid(where):
            row = kind.model_validate_json(line)
        if isinstance(row, Chat) and not takes_turns([message.role for message in row.messages]):
            raise UserError(f"{where}: {WRONG_TURNS}")
        check_placeholders(whole_text(row), where)
        yield offset, len(line), row
