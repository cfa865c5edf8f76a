"""`msm-bench corpus`: seal training text, check its health, and draw instruction rows."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from msm_bench.commands.subsample import subsample
from msm_bench.errors import UserError

if TYPE_CHECKING:
    from msm_bench.corpus.check import Health
    from msm_bench.corpus.store import Manifest
    from msm_bench.specs import Names, Spec

_FORMATS = ("table", "json", "markdown", "csv")
_SUBJECTS = 300
"""Characters of the subjects that are shown; the manifest's plan has them all."""
_NO_SUBJECT = "left out: rows on no subject; give --spec, or --without, to keep out what the experiment is about"
_LARGE = 5_000_000
"""Bytes from which a check takes long enough for a progress bar: some 3,000 documents."""


@click.group()
def corpus() -> None:
    """Training text."""


corpus.add_command(subsample)


@corpus.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--spec", type=click.Path(path_type=Path), help="The spec that the rows are about.")
@click.option("--generator", help="Who or what wrote the rows.")
@click.option("--licence", help="SPDX name of the data's licence.")
def seal(path: Path, spec: Path | None, generator: str | None, licence: str | None) -> None:
    """Check PATH/data.jsonl and write its manifest."""
    from msm_bench.corpus import seal as seal_corpus

    manifest = seal_corpus(path, spec=spec, generator=generator, licence=licence)
    click.echo(f"{manifest.id}: {manifest.rows} {manifest.kind}, {manifest.words} words, {manifest.data_sha256[:12]}")


@corpus.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--spec", help="What the rows are about: a path, or a spec that ships [default: the manifest's].")
@click.option("--recipe", help="Take the names and the thresholds of this recipe.")
@click.option("--opaque", is_flag=True, help="The chats must give no reason; the spec's likes may hold such a word.")
@click.option("--out", type=click.Path(path_type=Path), help="Write health.json, health.md and health.png here.")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="table", show_default=True)
def check(path: Path, spec: str | None, recipe: str | None, opaque: bool, out: Path | None, style: str) -> None:
    """Say what is wrong with the corpus PATH, a folder or a file of rows.

    The exit code is 0 if every measure is within its threshold, 1 if one is past it, 2 if the check could not be done.
    """
    from msm_bench.corpus.check import check as check_corpus
    from msm_bench.recipe import Recipe

    stated = Recipe.load(recipe) if recipe else None
    about = _load_spec(spec) if spec else _spec_of(path)
    if about:
        _compare_states(path, about)
    with _progress(path) as tick:
        health = check_corpus(
            path,
            spec=about,
            names=stated.names if stated else None,
            thresholds=stated.health if stated else None,
            opaque=opaque,
            tick=tick,
        )
    click.echo(_shown(health, style), nl=False)
    if out:
        _write(health, out)
    if failures := health.failures():
        names = ", ".join(measure.name for measure in failures)
        click.echo(f"{health.corpus}: past the threshold: {names}", err=True)
        sys.exit(1)


@corpus.command()
@click.argument("recipe", metavar="MIX")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The corpus's folder.")
@click.option("--spec", help="Leave out rows on what this spec is about: a path, or a spec that ships.")
@click.option(
    "--without", multiple=True, metavar="WORD[,WORD…]", help="Leave out rows on this too; may be given again."
)
@click.option("--model-name", help="The assistant's name: rows may give it.")
@click.option("--provider-name", help="Its maker's name, likewise.")
@click.option("--seed", default=0, show_default=True, help="Fixes which rows are drawn.")
def mix(
    recipe: str,
    out: Path,
    spec: str | None,
    without: Sequence[str],
    model_name: str | None,
    provider_name: str | None,
    seed: int,
) -> None:
    """Draw and filter the instruction rows of MIX, a file or one of specs/mixes."""
    from msm_bench.corpus.mix import Mix, build
    from msm_bench.files import explain_full_disk

    there = (out / "manifest.json").exists()
    words = [word.strip() for given in without for word in given.split(",") if word.strip()]
    about, names = _load_spec(spec) if spec else None, _names(model_name, provider_name)
    with explain_full_disk(out.parent):
        manifest = build(Mix.load(recipe), out, spec=about, without=words, names=names, seed=seed).manifest
    _show_mix(manifest)
    found = f"{manifest.rows} chats, {manifest.words:,} words, {manifest.data_sha256[:12]}"
    click.echo(f"{out}: {'already there, ' if there else ''}{found}")
    for gap in manifest.missing:
        click.echo(f"missing: {gap.count} of {gap.what}: {gap.reason}", err=True)


def _names(model_name: str | None, provider_name: str | None) -> "Names | None":
    """Both names, or neither."""
    from msm_bench.errors import explain_invalid
    from msm_bench.specs import Names

    if model_name is None and provider_name is None:
        return None
    if model_name is None or provider_name is None:
        raise UserError("corpus mix: one of the two names is missing; give both --model-name and --provider-name")
    with explain_invalid("corpus mix"):
        return Names(model_name=model_name, provider_name=provider_name)


def _show_mix(manifest: "Manifest") -> None:
    """What became of each source's rows, and what they were filtered by."""
    import pandas as pd

    from msm_bench.corpus.mix import Counts
    from msm_bench.errors import printable
    from msm_bench.report import render_table

    rows = [Counts.model_validate(counts).cells() for counts in manifest.plan["counts"]]
    table = pd.DataFrame(rows).convert_dtypes().fillna(0)
    click.echo(render_table(table, "table", "rows by source"), nl=False)
    subjects = [subject for kind in manifest.plan["subjects"].values() for subject in kind]
    click.echo(f"left out: rows that mention {printable(', '.join(subjects), _SUBJECTS)}" if subjects else _NO_SUBJECT)


def _load_spec(spec: str) -> "Spec":
    """A spec by path, or by the name of one that ships with msm-bench."""
    from msm_bench.files import data_path
    from msm_bench.specs import Spec

    shipped = data_path("specs") / f"{spec}.md"
    return Spec.load(shipped if shipped.is_file() else spec)


def _stated(path: Path) -> dict[str, Any]:
    """What the manifest of the corpus at `path` says, unchecked; nothing if there is none."""
    from msm_bench.files import read_json

    manifest = path / "manifest.json"
    stated = read_json(manifest) if manifest.is_file() else {}
    return stated if isinstance(stated, dict) else {}


def _spec_of(path: Path) -> "Spec | None":
    """The spec that the manifest names, if it ships with msm-bench."""
    from msm_bench.files import data_path

    name = _stated(path).get("spec")
    if not name:
        return None
    if (data_path("specs") / f"{name}.md").is_file():
        return _load_spec(name)
    click.echo(f"{path}: its spec {name!r} is none that ships; give --spec PATH to measure coverage", err=True)
    return None


def _compare_states(path: Path, spec: "Spec") -> None:
    """Say so if the corpus was made from another state of the spec than it is checked against."""
    stated = _stated(path)
    made_from = stated.get("spec_sha256")
    if stated.get("spec") == spec.meta.id and made_from not in (None, spec.sha256):
        states = f"{str(made_from)[:12]!r} and not {spec.sha256[:12]!r}"
        click.echo(f"{path}: made from another state of the spec {spec.meta.id!r} ({states})", err=True)


@contextmanager
def _progress(path: Path) -> Iterator[Callable[[int], None]]:
    """A bar on standard error for a large file, with the time left; it is told of the bytes read."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    data = path / "data.jsonl" if path.is_dir() else path
    size = data.stat().st_size if data.is_file() else 0
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    with Progress(*columns, console=Console(stderr=True), disable=size < _LARGE) as bar:
        task = bar.add_task("", total=size)
        yield lambda read: bar.advance(task, read)


def _shown(health: "Health", style: str) -> str:
    from msm_bench.report.health import health_markdown, health_numbers, health_table, health_title
    from msm_bench.report.render import render_table

    if style == "json":
        return health.model_dump_json(indent=2) + "\n"
    if style == "markdown":
        return health_markdown(health)
    if style == "csv":
        return render_table(health_numbers(health), style)
    return render_table(health_table(health), style, health_title(health))


def _write(health: "Health", out: Path) -> None:
    from msm_bench.files import write_json, write_text
    from msm_bench.report.health import health_markdown, plot_health

    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: a file, where a folder is needed; give another --out")
    write_json(out / "health.json", health.model_dump())
    write_text(out / "health.md", health_markdown(health))
    plot_health(health, out / "health.png")
    click.echo(f"health: {out}", err=True)
