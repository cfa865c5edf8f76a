"""What a contrast can be of: the metrics of every task, each with its unit."""

from typing import Literal

from msm_bench.preferences.margins import MEASURES as FORCED_CHOICE
from msm_bench.recall.scores import MEASURES as RECALL

Unit = Literal["nats", "share", "other"]
"""Nats of whole answers, a share from 0 to 1 (or a difference of such), or a scale of its own."""

_OTHER = ("nll_per_token", "bits_per_byte", "alignment")
_EXPRESSED = ("america", "affordability", "both", "neither", "lean")
_SHARES = (
    *("won", "finished", "parsed"),
    *("followed", "checks_passed", "accuracy", "accuracy_per_token", "accuracy_pmi", "refused", "refused_by_rule"),
    *("refused_partly", "answered"),
    *_EXPRESSED,
    *(f"graded_{measure}" for measure in _EXPRESSED),
    *(f"words_{measure}" for measure in _EXPRESSED),
    *("decided", "executed", "attempted"),
    *("ungraded", "incoherent"),
)
_TWO_SIDED = ("lean", "_own_minus_other", "_self_minus_own")
MEASURES = tuple(dict.fromkeys((*FORCED_CHOICE, *RECALL, *_SHARES, *_OTHER)))
"""Of forced choices, recall, reasoned choices, capabilities, expressed values, agentic samples, and grades."""


def unit(measure: str) -> Unit:
    """The unit of one of `MEASURES`."""
    if measure in _OTHER or measure == "margin_per_token":
        return "other"
    return "nats" if measure.startswith("margin") else "share"


def is_share(measure: str) -> bool:
    """Whether a metric is one of `MEASURES` whose values lie from 0 to 1; differences of shares reach from −1 to 1."""
    return measure in MEASURES and unit(measure) == "share" and not measure.endswith(_TWO_SIDED)
