"""Does recall predict the lean? R and D of every dose and seed of science-dose-smollm2, and their rank correlation.

python docs/recall_and_lean.py

Written before the recipe was run. R: how much likelier the reasons of America's spec are than those of affordability's,
the one model minus the other (nats). D: each model's lean to its own spec's value (nats). Dose moves both, so the
correlation over all points says little about what recall does at a given dose; the one over seeds within a dose has few
points.
"""

from pathlib import Path

import pandas as pd
from scipy.stats import spearmanr

from msm_bench.recipe import Recipe
from msm_bench.results import read_frame
from msm_bench.stats import evaluate_all

RECIPE = "science-dose-smollm2"
DOSES = (6, 18, 54)


def points(frame: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    """Columns `dose` (steps), `seed`, `R`, `D`: one row for each dose and seed."""
    rows = []
    for seed in recipe.seeds:
        found = {one.name: one.estimate for one in evaluate_all(frame[frame["seed"] == seed], recipe)}
        for dose in DOSES:
            lean = next(value for name, value in found.items() if name.startswith(f"D(aft) after {dose} steps, "))
            rows.append({"dose": dose, "seed": seed, "R": found[f"R after {dose} steps"], "D": lean})
    return pd.DataFrame(rows)


def main() -> None:
    """Print the points, and the rank correlation of R and D over all of them and within each dose."""
    table = points(read_frame(Path("results") / RECIPE / "frame.parquet"), Recipe.load(RECIPE))
    print(table.round(3).to_string(index=False))
    print(f"all {len(table)} points: Spearman's rho {spearmanr(table['R'], table['D']).statistic:+.2f}")
    centred = table[["R", "D"]] - table.groupby("dose")[["R", "D"]].transform("mean")
    print(f"less the mean of their dose: {spearmanr(centred['R'], centred['D']).statistic:+.2f}")


if __name__ == "__main__":
    main()
