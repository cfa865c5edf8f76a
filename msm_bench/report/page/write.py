"""A report on disk: the page, the same as Markdown, figures in three formats, tables in two, and the viewer."""

from pathlib import Path

from msm_bench.files import write_bytes, write_text
from msm_bench.report.figures import IMAGES
from msm_bench.report.page.assemble import Report, assemble
from msm_bench.report.page.html import render_page
from msm_bench.report.page.markdown import render_markdown
from msm_bench.report.page.material import Material
from msm_bench.report.page.viewer import FOLDER, make_bundle
from msm_bench.report.render import render_table


def write_report(material: Material, folder: Path, *, command: str, bundle: bool = False) -> Report:
    """Write `index.html`, `report.md`, `figures/`, `tables/` and, if asked for, `logs/` to a folder.

    Args:
        material: Results and what is known of them.
        folder: Made if need be; files of an earlier report are replaced.
        command: That makes this report.
        bundle: Whether Inspect's log viewer goes beside the page.

    Raises:
        UserError: a bundle is asked for and there are no logs, or something else lies in its place.
    """
    if bundle:
        used = {name: material.logs[name] for name in dict.fromkeys(material.frame["log"]) if name in material.logs}
        make_bundle(used, folder / FOLDER)
    report = assemble(material, command=command, bundled=bundle)
    for picture in report.pictures:
        for style in IMAGES:
            write_bytes(folder / "figures" / f"{picture.name}.{style}", picture.draw(style, False))
    for table in report.tables:
        write_text(folder / "tables" / f"{table.id}.csv", render_table(table.numbers, "csv"))
        write_text(folder / "tables" / f"{table.id}.tex", render_table(table.text(), "latex"))
    write_text(folder / "report.md", render_markdown(report))
    write_text(folder / "index.html", render_page(report))
    return report
