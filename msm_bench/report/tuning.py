"""`tuning.csv`: every configuration that was tried on seed 0 and dev items, so that a search can't stay hidden."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from msm_bench.errors import UserError
from msm_bench.files import canonical_json, write_text
from msm_bench.recipe import Recipe
from msm_bench.stats import ContrastResult

_KEY = ["recipe_sha256", "inputs", "contrast"]


def record_tuning(path: Path, recipe: Recipe, results: Sequence[ContrastResult], inputs: Mapping[str, str]) -> None:
    """Add the recipe's headline contrasts to the table at `path`; those of the same recipe and inputs are replaced.

    Nothing is recorded of a recipe without seed 0, or on held-out items: that is no tuning.

    Args:
        path: The table, made if need be.
        recipe: What was run.
        results: What came of it.
        inputs: Hashes of the corpora and of the tasks' items, by name.

    Raises:
        UserError: the table that is there can't be read.
    """
    held_out = any(recipe.split_of(choice.task) != "dev" for choice in recipe.tasks)
    if 0 not in recipe.seeds or held_out or not any(result.headline for result in results):
        return
    settings = recipe.model_dump(mode="json", include={"base", "lora", "stages", "tasks"})
    rows = [
        {
            "recipe_sha256": recipe.sha256,
            "inputs": canonical_json(dict(inputs)),
            "contrast": result.name,
            "measure": result.measure,
            "estimate": round(result.estimate, 4),
            "ci_low": result.ci_low if result.ci_low is None else round(result.ci_low, 4),
            "ci_high": result.ci_high if result.ci_high is None else round(result.ci_high, 4),
            "items": result.n_items,
            "seeds": result.n_seeds,
            "settings": canonical_json(settings),
        }
        for result in results
        if result.headline
    ]
    old, new = _read(path), pd.DataFrame(rows)
    if old is not None:
        old = old[~pd.MultiIndex.from_frame(old[_KEY]).isin(pd.MultiIndex.from_frame(new[_KEY]))]
    write_text(path, pd.concat([old, new]).to_csv(index=False))


def _read(path: Path) -> pd.DataFrame | None:
    if not path.exists():
        return None
    try:
        table = pd.read_csv(path)
    except ValueError as error:
        raise UserError(f"{path}: not a readable table ({' '.join(str(error).split())[:120]})") from None
    if not set(_KEY) - {"inputs"} <= set(table.columns):
        raise UserError(f"{path}: not a table of tried configurations; move it away")
    # rows of older versions did not say what they were run on
    return table.assign(inputs=table["inputs"].fillna("") if "inputs" in table else "")
