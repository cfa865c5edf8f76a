"""The comparison as a table in every format, with the notes without which it would mislead."""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from msm_bench.experiment import Experiment
from msm_bench.paper.compare import MEANING, Row, Setup, beside
from msm_bench.paper.figures import Figure, Paper, load_paper
from msm_bench.paper.partners import PARTNERS, Beside, load_partners
from msm_bench.report import FOR_PROGRAMS, render_table
from msm_bench.report.publish import caveat


class Comparison(NamedTuple):
    """A recipe beside a figure."""

    title: str
    """What stands beside what."""
    rows: list[Row]
    """The numbers; one row for each measure of ours."""
    notes: list[str]
    """What a reader must know of them."""


def compare_with_paper(experiment: Experiment, name: str) -> Comparison:
    """The recipe's results beside the figure called `name`.

    Raises:
        UserError: nothing is stated of this recipe and such a figure, or there are no results yet.
    """
    paper, recipe = load_paper(), experiment.recipe
    partners = load_partners(recipe.id)
    stated = partners.beside(name)
    figure = paper.figure(name)
    stated.check(figure, recipe, PARTNERS.name + f"/{recipe.id}.yaml")
    frame = experiment.frame()
    setup = Setup(partners.model, _training(experiment, stated))
    rows = beside(frame, recipe, figure, stated, setup)
    notes = [
        _of_paper(paper, figure, stated),
        _of_ours(experiment, frame, setup.model, rows),
        f"our training: {setup.training}",
        *(MEANING[measure] for measure in stated.measures if measure in MEANING),
        *stated.notes,
        *_signs(figure, stated, rows),
        *_without_partner(experiment, figure, stated, rows),
    ]
    where = f"Fig. {figure.number}" if figure.number else name
    return Comparison(f"{where} of the paper ({figure.title}) beside {recipe.id}", rows, notes)


def _of_paper(paper: Paper, figure: Figure, stated: Beside) -> str:
    """Source, models, tasks and measures of the columns that are compared, seeds, and how the numbers were had."""
    columns = {name: column for name, column in figure.columns.items() if stated.block(name)}
    tasks: dict[str, list[str]] = {}
    for name, column in columns.items():
        tasks.setdefault(column.task or "task not on record here", []).append(name)
    parts = [
        f"{paper.authors}, arXiv {paper.arxiv}{paper.version}",
        f"Fig. {figure.number}" if figure.number else "no figure on record",
        ", ".join(dict.fromkeys(column.model for column in columns.values())),
        figure.training,
        "; ".join(f"{', '.join(names)}: {task}" for task, names in tasks.items()),
        "; ".join(dict.fromkeys(f"{column.measure}: {column.meaning}" for column in columns.values())),
        f"{figure.seeds} seeds" if figure.seeds else "seeds of this figure not on record here",
        f"{figure.drawn} drawn, its size not on record" if figure.drawn else "uncertainty not on record here",
        figure.reading or "whether its numbers are printed or read off is not on record here",
    ]
    return "the paper: " + "; ".join(parts)


def _of_ours(experiment: Experiment, frame: pd.DataFrame, model: str, rows: Sequence[Row]) -> str:
    """Base model, size, items, seeds and interval."""
    recipe = experiment.recipe
    items = {row.task: row.items for row in rows if row.items}
    about = ", ".join(f"{count} items of {task} ({recipe.split_of(task)})" for task, count in items.items())
    methods = ", ".join(dict.fromkeys(row.method for row in rows if row.method and row.column))
    parts = [recipe.id, model, about or "no items yet", caveat(frame), f"interval: {methods or '–'}"]
    return "ours: " + "; ".join(parts)


def _training(experiment: Experiment, stated: Beside) -> str:
    """The stages of the arms that have a partner: steps, tokens, corpora."""
    recipe, parts = experiment.recipe, []
    for name in dict.fromkeys(stage for arm in stated.arms for stage in recipe.arms[arm]):
        stage = recipe.stages[name]
        corpora = []
        for share in stage.corpora:
            manifest = experiment.corpus(share.id).manifest
            drawn = f", {share.fraction:.0%} a seed" if share.fraction < 1 else ""
            size = f"{manifest.rows} {manifest.kind}, {manifest.words:,} words"
            corpora.append(f"{manifest.id} ({size}{drawn}{share.how})")
        parts.append(f"{name}: {stage.steps} steps of {stage.batch * stage.length:,} tokens on {' and '.join(corpora)}")
    return "; ".join(parts)


def _signs(figure: Figure, stated: Beside, rows: Sequence[Row]) -> Iterator[str]:
    """How signs were compared."""
    if not any(row.same_sign for row in rows):
        return
    yield (
        f"same sign: unclear where our interval has 0 in it, or where the paper's difference is no more than the "
        f"{figure.step:g} in which its values are given; what the paper's own uncertainty is, is not counted"
    )
    turned = [name for name, column in figure.columns.items() if stated.block(name) and column.more != stated.more]
    if turned:
        yield (
            f"more is {'mis' if stated.more == 'aligned' else ''}aligned in the paper's {', '.join(turned)} and "
            f"{stated.more} in ours: opposite signs count as the same"
        )


def _without_partner(experiment: Experiment, figure: Figure, stated: Beside, rows: Sequence[Row]) -> Iterator[str]:
    """What is not compared, and what is missing."""
    if alone := [arm for arm in experiment.recipe.arms if arm not in stated.arms]:
        yield f"our arms without partner in this figure: {', '.join(alone)}"
    if columns := [column for column in figure.columns if not stated.block(column)]:
        yield f"columns of the figure without a task of ours: {', '.join(columns)}"
    missing = {row.missing: None for row in rows if row.missing and row.our_arm}
    for reason in missing:
        yield f"not yet: {reason}"


def render_comparison(found: Comparison, style: str) -> str:
    """The comparison in one of `report.FORMATS`, with its notes; in CSV, which has no place for them, without.

    The rows of CSV and JSON say themselves how the two sides differ.

    Raises:
        UserError: an unknown format.
    """
    if style == "json":
        rows = [row.model_dump() for row in found.rows]
        value = {"title": found.title, "notes": found.notes, "rows": rows}
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if style in FOR_PROGRAMS:
        return render_table(comparison_numbers(found.rows), style)
    table = render_table(comparison_table(found.rows), style, found.title)
    if style == "latex":
        notes = render_table(pd.DataFrame({found.title: found.notes}), style)
        return table + "\n" + notes.replace("{tabular}{l}", r"{tabular}{p{\linewidth}}", 1)
    bullet = "- " if style == "markdown" else ""
    lines = "".join(f"{bullet}{note}\n" for note in found.notes)
    return f"{table}\n{lines}" if style == "markdown" else table + lines


def comparison_numbers(rows: Sequence[Row]) -> pd.DataFrame:
    """One row for each comparison and measure, with the fields of `Row` as numbers."""
    table = pd.DataFrame([row.model_dump() for row in rows], columns=list(Row.model_fields))
    whole = ("seeds", "items", "paper_seeds")
    return table.astype(dict.fromkeys(whole, "Int64"))  # where some are lacking as well


def comparison_table(rows: Sequence[Row]) -> pd.DataFrame:
    """One row for each comparison, as text; measures stand side by side."""
    lines: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        lines.setdefault((row.kind, row.column, row.task, row.paper_arm, row.our_arm), []).append(row)
    return pd.DataFrame([_line(measured) for measured in lines.values()])


def _line(measured: Sequence[Row]) -> dict[str, str]:
    """One comparison by each measure."""
    first = measured[0]
    sign = "" if first.kind == "arm" else "+"
    return {
        "paper's column": first.column or "–",
        "our task": first.task,
        "paper's arm": first.paper_arm or "no partner",
        "our arm": first.our_arm or "no partner",
        "paper": "–" if first.paper_value is None else f"{first.paper_value:{sign}.2f}",
        **{f"our {row.measure} [95 % CI]": _number(row) for row in measured},
        **{f"same sign ({row.measure})": row.same_sign or "–" for row in measured},
        "seeds": str(next((row.seeds for row in measured if row.seeds), "–")),
    }


def _number(row: Row) -> str:
    """Our number with its interval; differences and margins with a sign."""
    if row.estimate is None:
        return "–" if row.our_arm is None else "not yet"
    sign = "" if row.kind == "arm" and not row.measure.startswith("margin") else "+"
    if row.ci_low is None or row.ci_high is None:
        return f"{row.estimate:{sign}.2f}"
    return f"{row.estimate:{sign}.2f} [{row.ci_low:{sign}.2f}, {row.ci_high:{sign}.2f}]"
