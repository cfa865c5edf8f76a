"""The command `msm-bench`."""

import errno
import math
import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from msm_bench import __version__
from msm_bench.commands.compare import compare, print_findings
from msm_bench.commands.corpus import corpus
from msm_bench.commands.generate import generate
from msm_bench.commands.power import power
from msm_bench.commands.reasons import reasons
from msm_bench.commands.report import report
from msm_bench.commands.sources import (
    ARMS,
    COLUMNS,
    FORMAT,
    RESULTS,
    check_no_columns,
    columns_of,
    experiment_of,
    is_recipe,
)
from msm_bench.commands.spec import spec
from msm_bench.errors import UserError, printable

_ALPHA = 0.05
"""The level that a plan is warned of."""
_SEEDS = click.option("--seed", "seeds", multiple=True, type=int, help="Only this seed; may be given again.")
_WORKDIR = click.option(
    "--workdir", type=click.Path(path_type=Path), help="Where checkpoints and logs go [default: runs/RECIPE]."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="msm-bench")
def cli() -> None:
    """Did this training change how a language model generalizes, and how sure are we?"""


cli.add_command(compare)
cli.add_command(corpus)
cli.add_command(generate)
cli.add_command(power)
cli.add_command(reasons)
cli.add_command(report)
cli.add_command(spec)


@cli.group()
def model() -> None:
    """Base models on this machine."""


@model.command()
@click.argument("name")
@click.option("--accept-licence", is_flag=True, help="You have read the terms of the model, and accept them.")
def prepare(name: str, accept_licence: bool) -> None:
    """Make base model NAME ready: an embedded one, a hub id, or a directory."""
    from msm_bench import basemodels

    base = basemodels.prepare(name, accept_licence=accept_licence)
    click.echo(f"{base.id}: {base.path} (sha256 {base.sha256[:12]})")
    note = base.path / "LICENCE-NOTE.txt"
    if note.exists():
        click.echo(note.read_text(encoding="utf-8").strip())


@cli.command()
@click.argument("recipe")
@ARMS
@_SEEDS
@_WORKDIR
@RESULTS
def plan(recipe: str, arms: Sequence[str], seeds: Sequence[int], workdir: Path | None, results: Path | None) -> None:
    """Print the steps of RECIPE, their size and an estimate of the time, and what is missing for it."""
    experiment = experiment_of(recipe, workdir, results)
    _print_plan(experiment, experiment.plan(arms, seeds, tolerant=True))
    for name, command in experiment.missing().items():
        click.echo(f"missing: {name}; " + (f"make it with: {command}" if command else "the recipe does not say how"))


@cli.command()
@click.argument("recipe")
@ARMS
@_SEEDS
@_WORKDIR
@RESULTS
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Seeds at a time; they share the cores."
)
def run(
    recipe: str, arms: Sequence[str], seeds: Sequence[int], workdir: Path | None, results: Path | None, jobs: int
) -> None:
    """Carry out what is missing of RECIPE, then write its results."""
    from msm_bench.environment import restart_tuned
    from msm_bench.files import explain_full_disk, only_one
    from msm_bench.parallel import run_side_by_side
    from msm_bench.report.publish import publish

    restart_tuned()
    experiment = experiment_of(recipe, workdir, results)
    steps = experiment.plan(arms, seeds)
    _print_plan(experiment, steps, jobs)
    # another recipe may have the same working folder; where all shards are there, none is needed
    working = nullcontext() if all(step.done for step in steps) else only_one(experiment.workdir)
    with explain_full_disk(experiment.workdir, experiment.results), working, only_one(experiment.results):
        if jobs == 1:
            experiment.run(arms, seeds)
        else:
            run_side_by_side(experiment, arms, seeds, jobs)
        found = publish(experiment, "msm-bench " + shlex.join(sys.argv[1:]))
    print_findings(experiment, found, "table")
    click.echo(f"results: {experiment.results}    logs: {experiment.workdir / 'logs'}    (inspect view --log-dir …)")


@cli.command()
@click.argument("sources", nargs=-1, required=True)
@RESULTS
@COLUMNS
@click.option("--out", type=click.Path(path_type=Path), default=Path("figures"), show_default=True)
@click.option("--format", "formats", default="png", show_default=True, help="png, svg or pdf, or several with commas.")
@click.option(
    "--width",
    type=click.Choice(["text", "column"]),
    default="text",
    show_default=True,
    help="Of a page's text (6.9 in) or of one of two columns (3.3 in).",
)
@click.option("--dark", is_flag=True, help="For a dark page.")
def plot(
    sources: Sequence[str], results: Path | None, out: Path, formats: str, width: str, dark: bool, **given: Any
) -> None:
    """Draw the figures of a recipe's results, or of Inspect logs."""
    from msm_bench.api import load_results
    from msm_bench.report.figures import COLUMN, TEXT, check_images
    from msm_bench.report.publish import caveat, draw
    from msm_bench.stats import evaluate_all

    styles = list(dict.fromkeys(style.strip() for style in formats.split(",")))
    check_images(styles)
    look: dict[str, Any] = {"formats": styles, "width": COLUMN if width == "column" else TEXT, "dark": dark}
    if is_recipe(sources):
        check_no_columns(sources[0], given)
        experiment = experiment_of(sources[0], None, results)
        frame, recipe = experiment.frame(), experiment.recipe
        found, manifests = evaluate_all(frame, recipe), experiment.manifests()
        figures = draw(frame, out, caveat(frame), found, recipe=recipe, manifests=manifests, **look)
    else:
        figures = draw(load_results(sources, **columns_of(given)).frame, out, "", **look)
    for figure in figures:
        click.echo(figure)


@cli.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where the results go.")
def collect(sources: Sequence[str], out: Path) -> None:
    """Write frame, summary, table and heat map of Inspect logs whose samples lie in cells."""
    from msm_bench.report import render_table
    from msm_bench.report.collect import collect as collect_logs

    table = collect_logs(sources, out, "msm-bench " + shlex.join(sys.argv[1:]))
    click.echo(render_table(table, "table", "cells: mean (scored/samples)"), nl=False)
    click.echo(f"results: {out}")


@cli.command("judge-check")
@click.option("--model-role", "roles", multiple=True, required=True, metavar="grader=MODEL", help="The grader.")
@click.option("--log-dir", type=click.Path(path_type=Path), default=Path("runs/judge-check"), show_default=True)
@FORMAT
def judge_check(roles: Sequence[str], log_dir: Path, style: str) -> None:
    """Let a grader judge transcripts whose verdicts are known: accuracy, kappa, and how many it leaves unjudged."""
    import pandas as pd

    from msm_bench.judges import GRADER
    from msm_bench.office.judge_check import agreements, check_grader, disagreements
    from msm_bench.report import FOR_PROGRAMS, render_table

    named = dict(role.split("=", 1) for role in roles if "=" in role)
    if set(named) != {GRADER} or len(roles) != 1 or not named[GRADER]:
        raise UserError(f"judge-check: give the grader as --model-role {GRADER}=MODEL, and no other role")
    log = check_grader(named[GRADER], log_dir)
    rows = [row._asdict() for row in agreements(log)]
    if style not in FOR_PROGRAMS:
        rows = [{name: _rounded(value) for name, value in row.items()} for row in rows]
    click.echo(render_table(pd.DataFrame(rows), style, f"{named[GRADER]} against authored verdicts"), nl=False)
    if style == "table":
        for line in disagreements(log):
            click.echo(f"disagrees: {line}")
        click.echo(f"log: {log.location}")


def _rounded(value: Any) -> str:
    """A number, or an interval, with two decimals."""
    if isinstance(value, tuple):
        return f"[{value[0]:.2f}, {value[1]:.2f}]"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _print_plan(experiment: Any, steps: Sequence[Any], jobs: int = 1) -> None:
    import pandas as pd

    from msm_bench.report import render_table
    from msm_bench.stats import smallest_p_holm

    units = {"train": "tokens", "evaluate": "items"}
    table = pd.DataFrame(
        [
            {
                "step": step.kind,
                "what": step.name,
                "seed": str(step.seed),
                "size": f"{step.size:,} {units[step.kind]}",
                "estimate": "done" if step.done else _minutes(step.seconds, digits=1),
            }
            for step in steps
        ]
    )
    click.echo(render_table(table, "table"), nl=False)
    click.echo(f"left to do: {_left([step for step in steps if not step.done], jobs)}")
    for name, best in smallest_p_holm(experiment.recipe).items():
        if best > _ALPHA:
            click.echo(f"too few seeds: the p of {name!r} can't fall below {best:.3g} after Holm's correction")


def _left(steps: Sequence[Any], jobs: int) -> str:
    """How long the steps take, or how much they are where nothing is known of the model's speed."""
    seconds = sum(step.seconds for step in steps) / jobs
    if not math.isnan(seconds):
        return f"about {_minutes(seconds, digits=0)} (measured on what is done here, else on two cores)"
    tokens, items = (sum(step.size for step in steps if step.kind == kind) for kind in ("train", "evaluate"))
    return f"{tokens:,} tokens and {items:,} items (nothing is measured yet of how fast this model is)"


def _minutes(seconds: float, digits: int) -> str:
    return "?" if math.isnan(seconds) else f"{seconds / 60:.{digits}f} min"


def main() -> None:
    """Run the command; a user's mistake is one line on standard error and exit code 2."""
    try:
        cli(standalone_mode=False)
    except UserError as error:
        _fail(str(error))
    except click.UsageError as error:
        _fail(f"{error.format_message()} (see `msm-bench --help`)")
    except (click.Abort, KeyboardInterrupt):
        print("interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        mend = "make room" if full else "mend that"
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}; {mend} or choose another folder, then give the same command again")


def _fail(message: str) -> None:
    # names in it may hold a terminal's codes
    print(f"msm-bench: {printable(message, len(message))}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
