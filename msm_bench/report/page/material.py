"""What a report is made from: results, and whatever is known of how they came about."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from msm_bench.api import FRAME, Results, compare, load_results, read_summary, recipe_behind
from msm_bench.errors import UserError
from msm_bench.files import read_json
from msm_bench.logs import log_files, read_log
from msm_bench.recipe import Recipe
from msm_bench.report.collect import about_run
from msm_bench.report.page.wording import Claim, Reading, claim_of, not_computed, read_contrast
from msm_bench.report.publish import environment
from msm_bench.results import UNTRAINED, read_frame
from msm_bench.stats import DEFAULTS, ContrastResult, Options, waiting

QUESTION = "How do the arms differ?"
"""What is asked where no recipe says it."""


@dataclass(frozen=True)
class Material:
    """Results and what is known of them; only the frame must be there."""

    title: str
    """Name of the recipe, or of the results."""
    frame: pd.DataFrame
    """The result frame (`msm_bench.results.COLUMNS`)."""
    contrasts: Sequence[ContrastResult] = ()
    """In the order of the report; halves after their whole."""
    sensitivity: Sequence[ContrastResult] = ()
    """The headline by other measures."""
    recipe: Recipe | None = None
    """What was stated before the run, if it is known and still the same."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """`summary.json`: command, versions, machine, wall time."""
    shards: Sequence[Mapping[str, Any]] = ()
    """The manifests of the shards: what was trained and scored, by hash."""
    runs: Sequence[Mapping[str, Any]] = ()
    """The logs in short, as `msm_bench.report.collect.about_run` gives them."""
    logs: Mapping[str, str] = field(default_factory=dict)
    """Log files at hand, by their names in the frame."""
    log_dirs: Sequence[str] = ()
    """Where they lie, as given."""
    baseline: str = ""
    """The arm that every other one is compared with, if no contrasts were stated."""
    reasons: Sequence[Path] = ()
    """Folders in which, or right below which, `msm-bench reasons` wrote what it read."""
    notes: Sequence[str] = ()
    """What was left out or could not be compared, and why."""
    stated: bool = True
    """Whether the contrasts are those of the recipe, stated before the run."""

    @property
    def question(self) -> str:
        """What the report answers."""
        return self.recipe.description if self.recipe else QUESTION

    @property
    def arms(self) -> list[str]:
        """The arms, in the order of the frame."""
        return [str(arm) for arm in dict.fromkeys(self.frame["arm"])]

    @property
    def seeds(self) -> list[int]:
        """The seeds of trained arms."""
        return sorted(int(seed) for seed in set(self.frame["seed"]) if seed != UNTRAINED)

    def claim(self, result: ContrastResult) -> Claim:
        """What was stated of a contrast."""
        return claim_of(self.recipe if self.stated else None, result, trained=bool(self.seeds))

    def readings(self) -> list[Reading]:
        """Every whole contrast in words, the headline first, then the confirmatory ones; halves are in the tables."""
        whole = [result for result in self.contrasts if result.half_of is None]
        ordered = sorted(whole, key=lambda result: (not result.headline, not result.confirmatory))
        found = [read_contrast(result, self.claim(result)) for result in ordered]
        times = Counter(reading.name for reading in found)
        found = [
            reading._replace(name=f"{reading.name}, {result.measure}") if times[reading.name] > 1 else reading
            for reading, result in zip(found, ordered, strict=True)
        ]
        names = {result.name for result in whole}
        if self.recipe is None or not self.stated:
            return found
        missing = [own for own in self.recipe.contrasts if own.name not in names]
        reasons = waiting(self.frame, self.recipe) if missing else {}
        older = "they were evaluated before it was stated"
        return found + [not_computed(own, reasons.get(own.name, older)) for own in missing]


def from_recipe(
    name: str,
    *,
    results: Path | None = None,
    logs: Sequence[str] = (),
    baseline: str | None = None,
    contrasts: Path | None = None,
    options: Options = DEFAULTS,
) -> Material:
    """The results of a recipe, as `from_results` reads them.

    Args:
        name: The recipe's, or its file.
        results: Where its results lie; `results/RECIPE` by default.
        logs: Log files and folders, to read samples from.
        baseline: Compare every other arm with this one, instead of what the recipe states.
        contrasts: A file of contrasts to evaluate, instead of what the recipe states.
        options: What to compute beyond them; others than the default are computed anew.

    Raises:
        UserError: there is no such recipe, or there are no results of it.
    """
    recipe = Recipe.load(name)
    folder = results or Path("results") / recipe.id
    if not (folder / FRAME).is_file():
        raise UserError(f"{folder}: no results of {recipe.id} yet; run `msm-bench run {recipe.id}`")
    return from_results(folder, logs=logs, baseline=baseline, contrasts=contrasts, options=options)


def from_results(
    folder: Path,
    *,
    logs: Sequence[str] = (),
    baseline: str | None = None,
    contrasts: Path | None = None,
    options: Options = DEFAULTS,
) -> Material:
    """What lies in a results folder: its frame and contrasts as published, summary and shards.

    Args:
        folder: With `frame.parquet`, and what `msm-bench run` or `msm-bench collect` writes beside it.
        logs: Log files and folders, to read samples from.
        baseline: Compare every other arm with this one, instead of what was published.
        contrasts: A file of contrasts to evaluate, instead of what was published.
        options: What to compute beyond them; others than the default are computed anew.

    Raises:
        UserError: there is no result frame, or a file that lies beside it can't be read.
    """
    frame = read_frame(folder / FRAME)
    summary = read_summary(folder)
    recipe, notes = recipe_behind(summary)
    published = folder / "contrasts.json"
    shards = [read_json(path) for path in sorted((folder / "shards").glob("*.json"))]
    found = Material(
        title=str(summary.get("recipe") or folder.resolve().name),
        frame=frame,
        contrasts=_contrasts(read_json(published) if published.exists() else [], published),
        sensitivity=_contrasts(_rows_of_csv(folder / "tables" / "sensitivity.csv"), folder / "tables"),
        recipe=recipe,
        summary=summary,
        shards=[shard for shard in shards if isinstance(shard, dict)],
        runs=[run for run in summary.get("runs", []) if isinstance(run, dict)],
        logs=logs_by_name(logs),
        log_dirs=list(logs),
        reasons=[folder],
        notes=notes,
    )
    if baseline is None and contrasts is None and options == DEFAULTS:
        return found
    compared = compare(Results(frame, notes, recipe), baseline, contrasts=contrasts, options=options)
    stated = baseline is None and contrasts is None
    return replace(
        found,
        contrasts=compared.contrasts,
        sensitivity=(),
        notes=compared.notes,
        baseline=baseline or "",
        stated=stated,
    )


def from_logs(
    sources: Sequence[str],
    *,
    baseline: str | None = None,
    contrasts: Path | None = None,
    options: Options = DEFAULTS,
    **columns: Any,
) -> Material:
    """Inspect logs of any task.

    Args:
        sources: Log files and folders.
        baseline: Compare every other arm with this one.
        contrasts: A file of contrasts to evaluate.
        options: What to compute beyond them.
        columns: As `msm_bench.load_results` takes them: `by`, `item`, `cell`, `cluster`, `seed`, `scorers`, `allow`.

    Raises:
        UserError: as `msm_bench.load_results` and `msm_bench.compare`.
    """
    loaded = load_results(list(sources), **columns)
    compared = compare(loaded, baseline, contrasts=contrasts, options=options)
    logs = logs_by_name(sources)
    used = [logs[name] for name in dict.fromkeys(loaded.frame["log"]) if name in logs]
    return Material(
        title=f"Logs in {Path(sources[0]).resolve().name}" if len(sources) == 1 else "Inspect logs",
        frame=loaded.frame,
        contrasts=compared.contrasts,
        summary=environment(),
        runs=[about_run(read_log(file, header_only=True)) for file in used],
        logs=logs,
        log_dirs=list(sources),
        baseline=baseline or "",
        notes=compared.notes,
        stated=False,
    )


def logs_by_name(sources: Sequence[str]) -> dict[str, str]:
    """Log files by their names, as they stand in a frame's column `log`: with their folder, where two are called alike.

    Raises:
        UserError: a source does not exist or holds no logs.
    """
    files = [Path(file.removeprefix("file://")) for file in log_files(sources)] if sources else []
    return {name: str(file) for file in files for name in (file.name, f"{file.parent.name}/{file.name}")}


def _contrasts(rows: Any, where: Path) -> list[ContrastResult]:
    try:
        return [ContrastResult.model_validate({"terms": [], **row}) for row in rows]
    except (ValidationError, TypeError):
        raise UserError(f"{where}: not contrasts as this version writes them; publish the results again") from None


def _rows_of_csv(path: Path) -> list[dict[str, Any]]:
    """Rows of a table that `contrast_numbers` made; lists and terms do not survive CSV, and are left out."""
    if not path.exists() or not path.read_text(encoding="utf-8").strip():
        return []
    table = pd.read_csv(path, dtype={"recipe_sha256": str}, keep_default_na=True)
    plain = {name for name, own in ContrastResult.model_fields.items() if "list" not in str(own.annotation)}
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items() if key in plain} for row in rows]
