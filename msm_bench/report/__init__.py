"""Tables and files from a result frame; figures are in `msm_bench.report.figures`, which loads matplotlib."""

from msm_bench.report.render import FOR_PROGRAMS, FORMATS, render_table
from msm_bench.report.tables import (
    arm_caution_notes,
    arm_summary,
    arm_table,
    caution_notes,
    contrast_numbers,
    contrast_table,
    effects_table,
    shown_measures,
)

__all__ = [
    "FORMATS",
    "FOR_PROGRAMS",
    "arm_caution_notes",
    "arm_summary",
    "arm_table",
    "caution_notes",
    "contrast_numbers",
    "contrast_table",
    "effects_table",
    "render_table",
    "shown_measures",
]
