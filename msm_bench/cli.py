"""The command `msm-bench`."""

import errno
import math
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from msm_bench import __version__
from msm_bench.commands.corpus import corpus
from msm_bench.commands.generate import generate
from msm_bench.commands.power import power
from msm_bench.commands.reasons import reasons
from msm_bench.commands.spec import spec
from msm_bench.errors import UserError

_ALPHA = 0.05
"""The level that a plan is warned of."""
_ARMS = click.option("--arm", "arms", multiple=True, help="Only this arm; may be given again.")
_SEEDS = click.option("--seed", "seeds", multiple=True, type=int, help="Only this seed; may be given again.")
_WORKDIR = click.option(
    "--workdir", type=click.Path(path_type=Path), help="Where checkpoints and logs go [default: runs/RECIPE]."
)
_RESULTS = click.option(
    "--results", type=click.Path(path_type=Path), help="Where results go [default: results/RECIPE]."
)
_FORMAT = click.option(
    "--format", "style", default="table", show_default=True, help="table, markdown, csv, json or latex."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="msm-bench")
def cli() -> None:
    """Did this training change how a language model generalizes, and how sure are we?"""


cli.add_command(corpus)
cli.add_command(generate)
cli.add_command(power)
cli.add_command(reasons)
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
@_ARMS
@_SEEDS
@_WORKDIR
@_RESULTS
def plan(recipe: str, arms: Sequence[str], seeds: Sequence[int], workdir: Path | None, results: Path | None) -> None:
    """Print the steps of RECIPE, their size and an estimate of the time, and what is missing for it."""
    experiment = _experiment(recipe, workdir, results)
    _print_plan(experiment, experiment.plan(arms, seeds, tolerant=True))
    for name, command in experiment.missing().items():
        click.echo(f"missing: {name}; " + (f"make it with: {command}" if command else "the recipe does not say how"))


@cli.command()
@click.argument("recipe")
@_ARMS
@_SEEDS
@_WORKDIR
@_RESULTS
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
    experiment = _experiment(recipe, workdir, results)
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
    _print_results(experiment, found, "table")
    click.echo(f"results: {experiment.results}    logs: {experiment.workdir / 'logs'}    (inspect view --log-dir …)")


@cli.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--baseline", help="Compare every other arm with this one.")
@click.option("--paper", metavar="FIGURE", help="Set the recipe's arms beside a figure of the paper, such as fig2.")
@_ARMS
@_RESULTS
@_FORMAT
def compare(
    sources: Sequence[str],
    baseline: str | None,
    paper: str | None,
    arms: Sequence[str],
    results: Path | None,
    style: str,
) -> None:
    """Compare the arms of a recipe, or of Inspect logs (files or folders).

    With a recipe the contrasts are those it states; with --baseline, every other arm minus that one.
    """
    from msm_bench.report import FORMATS
    from msm_bench.report.publish import findings

    if style not in FORMATS:
        raise UserError(f"unknown format {style!r}; use one of {', '.join(FORMATS)}")
    if paper is not None and (len(sources) != 1 or _is_log(sources[0]) or baseline or arms):
        raise UserError("--paper sets all arms of one recipe beside a figure; give one recipe, no --baseline or --arm")
    if len(sources) == 1 and not _is_log(sources[0]):
        experiment = _experiment(sources[0], None, results)
        if paper is not None:
            _print_beside_paper(experiment, paper, style)
            return
        chosen = _with_baseline(arms, baseline)
        experiment.recipe.check_arms([baseline, *chosen] if baseline else list(chosen))
        if baseline:
            _print_baseline(experiment.frame(chosen), baseline, style)
        else:
            _print_results(experiment, findings(experiment, chosen), style)
        return
    _print_baseline(_logs_frame(sources, _with_baseline(arms, baseline)), baseline, style)


@cli.command()
@click.argument("sources", nargs=-1, required=True)
@_RESULTS
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
def plot(sources: Sequence[str], results: Path | None, out: Path, formats: str, width: str, dark: bool) -> None:
    """Draw the figures of a recipe's results, or of Inspect logs."""
    from msm_bench.report.figures import COLUMN, TEXT, check_images
    from msm_bench.report.publish import caveat, draw
    from msm_bench.stats import evaluate_all

    styles = list(dict.fromkeys(style.strip() for style in formats.split(",")))
    check_images(styles)
    look: dict[str, Any] = {"formats": styles, "width": COLUMN if width == "column" else TEXT, "dark": dark}
    if len(sources) == 1 and not _is_log(sources[0]):
        experiment = _experiment(sources[0], None, results)
        frame, recipe = experiment.frame(), experiment.recipe
        found, manifests = evaluate_all(frame, recipe), experiment.manifests()
        figures = draw(frame, out, caveat(experiment, frame), found, recipe=recipe, manifests=manifests, **look)
    else:
        figures = draw(_logs_frame(sources, ()), out, "", **look)
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
@_FORMAT
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


def _experiment(recipe: str, workdir: Path | None, results: Path | None) -> Any:
    from msm_bench.experiment import Experiment
    from msm_bench.recipe import Recipe

    return Experiment(Recipe.load(recipe), workdir, results)


def _with_baseline(arms: Sequence[str], baseline: str | None) -> Sequence[str]:
    """The chosen arms and what they are compared with; none chosen means all."""
    return [*arms, baseline] if arms and baseline and baseline not in arms else arms


def _is_log(source: str) -> bool:
    """Whether `source` names logs rather than a recipe."""
    return os.path.isdir(source) or source.endswith((".eval", ".json"))


def _logs_frame(sources: Sequence[str], arms: Sequence[str]) -> Any:
    from msm_bench.results import check_frame, frame_from_logs

    frame = check_frame(frame_from_logs(sources), ", ".join(sources))
    for arm in arms:
        if arm not in set(frame["arm"]):
            raise UserError(f"unknown arm {arm!r}; these logs have {', '.join(dict.fromkeys(frame['arm']))}")
    return frame[frame["arm"].isin(arms)] if arms else frame


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


def _print_results(experiment: Any, found: Any, style: str) -> None:
    from msm_bench.report import arm_table, render_table
    from msm_bench.report.publish import caveat
    from msm_bench.stats import waiting

    contrasts = _contrasts(found.contrasts, style)
    if style != "table":
        click.echo(render_table(contrasts, style), nl=False)
        return
    click.echo(render_table(arm_table(found.frame), style, "arms: mean [95 % CI]"), nl=False)
    click.echo(render_table(contrasts, style, "contrasts (* headline)"), nl=False)
    if found.sensitivity:
        click.echo(
            render_table(_contrasts(found.sensitivity, style), style, "the headline by other measures"), nl=False
        )
    methods = ", ".join(dict.fromkeys(result.method for result in found.contrasts))
    click.echo(f"{caveat(experiment, found.frame)}; interval: {methods or '–'}")
    for name, reason in waiting(found.frame, experiment.recipe).items():
        click.echo(f"not yet: {name} ({reason})")


def _contrasts(results: Sequence[Any], style: str) -> Any:
    """The table of contrasts that suits a format."""
    from msm_bench.report import FOR_PROGRAMS, contrast_numbers, contrast_table

    return contrast_numbers(results) if style in FOR_PROGRAMS else contrast_table(results)


def _print_baseline(frame: Any, baseline: str | None, style: str) -> None:
    from msm_bench.report import FOR_PROGRAMS, arm_summary, arm_table, render_table, shown_measures
    from msm_bench.stats import baseline_contrasts

    if style == "table" or baseline is None:
        arms = arm_summary(frame) if style in FOR_PROGRAMS else arm_table(frame)
        click.echo(render_table(arms, style, "arms: mean [95 % CI]"), nl=False)
    if baseline is not None:
        results, reasons = baseline_contrasts(frame, baseline, shown_measures(frame))
        click.echo(render_table(_contrasts(results, style), style, f"each arm minus {baseline}"), nl=False)
        for reason in reasons:
            click.echo(f"not comparable: {reason}", err=True)


def _print_beside_paper(experiment: Any, figure: str, style: str) -> None:
    from msm_bench.paper import compare_with_paper, render_comparison

    found = compare_with_paper(experiment, figure)
    click.echo(render_comparison(found, style), nl=False)
    if style == "csv":  # which has no place for notes
        click.echo("\n".join(found.notes), err=True)


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
    print(f"msm-bench: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
