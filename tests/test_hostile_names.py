"""Names in logs that are meant to harm a terminal, LaTeX or a program that reads a table."""

import csv
import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from commands import called, refusal
from hostile import PAYLOADS
from hostile_logs import write_hostile_logs

from msm_bench.report import FORMATS, render_table

TEXTS = [payload.text("http://127.0.0.1:9", "x") for payload in PAYLOADS]
HIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
"""Characters that move a cursor, change a terminal or turn text round; all but the line break."""


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Two columns, whose heads and cells are hostile."""
    return pd.DataFrame({"name": TEXTS, "{{7*7}}\x1b[31m & \\input{x}": [text[::-1] for text in TEXTS]})


def test_a_terminal_gets_no_codes_from_names(table: pd.DataFrame) -> None:
    drawn = render_table(table, "table", "a title \x1b]0;gone\x07")
    assert not HIDDEN.search(drawn)
    for left in ("[31mred", "{{7*7}}", "[bold]b[/]", ":smile:", "<script>"):
        assert left in drawn
    # and nothing can leave its row: between the frame's lines stand rows alone
    assert all(line[0] in "┏┃┡│└┌├╇" for line in drawn.splitlines()[1:])


def test_latex_of_names_is_text(table: pd.DataFrame) -> None:
    text = render_table(table, "latex")
    assert not HIDDEN.search(text)
    assert "\n\n" not in text
    lines = text.splitlines()
    assert len(lines) == len(table) + 6  # begin, rule, heads, rule, rows, rule, end
    words = "textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar"
    allowed = rf"\\(?:{words})\{{\}}|\$-\$|\$\\to\$|\\[&%$#_{{}}]|--"
    for line in lines[4:-2]:
        first, second = re.fullmatch(r"(.*) & (.*) \\\\", line).groups()  # type: ignore[union-attr]
        for cell in (first, second):
            # what LaTeX reads is our own escapes; the rest means nothing to it
            assert not re.search(r"[\\{}$&#%_^~]", re.sub(allowed, "", cell.removeprefix("{}"))), cell


def test_programs_get_names_unchanged(table: pd.DataFrame) -> None:
    """A cell that begins with `=` is kept: CSV is for programs, and a changed name would match no log."""
    kept = table[~table["name"].str.contains("\r")]  # pandas does not quote a lone carriage return
    rows = list(csv.reader(io.StringIO(render_table(kept, "csv"))))
    assert rows[0] == list(table.columns)
    assert [row[0] for row in rows[1:]] == kept["name"].tolist()
    assert [row["name"] for row in json.loads(render_table(table, "json"))] == TEXTS


def test_a_markdown_table_keeps_its_rows_and_columns(table: pd.DataFrame) -> None:
    lines = render_table(table, "markdown").removesuffix("\n").split("\n")
    assert len(lines) == len(table) + 2
    assert not any("\r" in line for line in lines)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {3}


@pytest.mark.parametrize(
    "style", [pytest.param(style, marks=pytest.mark.slow if style != "table" else ()) for style in FORMATS]
)
def test_the_command_compares_arms_of_any_name(tmp_path: Path, style: str) -> None:
    names = [payload for payload in PAYLOADS if payload.name.startswith(("terminal", "LaTeX", "bidi", "sheet", "rich"))]
    write_hostile_logs(tmp_path / "logs", "http://127.0.0.1:9", [names, names[:1]], names)
    done = called("compare", "logs", "--format", style, cwd=tmp_path)
    if style in ("table", "latex"):
        assert not HIDDEN.search(done.stdout)
    assert not HIDDEN.search(done.stderr)


def test_a_refusal_gives_a_terminal_no_codes(tmp_path: Path) -> None:
    names = [payload for payload in PAYLOADS if payload.name.startswith(("terminal", "bidi"))]
    write_hostile_logs(tmp_path / "logs", "http://127.0.0.1:9", [names, names[:1]], names)
    line = refusal("compare", "logs", "--baseline", "nobody", cwd=tmp_path)
    assert "[31mred" in line
    assert not HIDDEN.search(line.removesuffix("\n"))
