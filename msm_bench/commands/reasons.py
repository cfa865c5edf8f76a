"""`msm-bench reasons`: which reasons models give, and how often."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from msm_bench.commands.models import ASKING, limits_of, open_model, set_price, with_options
from msm_bench.errors import UserError, printable
from msm_bench.reasons.codebook import CLUSTERS
from msm_bench.reasons.overlap import THRESHOLD

if TYPE_CHECKING:
    from msm_bench.reasons.codebook import Codebook
    from msm_bench.reasons.run import Asking, Findings
    from msm_bench.reasons.transcripts import Transcript

_CHARACTERS_PER_TOKEN = 4
"""Of English, roughly."""


@click.command()
@click.argument("sources", metavar="LOGS...", nargs=-1, required=True)
@click.option("--model-role", "role", required=True, metavar="grader=MODEL", help="Who reads the transcripts.")
@click.option("--model-base-url", help="Where the grader is served, if not where its provider says.")
@click.option("-M", "model_args", multiple=True, metavar="KEY=VALUE", help="For its provider; may be given again.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where answers and results go.")
@click.option("--codebook", metavar="FILE|paper", help="Read against this codebook; without it one is drafted.")
@click.option("--clusters", type=click.IntRange(1, 20), help=f"Of each side, in a draft [default: {CLUSTERS}].")
@click.option("--seed", type=click.IntRange(0), help="Of a draft from very many reasons [default: 0].")
@click.option(
    "--overlap",
    type=click.FloatRange(0, 1),
    help="With --codebook, patterns that share a larger part of the rarer one's transcripts are merged; 1 merges none "
    f"[default: {THRESHOLD}].",
)
@click.option(
    "--thinking-tokens",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="More room for each answer, for graders that think before they write.",
)
@with_options(ASKING)
@click.option("--format", "style", default="table", show_default=True, help="table, markdown, csv, json or latex.")
def reasons(sources: Sequence[str], codebook: str | None, out: Path, style: str, **given: Any) -> None:
    """Count the reasons that models give in the transcripts of LOGS.

    Without --codebook a grader extracts each transcript's reasons and names their clusters: OUT/codebook.yaml, for you
    to edit. With one, it says which patterns each transcript shows; OUT gets their frequencies by arm.
    """
    from msm_bench.files import explain_full_disk, only_one
    from msm_bench.reasons.codebook import Codebook
    from msm_bench.reasons.transcripts import read_transcripts
    from msm_bench.report import FORMATS

    if style not in FORMATS:
        raise UserError(f"unknown format {style!r}; use one of {', '.join(FORMATS)}")
    _refuse_of_the_other_mode(given, codebook is not None)
    chosen = Codebook.load(codebook) if codebook is not None else None
    grader = _grader(given["role"])
    transcripts = read_transcripts(sources)
    if grader in {one.about["model"] for one in transcripts}:
        raise UserError(f"reasons: {grader} made some of these transcripts and can't grade them; name another grader")
    asking = _asking(grader, given)
    _announce(transcripts, chosen)
    with explain_full_disk(out), only_one(out):
        if chosen is None:
            _draft(transcripts, out, asking, given, style)
        else:
            _apply(transcripts, chosen, out, asking, given, style)


def _refuse_of_the_other_mode(given: dict[str, Any], reading: bool) -> None:
    """Raise a `UserError` for an option that a draft has no use for, or a reading."""
    for name in ("clusters", "seed") if reading else ("overlap",):
        if given[name] is not None:
            use = "is of a draft; leave it out with --codebook" if reading else "goes with --codebook; leave it out"
            raise UserError(f"--{name} {use}")


def _grader(role: str) -> str:
    from msm_bench.judges import GRADER

    name, _, model = role.partition("=")
    if name != GRADER or not model:
        raise UserError(f"reasons: give the grader as --model-role {GRADER}=MODEL")
    return model


def _asking(grader: str, given: dict[str, Any]) -> "Asking":
    from msm_bench.corpus.generate.progress import Progress
    from msm_bench.reasons.run import Asking

    if given["price"]:
        set_price(grader, *given["price"])
    model = open_model(grader, given["model_base_url"], given["model_args"])
    return Asking(model, limits_of(given), Progress(), given["thinking_tokens"])


def _announce(transcripts: Sequence["Transcript"], codebook: "Codebook | None") -> None:
    """Say what there is to read."""
    tokens = sum(len(one.text) for one in transcripts) // _CHARACTERS_PER_TOKEN
    what = f"{len(codebook.patterns)} patterns" if codebook else "a codebook to be drafted"
    click.echo(f"{len(transcripts)} transcripts of about {tokens:,} tokens in all, for {what}", err=True)


def _draft(transcripts: Sequence["Transcript"], out: Path, asking: "Asking", given: dict[str, Any], style: str) -> None:
    import asyncio

    from msm_bench.reasons.run import CODEBOOK, draft_codebook

    clusters = CLUSTERS if given["clusters"] is None else given["clusters"]
    codebook, new = asyncio.run(draft_codebook(transcripts, out, asking, clusters, given["seed"] or 0))
    _show(_pattern_table(codebook), style, codebook.title)
    if origin := codebook.origin:
        lost = {**origin.dropped, **origin.unread, "clusters without a name": origin.unnamed}
        for reason, count in lost.items():
            if count:
                click.echo(f"left out: {count}: {printable(reason)}", err=True)
    there = "" if new else "was there already, drafted in the same way; "
    click.echo(
        f"{out / CODEBOOK}: {there}edit it, then give the same command with --codebook {out / CODEBOOK}", err=True
    )


def _pattern_table(codebook: "Codebook") -> Any:
    import pandas as pd

    return pd.DataFrame(
        {
            "side": one.side,
            "pattern": one.name,
            "reasons": str(one.reasons or 0),
            "example": _quoted(next(iter(one.examples), "")),
        }
        for one in codebook.patterns
    )


def _quoted(text: str) -> str:
    """A quote as one; a program that opens the table takes none of them for a formula."""
    return f"“{printable(text, 90)}”" if text else ""


def _apply(
    transcripts: Sequence["Transcript"],
    codebook: "Codebook",
    out: Path,
    asking: "Asking",
    given: dict[str, Any],
    style: str,
) -> None:
    import asyncio

    from msm_bench.reasons.frequencies import frequency_table
    from msm_bench.reasons.publish import publish
    from msm_bench.reasons.run import apply_codebook
    from msm_bench.report import FOR_PROGRAMS

    threshold = THRESHOLD if given["overlap"] is None else given["overlap"]
    found = asyncio.run(apply_codebook(transcripts, codebook, out, asking, threshold))
    publish(found, out, threshold, _shown_command(sys.argv[1:], given["model_args"], given["model_base_url"]))
    table = found.numbers if style in FOR_PROGRAMS else frequency_table(found.numbers)
    _show(table, style, "share of transcripts that show each pattern [95 % CI]")
    _show_losses(found)
    click.echo(f"results: {out}", err=True)


def _shown_command(words: Sequence[str], model_args: Sequence[str], url: str | None) -> str:
    """The command without keys: of -M only names, of an address neither user nor query."""
    secret = {text: f"{text.partition('=')[0]}=…" for text in model_args}
    if url:
        secret[url] = _public(url)
    for text in sorted(secret, key=len, reverse=True):  # one may begin like another
        words = [word.replace(text, secret[text]) for word in words]
    return "msm-bench " + shlex.join(words)


def _public(url: str) -> str:
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _show(table: Any, style: str, title: str) -> None:
    from msm_bench.reasons.publish import markdown_safe
    from msm_bench.report import render_table

    shown = markdown_safe(table) if style == "markdown" else table
    click.echo(render_table(shown, style, title, is_markdown=True), nl=False)


def _show_losses(found: "Findings") -> None:
    """What was merged, and what has no verdict."""
    for merge in found.merges:
        of = f" of {printable(merge.condition)}" if merge.condition else ""
        sizes = f"{merge.both} of {min(merge.into_size, merge.merged_size)} transcripts{of}"
        click.echo(f"merged: {merge.merged} into {merge.into} ({sizes})", err=True)
    for reason, count in found.unscored.items():
        click.echo(f"unscored: {count}: {printable(reason)}", err=True)
