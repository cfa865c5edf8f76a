"""Tables, figures and files from a result frame."""

from msm_bench.report.figures import plot_arms, plot_sharpening
from msm_bench.report.tables import FORMATS, arm_table, contrast_table, render_table, shown_measures

__all__ = ["FORMATS", "arm_table", "contrast_table", "plot_arms", "plot_sharpening", "render_table", "shown_measures"]
