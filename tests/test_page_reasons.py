"""Reasons that `msm-bench reasons` wrote are on the page, and what is none of them is one line."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from msm_bench.errors import UserError
from msm_bench.report.page import from_results, write_report
from msm_bench.report.page.reasons import find_reasons, reason_figures, reason_sentences, reason_tables

RESULTS = Path(__file__).parent.parent / "results"
KNOWN = RESULTS / "reasons-known"


def test_readings_in_a_folder_and_right_below_it_are_found() -> None:
    assert [one.name for one in find_reasons([KNOWN])] == ["drafted", "paper"]
    assert [one.name for one in find_reasons([KNOWN / "paper", KNOWN])] == ["paper", "drafted"]  # each once
    assert find_reasons([RESULTS / "cheese-smollm2"]) == []


def test_a_reading_has_a_figure_a_table_and_a_sentence() -> None:
    readings = find_reasons([KNOWN / "paper"])
    [figure], [table], [sentence] = reason_figures(readings), reason_tables(readings), reason_sentences(readings)
    assert (figure.name, figure.title, table.id) == ("reasons", "Reasons", "reasons")
    assert "40 transcripts, read by scripted/grader." in figure.caption
    assert "baseline: instrumental goal pursuit 0.30" in figure.alt  # 6 of 20
    assert [column.label for column in table.columns] == ["Pattern", "Side", "Task", "baseline", "trained"]
    # Wilson's interval of 6 of 20: 0.145 to 0.519
    assert [cell.text for cell in table.rows[0][:4]] == [
        "instrumental goal pursuit",
        "misaligned",
        "office",
        "0.30 [0.15, 0.52]",
    ]
    assert table.rows[0][3].sort == 0.3
    assert "40 transcripts" in sentence
    assert "nine misaligned and nine aligned patterns of the paper" in sentence
    assert "(Wilson)" in sentence


def test_reasons_below_the_results_are_on_the_page(tmp_path: Path) -> None:
    folder = tmp_path / "agentic-smoke"
    shutil.copytree(RESULTS / "agentic-smoke", folder)
    shutil.copytree(KNOWN / "paper", folder / "reasons")
    table = folder / "reasons" / "tables" / "frequencies.csv"
    hostile = "<script>alert(1)</script>"
    table.write_text(table.read_text().replace("instrumental goal pursuit", hostile))
    report = write_report(replace(from_results(folder), notes=[]), tmp_path / "out", command="")
    assert report.pictures[-1].name == "reasons"
    assert report.tables[-1].id == "reasons"
    assert any("Reasons that 40 transcripts give" in sentence for part in report.methods for sentence in part)
    page = (tmp_path / "out" / "index.html").read_text()
    assert "equanimity" in page
    assert hostile not in page
    assert (tmp_path / "out" / "figures" / "reasons.png").is_file()
    table.write_text("task,arm\na,b\n")
    with pytest.raises(UserError, match="not frequencies as `msm-bench reasons` writes them"):
        write_report(from_results(folder), tmp_path / "out", command="")
