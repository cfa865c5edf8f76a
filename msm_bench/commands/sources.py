"""What the commands that read results have in common: a recipe, or logs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from msm_bench.experiment import Experiment

ARMS = click.option("--arm", "arms", multiple=True, help="Only this arm; may be given again.")
RESULTS = click.option("--results", type=click.Path(path_type=Path), help="Where results go [default: results/RECIPE].")
FORMAT = click.option(
    "--format", "style", default="table", show_default=True, help="table, markdown, csv, json or latex."
)


def experiment_of(recipe: str, workdir: Path | None, results: Path | None) -> "Experiment":
    """A recipe with its folders.

    Raises:
        UserError: there is no such recipe.
    """
    from msm_bench.experiment import Experiment
    from msm_bench.recipe import Recipe

    return Experiment(Recipe.load(recipe), workdir, results)


def is_recipe(sources: Sequence[str]) -> bool:
    """Whether the sources are one recipe, rather than logs or results made before."""
    made = Path(sources[0]).is_dir() or sources[0].endswith((".eval", ".json", ".parquet"))
    return len(sources) == 1 and not made
