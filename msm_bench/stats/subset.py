"""Which items a contrast is about: by cue, by cell, and by what the base model knows."""

import pandas as pd

from msm_bench.recipe import KNOWLEDGE, Contrast
from msm_bench.stats.values import NotComparable


def restrict(frame: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    """The rows of the items that a contrast is about; the frame itself where that is all of them.

    Raises:
        NotComparable: it is about items that the base model knows, and the base model was not asked.
    """
    kept = frame[~frame["cell"].isin(contrast.without_cells)] if contrast.without_cells else frame
    for word in contrast.subset:
        if word in ("named", "described"):
            kept = kept[kept["cue"] == word]
        else:
            knowledge = item_knowledge(frame)
            chosen = knowledge[(knowledge > 0) == (word == "known")]
            kept = kept[kept["item"].isin(chosen.index)]
    return kept


def item_knowledge(frame: pd.DataFrame) -> pd.Series:
    """By how many nats the base model holds the aligned option of an item for the true answer of its knowledge probe.

    Indexed by item; the items that the tasks `KNOWLEDGE` ask about.

    Raises:
        NotComparable: the base model was not asked.
    """
    asked = frame["task"].isin(KNOWLEDGE) & frame["arm"].eq("base") & frame["metric"].eq("margin")
    own = frame[asked & frame["value"].notna()]
    if own.empty:
        raise NotComparable(f"no margin of arm 'base' on task {' or '.join(KNOWLEDGE)} in these results")
    return own.groupby("item")["value"].mean()
