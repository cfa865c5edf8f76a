"""All figures that results allow, each with its title, its caption and what it shows in words."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from msm_bench.recipe import Contrast, Recipe
from msm_bench.report.figures import arms, cells, dose, items, lineage, loss
from msm_bench.report.figures import contrasts as stated
from msm_bench.report.figures.style import TEXT, drawable
from msm_bench.report.figures.words import measure_label
from msm_bench.report.tables import arm_summary, shown_measures
from msm_bench.stats import ContrastResult, NotComparable


class Drawn(NamedTuple):
    """A figure that can be drawn."""

    name: str
    """Of its file, without ending."""
    title: str
    """A few words."""
    caption: str
    """What it shows and how to read it, in sentences made from the data."""
    alt: str
    """What one sees, for those who don't see it."""
    draw: Callable[[], Figure]
    """Draws it in the theme in force."""


def figures_of(
    frame: pd.DataFrame,
    contrasts: Sequence[ContrastResult] = (),
    *,
    recipe: Recipe | None = None,
    manifests: Sequence[Mapping[str, Any]] = (),
    summary: pd.DataFrame | None = None,
    width: float = TEXT,
) -> list[Drawn]:
    """Every figure that results allow.

    Args:
        frame: A result frame.
        contrasts: Evaluated on it.
        recipe: The one that states them.
        manifests: Of its shards (`Experiment.manifests`).
        summary: The frame's `arm_summary`, if it is there already.
        width: Of the figures, in inches: `TEXT` or `COLUMN`.
    """
    summary = arm_summary(frame) if summary is None else summary
    return [
        *_contrasts(contrasts, width),
        *_arms(frame, summary, width),
        *(_doses(summary, contrasts, recipe, width) if recipe is not None else []),
        *_items(frame, contrasts, recipe, width),
        *_cells(frame, width),
        *_training(frame, recipe, manifests, width),
    ]


def _contrasts(contrasts: Sequence[ContrastResult], width: float) -> list[Drawn]:
    found = []
    for place, measure in enumerate(stated.contrast_measures(contrasts)):
        found.append(
            Drawn(
                "contrasts" if place == 0 else f"contrasts-{_safe(measure)}",
                f"Contrasts: {measure_label(measure)}",
                stated.contrasts_caption(contrasts, measure),
                stated.contrasts_alt(contrasts, measure),
                partial(stated.draw_contrasts, contrasts, measure, width),
            )
        )
    return found


def _arms(frame: pd.DataFrame, summary: pd.DataFrame, width: float) -> list[Drawn]:
    return [
        Drawn(
            f"arms-{_safe(measure)}",
            f"Arms: {measure_label(measure)}",
            arms.arms_caption(frame, summary, measure),
            arms.arms_alt(summary, measure),
            partial(arms.draw_arms, frame, summary, measure, width),
        )
        for measure in arms.arm_measures(summary)
    ]


def _doses(summary: pd.DataFrame, contrasts: Sequence[ContrastResult], recipe: Recipe, width: float) -> Iterator[Drawn]:
    if families := dose.dose_contrasts(recipe, contrasts):
        yield Drawn(
            "dose",
            "Contrasts over the dose",
            dose.dose_contrasts_caption(families),
            dose.dose_contrasts_alt(families),
            partial(dose.draw_dose_contrasts, families, width),
        )
    for measure in arms.arm_measures(summary)[:1]:
        if found := dose.dose_arms(summary, recipe, measure):
            yield Drawn(
                "dose-arms",
                f"Arms over the dose: {measure_label(measure)}",
                dose.dose_arms_caption(found, measure),
                dose.dose_arms_alt(found),
                partial(dose.draw_dose_arms, found, measure, width),
            )


def _items(
    frame: pd.DataFrame, contrasts: Sequence[ContrastResult], recipe: Recipe | None, width: float
) -> Iterator[Drawn]:
    if pairs := items.margin_pairs(frame):
        yield Drawn(
            "sharpening",
            "Items: trained arms against the base model",
            items.sharpening_caption(pairs),
            items.sharpening_alt(pairs),
            partial(items.draw_sharpening, pairs, width),
        )
    headline = _headline(contrasts, recipe)
    if headline is None:
        return
    try:
        effects = items.seed_effects(frame, headline)
    except NotComparable:  # stated of items that the frame does not have
        return
    yield Drawn(
        "items",
        f"Items: {drawable(headline.name)}",
        items.items_caption(effects, headline.name),
        items.items_alt(effects),
        partial(items.draw_items, effects, headline.measure, width),
    )


def _headline(contrasts: Sequence[ContrastResult], recipe: Recipe | None) -> Contrast | None:
    """The contrast that leads, the first where none is said to, as it is stated."""
    if not contrasts:
        return None
    result = next((own for own in contrasts if own.headline), contrasts[0])
    if recipe is not None:
        return next((own for own in recipe.contrasts if own.name == result.name), None)
    return Contrast(name=result.name, terms=list(result.terms), measure=result.measure)


def _cells(frame: pd.DataFrame, width: float) -> Iterator[Drawn]:
    conditions = cells.has_conditions(frame)
    measure = None if conditions else cells.cell_measure(frame, shown_measures(frame))
    if not conditions and measure is None:
        return
    for base in (None,) if conditions else (None, "base"):
        if grids := cells.cell_grids(frame, measure, base):
            yield Drawn(
                "cells" if base is None else "cells-difference",
                "Cells" if base is None else "Cells: differences to the base model",
                cells.cells_caption(grids, base),
                cells.cells_alt(grids),
                partial(cells.draw_cells, grids, base, width),
            )


def _training(
    frame: pd.DataFrame, recipe: Recipe | None, manifests: Sequence[Mapping[str, Any]], width: float
) -> Iterator[Drawn]:
    if curves := loss.loss_curves(manifests):
        yield Drawn(
            "losses",
            "Training loss",
            loss.losses_caption(curves),
            loss.losses_alt(curves),
            partial(loss.draw_losses, curves, width),
        )
    graph = lineage.log_lineage(frame) if recipe is None else lineage.recipe_lineage(recipe, manifests)
    if graph.boxes:
        yield Drawn(
            "lineage",
            "Lineage",
            lineage.lineage_caption(graph),
            lineage.lineage_alt(graph),
            partial(lineage.draw_lineage, graph, width),
        )


def _safe(name: str) -> str:
    """Part of a file's name."""
    return re.sub("[^A-Za-z0-9_.-]", "-", name)
