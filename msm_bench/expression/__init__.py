"""Which value does a free answer express: America, affordability, both, neither?"""

from msm_bench.expression.labels import GUIDE, LABELS, Label
from msm_bench.expression.prompts import Prompt, load_prompts
from msm_bench.expression.task import expression_task

__all__ = ["GUIDE", "LABELS", "Label", "Prompt", "expression_task", "load_prompts"]
