"""`msm-bench compare`: the arms of a recipe or of Inspect logs, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from msm_bench.commands.sources import ARMS, FORMAT, RESULTS, experiment_of, is_recipe
from msm_bench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from msm_bench.api import Comparison
    from msm_bench.experiment import Experiment
    from msm_bench.report.publish import Findings
    from msm_bench.stats import ContrastResult, Options

_COLUMN = "sample_id, epoch, model, task, solver, log, target, tag, metadata.X, task_arg.X, model_arg.X"


@click.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--baseline", help="Compare every other arm with this one.")
@click.option(
    "--contrasts",
    type=click.Path(path_type=Path),
    help="A YAML file with a list of stated contrasts, each as in a recipe.",
)
@click.option("--by", metavar="COLUMN", help=f"What makes the arm of a log [default: its model]. Columns: {_COLUMN}.")
@click.option("--item", metavar="COLUMN", default="sample_id", show_default=True, help="By which arms are paired.")
@click.option("--cell", metavar="COLUMN", help="The fixed stratum of an item [default: metadata.cell].")
@click.option(
    "--cluster", metavar="COLUMN", help="What is resampled within a cell [default: metadata.cluster, else the item]."
)
@click.option(
    "--seed", metavar="COLUMN", help="The training run [default: the recipe's]; 'log' takes each log for a run."
)
@click.option("--scorer", "--scorers", "scorers", multiple=True, help="Only this scorer or metric; may be given again.")
@click.option(
    "--allow",
    multiple=True,
    type=click.Choice(["version", "content"]),
    help="Compare although versions of a task, or contents of items, differ; may be given again.",
)
@click.option("--equivalence", type=click.FloatRange(0, min_open=True), help="Test for equivalence within ± this.")
@click.option("--resamples", type=click.IntRange(100), default=4000, show_default=True, help="Of the bootstrap.")
@click.option("--ordinal", multiple=True, metavar="METRIC", help="Its values are ranks; may be given again.")
@click.option("--graders", multiple=True, metavar="NAME=A,B", help="A measure that is the mean of several metrics.")
@click.option("--mixed", is_flag=True, help="Fit a mixed model beside the interval; needs statsmodels.")
@click.option("--paper", metavar="FIGURE", help="Set the recipe's arms beside a figure of the paper, such as fig2.")
@ARMS
@RESULTS
@FORMAT
def compare(
    sources: Sequence[str],
    baseline: str | None,
    contrasts: Path | None,
    by: str | None,
    item: str,
    cell: str | None,
    cluster: str | None,
    seed: str | None,
    scorers: Sequence[str],
    allow: Sequence[str],
    equivalence: float | None,
    resamples: int,
    ordinal: Sequence[str],
    graders: Sequence[str],
    mixed: bool,
    paper: str | None,
    arms: Sequence[str],
    results: Path | None,
    style: str,
) -> None:
    """Compare the arms of a recipe, of Inspect logs (files or folders), or of a folder of results.

    With a recipe the contrasts are those it states; with --baseline, every other arm minus that one.
    """
    from msm_bench import api
    from msm_bench.report import FORMATS
    from msm_bench.report.publish import findings
    from msm_bench.stats import DEFAULTS

    if style not in FORMATS:
        raise UserError(f"unknown format {style!r}; use one of {', '.join(FORMATS)}")
    options = _options(equivalence, resamples, ordinal, graders, mixed)
    of_recipe = is_recipe(sources)
    if paper is not None and (not of_recipe or baseline or contrasts or arms):
        raise UserError("--paper sets all arms of one recipe beside a figure; give one recipe, no --baseline or --arm")
    chosen = [*arms, baseline] if arms and baseline and baseline not in arms else list(arms)
    if not of_recipe:
        found = api.load_results(
            sources,
            by=by,
            item=item,
            cell=cell,
            cluster=cluster,
            seed=seed,
            scorers=scorers,
            allow=allow,
            arms=chosen,
        )
        print_comparison(api.compare(found, baseline, contrasts=contrasts, options=options), baseline, style)
        return
    if by or item != "sample_id" or cell or cluster or seed or allow or scorers:
        raise UserError(f"{sources[0]}: a recipe says itself what its arms and items are; give such options with logs")
    experiment = experiment_of(sources[0], None, results)
    if paper is not None:
        _print_beside_paper(experiment, paper, style)
        return
    experiment.recipe.check_arms([baseline, *chosen] if baseline else chosen)
    if baseline or contrasts or options != DEFAULTS:
        own = api.Results(experiment.frame(chosen), [], experiment.recipe)
        print_comparison(api.compare(own, baseline, contrasts=contrasts, options=options), baseline, style)
    else:
        print_findings(experiment, findings(experiment, chosen), style)


def _options(
    equivalence: float | None, resamples: int, ordinal: Sequence[str], graders: Sequence[str], mixed: bool
) -> "Options":
    """What is computed beyond the contrasts; the margin of equivalence counts on the scale of each measure."""
    from msm_bench.errors import explain_invalid
    from msm_bench.recipe import Smallest
    from msm_bench.stats import Options

    named = dict(one.partition("=")[::2] for one in graders)
    if "" in {*named, *named.values()}:
        raise UserError("--graders: give a name and the metrics of its graders, as in graded=grade,grade1")
    with explain_invalid("options"):
        return Options(
            draws=resamples,
            smallest=Smallest(margin=equivalence, rate=equivalence) if equivalence else Smallest(),
            equivalence=equivalence is not None,
            ordinal=tuple(ordinal),
            graders={name: tuple(metrics.split(",")) for name, metrics in named.items()},
            mixed=mixed,
        )


def print_comparison(found: "Comparison", baseline: str | None, style: str) -> None:
    """The arms, the contrasts and what to know of them; programs find that on standard error."""
    from msm_bench.report import render_table

    if style == "table" or not found.contrasts:
        click.echo(found.arm_table(style, "arms: mean [95 % CI]"), nl=False)
    if found.contrasts:
        stated = any(result.recipe_sha256 for result in found.contrasts)
        title = "contrasts (* headline)" if stated else f"each arm minus {baseline}"
        click.echo(render_table(_contrasts(found.contrasts, style), style, title), nl=False)
    _print_notes(found.notes, style)


def _print_notes(notes: Sequence[str], style: str) -> None:
    if style == "markdown" and notes:
        click.echo()
    for note in notes:
        click.echo(f"- {note}" if style == "markdown" else f"note: {note}", err=style not in ("table", "markdown"))


def print_findings(experiment: "Experiment", found: "Findings", style: str) -> None:
    """What a recipe's results say: the arms, its contrasts, and the headline by other measures."""
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


def _contrasts(results: Sequence["ContrastResult"], style: str) -> "pd.DataFrame":
    """The table of contrasts that suits a format."""
    from msm_bench.report import FOR_PROGRAMS, contrast_numbers, contrast_table

    return contrast_numbers(results) if style in FOR_PROGRAMS else contrast_table(results)


def _print_beside_paper(experiment: "Experiment", figure: str, style: str) -> None:
    from msm_bench.paper import compare_with_paper, render_comparison

    found = compare_with_paper(experiment, figure)
    click.echo(render_comparison(found, style), nl=False)
    if style == "csv":  # which has no place for notes
        click.echo("\n".join(found.notes), err=True)
