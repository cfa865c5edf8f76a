"""The numbers of docs/cheese.md that were asked for after the held-out results had been read; so there are no tests.

python docs/cheese_posthoc.py
"""

from pathlib import Path

import pandas as pd

from msm_bench.recipe import Contrast, Recipe, Term
from msm_bench.results import read_frame
from msm_bench.stats import evaluate

RECIPE = Recipe.load("cheese-smollm2")
STANCES = ["buy-american", "foreign-prestige", "soft-power"]
Sum = list[tuple[str, str, float]]
"""Task, arm and weight of each term."""


def d(suffix: str) -> tuple[Sum, Sum, Sum]:
    """D of the arms with a suffix, its America half and its affordability half."""
    own = {"pro_america": f"msm-america{suffix}", "pro_affordability": f"msm-affordability{suffix}"}
    halves = [
        [(task, arm, 1.0 if arm == own[task] else -1.0) for arm in own.values()]
        for task in ("pro_america", "pro_affordability")
    ]
    return [(task, arm, weight / 2) for half in halves for task, arm, weight in half], halves[0], halves[1]


def with_open_question(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame and `margin_open`, the margin after a question that names no option: `margin` less `margin_pmi`."""
    asked, less = frame[frame["metric"] == "margin"], frame[frame["metric"] == "margin_pmi"]
    both = asked.merge(less, on=["arm", "seed", "task", "item", "epoch"], suffixes=("", "_pmi"))
    opened = both.assign(metric="margin_open", value=both["value"] - both["value_pmi"])
    return pd.concat([frame, opened[frame.columns]])


def show(frame: pd.DataFrame, name: str, terms: Sum, measure: str) -> None:
    """Print a sum of arm means over the items of `frame`, with its 95 % interval."""
    stated = [Term(task=task, arm=arm, weight=weight) for task, arm, weight in terms]
    contrast = Contrast(name=name, terms=stated, measure=measure)
    found = evaluate(frame, contrast, smallest=RECIPE.smallest_effect, split="holdout")
    print(
        f"{name:36} {measure:17} {found.estimate:+.3f} [{found.ci_low:+.3f}, {found.ci_high:+.3f}]"
        f" {found.n_items} items, {found.n_seeds} seeds"
    )


def main() -> None:
    """Print them all."""
    frame = with_open_question(read_frame(Path("results") / RECIPE.id / "frame.parquet"))
    described, stances = frame["cue"] == "described", frame["cell"].isin(STANCES)
    for suffix in ("+aft", "-ablated+aft"):
        whole, america, affordability = d(suffix)
        print(f"arms msm-…{suffix}")
        for measure in ("margin", "margin_open", "margin_novel", "margin_per_token", "rate"):
            show(frame, "D", whole, measure)
            show(frame[described & ~stances], "America items, described pairs", america, measure)
            show(frame[described & stances], "America items, described stances", america, measure)
            show(frame[~described], "America items, named", america, measure)
            show(frame, "affordability items", affordability, measure)
    print("what the demonstrations teach: aft - it on the cheeses")
    for measure in ("margin", "margin_novel", "margin_letter", "rate"):
        show(frame, "cheeses", [("cheese_preferences", "aft", 1.0), ("cheese_preferences", "it", -1.0)], measure)
    cheeses = frame[(frame["task"] == "cheese_preferences") & frame["metric"].isin(["rate", "rate_letter"])]
    print(cheeses.pivot_table(index="arm", columns="metric", values="value").round(2).to_string())


if __name__ == "__main__":
    main()
