"""Equally many tokens from each of several corpora: rows drawn by seed, spread over topics and types.

msm-bench corpus subsample specs/corpora/cheese-america specs/corpora/cheese-neutral --out runs/equal \
    --tokenizer smollm2-135m
"""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msm_bench.basemodels import resolve
from msm_bench.corpus.store import Chat, Corpus, Document, Manifest, existing_manifest, row_text, write_corpus
from msm_bench.corpus.tokens import token_counter
from msm_bench.errors import UserError
from msm_bench.files import refuse_other_plan
from msm_bench.specs import Names, render

Row = Document | Chat
Count = Callable[[Sequence[str]], list[int]]
"""The tokens of each of several texts."""
_BATCH = 256
"""Rows whose tokens are counted at a time."""


class Subsample(NamedTuple):
    """What came of one corpus."""

    manifest: Manifest
    tokens: int
    """How many its rows hold: at most as many as were asked for, and less than one row fewer."""
    was_there: bool
    """Whether it had been written before."""


class _Drawn(NamedTuple):
    corpus: Corpus
    path: Path
    """Where the rows go."""
    rows: list[Row]
    plan: dict[str, Any]
    """How they were drawn, for the manifest."""


def subsample(
    paths: Sequence[Path],
    out: Path,
    *,
    tokenizer: str,
    names: Names,
    tokens: int | None = None,
    seed: int = 1,
) -> list[Subsample]:
    """Write `out/<id>-<N>tok` for each corpus, all with N tokens less at most a part of one row.

    Rows are drawn without replacement, so that any share of them is spread over topics and types as the corpus is; the
    same seed draws the same rows. Of a chat the turns and the reasoning count, without the marks of a chat template.

    Args:
        paths: Folders of corpora with different ids.
        out: Folder for the new ones.
        tokenizer: A base model that is prepared; its tokens are counted.
        names: What is filled in before tokens are counted.
        tokens: How many each is to have; by default as many as the smallest has.
        seed: Fixes which rows are drawn.

    Raises:
        UserError: a corpus can't be read or has too few tokens, two have one id, or another corpus lies where one
            should go.
    """
    corpora = [Corpus.load(path) for path in paths]
    count = token_counter(tokenizer)
    sizes = [row_sizes(corpus.rows, names, count) for corpus in corpora]
    target = _target(corpora, sizes, tokens)
    base = resolve(tokenizer)
    stated = {
        "tokens": target,
        "tokenizer": base.path.name if Path(tokenizer).is_dir() else tokenizer,
        "tokenizer_sha256": base.sha256,
        "names": names.model_dump(),
        "seed": seed,
    }
    drawn = [_draw(corpus, own, out, stated) for corpus, own in zip(corpora, sizes, strict=True)]
    there = [_is_there(one) for one in drawn]  # all before the first is written
    return [_write(one, was_there) for one, was_there in zip(drawn, there, strict=True)]


def row_sizes(rows: Sequence[Row], names: Names, count: Count) -> list[int]:
    """The tokens of each row."""
    sizes: list[int] = []
    for start in range(0, len(rows), _BATCH):
        sizes += count([render(_counted_text(row), names) for row in rows[start : start + _BATCH]])
    return sizes


def draw(rows: Sequence[Row], sizes: Sequence[int], tokens: int, seed: int) -> list[int]:
    """The places of rows that hold `tokens` tokens, less at most a part of the next row; in the rows' order."""
    places, left = [], tokens
    for place in spread(rows, seed):
        if sizes[place] > left:
            break
        places.append(place)
        left -= sizes[place]
    return sorted(places)


def spread(rows: Sequence[Row], seed: int) -> list[int]:
    """All places in an order of which every beginning is spread over topics and types as the rows are.

    The rows lie in a ring, those of one topic and type side by side, topics, types and rows shuffled; the ring is
    visited in the order of van der Corput's sequence in base 2 (1935), from a random start, so that each row is as
    likely as any other to come early.
    """
    rng = random.Random(seed)  # noqa: S311  # not for secrets
    luck: defaultdict[tuple[str, ...], float] = defaultdict(rng.random)
    ring = sorted(
        range(len(rows)),
        key=lambda place: (luck[(rows[place].topic,)], luck[(rows[place].topic, type_of(rows[place]))], rng.random()),
    )
    start, digits = rng.randrange(len(rows)), (len(rows) - 1).bit_length()
    visits = (int(f"{turn:0{digits}b}"[::-1], 2) for turn in range(2**digits))
    return [ring[(start + visit) % len(rows)] for visit in visits if visit < len(rows)]


def type_of(row: Row) -> str:
    """The genre of a document, or what a chat was asked for as."""
    return row.type if isinstance(row, Document) else row.style


def _counted_text(row: Row) -> str:
    thoughts = row.reasoning if isinstance(row, Chat) else None
    return f"{thoughts}\n{row_text(row)}" if thoughts else row_text(row)


def _target(corpora: Sequence[Corpus], sizes: Sequence[Sequence[int]], tokens: int | None) -> int:
    ids = [corpus.manifest.id for corpus in corpora]
    if twice := [id for id in ids if ids.count(id) > 1]:
        raise UserError(f"{twice[0]}: given more than once, or two corpora have this id; name each corpus once")
    held = {id: sum(own) for id, own in zip(ids, sizes, strict=True)}
    smallest = min(held, key=held.__getitem__)
    if tokens is None:
        return held[smallest]
    if held[smallest] < tokens:
        raise UserError(f"{smallest}: holds {held[smallest]} tokens and not {tokens}; give --tokens a smaller number")
    return tokens


def _draw(corpus: Corpus, sizes: Sequence[int], out: Path, stated: dict[str, Any]) -> _Drawn:
    id = corpus.manifest.id
    places = draw(corpus.rows, sizes, stated["tokens"], stated["seed"])
    if not places:
        raise UserError(
            f"{id}: the first row drawn has more than {stated['tokens']} tokens; give --tokens a larger number"
        )
    rows: list[Row] = [corpus.rows[place] for place in places]
    held = sum(sizes[place] for place in places)
    plan = {"subsample_of": id, "data_sha256": corpus.manifest.data_sha256, **stated, "tokens_held": held}
    return _Drawn(corpus, out / f"{id}-{stated['tokens']}tok", rows, plan)


def _is_there(drawn: _Drawn) -> bool:
    """Whether these very rows lie there already."""
    if not drawn.path.exists():
        return False
    found = existing_manifest(drawn.path) if drawn.path.is_dir() else None
    if found is None:
        raise UserError(f"{drawn.path}: is there and is no corpus; move it away, or choose another folder")
    refuse_other_plan(drawn.path, drawn.plan, found.plan)
    return True


def _write(drawn: _Drawn, was_there: bool) -> Subsample:
    held = drawn.plan["tokens_held"]
    if was_there:
        return Subsample(Corpus.load(drawn.path).manifest, held, was_there)
    kept = ("spec", "spec_sha256", "generator", "prompts", "seed", "licence")
    about = {**drawn.corpus.manifest.model_dump(include=set(kept)), "plan": drawn.plan}
    return Subsample(write_corpus(drawn.path, drawn.rows, about), held, was_there)
