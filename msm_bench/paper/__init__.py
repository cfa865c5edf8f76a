"""The paper's figures as data, and the arms of a recipe beside them."""

from msm_bench.paper.compare import Row, beside, same_sign
from msm_bench.paper.figures import Figure, Paper, Record, load_paper
from msm_bench.paper.partners import Partners, load_partners
from msm_bench.paper.show import Comparison, compare_with_paper, render_comparison

__all__ = [
    "Comparison",
    "Figure",
    "Paper",
    "Partners",
    "Record",
    "Row",
    "beside",
    "compare_with_paper",
    "load_paper",
    "load_partners",
    "render_comparison",
    "same_sign",
]
