"""What the commands that read results have in common: a recipe, or logs, and what to compute of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from msm_bench.errors import UserError, explain_invalid

if TYPE_CHECKING:
    from msm_bench.experiment import Experiment
    from msm_bench.stats import Options

Command = TypeVar("Command", bound=Callable[..., Any])

ARMS = click.option("--arm", "arms", multiple=True, help="Only this arm; may be given again.")
RESULTS = click.option("--results", type=click.Path(path_type=Path), help="Of a recipe [default: results/RECIPE].")
FORMAT = click.option(
    "--format", "style", default="table", show_default=True, help="table, markdown, csv, json or latex."
)
_NAMES = "sample_id, epoch, model, task, solver, log, target, tag, metadata.X, task_arg.X, model_arg.X"


def _together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def give(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return give


COLUMNS = _together(
    click.option(
        "--by", metavar="COLUMN", help=f"What makes the arm of a log [default: its model]. Columns: {_NAMES}."
    ),
    click.option("--item", metavar="COLUMN", default="sample_id", show_default=True, help="By which arms are paired."),
    click.option("--cell", metavar="COLUMN", help="The fixed stratum of an item [default: metadata.cell]."),
    click.option(
        "--cluster",
        metavar="COLUMN",
        help="What is resampled within a cell [default: metadata.cluster, else the item].",
    ),
    click.option(
        "--seed", metavar="COLUMN", help="The training run [default: the recipe's]; 'log' takes each log for a run."
    ),
    click.option(
        "--scorer", "--scorers", "scorers", multiple=True, help="Only this scorer or metric; may be given again."
    ),
    click.option(
        "--allow",
        multiple=True,
        type=click.Choice(["version", "content"]),
        help="Compare although versions of a task, or contents of items, differ; may be given again.",
    ),
)
"""What is what in logs: the keywords of `msm_bench.load_results`."""
_COLUMNS = ("by", "item", "cell", "cluster", "seed", "scorers", "allow")

STATISTICS = _together(
    click.option("--baseline", help="Compare every other arm with this one."),
    click.option(
        "--contrasts",
        type=click.Path(path_type=Path),
        help="A YAML file with a list of stated contrasts, each as in a recipe.",
    ),
    click.option("--equivalence", type=click.FloatRange(0, min_open=True), help="Test for equivalence within ± this."),
    click.option("--resamples", type=click.IntRange(100), default=4000, show_default=True, help="Of the bootstrap."),
    click.option("--ordinal", multiple=True, metavar="METRIC", help="Its values are ranks; may be given again."),
    click.option("--graders", multiple=True, metavar="NAME=A,B", help="A measure that is the mean of several metrics."),
    click.option("--mixed", is_flag=True, help="Fit a mixed model beside the interval; needs statsmodels."),
)
"""What is compared, and what is computed beyond it."""


def columns_of(given: dict[str, Any]) -> dict[str, Any]:
    """What `COLUMNS` were given, as `msm_bench.load_results` takes them."""
    return {name: given[name] for name in _COLUMNS}


def check_no_columns(source: str, given: dict[str, Any]) -> None:
    """Raise a `UserError` if columns are named of what is no logs."""
    if named := [name for name in _COLUMNS if given[name] and given[name] != "sample_id"]:
        raise UserError(
            f"--{named[0].removesuffix('s')} goes with logs; {source} says itself what its arms and items are"
        )


def options_of(given: dict[str, Any]) -> "Options":
    """What `STATISTICS` ask for; the margin of equivalence counts on the scale of each measure.

    Raises:
        UserError: graders are named in another way.
    """
    from msm_bench.recipe import Smallest
    from msm_bench.stats import Options

    graders = dict(one.partition("=")[::2] for one in given["graders"])
    if "" in {*graders, *graders.values()}:
        raise UserError("--graders: give a name and the metrics of its graders, as in graded=grade,grade1")
    bound = given["equivalence"]
    with explain_invalid("options"):
        return Options(
            draws=given["resamples"],
            smallest=Smallest(margin=bound, rate=bound) if bound else Smallest(),
            equivalence=bound is not None,
            ordinal=tuple(given["ordinal"]),
            graders={name: tuple(metrics.split(",")) for name, metrics in graders.items()},
            mixed=given["mixed"],
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
