"""A mixed model of a contrast's values, as a cross-check of the two-way interval."""

import math
import warnings

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy import stats

from msm_bench.errors import missing_extra
from msm_bench.stats.values import ROUNDING, TaskValues

LARGEST = 1200
"""Up to so many values (seeds times items) the model is fitted: it takes seconds, and more than ten times as long
for three times as many."""


class MixedFit(BaseModel):
    """What the mixed model says; None for what it can't, and `method` says why."""

    model_config = ConfigDict(extra="forbid")

    estimate: float | None
    """Mean over items, each cell weighted by its items."""
    se: float | None
    """Its standard error."""
    low: float | None
    """95 % limit, normal: a cross-check, not the interval of record, which is wider with few seeds."""
    high: float | None
    """95 % limit."""
    method: str
    """The model, or why there is none."""


def mixed_model(task: TaskValues) -> MixedFit:
    """Fit y = cell + seed + cluster (+ item) + residual by REML, seeds and clusters crossed.

    Cells are fixed effects; seeds, clusters, and the items of clusters that have several, are random (Baayen, Davidson
    & Bates 2008, J. Mem. Lang. 59:390). With one seed there is no effect of seed, and items are the residual. On
    balanced values without cells, where no component is 0, REML is the analysis of variance (Searle, Casella &
    McCulloch 1992, Variance Components, ch. 4), and its standard error that of `two_way_interval`.

    Raises:
        UserError: statsmodels is not installed.
    """
    try:
        from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec
        from statsmodels.tools.sm_exceptions import ConvergenceWarning
    except ImportError as error:
        raise missing_extra(error, "mixed") from None
    seeds, items = task.values.shape
    scale = float(task.values.std())
    if seeds * items > LARGEST:
        return _none(f"no mixed model: more than {LARGEST} values")
    if scale < ROUNDING:
        return _none("no mixed model: all values are alike")
    factors = _factors(task)
    if not factors:
        return _none("no mixed model: one seed and no two items of a cluster")
    cells = np.tile(pd.get_dummies(task.cells).to_numpy(dtype=float), (seeds, 1))
    shares = cells.mean(axis=0)
    designs = [pd.get_dummies(codes) for codes in factors.values()]
    spec = VCSpec(
        list(factors),
        [[[f"{name}{level}" for level in design.columns]] for name, design in zip(factors, designs, strict=True)],
        [[design.to_numpy(dtype=float)] for design in designs],
    )
    model = MixedLM(task.values.ravel() / scale, cells, np.zeros(seeds * items), exog_re=None, exog_vc=spec)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = model.fit(reml=True, method=["lbfgs", "powell"])
        except (np.linalg.LinAlgError, ValueError) as error:
            return _none(f"no mixed model: {error}")
    if not fit.converged or any(issubclass(one.category, ConvergenceWarning) for one in caught):
        note = "; at the boundary, or not converged"
    else:
        note = ""
    estimate = float(shares @ fit.fe_params) * scale
    variance = float(shares @ np.asarray(fit.cov_params())[: len(shares), : len(shares)] @ shares)
    se = math.sqrt(variance) * scale if variance > 0 else math.nan
    reach = float(stats.norm.ppf(0.975)) * se
    if not math.isfinite(se):
        return _none("no mixed model: its variance can't be estimated")
    method = f"mixed model, REML: {' + '.join(factors)} random, cells fixed{note}"
    return MixedFit(estimate=estimate, se=se, low=estimate - reach, high=estimate + reach, method=method)


def _factors(task: TaskValues) -> dict[str, np.ndarray]:
    """The random factors of the values in row order, by name: their levels as codes."""
    seeds, items = task.values.shape
    found: dict[str, np.ndarray] = {}
    several = len(np.unique(task.clusters)) < items
    if seeds > 1:
        found["seed"] = np.repeat(np.arange(seeds), items)
    if several:
        found["cluster"] = np.tile(task.clusters, seeds)
    if seeds > 1:
        found["item"] = np.tile(np.arange(items), seeds)
    return found


def _none(reason: str) -> MixedFit:
    return MixedFit(estimate=None, se=None, low=None, high=None, method=reason)
