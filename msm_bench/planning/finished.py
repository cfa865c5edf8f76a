"""What a finished run could have seen."""

import math
from collections.abc import Sequence

import pandas as pd

from msm_bench.planning.pilot import Pilot
from msm_bench.planning.power import ALPHA, TARGET, Precision, detectable, seeds_needed
from msm_bench.recipe import Contrast
from msm_bench.stats import NotComparable, restrict, smallest_p, term_values, two_way_interval


def detectable_table(
    pilot: Pilot, contrasts: Sequence[Contrast], alpha: float = ALPHA, target: float = TARGET
) -> pd.DataFrame:
    """For each contrast of a finished run the effect that it would have found with power `target`.

    From the run's own standard error and the degrees of freedom of its two-way test. Of a confirmatory contrast the
    level is divided by the size of the recipe's family, which is what Holm asks of the smallest p.
    """
    rows = []
    for contrast in contrasts:
        try:
            tasks, _ = term_values(restrict(pilot.frame, contrast), contrast.terms, contrast.measure)
        except NotComparable:
            continue
        seeds, interval = tasks[0].values.shape[0], two_way_interval(tasks)
        family = pilot.recipe.confirmatory if pilot.recipe and contrast.confirmatory else 1
        level = alpha / family
        few = contrast.confirmatory and seeds > 1 and smallest_p(seeds) > level
        of = Precision(interval.se, interval.df, interval.df)
        known = math.isfinite(interval.low) and not few
        note = f"needs {seeds_needed(level)} seeds" if few else "about these models alone" if seeds == 1 else ""
        rows.append(
            {
                "contrast": contrast.name,
                "measure": contrast.measure,
                "seeds": seeds,
                "items": sum(task.values.shape[1] for task in tasks),
                "se": interval.se,
                "df": interval.df,
                "level": level,
                "estimate": interval.estimate,
                "detectable": detectable(of, level, target) if known else math.nan,
                "of_interest": pilot.recipe.smallest_effect.of(contrast.measure) if pilot.recipe else math.nan,
                "note": note,
            }
        )
    return pd.DataFrame(rows)
