"""What is planned from: results of a recipe, a results folder, or Inspect logs, and which comparison in them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from msm_bench.api import Results, load_results
from msm_bench.errors import UserError
from msm_bench.experiment import Experiment
from msm_bench.recipe import Contrast, Recipe, Term
from msm_bench.report import shown_measures


def load_pilot(sources: Sequence[str], results: Path | None = None, **columns: Any) -> Results:
    """Results by the name or file of a recipe, of a results folder or its `frame.parquet`, or of Inspect logs.

    Args:
        sources: Where they are.
        results: Of a recipe, where its results lie, if not in `results/RECIPE`.
        columns: What is what in logs, as `load_results` takes them.

    Raises:
        UserError: there are none, or they can't be read.
    """
    if results is None:
        return load_results(sources, **columns)
    recipe = Recipe.load(sources[0])
    return Results(Experiment(recipe, None, results).frame(), [], recipe)


def stated_contrast(pilot: Results, name: str) -> Contrast:
    """A contrast of the pilot's recipe by its name, or by a part of it that no other has.

    Raises:
        UserError: there is no recipe, or no such contrast.
    """
    if pilot.recipe is None:
        raise UserError(f"--contrast {name}: these results are of no recipe; compare arms by --baseline and --arm")
    contrasts = pilot.recipe.contrasts
    found = [one for one in contrasts if one.name == name] or [one for one in contrasts if name in one.name]
    if len(found) != 1:
        known = "; ".join(one.name for one in found or contrasts)
        raise UserError(
            f"--contrast {name}: {'several contrasts fit' if found else 'no such contrast'}; give one of: {known}"
        )
    return found[0]


def arms_contrast(
    frame: pd.DataFrame, baseline: str, arm: str, task: str | None = None, measure: str | None = None
) -> Contrast:
    """`arm` minus `baseline` on a task, by a measure.

    Raises:
        UserError: an unknown name, or several to choose from.
    """
    _check_known("arm", [baseline, arm], frame["arm"])
    own = frame[frame["arm"].isin((arm, baseline))]
    task = _the_one("task", task, own["task"])
    own = own[own["task"] == task]
    if measure is None and len(shown := shown_measures(own)) == 1:
        measure = shown[0]
    measure = _the_one("measure", measure, own["metric"])
    terms = [Term(arm=arm, task=task, weight=1), Term(arm=baseline, task=task, weight=-1)]
    return Contrast(name=f"{arm} − {baseline} [{task}]", terms=terms, measure=measure)


def _check_known(kind: str, given: Sequence[str], known: pd.Series) -> None:
    for name in given:
        if name not in set(known):
            raise UserError(f"unknown {kind} {name!r}; these results have {', '.join(dict.fromkeys(known))}")


def _the_one(kind: str, given: str | None, known: pd.Series) -> str:
    if given is None:
        names = list(dict.fromkeys(known))
        if len(names) != 1:
            raise UserError(f"these results have several {kind}s; choose one by --{kind}: {', '.join(names)}")
        return str(names[0])
    _check_known(kind, [given], known)
    return given
