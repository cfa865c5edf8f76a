"""Results and their comparison from Python: what `msm-bench compare` does.

from msm_bench import compare, load_results

results = load_results("logs/", by="model", cell="metadata.domain", cluster="metadata.company")
print(compare(results, "openai/gpt-4o").table())
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from msm_bench.errors import UserError
from msm_bench.files import read_json
from msm_bench.logs import Columns, frame_notes, read_logs
from msm_bench.recipe import Contrast, Recipe
from msm_bench.report.render import FOR_PROGRAMS, render_table
from msm_bench.report.tables import (
    arm_caution_notes,
    arm_summary,
    arm_table,
    caution_notes,
    contrast_numbers,
    contrast_table,
    shown_measures,
)
from msm_bench.results import check_frame, read_frame
from msm_bench.stated import as_stated, check_in, read_contrasts
from msm_bench.stats import (
    DEFAULTS,
    ContrastResult,
    Options,
    baseline_contrasts,
    evaluate_all,
    evaluate_stated,
    not_comparable,
    waiting,
)

FRAME = "frame.parquet"
"""The result frame in a folder of results."""


class Results(NamedTuple):
    """What was measured."""

    frame: pd.DataFrame
    """The result frame: one row per sample, epoch and metric (`msm_bench.results.COLUMNS`)."""
    notes: list[str]
    """What to know before the numbers are believed, one line each: what is missing, uneven, unscored or allowed."""
    recipe: Recipe | None = None
    """The recipe that stated the contrasts, if one did."""


class Comparison:
    """Contrasts of arms, with their uncertainty."""

    def __init__(self, results: Results, contrasts: list[ContrastResult], notes: list[str]) -> None:
        """Put together what `compare` found.

        Args:
            results: What was compared.
            contrasts: The contrasts; empty if none were asked for.
            notes: Of the results, and of what could not be compared.
        """
        self.contrasts = contrasts
        self.notes = notes
        self._results = results

    @cached_property
    def arms(self) -> pd.DataFrame:
        """Mean, 95 % interval, seeds and items of every arm on every task, one row each (`report.arm_summary`)."""
        return arm_summary(self._results.frame)

    @property
    def cautions(self) -> list[str]:
        """Where intervals and tests may not keep to their level: of the contrasts, else of the arms."""
        return caution_notes(self.contrasts) if self.contrasts else arm_caution_notes(self.arms)

    def to_frame(self) -> pd.DataFrame:
        """One contrast a row, with the fields of `ContrastResult` (but for its terms) as numbers."""
        return contrast_numbers(self.contrasts)

    def table(self, style: str = "markdown") -> str:
        """The contrasts as text in one of `report.FORMATS`; the arms' means where there are no contrasts.

        Raises:
            UserError: an unknown format.
        """
        if self.contrasts:
            return render_table(self.to_frame() if style in FOR_PROGRAMS else contrast_table(self.contrasts), style)
        return self.arm_table(style)

    def arm_table(self, style: str = "markdown", title: str = "") -> str:
        """The arms' means as text in one of `report.FORMATS`.

        Raises:
            UserError: an unknown format.
        """
        return render_table(self.arms if style in FOR_PROGRAMS else arm_table(self._results.frame), style, title)


def load_results(
    sources: str | Path | Sequence[str | Path],
    *,
    by: str | None = None,
    item: str = "sample_id",
    cell: str | None = None,
    cluster: str | None = None,
    seed: str | None = None,
    scorers: Collection[str] = (),
    allow: Collection[str] = (),
    arms: Collection[str] = (),
    full: bool = False,
) -> Results:
    """The results in Inspect logs, of a recipe, or in a result frame.

    Columns are named as `msm_bench.logs.FIXED` and `msm_bench.logs.KEYED`: `sample_id`, `epoch`, `model`, `task`,
    `solver`, `log`, `target`, `tag`, `metadata.X` (the sample's, else the log's), `task_arg.X`, `model_arg.X`.

    Args:
        sources: Log files and folders of such; or one recipe (its name or file), one folder of results, or one
            `frame.parquet`.
        by: The column that makes the arm; by default the recipe's arm, else the model with what it was told.
        item: The column that makes the item, by which arms are paired.
        cell: The column of the fixed stratum of an item; by default `metadata.cell` where there is one.
        cluster: The column of what is resampled within a cell; by default `metadata.cluster`, else the item.
        seed: The column of the training run; `log` takes each log for a run of its own.
        scorers: Only these scorers or metrics; all by default.
        allow: Differences between logs that are compared all the same: `version`, `content`.
        arms: Only these arms; all by default.
        full: Read whole samples rather than their summaries: several times slower, but the contents of items are
            compared to their end.

    Raises:
        UserError: a source is not there or can't be read, logs can't be compared, or a name is unknown.
    """
    listed = [sources] if isinstance(sources, str | Path) else list(sources)
    if not listed:
        raise UserError("no sources; give logs, a recipe, a folder of results or a frame.parquet")
    notes: list[str] = []
    recipe: Recipe | None = None
    if are_logs(listed):
        frame, notes = read_logs(
            listed, Columns(by, item, cell, cluster, seed), scorers=scorers, allow=allow, full=full
        )
    else:
        named = {"by": by, "item": item != "sample_id", "cell": cell, "cluster": cluster, "seed": seed, "allow": allow}
        if given := [name for name, value in named.items() if value]:
            raise UserError(f"{listed[0]}: no logs, but results made from such; {', '.join(given)} can't be chosen now")
        frame, notes, recipe = _made_before(str(listed[0]))
        frame = _only(frame, "metric", scorers)
    frame = _only(frame, "arm", arms)
    return Results(frame, notes + ([] if recipe else frame_notes(frame)), recipe)


def are_logs(sources: Sequence[str | Path]) -> bool:
    """Whether sources are logs, rather than a recipe, a folder of results or a result frame."""
    path = Path(sources[0])
    if len(sources) > 1 or path.suffix in (".eval", ".json") or str(path).startswith("file:"):
        return True
    return path.is_dir() and not (path / FRAME).is_file()


def _made_before(source: str) -> Results:
    """The results of a recipe, a folder of results, or a file, with the recipe where it is known."""
    path = Path(source)
    if path.suffix == ".parquet":
        return Results(read_frame(path), [])
    if path.is_dir():
        recipe, notes = recipe_behind(read_summary(path))
        return Results(read_frame(path / FRAME), notes, recipe)
    from msm_bench.experiment import Experiment

    recipe = Recipe.load(source)
    return Results(check_frame(Experiment(recipe, None, None).frame(), source), [], recipe)


def read_summary(folder: Path) -> dict[str, Any]:
    """`summary.json` of a folder of results; empty where there is none.

    Raises:
        UserError: it is no summary.
    """
    path = folder / "summary.json"
    summary = read_json(path) if path.is_file() else {}
    if not isinstance(summary, dict):
        raise UserError(f"{path}: not a summary; write the results again")
    return summary


def recipe_behind(summary: Mapping[str, Any]) -> tuple[Recipe | None, list[str]]:
    """The recipe that made results, if it is at hand and has not changed since; else, in notes, why it is not used."""
    name = summary.get("recipe")
    if not isinstance(name, str) or not name:
        return None, []
    try:
        recipe = Recipe.load(name)
    except UserError as error:
        return None, [f"the recipe can't be read, so what it states is not used here ({error})"]
    if recipe.sha256 != summary.get("recipe_sha256"):
        return None, ["the recipe's file has changed since these results were written, so it is not used here"]
    return recipe, []


def _only(frame: pd.DataFrame, column: str, wanted: Collection[str]) -> pd.DataFrame:
    """The rows whose `column` (`arm`, `metric`) is one of `wanted`; all rows if nothing is."""
    known = list(frame[column].unique())
    for name in wanted:
        if name not in known:
            raise UserError(f"unknown {column} {name!r}; these results have {', '.join(known)}")
    return frame[frame[column].isin(list(wanted))] if wanted else frame


def compare(
    results: Results,
    baseline: str | None = None,
    *,
    contrasts: str | Path | Sequence[Contrast] | None = None,
    measures: Sequence[str] | None = None,
    options: Options = DEFAULTS,
) -> Comparison:
    """Compare arms: items paired, clusters and seeds taken into account.

    Without baseline and contrasts the recipe's contrasts are evaluated; without a recipe there are the arms' means.

    Args:
        results: From `load_results`.
        baseline: Every other arm minus this one, task by task; exploratory.
        contrasts: Contrasts that were stated: a YAML file with a list of them, each as in a recipe, or the list. The
            confirmatory ones form one Holm family.
        measures: The metrics by which arms are compared with the baseline; by default those of record, else all.
        options: Equivalence, resamples, ranks, graders, the mixed model.

    Raises:
        UserError: an unknown arm, task or metric, also in `options`, or contrasts that can't be read or tested.
    """
    frame, notes = results.frame, list(results.notes)
    _check_options(frame, options)
    found: list[ContrastResult] = []
    if contrasts is not None:
        stated = read_contrasts(contrasts) if isinstance(contrasts, str | Path) else as_stated(contrasts)
        check_in(frame, stated.contrasts, options.graders)
        found += evaluate_stated(
            frame, stated.contrasts, smallest=options.smallest, sha256=stated.sha256, options=options
        )
        left_out = not_comparable(frame, stated.contrasts, options)
        notes += [f"not comparable: {name}: {reason}" for name, reason in left_out.items()]
    if baseline is not None:
        known = list(frame["metric"].unique())
        if unknown := [measure for measure in measures or () if measure not in known]:
            raise UserError(f"unknown measure {unknown[0]!r}; these results have {', '.join(known)}")
        others, reasons = baseline_contrasts(frame, baseline, measures or shown_measures(frame), options)
        found += others
        notes += [f"not comparable: {reason}" for reason in reasons]
    elif contrasts is None and results.recipe is not None:
        found = evaluate_all(frame, results.recipe, options)
        notes += [f"not yet: {name} ({reason})" for name, reason in waiting(frame, results.recipe).items()]
    return Comparison(results, found, notes)


def _check_options(frame: pd.DataFrame, options: Options) -> None:
    """Raise a `UserError` if options name a metric that there is not, or graders by a name that is taken."""
    known = [str(metric) for metric in frame["metric"].unique()]
    named = [("ordinal", metric) for metric in options.ordinal if metric not in options.graders]
    for measure, metrics in options.graders.items():
        if measure in known:
            raise UserError(f"graders {measure!r}: a metric is called so; give their mean another name")
        named += [(f"graders {measure!r}", metric) for metric in metrics]
    for where, metric in named:
        if metric not in known:
            raise UserError(f"{where}: unknown metric {metric!r}; these results have {', '.join(known)}")
