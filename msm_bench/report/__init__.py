"""Tables, figures and files from a result frame."""

from msm_bench.report.figures import plot_arms, plot_contrasts, plot_sharpening
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
    "plot_arms",
    "plot_contrasts",
    "plot_sharpening",
    "render_table",
    "shown_measures",
]
