"""Which reasons models gave: what `msm-bench reasons` wrote, as a figure, a table and a sentence."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from msm_bench.errors import UserError
from msm_bench.files import read_json
from msm_bench.reasons.figure import CAPTION, draw_frequencies
from msm_bench.report.figures import Drawn
from msm_bench.report.figures.words import counted, listed
from msm_bench.report.page.tables import Cell, Column, PageTable

_TABLE = Path("tables") / "frequencies.csv"
_TEXT = ("task", "condition", "pattern", "name", "side", "merged", "arm", "method")
_NUMBERS = ("frequency", "ci_low", "ci_high", "transcripts", "scored")
_NAMED = 4
"""Patterns that the figure's description names."""


class ReasonsOf(NamedTuple):
    """A reading of transcripts."""

    name: str
    """Of its folder; tells several apart."""
    numbers: pd.DataFrame
    """As `msm_bench.reasons.frequencies.frequencies` gives them; at least one row."""
    summary: dict[str, Any]
    """Who read how much, by which codebook."""


def find_reasons(folders: Iterable[Path]) -> list[ReasonsOf]:
    """Every reading that lies in one of the folders, or right below it.

    Raises:
        UserError: a table or its summary can't be read.
    """
    tables = [table for folder in folders for table in (folder / _TABLE, *sorted(folder.glob(f"*/{_TABLE}")))]
    found = [_read(table) for table in dict.fromkeys(tables) if table.is_file()]
    return [one for one in found if len(one.numbers)]


def _read(table: Path) -> ReasonsOf:
    folder = table.parent.parent
    try:
        numbers = pd.read_csv(
            table, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False, na_values={name: [""] for name in _NUMBERS}
        )
        numbers = numbers.astype(dict.fromkeys(_NUMBERS, float))[[*_TEXT, *_NUMBERS]]
    except (ValueError, KeyError):
        raise UserError(f"{table}: not frequencies as `msm-bench reasons` writes them; run it again") from None
    summary = read_json(folder / "summary.json") if (folder / "summary.json").is_file() else {}
    if not isinstance(summary, dict):
        raise UserError(f"{folder / 'summary.json'}: not a summary; run `msm-bench reasons` again")
    return ReasonsOf(folder.resolve().name, numbers, summary)


def reason_figures(readings: Sequence[ReasonsOf]) -> list[Drawn]:
    """A figure for each reading."""
    return [
        Drawn(
            _id(place),
            _title(one, readings),
            f"How often each pattern of reasons is given. {CAPTION} "
            f"{counted(int(_transcripts(one)), 'transcript')}, read by {_grader(one)}.",
            _alt(one.numbers),
            partial(draw_frequencies, one.numbers),
        )
        for place, one in enumerate(readings)
    ]


def reason_tables(readings: Sequence[ReasonsOf]) -> list[PageTable]:
    """A table for each reading: patterns as rows, arms as columns."""
    return [_table(place, one, readings) for place, one in enumerate(readings)]


def reason_sentences(readings: Sequence[ReasonsOf]) -> list[str]:
    """What was done, for the methods."""
    said = []
    for one in readings:
        book = one.summary.get("codebook")
        title = f" against the codebook “{book['title']}”" if isinstance(book, dict) and book.get("title") else ""
        said.append(
            f"Reasons that {counted(int(_transcripts(one)), 'transcript')} give were read by {_grader(one)}{title}; "
            f"shares have 95 % intervals ({listed(sorted(set(one.numbers['method']) - {''}))})."
        )
    return said


def _table(place: int, one: ReasonsOf, readings: Sequence[ReasonsOf]) -> PageTable:
    numbers = one.numbers
    arms = list(dict.fromkeys(numbers["arm"]))
    conditions = bool((numbers["condition"] != "").any())
    columns = [Column("Pattern"), Column("Side"), Column("Task"), *[Column("Condition")] * conditions]
    rows = []
    for (task, condition, _), own in numbers.groupby(["task", "condition", "pattern"], sort=False):
        first = own.iloc[0]
        merged = f" (with {first['merged']})" if first["merged"] else ""
        by_arm = {row["arm"]: _share(row) for row in own.to_dict("records")}
        texts = [f"{first['name']}{merged}", first["side"], str(task), *[str(condition)] * conditions]
        rows.append((*map(Cell, texts), *(by_arm.get(arm, Cell("–")) for arm in arms)))
    return PageTable(
        _id(place),
        _title(one, readings),
        "Shares of transcripts that show a pattern, with 95 % intervals. A grader found the patterns.",
        (*columns, *(Column(arm, numeric=True) for arm in arms)),
        tuple(rows),
        numbers,
    )


def _share(row: Any) -> Cell:
    share, low, high = row["frequency"], row["ci_low"], row["ci_high"]
    if share != share:
        return Cell("–")
    return Cell(f"{share:.2f}" if low != low else f"{share:.2f} [{low:.2f}, {high:.2f}]", float(share))


def _alt(numbers: pd.DataFrame) -> str:
    parts = []
    for arm, own in numbers[numbers["frequency"].notna()].groupby("arm", sort=False):
        first = own.sort_values("frequency", ascending=False, kind="stable").head(_NAMED)
        said = ", ".join(f"{row['name']} {row['frequency']:.2f}" for row in first.to_dict("records"))
        parts.append(f"{arm}: {said}")
    return f"Shares of transcripts by pattern and arm; the most frequent: {'; '.join(parts)}."


def _id(place: int) -> str:
    return "reasons" if place == 0 else f"reasons-{place + 1}"


def _title(one: ReasonsOf, readings: Sequence[ReasonsOf]) -> str:
    return "Reasons" if len(readings) == 1 else f"Reasons: {one.name}"


def _transcripts(one: ReasonsOf) -> float:
    """How many were read, by the summary; else the most that any row has, by arm."""
    given = one.summary.get("transcripts")
    by_arm = one.numbers.groupby(["arm", "task", "condition"])["transcripts"].max()
    return float(given) if isinstance(given, int) else float(by_arm.sum())


def _grader(one: ReasonsOf) -> str:
    return str(one.summary.get("grader") or "an unnamed grader")
