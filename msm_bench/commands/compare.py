"""`msm-bench compare`: the arms of a recipe or of Inspect logs, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from msm_bench.commands.sources import (
    ARMS,
    COLUMNS,
    FORMAT,
    RESULTS,
    STATISTICS,
    check_no_columns,
    columns_of,
    experiment_of,
    is_recipe,
    options_of,
)
from msm_bench.errors import UserError, printable

if TYPE_CHECKING:
    import pandas as pd

    from msm_bench.api import Comparison
    from msm_bench.experiment import Experiment
    from msm_bench.report.publish import Findings
    from msm_bench.stats import ContrastResult


@click.command()
@click.argument("sources", nargs=-1, required=True)
@STATISTICS
@COLUMNS
@click.option("--paper", metavar="FIGURE", help="Set the recipe's arms beside a figure of the paper, such as fig2.")
@ARMS
@RESULTS
@FORMAT
def compare(
    sources: Sequence[str],
    paper: str | None,
    arms: Sequence[str],
    results: Path | None,
    style: str,
    **given: Any,
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
    baseline, contrasts, options = given["baseline"], given["contrasts"], options_of(given)
    of_recipe = is_recipe(sources)
    if paper is not None and (not of_recipe or baseline or contrasts or arms):
        raise UserError("--paper sets all arms of one recipe beside a figure; give one recipe, no --baseline or --arm")
    chosen = [*arms, baseline] if arms and baseline and baseline not in arms else list(arms)
    if not of_recipe:
        loaded = api.load_results(sources, arms=chosen, **columns_of(given))
        print_comparison(api.compare(loaded, baseline, contrasts=contrasts, options=options), baseline, style)
        return
    check_no_columns(sources[0], given)
    experiment = experiment_of(sources[0], None, results)
    if paper is not None:
        _print_beside_paper(experiment, paper, style)
        return
    experiment.recipe.check_arms([baseline, *chosen] if baseline else chosen)
    if baseline or contrasts or options != DEFAULTS:
        loaded = api.Results(experiment.frame(chosen), [], experiment.recipe)
        print_comparison(api.compare(loaded, baseline, contrasts=contrasts, options=options), baseline, style)
    else:
        print_findings(experiment, findings(experiment, chosen), style)


def print_comparison(found: "Comparison", baseline: str | None, style: str) -> None:
    """The arms, the contrasts and what to know of them; programs find that on standard error."""
    from msm_bench.report import render_table

    if style == "table" or not found.contrasts:
        click.echo(found.arm_table(style, "arms: mean [95 % CI]"), nl=False)
    if found.contrasts:
        stated = any(result.recipe_sha256 for result in found.contrasts)
        title = "contrasts (* headline)" if stated else f"each arm minus {baseline}"
        click.echo(render_table(_contrasts(found.contrasts, style), style, title), nl=False)
        _print_effects(found.contrasts, style)
    _print_notes([*(f"caution: {one}" for one in found.cautions), *(f"note: {one}" for one in found.notes)], style)


def _print_effects(contrasts: Sequence["ContrastResult"], style: str) -> None:
    """Effect sizes, if there are any; programs have them in the table of contrasts."""
    from msm_bench.report import effects_table, render_table

    effects = effects_table(contrasts)
    if style == "table" and len(effects):
        click.echo(render_table(effects, style, "effect sizes"), nl=False)


def _print_notes(notes: Sequence[str], style: str) -> None:
    if style == "markdown" and notes:
        click.echo()
    for note in (printable(note, len(note)) for note in notes):  # names in it may hold a terminal's codes
        click.echo(f"- {note}" if style == "markdown" else note, err=style not in ("table", "markdown"))


def print_findings(experiment: "Experiment", found: "Findings", style: str) -> None:
    """What a recipe's results say: the arms, its contrasts, and the headline by other measures."""
    from msm_bench.report import arm_table, caution_notes, render_table
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
    _print_effects(found.contrasts, style)
    _print_notes([f"caution: {one}" for one in caution_notes(found.contrasts)], style)
    methods = ", ".join(dict.fromkeys(result.method for result in found.contrasts))
    click.echo(f"{caveat(found.frame)}; interval: {methods or '–'}")
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
