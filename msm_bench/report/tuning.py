"""`tuning.csv`: every configuration that was tried on seed 0 and dev items, so that a search can't stay hidden."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from msm_bench.errors import UserError
from msm_bench.files import canonical_json, write_text
from msm_bench.recipe import Recipe
from msm_bench.stats import ContrastResult

_KEY = ["recipe_sha256", "contrast"]


def record_tuning(path: Path, recipe: Recipe, results: Sequence[ContrastResult]) -> None:
    """Add the recipe's headline contrasts to the table at `path`; those of the same recipe are replaced.

    Nothing is recorded of a recipe without seed 0, or on held-out items: that is no tuning.

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
    table = pd.concat([_read(path), pd.DataFrame(rows)]).drop_duplicates(_KEY, keep="last")
    write_text(path, table.to_csv(index=False))


def _read(path: Path) -> pd.DataFrame | None:
    if not path.exists():
        return None
    try:
        table = pd.read_csv(path)
    except ValueError as error:
        raise UserError(f"{path}: not a readable table ({' '.join(str(error).split())[:120]})") from None
    if not set(_KEY) <= set(table.columns):
        raise UserError(f"{path}: not a table of tried configurations; move it away")
    return table
