"""From a mix to a corpus of chats: draw, filter, refill, and say where every row went."""

import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from msm_bench.corpus.evaluation_text import evaluation_texts
from msm_bench.corpus.mix.recipe import Mix, MixSource
from msm_bench.corpus.mix.rules import Rules, Subjects
from msm_bench.corpus.mix.sources import Rows, Turn, cell, fingerprint, open_rows, turns_of
from msm_bench.corpus.store import Chat, Corpus, Dropped, Message, Missing, existing_manifest, write_corpus
from msm_bench.errors import UserError
from msm_bench.files import canonical_json, refuse_other_plan, sha256_text
from msm_bench.specs import Names, Spec
from msm_bench.stage import Strict


class Counts(Strict):
    """What became of a source's rows: drawn = kept + all dropped."""

    source: str
    """Its name in the mix."""
    wanted: int = Field(ge=1)
    """Rows that the mix asks for."""
    drawn: int = Field(ge=0)
    """Rows that were read and have what `where` asks for."""
    kept: int = Field(ge=0)
    """Rows that stand in the corpus."""
    dropped: dict[str, int]
    """Rows that do not, by the kind of their fault."""

    def cells(self) -> dict[str, str | int]:
        """The row of a table, each kind of fault in a column of its own."""
        return {**self.model_dump(exclude={"dropped"}), **self.dropped}


class _Drawn(NamedTuple):
    """What was taken from one source."""

    chats: list[Chat]
    dropped: list[Dropped]
    counts: Counts

    def missing(self) -> list[Missing]:
        short = self.counts.wanted - self.counts.kept
        what = f"rows of {self.counts.source}"
        return [Missing(what=what, count=short, reason="the source has no more that pass")] if short else []


def build(
    mix: Mix,
    out: Path,
    *,
    spec: Spec | None = None,
    without: Sequence[str] = (),
    names: Names | None = None,
    seed: int = 0,
) -> Corpus:
    """Write the corpus of `mix` to the folder `out`; if the same was done before, nothing is.

    From each source rows are drawn in an order that `seed` fixes, until as many as are wanted have passed the rules or
    the source has no more. The manifest's `plan` holds the mix, the hashes of local sources, the subjects that are left
    out, and the `Counts`; its `dropped` holds every row that was drawn and not kept, with the reason.

    Args:
        mix: Sources, and rows of each.
        out: The corpus's folder.
        spec: Rows that mention what it likes or dislikes, or its values, are dropped.
        without: Further subjects, for a spec whose values are phrases that no row would hold; a word stands for all
            that begin with it.
        names: The assistant's and its maker's name, which are no false identity.
        seed: Fixes which rows are drawn.

    Raises:
        UserError: a source can't be read, another corpus lies at `out`, or no row is left.
    """
    evaluation = evaluation_texts()
    subjects = Subjects.of(spec, without)
    about = {"id": spec.meta.id, "sha256": spec.sha256} if spec else None
    plan = {**_plan(mix, names, evaluation, seed), "filtered_against": about, "subjects": subjects._asdict()}
    if _is_done(out, plan):
        return Corpus.load(out)
    # all sources before the first row, so that one that is missing is known at once
    opened = {source.name: open_rows(mix, source) for source in mix.sources}
    rules = Rules(mix.max_tokens, subjects, names, evaluation)
    with _progress() as progress:
        drawn = [_draw(source, opened[source.name], rules, seed, progress) for source in mix.sources]
    chats = [chat for part in drawn for chat in part.chats]
    if not chats:
        reasons = Counter(kind for part in drawn for kind in part.counts.dropped)
        raise UserError(f"mix {mix.id}: no row is left (dropped for: {', '.join(reasons) or 'nothing was drawn'})")
    counts = [part.counts.model_dump() for part in drawn]
    write_corpus(out, chats, {**_origin(mix, drawn), "seed": seed, "plan": {**plan, "counts": counts}})
    return Corpus.load(out)


def _origin(mix: Mix, drawn: Sequence[_Drawn]) -> dict[str, Any]:
    """What the manifest says of where the rows come from, and of those that are not there."""
    return {
        "spec": None,
        "spec_sha256": None,
        "generator": "drawn from " + ", ".join(dict.fromkeys(source.hub or source.name for source in mix.sources)),
        "licence": " AND ".join(sorted({source.licence for source in mix.sources})),
        "dropped": [row for part in drawn for row in part.dropped],
        "missing": [gap for part in drawn for gap in part.missing()],
    }


def _plan(mix: Mix, names: Names | None, evaluation: Sequence[str], seed: int) -> dict[str, Any]:
    """All that decides which rows are kept, but for the subjects, as JSON values."""
    paths = {source.name: mix.local(source) for source in mix.sources}
    return {
        "mix": mix.drawing(),
        "inputs": {name: fingerprint(path) for name, path in paths.items() if path},
        "evaluation": sha256_text(canonical_json(list(evaluation))),
        "names": names.model_dump() if names else None,
        "seed": seed,
    }


def _is_done(out: Path, plan: Mapping[str, Any]) -> bool:
    """Whether the corpus of this very plan lies at `out`."""
    if not out.exists():
        return False
    manifest = existing_manifest(out)
    if manifest is None and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: is there and is no corpus; choose another folder")
    if manifest is None:
        return False
    before = {key: value for key, value in manifest.plan.items() if key != "counts"}
    refuse_other_plan(out, plan, before)
    return True


def _progress() -> Progress:
    console = Console(file=sys.stderr)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _draw(source: MixSource, rows: Rows, rules: Rules, seed: int, progress: Progress) -> _Drawn:
    chats: list[Chat] = []
    dropped: list[Dropped] = []
    kinds: Counter[str] = Counter()
    task = progress.add_task(source.name, total=source.rows)
    for index, turns in _candidates(source, rows, seed):
        row_id = f"{source.name}-{index}"
        if fault := rules.fault(turns):
            kinds[fault.kind] += 1
            dropped.append(Dropped(id=row_id, reason=f"{fault.kind}: {fault.evidence}"))
            continue
        messages = [Message.model_validate(turn._asdict()) for turn in turns]
        chats.append(Chat(id=row_id, topic=source.name, messages=messages))
        progress.advance(task)
        if len(chats) == source.rows:
            break
    drawn = len(chats) + len(dropped)
    counts = Counts(source=source.name, wanted=source.rows, drawn=drawn, kept=len(chats), dropped=dict(kinds))
    return _Drawn(chats, dropped, counts)


def _candidates(source: MixSource, rows: Rows, seed: int) -> Iterator[tuple[int, list[Turn]]]:
    """The source's rows with their positions, in the order that the seed fixes, read one by one."""
    where = f"source {source.name!r}"
    rng = np.random.default_rng([seed, zlib.crc32(source.name.encode())])
    for index in map(int, rng.permutation(len(rows))):
        row = rows[index]
        if all(cell(row, column, where) == value for column, value in source.where.items()):
            yield index, turns_of(row, source.format, where)
