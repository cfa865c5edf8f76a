"""The tables of a report: text for readers, with the number that a column is sorted by."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from msm_bench.report.page.material import Material
from msm_bench.report.page.wording import read_contrast
from msm_bench.report.tables import arm_caution_notes, contrast_numbers, measure_text, p_text, shown_measures
from msm_bench.stats import ContrastResult

MOST_ROWS = 500
"""Of a table on the page; all of them are in the CSV file."""


class Cell(NamedTuple):
    """One cell."""

    text: str
    """What stands there; not escaped yet."""
    sort: float | None = None
    """What a numeric column is sorted by."""


class Column(NamedTuple):
    """The head of a column."""

    label: str
    """What stands there."""
    numeric: bool = False
    """Whether it is sorted by number, and set to the right."""


class PageTable(NamedTuple):
    """A table of the report."""

    id: str
    """Unique on the page; the name of its files, too."""
    title: str
    """Its heading."""
    note: str
    """What a reader must know to read it."""
    columns: tuple[Column, ...]
    """The heads."""
    rows: tuple[tuple[Cell, ...], ...]
    """All rows."""
    numbers: pd.DataFrame
    """The same with unrounded numbers, for programs."""
    cautions: tuple[str, ...] = ()
    """What the computation warns of, each with the rows that it is about."""

    @property
    def shown(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows that the page has room for."""
        return self.rows[:MOST_ROWS]

    def text(self) -> pd.DataFrame:
        """The rows as text, for Markdown and LaTeX."""
        labels = [column.label for column in self.columns]
        return pd.DataFrame([[cell.text for cell in row] for row in self.rows], columns=labels)


def tables(material: Material, summary: pd.DataFrame) -> list[PageTable]:
    """Every table that there is something for; `summary` is the frame's `arm_summary`."""
    found = [
        arms_table(summary),
        contrasts_table(material, material.contrasts, "contrasts", "Contrasts", _contrasts_note(material.contrasts)),
        effects_table(material.contrasts),
        contrasts_table(
            material,
            material.sensitivity,
            "sensitivity",
            "The headline by other measures",
            "Exploratory. A headline that holds for one way of asking alone is about that way of asking.",
        ),
        cells_table(material.frame),
    ]
    return [table for table in found if table is not None and table.rows]


def arms_table(summary: pd.DataFrame) -> PageTable:
    """Means of the arms on every task, from `arm_summary`."""
    columns = [Column("Arm"), Column("Task"), Column("Measure")]
    columns += [Column(name, numeric=True) for name in ("Mean", "95 % from", "to", "Seeds", "Items", "Unscored")]
    rows = [
        (
            Cell(str(row["arm"]) + (" †" if row["cautions"] else "")),
            *(Cell(str(row[name])) for name in ("task", "measure")),
            *(number(row[name]) for name in ("mean", "ci_low", "ci_high")),
            *(count(row[name]) for name in ("seeds", "items")),
            Cell(f"{row['unscored_rate']:.1%}", float(row["unscored_rate"])),
        )
        for row in summary.to_dict("records")
    ]
    note = "Means over seeds and items, with 95 % intervals. They are not differences: arms share items and seeds."
    cautions = tuple(arm_caution_notes(summary))
    note += " A dagger (†): the interval is rough, see the cautions." if cautions else ""
    return PageTable("arms", "Arms", note, tuple(columns), tuple(rows), summary, cautions)


def _contrasts_note(results: Sequence[ContrastResult]) -> str:
    """What a reader must know of the contrasts' table."""
    parts = ["A star marks the headline."] if any(result.headline for result in results) else []
    parts += (
        ["There is a p (Holm) for confirmatory contrasts only."] if any(r.p_holm is not None for r in results) else []
    )
    parts += ["A dagger (†): cautions, in its words above."] if any(result.cautions for result in results) else []
    parts += ["A half is one task's part of the contrast above it."] if any(r.half_of for r in results) else []
    if any(result.q is not None for result in results):
        parts.append(
            "q is the p-value after Benjamini and Hochberg over all comparisons here: of those with q below 0.05, one "
            "in twenty is expected to be nothing."
        )
    return " ".join([*parts, "Estimates of shares stand as shares here, of margins in nats."])


def contrasts_table(
    material: Material, results: Sequence[ContrastResult], name: str, title: str, note: str
) -> PageTable:
    """Contrasts with their intervals and tests."""
    tested = any(result.p_holm is not None for result in results)
    alike = any(result.p_equivalence is not None for result in results)
    rates = any(result.q is not None for result in results)
    columns = [Column("Contrast"), Column("Measure"), Column("Subset")]
    columns += [Column(label, numeric=True) for label in ("Estimate", "95 % from", "to")]
    columns += [Column("p (Holm)", numeric=True)] * tested + [Column("p (TOST)", numeric=True)] * alike
    columns += [Column("q", numeric=True)] * rates
    columns += [Column("Seeds", numeric=True), Column("Items", numeric=True), Column("Reading")]
    rows = []
    for result in results:
        row = [
            Cell(result.name + (" ★" if result.headline else "") + (" †" if result.cautions else "")),
            Cell(measure_text(result)),
            Cell(result.subset or "all"),
        ]
        limits = (result.estimate, result.ci_low, result.ci_high)
        row += [number(value, signed=True, digits=digits_of(limits)) for value in limits]
        row += [p_cell(result.p_holm)] * tested + [p_cell(result.p_equivalence)] * alike
        row += [p_cell(result.q)] * rates
        row += [count(result.n_seeds), count(result.n_items)]
        row.append(Cell(_reading(material, result)))
        rows.append(tuple(row))
    return PageTable(name, title, note, tuple(columns), tuple(rows), contrast_numbers(results))


def _reading(material: Material, result: ContrastResult) -> str:
    if result.half_of is not None:
        return "Half"
    return read_contrast(result, material.claim(result)).label


def effects_table(results: Sequence[ContrastResult]) -> PageTable | None:
    """Standardised and relative effects of the contrasts, where they were computed."""
    records: list[dict[str, Any]] = []
    for result in results:
        whose = {"contrast": result.name, "measure": result.measure}
        records += [{**whose, **effect.model_dump()} for effect in result.effects]
        if result.mcnemar is not None:
            records.append({**whose, "name": "McNemar (described only)", "method": str(result.mcnemar)})
    if not records:
        return None
    columns = [Column("Contrast"), Column("Measure"), Column("Effect")]
    columns += [Column(label, numeric=True) for label in ("Estimate", "95 % from", "to")] + [Column("Method")]
    rows = [
        (
            *(Cell(str(row[key])) for key in ("contrast", "measure", "name")),
            *(_rounded(row.get(key)) for key in ("estimate", "low", "high")),
            Cell(row["method"]),
        )
        for row in records
    ]
    note = (
        "The same differences on other scales: none of them confirms another. No difference is a ratio or odds ratio "
        "of 1, an h of 0, a superiority of 0.5."
    )
    return PageTable("effects", "Effect sizes", note, tuple(columns), tuple(rows), pd.DataFrame(records))


def _rounded(value: Any) -> Cell:
    """An effect, with no more digits than a ratio far from 1 carries."""
    return number(value, digits=2 if value is None or not abs(value) >= 10 else 1 if abs(value) < 100 else 0)


def cells_table(frame: pd.DataFrame) -> PageTable | None:
    """Means of each arm by task, cell and shown measure, where samples lie in cells; in brackets scored of all."""
    inside = frame[frame["cell"] != ""]
    if inside["cell"].nunique() < 2:
        return None
    inside = inside[inside["metric"].isin(shown_measures(frame) or list(dict.fromkeys(frame["metric"])))]
    arms = list(dict.fromkeys(str(arm) for arm in inside["arm"]))
    groups = inside.groupby(["task", "cell", "metric", "arm"], sort=False)["value"].agg(["mean", "count", "size"])
    found = {key: row for key, row in zip(groups.index, groups.itertuples(index=False), strict=True)}
    rows = []
    for task, cell, metric in dict.fromkeys(key[:3] for key in found):
        own = [found.get((task, cell, metric, arm)) for arm in arms]
        rows.append((Cell(str(task)), Cell(str(cell)), Cell(str(metric)), *(_cell_mean(one) for one in own)))
    columns = (Column("Task"), Column("Cell"), Column("Measure"), *(Column(arm, numeric=True) for arm in arms))
    note = "Means over seeds, items and repetitions of a cell. In brackets, scored of all, where some are unscored."
    return PageTable("cells", "Cells", note, columns, tuple(rows), groups.reset_index())


def _cell_mean(row: Any) -> Cell:
    if row is None:
        return Cell("–")
    shown = number(row.mean).text
    partly = f" ({row.count}/{row.size})" if row.count < row.size else ""
    return Cell(shown + partly, None if math.isnan(row.mean) else float(row.mean))


def digits_of(values: Sequence[float | None]) -> int:
    """Two decimals, or up to four where a value that is not 0 would read as 0, so that its sign is seen."""
    known = [value for value in values if value and not math.isnan(value)]
    return next((digits for digits in (2, 3) if all(round(value, digits) != 0 for value in known)), 4)


def number(value: Any, *, signed: bool = False, digits: int = 2) -> Cell:
    """A number with two decimals or as many as asked for, `–` where there is none."""
    if value is None or math.isnan(value):
        return Cell("–")
    text = f"{value:{'+' if signed else ''}.{digits}f}".replace("-", "−")
    return Cell(text.lstrip("+−") if round(value, digits) == 0 else text, float(value))


def count(value: Any) -> Cell:
    """A whole number."""
    return Cell(f"{int(value):,}", float(value))


def p_cell(value: float | None) -> Cell:
    """A p-value, never as 0."""
    return Cell(p_text(value), value)
