"""From material to the parts of a report, the same for the page and for Markdown."""

from typing import NamedTuple

from msm_bench.report.page.lineage import ArmOf, lineage
from msm_bench.report.page.material import Material
from msm_bench.report.page.methods import methods
from msm_bench.report.page.pictures import Picture, pictures
from msm_bench.report.page.provenance import Fact, how_to_cite, provenance
from msm_bench.report.page.reasons import find_reasons, reason_figures, reason_sentences, reason_tables
from msm_bench.report.page.samples import SideBySide, choose, side_by_side
from msm_bench.report.page.tables import PageTable, tables
from msm_bench.report.page.viewer import view_command
from msm_bench.report.page.wording import Reading
from msm_bench.report.tables import arm_summary

_LEAD = 3
"""Contrasts that lead where none was stated to."""


class Report(NamedTuple):
    """Everything that a report says."""

    title: str
    """Of the results."""
    question: str
    """What it answers."""
    caveat: str
    """What a reader must know of the number of seeds; may be empty."""
    lead: tuple[Reading, ...]
    """The headline in words; empty where nothing is compared."""
    others: tuple[Reading, ...]
    """The other contrasts in words."""
    arms: tuple[ArmOf, ...]
    """How each arm came about."""
    pictures: tuple[Picture, ...]
    """The figures."""
    tables: tuple[PageTable, ...]
    """The tables."""
    rule: str
    """By which the samples were chosen."""
    samples: tuple[SideBySide, ...]
    """The same items, side by side."""
    has_logs: bool
    """Whether there were logs to read them from."""
    bundled: bool
    """Whether the viewer lies beside the page."""
    view: str
    """What opens the logs; empty without logs."""
    remake: str
    """What makes the logs, where there are none."""
    methods: tuple[tuple[str, ...], ...]
    """What was done: paragraphs, each as its sentences."""
    facts: tuple[Fact, ...]
    """Commands, versions and hashes."""
    cite: tuple[str, ...]
    """References."""
    notes: tuple[str, ...]
    """What was left out, and why."""


def assemble(material: Material, *, command: str, bundled: bool = False) -> Report:
    """Every part of a report.

    Args:
        material: Results and what is known of them.
        command: That makes this report.
        bundled: Whether Inspect's viewer lies beside the page, for links into it.
    """
    readings = material.readings()
    headlines = {result.name for result in material.contrasts if result.headline}
    headlines |= {own.name for own in (material.recipe.contrasts if material.recipe else []) if own.headline}
    lead = [reading for reading in readings if reading.name in headlines] or readings[:_LEAD]
    rule, chosen = choose(material)
    summary = arm_summary(material.frame)
    reasons = find_reasons(material.reasons)
    return Report(
        title=material.title,
        question=" ".join(material.question.split()),
        caveat=str(material.summary.get("caveat") or ""),
        lead=tuple(lead),
        others=tuple(reading for reading in readings if reading not in lead),
        arms=tuple(lineage(material)),
        pictures=tuple(pictures(material, summary, reason_figures(reasons))),
        tables=(*tables(material, summary), *reason_tables(reasons)),
        rule=rule,
        samples=tuple(side_by_side(material, chosen)),
        has_logs=bool(material.logs),
        bundled=bundled,
        view=view_command(material.log_dirs),
        remake=_remake(material),
        methods=tuple(part for part in (*methods(material), tuple(reason_sentences(reasons))) if part),
        facts=tuple(provenance(material, command)),
        cite=tuple(how_to_cite(material)),
        notes=tuple(material.notes),
    )


def _remake(material: Material) -> str:
    recipe = material.recipe
    if recipe is None:
        return "msm-bench report … --logs FOLDER"
    # shards that are there are taken as done, and would leave no logs
    logs = f"runs/{recipe.extends or recipe.id}/logs"
    return f"msm-bench run {recipe.id} --results again\nmsm-bench report {recipe.id} --logs {logs} --out report"
