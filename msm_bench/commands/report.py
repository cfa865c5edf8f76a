"""`msm-bench report`: what came out, as a page that a person reads."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from msm_bench.commands.sources import COLUMNS, RESULTS, STATISTICS, check_no_columns, columns_of, is_recipe, options_of
from msm_bench.errors import UserError

if TYPE_CHECKING:
    from msm_bench.report.page import Material


@click.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder that the report goes to.")
@click.option(
    "--logs", multiple=True, metavar="PATH", help="Logs of the results, to show samples from; may be given again."
)
@click.option(
    "--reasons",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="What `msm-bench reasons` wrote, to show too; what lies in the results' folder is shown anyway.",
)
@click.option("--bundle", is_flag=True, help="Put Inspect's log viewer beside the page, and link each sample to it.")
@RESULTS
@STATISTICS
@COLUMNS
def report(
    sources: Sequence[str],
    out: Path,
    logs: Sequence[str],
    reasons: Sequence[Path],
    bundle: bool,
    results: Path | None,
    **given: Any,
) -> None:
    """Write a report on a recipe, a folder of results, or Inspect logs: OUT/index.html, and the same as Markdown.

    The page is one file that fetches nothing; figures and tables lie beside it for a paper.
    """
    from msm_bench.files import explain_full_disk
    from msm_bench.report.page import write_report

    material = _material(sources, logs, results, given)
    material = replace(material, reasons=[*material.reasons, *reasons])
    if bundle and not material.logs:
        raise UserError("--bundle puts logs beside the page; give them with --logs")
    with explain_full_disk(out):
        write_report(material, out, command="msm-bench " + shlex.join(sys.argv[1:]), bundle=bundle)
    click.echo(f"report: {out / 'index.html'}")


def _material(sources: Sequence[str], logs: Sequence[str], results: Path | None, given: dict[str, Any]) -> "Material":
    from msm_bench.api import are_logs
    from msm_bench.report.page import from_logs, from_recipe, from_results

    asked = {"baseline": given["baseline"], "contrasts": given["contrasts"], "options": options_of(given)}
    if not is_recipe(sources) and are_logs(sources):
        if logs:
            raise UserError("--logs goes with a recipe or a folder of results; these sources are logs themselves")
        return from_logs(sources, **asked, **columns_of(given))
    check_no_columns(sources[0], given)
    if is_recipe(sources):
        return from_recipe(sources[0], results=results, logs=logs, **asked)
    path = Path(sources[0])
    return from_results(path.parent if path.suffix == ".parquet" else path, logs=logs, **asked)
