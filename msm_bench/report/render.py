"""A table of results as text, in five formats. Names in it may be hostile."""

import json
import re
from collections.abc import Sequence
from io import StringIO

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from msm_bench.errors import UserError, printable

FORMATS = ("table", "markdown", "csv", "json", "latex")
FOR_PROGRAMS = ("csv", "json")
"""Formats that carry numbers; the others are for readers and carry rounded text."""
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
    "−": r"$-$",
    "→": r"$\to$",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}
_BAR = re.compile(r"\|")
"""What would end a table's cell."""
_MARKDOWN = re.compile(r"[|\\]|<(?=[A-Za-z/!?])|(?<=\])[(\[]")
"""What in a name would end a table's cell, begin an element, make a link or an image, or undo the mark before these."""
_NUMBER = re.compile(r"^(< )?[+−-]?[\d.,]+( ?%)?( [\[(].*[\])])?$")


def render_table(table: pd.DataFrame, style: str, title: str = "", *, is_markdown: bool = False) -> str:
    """`table` as text in one of `FORMATS`.

    Args:
        table: The cells, as text or as numbers.
        style: One of `FORMATS`.
        title: Above a table for a terminal, the caption of one for LaTeX; in other formats there is none.
        is_markdown: Whether the cells are Markdown already, their names made safe; else they are text.

    Raises:
        UserError: an unknown format.
    """
    if style == "table":
        return _rich(table, title)
    if style == "markdown":
        return _markdown(table, is_markdown=is_markdown)
    if style == "csv":
        return table.to_csv(index=False)
    if style == "json":
        rows = table.astype(object).where(table.notna(), None).to_dict("records")  # JSON has no NaN
        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    if style == "latex":
        return _latex(table, title)
    raise UserError(f"unknown format {style!r}; use one of {', '.join(FORMATS)}")


def _rich(table: pd.DataFrame, title: str) -> str:
    def plain(value: object) -> Text:
        """Neither rich's markup nor a terminal's codes, which names may look like or hold."""
        text = str(value)
        return Text(printable(text, len(text)))

    drawn = Table(title=plain(title) if title else None, title_justify="left")
    for column in table.columns:
        drawn.add_column(plain(column), overflow="fold")
    for row in table.itertuples(index=False):
        drawn.add_row(*map(plain, row))
    text = StringIO()
    width = max(Console().width, 60) if Console().is_terminal else 200
    Console(file=text, width=width).print(drawn)
    return text.getvalue()


def _markdown(table: pd.DataFrame, *, is_markdown: bool) -> str:
    meant = _BAR if is_markdown else _MARKDOWN

    def line(cells: Sequence[object]) -> str:
        return "| " + " | ".join(meant.sub(r"\\\g<0>", " ".join(str(cell).split())) for cell in cells) + " |\n"

    rule = "|" + "---|" * len(table.columns) + "\n"
    return line(list(table.columns)) + rule + "".join(line(row) for row in table.itertuples(index=False))


def _latex(table: pd.DataFrame, caption: str) -> str:
    """A table for LaTeX with the package `booktabs`; columns of numbers are set to the right."""

    def line(cells: Sequence[object]) -> str:
        return " & ".join(map(_latex_text, cells)) + " \\\\\n"

    columns = "".join("r" if _numeric(table.iloc[:, place]) else "l" for place in range(len(table.columns)))
    rows = "".join(line(row) for row in table.itertuples(index=False))
    head = line(list(table.columns))
    body = f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head}\\midrule\n{rows}\\bottomrule\n\\end{{tabular}}\n"
    if not caption:
        return body
    return f"\\begin{{table}}\n\\centering\n\\caption{{{_latex_text(caption)}}}\n{body}\\end{{table}}\n"


def _latex_text(value: object) -> str:
    """Text on one line that LaTeX sets as it is, and takes for no option of the command before it."""
    text = "".join(_LATEX.get(char, char) for char in printable(str(value), len(str(value))))
    return f"{{}}{text}" if text.startswith(("[", "*")) else text


def _numeric(column: pd.Series) -> bool:
    """Whether the cells are numbers, perhaps with an interval; `–` stands for none."""
    cells = [str(cell) for cell in column if str(cell) not in ("", "–")]
    return bool(cells) and all(_NUMBER.match(cell) for cell in cells)
