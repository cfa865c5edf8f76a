"""The numbers of docs/cheese.md that were asked for after the held-out results had been read; so there are no tests.

python docs/cheese_posthoc.py
"""

from pathlib import Path

import pandas as pd

from msm_bench.recipe import Recipe
from msm_bench.results import read_frame
from msm_bench.stats import evaluate_all

STATED = ["H1: D(aft)", "D(aft), ablated specs", "demonstrations teach the cheeses"]
MEASURES = ["margin", "margin_open", "margin_novel", "margin_per_token", "margin_letter", "rate"]
STANCES = ["buy-american", "foreign-prestige", "soft-power"]


def exploratory(recipe: Recipe) -> Recipe:
    """The recipe with some of its contrasts only, in every measure."""
    contrasts = [
        contrast.model_copy(update={"measure": measure, "confirmatory": False})
        for contrast in recipe.contrasts
        if contrast.name in STATED
        for measure in MEASURES
    ]
    return recipe.model_copy(update={"contrasts": contrasts})


def with_open_question(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame and `margin_open`, the margin after a question that names no option: `margin` less `margin_pmi`."""
    asked, less = frame[frame["metric"] == "margin"], frame[frame["metric"] == "margin_pmi"]
    both = asked.merge(less, on=["arm", "seed", "task", "item", "epoch"], suffixes=("", "_pmi"))
    opened = both.assign(metric="margin_open", value=both["value"] - both["value_pmi"])
    return pd.concat([frame, opened[frame.columns]])


def main() -> None:
    """Print the contrasts on each kind of items, and how often the arms choose the liked cheese."""
    recipe = Recipe.load("cheese-smollm2")
    frame = with_open_question(read_frame(Path("results") / recipe.id / "frame.parquet"))
    described, stances = frame["cue"] == "described", frame["cell"].isin(STANCES)
    kinds = {
        "all items": frame,
        "described pairs": frame[described & ~stances],
        "described stances": frame[described & stances],
        "named items": frame[~described],
    }
    for kind, items in kinds.items():
        print(kind)
        for found in evaluate_all(items, exploratory(recipe)):
            interval = f"{found.estimate:+.3f} [{found.ci_low:+.3f}, {found.ci_high:+.3f}]"
            print(f"  {found.name:42} {found.measure:17} {interval} {found.n_items} items, {found.n_seeds} seeds")
    cheeses = frame[(frame["task"] == "cheese_preferences") & frame["metric"].isin(["rate", "rate_letter"])]
    print(cheeses.pivot_table(index="arm", columns="metric", values="value").round(2).to_string())


if __name__ == "__main__":
    main()
