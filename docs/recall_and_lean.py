"""Does recall predict the lean? R and D of every dose and seed of science-dose-smollm2, and their rank correlation.

python docs/recall_and_lean.py

Written before the recipe was run. D: each model's lean to its own spec's value (nats). R: how much likelier the reasons
of America's spec are than those of affordability's, the one model minus the other (nats), in three forms, since the
reasons use words of the values, and words that became likelier would move R and D alike without any recall:

- `raw`, as in the recipe;
- `less neutral`, with what each answer gains over a neutral question;
- `less other name`, minus the same of another assistant.

Dose moves R and D both, so what is asked is the correlation at a given dose: that of all points less the mean of their
dose. The points of a seed hang together, and three seeds can be set against each other in six ways, so that no p could
be below 1/6: the rank among the six describes, and tests nothing.

Added after the result: `D less neutral`, D with what each answer gains over a neutral question, since D too holds words
that became likelier.
"""

import sys
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from msm_bench.errors import UserError
from msm_bench.recipe import Contrast, Recipe
from msm_bench.results import read_frame
from msm_bench.stats import NotComparable, restrict, term_values, two_way_interval

RECIPE = "science-dose-smollm2"
LEAN = {
    6: "D(aft) after 6 steps, 6k tokens",
    18: "D(aft) after 18 steps, 18k tokens",
    54: "D(aft) after 54 steps, 55k tokens",
}
RECALL = {dose: f"R after {dose} steps" for dose in LEAN}
LEAN_FORMS = {"D": "margin", "D less neutral": "margin_pmi"}
RECALL_FORMS = {
    "raw": "margin_sibling",
    "less neutral": "margin_pmi_sibling",
    "less other name": "margin_sibling_own_minus_other",
}


def points(frame: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    """Columns `dose` (steps), `seed`, and each form of D and of R: one row for each dose and seed.

    Raises:
        UserError: a contrast of a seed can't be computed.
    """
    stated = {contrast.name: contrast for contrast in recipe.contrasts}
    rows = []
    for seed in recipe.seeds:
        own = frame[frame["seed"] == seed]
        for dose, contrast in LEAN.items():
            lean = {form: _estimate(own, stated[contrast], measure) for form, measure in LEAN_FORMS.items()}
            recall = {form: _estimate(own, stated[RECALL[dose]], measure) for form, measure in RECALL_FORMS.items()}
            rows.append({"dose": dose, "seed": seed, **lean, **recall})
    return pd.DataFrame(rows).sort_values(["dose", "seed"])


def _estimate(frame: pd.DataFrame, contrast: Contrast, measure: str) -> float:
    try:
        tasks, _ = term_values(restrict(frame, contrast), contrast.terms, measure)
    except NotComparable as error:
        raise UserError(f"{RECIPE}: {contrast.name}: {error}; finish it with `msm-bench run {RECIPE}`") from None
    return two_way_interval(tasks).estimate


def within_dose(table: pd.DataFrame, form: str, lean_form: str = "D") -> tuple[float, int, int]:
    """Spearman's rho of R and D less the mean of their dose, its rank from above among all pairings of whole seeds, and
    the number of pairings."""
    columns = [form, lean_form]
    centred = table[columns] - table.groupby("dose")[columns].transform("mean")
    recall, lean = (
        centred[name].to_numpy().reshape(-1, table["seed"].nunique())  # doses x seeds, as `points` orders them
        for name in columns
    )
    orders = [list(order) for order in permutations(range(lean.shape[1]))]  # the first leaves all as they are
    found = [float(spearmanr(recall.ravel(), lean[:, order].ravel()).statistic) for order in orders]
    return found[0], int(np.sum(np.array(found) >= found[0])), len(found)


def main() -> None:
    """Print the points, and the correlations of each form of R with each of D."""
    table = points(read_frame(Path("results") / RECIPE / "frame.parquet"), Recipe.load(RECIPE))
    print(table.round(3).to_string(index=False))
    for lean, form in product(LEAN_FORMS, RECALL_FORMS):
        rho, rank, pairings = within_dose(table, form, lean)
        overall = spearmanr(table[form], table[lean]).statistic
        within = f"within doses {rho:+.2f} (rank {rank} of {pairings} pairings)"
        print(f"{lean} and R {form}: rho {within}, over all {overall:+.2f}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
