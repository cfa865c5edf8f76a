"""Contrasts in a file of their own, stated before the logs are looked at: for runs that no recipe made."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import canonical_json, read_yaml, sha256_file, sha256_text
from msm_bench.recipe import Contrast
from msm_bench.stage import Strict

_MOST = 6
"""Confirmatory contrasts in one family, as in a recipe."""


class Stated(NamedTuple):
    """Contrasts that were stated."""

    contrasts: list[Contrast]
    """In their order."""
    sha256: str
    """Of the file, so that a commit of it shows when they were stated; of a list, of what it says."""


class _File(Strict):
    contrasts: list[Contrast]


def read_contrasts(path: Path | str) -> Stated:
    """Contrasts from a YAML file: a list of them, each as in a recipe, or a mapping with the list as `contrasts`.

    Raises:
        UserError: no such file, not YAML, a field that is wrong or missing, or contrasts that can't be tested.
    """
    path = Path(path)
    given = read_yaml(path)
    with explain_invalid(path):
        found = _File.model_validate(given if isinstance(given, dict) else {"contrasts": given})
    _check(found.contrasts, str(path))
    return Stated(found.contrasts, sha256_file(path))


def as_stated(contrasts: Sequence[Contrast]) -> Stated:
    """Contrasts given as such, with the hash of what they say.

    Raises:
        UserError: they can't be tested.
    """
    _check(contrasts, "contrasts")
    return Stated(list(contrasts), sha256_text(canonical_json([one.model_dump(mode="json") for one in contrasts])))


def check_in(frame: pd.DataFrame, contrasts: Sequence[Contrast], graded: Collection[str] = ()) -> None:
    """Raise a `UserError` if a contrast names a task, arm or metric that a result frame does not have.

    Args:
        frame: The results.
        contrasts: What was stated.
        graded: Further measures, which are made of the metrics of several graders.
    """
    for column, role in (("task", "task"), ("arm", "arm"), ("metric", "measure")):
        known = [str(name) for name in frame[column].unique()]
        known += graded if column == "metric" else ()
        for contrast in contrasts:
            named = [contrast.measure] if column == "metric" else [getattr(term, column) for term in contrast.terms]
            if unknown := [name for name in named if name not in known]:
                raise UserError(
                    f"contrast {contrast.name!r} names an unknown {role} {unknown[0]!r}; these results have "
                    f"{', '.join(known)}"
                )


def _check(contrasts: Sequence[Contrast], where: str) -> None:
    names = [contrast.name for contrast in contrasts]
    if not names:
        raise UserError(f"{where}: no contrasts; give a list of them, as in a recipe")
    if len(set(names)) < len(names):
        raise UserError(f"{where}: two contrasts have the same name")
    if sum(contrast.confirmatory for contrast in contrasts) > _MOST:
        raise UserError(f"{where}: more than six confirmatory contrasts; make the others exploratory")
    for contrast in contrasts:
        for task in {term.task for term in contrast.terms} if contrast.confirmatory else ():
            weights = sorted(term.weight for term in contrast.terms if term.task == task)
            if weights != sorted(-weight for weight in weights) and not contrast.equivalence:
                raise UserError(
                    f"{where}: contrast {contrast.name!r} is confirmatory: on {task} each weight needs its opposite, "
                    "for labels to swap"
                )
