"""`msm-bench corpus subsample`: equally many tokens from each of several corpora."""

from collections.abc import Sequence
from pathlib import Path

import click

from msm_bench.commands.models import NAMES, with_options


@click.command()
@click.argument("corpora", metavar="CORPUS...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Each goes to OUT/<id>-<N>tok.")
@click.option("--tokens", type=click.IntRange(1), help="N [default: what the smallest corpus holds].")
@click.option("--tokenizer", metavar="BASE", required=True, help="A base model that is prepared.")
@with_options(NAMES)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Fixes which rows are drawn.")
def subsample(
    corpora: Sequence[Path],
    out: Path,
    tokens: int | None,
    tokenizer: str,
    model_name: str,
    provider_name: str,
    seed: int,
) -> None:
    """Draw equally many tokens of each CORPUS, spread over its topics and types."""
    from msm_bench.corpus.subsample import subsample as draw
    from msm_bench.errors import explain_invalid
    from msm_bench.files import explain_full_disk
    from msm_bench.specs import Names

    with explain_invalid("corpus subsample"):
        names = Names(model_name=model_name, provider_name=provider_name)
    with explain_full_disk(out):
        drawn = draw(corpora, out, tokenizer=tokenizer, names=names, tokens=tokens, seed=seed)
    for one in drawn:
        there = "already there, " if one.was_there else ""
        kind = one.manifest.kind
        click.echo(f"{out / one.manifest.id}: {there}{one.manifest.rows} {kind}, {one.tokens:,} tokens")
