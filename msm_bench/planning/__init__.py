"""Planning a run: components of variance of a pilot, power of designs, and what a finished run could have seen.

The figure is in `msm_bench.planning.curve`, which loads matplotlib.
"""

from msm_bench.planning.components import Component, Components, contrast_components
from msm_bench.planning.finished import detectable_table
from msm_bench.planning.given import by_hand, with_given
from msm_bench.planning.grid import Grid, Question, power_table, solve
from msm_bench.planning.pilot import arms_contrast, load_pilot, stated_contrast
from msm_bench.planning.power import Design, Precision, detectable, equivalence_power, precision, t_power
from msm_bench.planning.record import record_power
from msm_bench.planning.show import component_table, for_readers

__all__ = [
    "Component",
    "Components",
    "Design",
    "Grid",
    "Precision",
    "Question",
    "arms_contrast",
    "by_hand",
    "component_table",
    "contrast_components",
    "detectable",
    "detectable_table",
    "equivalence_power",
    "for_readers",
    "load_pilot",
    "power_table",
    "precision",
    "record_power",
    "solve",
    "stated_contrast",
    "t_power",
    "with_given",
]
