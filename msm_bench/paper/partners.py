"""Which arm of a recipe stands beside which arm of the paper: `partners/RECIPE.yaml`, stated and never guessed."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import read_yaml
from msm_bench.measures import MEASURES
from msm_bench.paper.figures import Figure, More, Strict
from msm_bench.recipe import Recipe

PARTNERS = Path(__file__).parent / "partners"
"""One file for each recipe."""


def _in_brackets(given: object) -> object:
    return [given] if isinstance(given, str) else given


Ours = Annotated[tuple[str, ...], BeforeValidator(_in_brackets), Field(min_length=1, max_length=2)]
"""One of our arms, or two: the first minus the second, beside a gain."""


class Block(Strict):
    """Columns of a figure whose arms have the same partners."""

    columns: dict[str, str] = Field(min_length=1)
    """The figure's columns, each with our task."""
    arms: dict[str, Ours] = Field(min_length=1)
    """The figure's arms, each with ours; those that have no partner are left out."""


class Beside(Strict):
    """A recipe beside one figure."""

    measures: list[str] = Field(min_length=1)
    """Our measures, the one most like the paper's first."""
    more: More
    """What a higher number of ours says of the model; where the paper's says the opposite, signs are turned round."""
    blocks: list[Block] = Field(min_length=1)
    """Who stands beside whom; a column stands in one block only."""
    notes: tuple[str, ...] = ()
    """What a reader must know of the difference."""

    @model_validator(mode="after")
    def _has_each_column_once(self) -> Self:
        columns = [column for block in self.blocks for column in block.columns]
        if len(set(columns)) < len(columns):
            raise ValueError("a column stands in two blocks")
        for measure in self.measures:
            if measure not in MEASURES:
                raise ValueError(f"unknown measure {measure!r}; known: {', '.join(MEASURES)}")
        return self

    def block(self, column: str) -> Block | None:
        """The block of a column, if it has one."""
        return next((block for block in self.blocks if column in block.columns), None)

    @property
    def arms(self) -> list[str]:
        """Our arms that have a partner, each once."""
        return list(dict.fromkeys(arm for block in self.blocks for ours in block.arms.values() for arm in ours))

    def check(self, figure: Figure, recipe: Recipe, where: Path | str) -> None:
        """Raise a `UserError` if it names something that the figure or the recipe does not have."""
        tasks = [choice.task for choice in recipe.tasks]
        for block in self.blocks:
            _check_known(where, "a column of the figure", block.columns, figure.columns)
            _check_known(where, "an arm of the figure", block.arms, figure.arms)
            _check_known(where, f"a task of {recipe.id}", list(block.columns.values()), tasks)
            _check_known(where, f"an arm of {recipe.id}", self.arms, recipe.arms)
            gains = {figure.columns[column].measure == "gain" for column in block.columns}
            pairs = {len(ours) == 2 for ours in block.arms.values()}
            if gains != pairs:
                raise UserError(f"{where}: beside a gain stand two arms of ours, beside anything else one")


def _check_known(where: Path | str, what: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise UserError(f"{where}: {name!r} is not {what}; known: {', '.join(known)}")


class Partners(Strict):
    """A recipe beside the paper."""

    recipe: str
    """Its id; equals the file's name without its ending."""
    model: str
    """Its base model and how large that is, in words."""
    figures: dict[str, Beside] = Field(min_length=1)
    """By the figure's name."""

    def beside(self, name: str) -> Beside:
        """The recipe beside the figure called `name`.

        Raises:
            UserError: nothing is stated of that figure.
        """
        if name not in self.figures:
            raise UserError(
                f"recipe {self.recipe} has nothing to set beside {name!r}; it has {', '.join(self.figures)}"
            )
        return self.figures[name]


def load_partners(recipe: str, folder: Path = PARTNERS) -> Partners:
    """Whom the arms of the recipe with this id stand beside.

    Raises:
        UserError: nothing is stated of the recipe, or its file is not as it should be.
    """
    path = folder / f"{recipe}.yaml"
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    if recipe not in known:
        raise UserError(
            f"recipe {recipe}: nothing says which of its arms is which of the paper's; that is stated for "
            f"{', '.join(known)} (docs/paper.md says how)"
        )
    with explain_invalid(path):
        partners = Partners.model_validate(read_yaml(path))
    if partners.recipe != recipe:
        raise UserError(f"{path}: recipe is {partners.recipe!r} but the file is called {recipe!r}; make them equal")
    return partners
