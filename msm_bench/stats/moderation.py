"""Does an item's effect grow with what the base model knows of it? A straight line through the items answers."""

from typing import NamedTuple

import pandas as pd
from scipy import stats

from msm_bench.recipe import Contrast
from msm_bench.stats.paired import term_values
from msm_bench.stats.subset import item_knowledge, restrict


def item_effects(frame: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    """Columns `task`, `item`, `cue`, `knowledge`, `effect`: the items that the base model was asked about.

    `effect` is the contrast on the item alone, mean over the seeds, on the scale of one arm minus another (the largest
    weight of the task is 1). `knowledge` is the base model's margin, in nats, for the aligned option in the knowledge
    probe.

    Raises:
        NotComparable: the base model was not asked, or an arm of the contrast is missing.
    """
    chosen, knowledge = restrict(frame, contrast), item_knowledge(frame)
    cues = chosen.drop_duplicates("item").set_index("item")["cue"]
    parts = []
    for task in term_values(chosen, contrast.terms, contrast.measure)[0]:
        scale = max(abs(term.weight) for term in contrast.terms if term.task == task.task)
        part = pd.DataFrame({"item": task.items, "effect": task.values.mean(axis=0) / scale})
        part = part.assign(task=task.task, cue=part["item"].map(cues), knowledge=part["item"].map(knowledge))
        parts.append(part.dropna(subset=["knowledge"]))
    return pd.concat(parts, ignore_index=True)[["task", "item", "cue", "knowledge", "effect"]]


class Moderation(NamedTuple):
    """The least-squares line effect = intercept + slope · knowledge, over items."""

    slope: float
    """Nats of effect per nat of knowledge."""
    low: float
    """95 % limits of the slope (t, items as they are: conditional on these checkpoints)."""
    high: float
    """Upper limit."""
    items: int
    """How many."""


def moderation(effects: pd.DataFrame, level: float = 0.95) -> Moderation:
    """The line through the rows of `item_effects`; NaN with fewer than three items or equal knowledge."""
    count = len(effects)
    if count < 3 or effects["knowledge"].nunique() < 2:
        return Moderation(float("nan"), float("nan"), float("nan"), count)
    line = stats.linregress(effects["knowledge"], effects["effect"])
    reach = float(stats.t.ppf((1 + level) / 2, count - 2) * line.stderr)
    return Moderation(float(line.slope), float(line.slope - reach), float(line.slope + reach), count)
