"""Write a recipe's results: frame, contrasts, summary, tables and figures, all from its shards."""

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from msm_bench.experiment import Experiment
from msm_bench.files import write_json, write_text
from msm_bench.recipe import Recipe
from msm_bench.report.cards import cards
from msm_bench.report.figures import TEXT, check_images, figures_of, save_figure, theme
from msm_bench.report.render import FOR_PROGRAMS, render_table
from msm_bench.report.tables import (
    arm_summary,
    arm_table,
    contrast_numbers,
    contrast_table,
    effects_table,
    knowledge_summary,
    knowledge_table,
)
from msm_bench.report.tuning import record_tuning
from msm_bench.results import write_frame
from msm_bench.stats import ContrastResult, NotComparable, evaluate_all, item_effects, sensitivity

_LIBRARIES = ("msm-bench", "inspect-ai", "numpy", "scipy", "pandas", "torch", "transformers", "peft", "trl")


def caveat(frame: pd.DataFrame) -> str:
    """What a reader must know of the number of seeds."""
    seeds = frame["seed"].nunique()
    if seeds == 1:
        return "one seed: an illustration"
    fewer = frame[frame["arm"] != "base"].groupby("arm")["seed"].nunique().min() < seeds
    tuning = ", seed 0 (tuning) among them" if 0 in set(frame["seed"]) else ""
    return f"{seeds} seeds{', fewer of some arms' if fewer else ''}{tuning}"


class Findings(NamedTuple):
    """What a recipe's results say."""

    frame: pd.DataFrame
    """The result frame."""
    contrasts: list[ContrastResult]
    """As stated."""
    sensitivity: list[ContrastResult]
    """The headline by every other measure."""


def findings(experiment: Experiment, arms: Sequence[str] = ()) -> Findings:
    """The results there are of the recipe's arms (all by default), evaluated.

    Raises:
        UserError: there are no results yet, or they do not fit the recipe.
    """
    frame = experiment.frame(arms)
    return Findings(frame, evaluate_all(frame, experiment.recipe), sensitivity(frame, experiment.recipe))


def publish(experiment: Experiment, command: str) -> Findings:
    """Write everything to the results folder, beside the shards.

    Raises:
        UserError: there are no results yet, or they do not fit the recipe.
    """
    recipe, folder = experiment.recipe, experiment.results
    found = findings(experiment)
    frame, results = found.frame, found.contrasts
    seconds, summary = experiment.wall_seconds(), arm_summary(frame)
    write_frame(frame, folder / "frame.parquet")
    write_json(folder / "contrasts.json", [result.model_dump() for result in results])
    write_json(
        folder / "summary.json",
        {
            "recipe": recipe.id,
            "recipe_sha256": recipe.sha256,
            "caveat": caveat(frame),
            "command": command,
            "arms": summary.round(4).astype(object).where(lambda t: t.notna(), None).to_dict("records"),
            "wall_seconds": seconds,
            "wall_seconds_total": round(sum(seconds.values()), 1),
            **environment(),
        },
    )
    tables: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {
        "arms": (arm_table(frame), summary),
        "contrasts": (contrast_table(results), contrast_numbers(results)),
        "sensitivity": (contrast_table(found.sensitivity), contrast_numbers(found.sensitivity)),
    }
    for headline in [contrast for contrast in recipe.contrasts if contrast.headline][:1]:
        with suppress(NotComparable):  # the base model was not asked
            items = item_effects(frame, headline)
            known = knowledge_summary(items)
            tables["knowledge"] = (knowledge_table(known), known)
            write_text(folder / "tables" / "knowledge-items.csv", items.round(4).to_csv(index=False))
    for name, (text, numbers) in tables.items():
        for style, ending in (("markdown", "md"), ("csv", "csv"), ("latex", "tex")):
            table = numbers if style in FOR_PROGRAMS else text
            write_text(folder / "tables" / f"{name}.{ending}", render_table(table, style))
    if len(effects := effects_table(results)):  # the numbers are among those of the contrasts
        for style, ending in (("markdown", "md"), ("latex", "tex")):
            write_text(folder / "tables" / f"effects.{ending}", render_table(effects, style))
    for name, card in cards(experiment).items():
        write_text(folder / name, card)
    note, manifests = caveat(frame), experiment.manifests()
    draw(frame, folder / "figures", note, results, recipe=recipe, manifests=manifests, summary=summary)
    record_tuning(folder / "tuning.csv", recipe, results, experiment.inputs())
    return found


def environment() -> dict[str, Any]:
    """What every summary says of where it was made: versions of the installed libraries, and the kind of machine."""
    found = {}
    for library in _LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[library] = importlib.metadata.version(library)
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return {"versions": found, "machine": machine}


def draw(
    frame: pd.DataFrame,
    folder: Path,
    note: str,
    contrasts: Sequence[ContrastResult] = (),
    *,
    recipe: Recipe | None = None,
    manifests: Sequence[Mapping[str, Any]] = (),
    summary: pd.DataFrame | None = None,
    formats: Sequence[str] = ("png",),
    width: float = TEXT,
    dark: bool = False,
) -> list[Path]:
    """Write all figures that the frame allows; gives back their files.

    Args:
        frame: A result frame.
        folder: Where the files go.
        note: Said below each, after its caption.
        contrasts: Evaluated on the frame.
        recipe: The one that states them.
        manifests: Of its shards.
        summary: The frame's `arm_summary`, if it is there already.
        formats: Of `IMAGES`: a file of each.
        width: Of the figures, in inches.
        dark: Whether they are for a dark page.

    Raises:
        UserError: an unknown format.
    """
    check_images(formats)
    files = []
    for drawn in figures_of(frame, contrasts, recipe=recipe, manifests=manifests, summary=summary, width=width):
        with theme(dark):
            figure = drawn.draw()
        for style in formats:
            files.append(folder / f"{drawn.name}.{style}")
            save_figure(figure, files[-1], f"{drawn.caption} {note}")
    return files
