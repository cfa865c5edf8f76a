"""The numbers of docs/safety.md that were asked for after the results had been read; so there are no tests.

python docs/safety_posthoc.py
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from msm_bench.recipe import Contrast, Recipe, Term
from msm_bench.results import read_frame
from msm_bench.stats import evaluate_all

TASK = "safety_choice"
AGAINST = ["it", "aft-no-cot", "msm+aft-no-cot"]


def in_own_form(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame and, for arms that were trained to reason, another arm: the same items as decided after reasoning."""
    after = frame[(frame["task"] == f"{TASK}_reasoned") & frame["metric"].isin(["margin", "rate"])]
    return pd.concat([frame, after.assign(task=TASK, arm=after["arm"] + " after reasoning")])


def contrasts() -> Iterator[Contrast]:
    """H1 and H2 by what the question adds, and arms that reason, after it, against those that don't."""
    yield difference("msm+aft-cot", "aft-cot", "margin_pmi")
    yield difference("msm+aft-cot", "msm-neutral+aft-cot", "margin_pmi")
    for arm in ("aft-cot", "msm+aft-cot"):
        for other in AGAINST:
            for measure in ("margin", "rate"):
                yield difference(f"{arm} after reasoning", other, measure)
    for arm in ("aft-cot", "msm+aft-cot", "msm-neutral+aft-cot"):
        yield difference(f"{arm} after reasoning", arm, "margin")


def difference(arm: str, other: str, measure: str) -> Contrast:
    """One arm minus another."""
    terms = [Term(arm=arm, task=TASK, weight=1), Term(arm=other, task=TASK, weight=-1)]
    return Contrast(name=f"{arm} - {other}", measure=measure, terms=terms)


def main() -> None:
    """Print each contrast with its interval."""
    recipe = Recipe.load("safety-smollm2")
    frame = in_own_form(read_frame(Path("results") / recipe.id / "frame.parquet"))
    asked = recipe.model_copy(update={"contrasts": list(contrasts())})
    for found in evaluate_all(frame, asked):
        interval = f"{found.estimate:+.2f} [{found.ci_low:+.2f}, {found.ci_high:+.2f}]"
        print(f"{found.name:56} {found.measure:11} {interval} {found.n_items} items, {found.n_seeds} seeds")


if __name__ == "__main__":
    main()
