"""Sharpening: does an arm only scale the base model's margins up?"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from msm_bench.stats.values import Array


class Sharpening(NamedTuple):
    """Least-squares line of an arm's margins on the base model's, m_arm = intercept + slope · m_base."""

    slope: float
    """Above 1: margins grew whatever their sign."""
    slope_se: float
    """Its standard error; takes items as independent."""
    intercept: float
    """The shift at a base margin of 0, in nats."""
    r: float
    """Correlation of the two."""


def sharpening(arm: Array, base: Array) -> Sharpening:
    """Regress the item margins of an arm (mean over seeds) on those of the base model, both of shape (items,)."""
    if len(arm) < 3 or np.ptp(base) == 0:
        return Sharpening(float("nan"), float("nan"), float("nan"), float("nan"))
    fit = stats.linregress(base, arm)
    return Sharpening(float(fit.slope), float(fit.stderr), float(fit.intercept), float(fit.rvalue))
