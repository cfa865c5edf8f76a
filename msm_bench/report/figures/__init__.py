"""Figures: one style, three formats, and a caption made from the data for each."""

from msm_bench.report.figures.catalogue import Drawn, figures_of
from msm_bench.report.figures.save import IMAGES, check_images, figure_bytes, save_figure
from msm_bench.report.figures.style import COLUMN, TEXT, theme

__all__ = ["COLUMN", "IMAGES", "TEXT", "Drawn", "check_images", "figure_bytes", "figures_of", "save_figure", "theme"]
