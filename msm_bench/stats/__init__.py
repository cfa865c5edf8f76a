"""Contrasts with their uncertainty: paired by item, clustered, crossed with seeds, and stated before the run."""

from msm_bench.stats.bootstrap import crossed_bootstrap
from msm_bench.stats.contrast import evaluate, holds_shares
from msm_bench.stats.effects import Effect, EffectName, McNemar, mcnemar, share_effects
from msm_bench.stats.families import (
    baseline_contrasts,
    evaluate_all,
    evaluate_stated,
    not_comparable,
    sensitivity,
    smallest_p_holm,
    waiting,
)
from msm_bench.stats.graders import grader_interval
from msm_bench.stats.mixed import MixedFit, mixed_model
from msm_bench.stats.moderation import Moderation, item_effects, moderation
from msm_bench.stats.options import DEFAULTS, Options
from msm_bench.stats.ordinal import superiority
from msm_bench.stats.paired import Paired, TaskPart, pair, term_values
from msm_bench.stats.panel import Panel, Panels
from msm_bench.stats.result import ContrastResult
from msm_bench.stats.share_intervals import paired_share_limits, share_limits
from msm_bench.stats.shares import clopper_pearson, rule_of_three, wilson
from msm_bench.stats.sharpening import Sharpening, sharpening
from msm_bench.stats.subset import item_knowledge, restrict
from msm_bench.stats.tests import (
    benjamini_hochberg,
    equivalence,
    holm,
    item_sign_flip,
    seed_swap,
    smallest_p,
    trend_weights,
    two_way,
)
from msm_bench.stats.values import ROUNDING, NotComparable, TaskValues
from msm_bench.stats.variance import Interval, two_way_interval

__all__ = [
    "DEFAULTS",
    "ROUNDING",
    "ContrastResult",
    "Effect",
    "EffectName",
    "Interval",
    "McNemar",
    "MixedFit",
    "Moderation",
    "NotComparable",
    "Options",
    "Paired",
    "Panel",
    "Panels",
    "Sharpening",
    "TaskPart",
    "TaskValues",
    "baseline_contrasts",
    "benjamini_hochberg",
    "clopper_pearson",
    "crossed_bootstrap",
    "equivalence",
    "evaluate",
    "evaluate_all",
    "evaluate_stated",
    "grader_interval",
    "holds_shares",
    "holm",
    "item_effects",
    "item_knowledge",
    "item_sign_flip",
    "mcnemar",
    "mixed_model",
    "moderation",
    "not_comparable",
    "pair",
    "paired_share_limits",
    "restrict",
    "rule_of_three",
    "seed_swap",
    "sensitivity",
    "share_effects",
    "share_limits",
    "sharpening",
    "smallest_p",
    "smallest_p_holm",
    "superiority",
    "term_values",
    "trend_weights",
    "two_way",
    "two_way_interval",
    "waiting",
    "wilson",
]
