"""A report that a person reads: one page, the same as Markdown, and the figures and tables beside them."""

from msm_bench.report.page.assemble import Report, assemble
from msm_bench.report.page.html import render_page
from msm_bench.report.page.markdown import render_markdown
from msm_bench.report.page.material import Material, from_logs, from_recipe, from_results
from msm_bench.report.page.write import write_report

__all__ = [
    "Material",
    "Report",
    "assemble",
    "from_logs",
    "from_recipe",
    "from_results",
    "render_markdown",
    "render_page",
    "write_report",
]
