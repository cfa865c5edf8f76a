"""`msm-bench corpus`: seal training text, check its health, and draw instruction rows."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from msm_bench.commands.subsample import subsample
from msm_bench.errors import UserError

if TYPE_CHECKING:
    from msm_bench.corpus.check import Health
    from msm_bench.specs import Spec

_FORMATS = ("table", "json", "markdown", "csv")
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
@click.option("--opaque", is_flag=True, help="The chats must give no reason.")
@click.option("--out", type=click.Path(path_type=Path), help="Write health.json, health.md and health.png here.")
@click.option("--format", "style", type=click.Choice(_FORMATS), default="table", show_default=True)
def check(path: Path, spec: str | None, recipe: str | None, opaque: bool, out: Path | None, style: str) -> None:
    """Say what is wrong with the corpus PATH, a folder or a file of rows.

    The exit code is 0 if every measure is within its threshold, 1 if one is past it, 2 if the check could not be done.
    """
    from msm_bench.corpus.check import check as check_corpus
    from msm_bench.recipe import Recipe

    stated = Recipe.load(recipe) if recipe else None
    with _progress(path) as tick:
        health = check_corpus(
            path,
            spec=_find_spec(spec, path),
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
@click.option("--seed", default=0, show_default=True, help="Fixes which rows are drawn.")
def mix(recipe: str, out: Path, spec: str | None, seed: int) -> None:
    """Draw and filter the instruction rows of MIX, a file or one of specs/mixes."""
    import pandas as pd

    from msm_bench.corpus.mix import Counts, Mix, build
    from msm_bench.files import explain_full_disk
    from msm_bench.report import render_table

    there = (out / "manifest.json").exists()
    with explain_full_disk(out.parent):
        manifest = build(Mix.load(recipe), out, spec=_find_spec(spec, out) if spec else None, seed=seed).manifest
    rows = [Counts.model_validate(counts).cells() for counts in manifest.plan["counts"]]
    table = pd.DataFrame(rows).convert_dtypes().fillna(0)
    click.echo(render_table(table, "table", "rows by source"), nl=False)
    found = f"{manifest.rows} chats, {manifest.words:,} words, {manifest.data_sha256[:12]}"
    click.echo(f"{out}: {'already there, ' if there else ''}{found}")
    for gap in manifest.missing:
        click.echo(f"missing: {gap.count} of {gap.what}: {gap.reason}", err=True)


def _find_spec(spec: str | None, path: Path) -> "Spec | None":
    """The spec that is given, else the manifest's if it ships with msm-bench."""
    from msm_bench.files import data_path, read_json
    from msm_bench.specs import Spec

    shipped = data_path("specs")
    if spec:
        return Spec.load(shipped / f"{spec}.md" if (shipped / f"{spec}.md").is_file() else spec)
    manifest = path / "manifest.json"
    named = read_json(manifest) if manifest.is_file() else {}
    name = named.get("spec") if isinstance(named, dict) else None
    file = shipped / f"{name}.md"
    if name and not file.is_file():
        click.echo(f"{path}: its spec {name!r} is none that ships; give --spec PATH to measure coverage", err=True)
    return Spec.load(file) if file.is_file() else None


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
    from msm_bench.report.tables import render_table

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
