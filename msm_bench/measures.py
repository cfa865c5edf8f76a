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
    *("decided", "executed", "attempted"),
    "ungraded",
)
MEASURES = tuple(dict.fromkeys((*FORCED_CHOICE, *RECALL, *_SHARES, *_OTHER)))
"""Of forced choices, recall, reasoned choices, capabilities, expressed values, agentic samples, and grades."""


def unit(measure: str) -> Unit:
    """The unit of one of `MEASURES`."""
    if measure in _OTHER or measure == "margin_per_token":
        return "other"
    return "nats" if measure.startswith("margin") else "share"
