"""Tables and files from a result frame; figures are in `msm_bench.report.figures`, which loads matplotlib."""

from msm_bench.report.tables import (
    FOR_PROGRAMS,
    FORMATS,
    arm_summary,
    arm_table,
    caution_notes,
    contrast_numbers,
    contrast_table,
    effects_table,
    render_table,
    shown_measures,
)

__all__ = [
    "FORMATS",
    "FOR_PROGRAMS",
    "arm_summary",
    "arm_table",
    "caution_notes",
    "contrast_numbers",
    "contrast_table",
    "effects_table",
    "render_table",
    "shown_measures",
]
