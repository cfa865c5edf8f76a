"""What a finished run could have seen."""

import math
from collections.abc import Sequence

import pandas as pd

from msm_bench.api import Results
from msm_bench.planning.power import ALPHA, TARGET, Precision, detectable, seeds_needed, smallest_bound
from msm_bench.recipe import Contrast
from msm_bench.stats import NotComparable, restrict, smallest_p, term_values, two_way_interval


def detectable_table(
    pilot: Results, contrasts: Sequence[Contrast], alpha: float = ALPHA, target: float = TARGET
) -> pd.DataFrame:
    """For each contrast of a finished run the effect that it would have found with power `target`.

    From the run's own standard error and the degrees of freedom of its two-way test. Of a confirmatory contrast the
    level is divided by the size of the recipe's family, which is what Holm asks of the smallest p. Where equivalence is
    claimed, it is the smallest bound that the run would have shown if there were no effect.
    """
    table = pd.DataFrame([_row(pilot, contrast, alpha, target) for contrast in contrasts])
    counts = {name: "Int64" for name in ("seeds", "items", "df") if name in table}
    return table.astype(counts)


def _row(pilot: Results, contrast: Contrast, alpha: float, target: float) -> dict[str, object]:
    about: dict[str, object] = {"contrast": contrast.name, "measure": contrast.measure}
    try:
        tasks, _ = term_values(restrict(pilot.frame, contrast), contrast.terms, contrast.measure)
    except NotComparable as error:
        return about | {"note": str(error)}
    seeds, interval = tasks[0].values.shape[0], two_way_interval(tasks)
    family = pilot.recipe.confirmatory if pilot.recipe and contrast.confirmatory else 1
    level = alpha / family
    note = "about these models alone" if seeds == 1 else ""
    least = math.nan
    if math.isfinite(interval.low):
        of = Precision(interval.se, interval.df, interval.df)
        if contrast.equivalence:
            note = "bound of equivalence" if seeds > 1 else "one seed: no test of equivalence"
            least = smallest_bound(of, level, target) if seeds > 1 else math.nan
        elif contrast.confirmatory and seeds > 1 and smallest_p(seeds) > level:
            note = f"needs {seeds_needed(level)} seeds"
        else:
            least = detectable(of, level, target)
    return about | {
        "seeds": seeds,
        "items": sum(task.values.shape[1] for task in tasks),
        "se": interval.se,
        "df": interval.df,
        "level": level,
        "estimate": interval.estimate,
        "detectable": least,
        "of_interest": pilot.recipe.smallest_effect.of(contrast.measure) if pilot.recipe else math.nan,
        "note": note,
    }
