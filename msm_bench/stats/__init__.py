"""Contrasts with their uncertainty: paired by item, clustered, crossed with seeds, and stated before the run."""

from msm_bench.stats.bootstrap import crossed_bootstrap
from msm_bench.stats.contrast import (
    ContrastResult,
    baseline_contrasts,
    evaluate,
    evaluate_all,
    sensitivity,
    smallest_p_holm,
    term_values,
    waiting,
)
from msm_bench.stats.moderation import Moderation, item_effects, moderation
from msm_bench.stats.shares import wilson
from msm_bench.stats.sharpening import Sharpening, sharpening
from msm_bench.stats.subset import item_knowledge, restrict
from msm_bench.stats.tests import equivalence, holm, item_sign_flip, seed_swap, smallest_p, two_way
from msm_bench.stats.values import ROUNDING, NotComparable, TaskValues
from msm_bench.stats.variance import Interval, two_way_interval

__all__ = [
    "ROUNDING",
    "ContrastResult",
    "Interval",
    "Moderation",
    "NotComparable",
    "Sharpening",
    "TaskValues",
    "baseline_contrasts",
    "crossed_bootstrap",
    "equivalence",
    "evaluate",
    "evaluate_all",
    "holm",
    "item_effects",
    "item_knowledge",
    "item_sign_flip",
    "moderation",
    "restrict",
    "seed_swap",
    "sensitivity",
    "sharpening",
    "smallest_p",
    "smallest_p_holm",
    "term_values",
    "two_way",
    "two_way_interval",
    "waiting",
    "wilson",
]
