"""Write what a reading found: classifications, tables, figures and a summary."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from msm_bench.files import write_json, write_text
from msm_bench.reasons.figure import plot_frequencies
from msm_bench.reasons.frequencies import frequency_table
from msm_bench.reasons.grading import prompt_file
from msm_bench.reasons.run import Findings, classifications
from msm_bench.report import render_table
from msm_bench.report.publish import environment
from msm_bench.results import write_frame

_MARKDOWN = re.compile(r"[\\`*_\[\]<>&~#$!]")


def publish(found: Findings, out: Path, threshold: float, command: str) -> None:
    """Write all files to `out`; those of an earlier reading are replaced."""
    write_frame(found.frame, out / "classifications.parquet")
    write_json(out / "classifications.json", classifications(found.readings))
    for style, ending in (("csv", "csv"), ("json", "json")):
        write_text(out / "tables" / f"frequencies.{ending}", render_table(found.numbers, style))
    shown = markdown_safe(frequency_table(found.numbers))
    write_text(out / "tables" / "frequencies.md", render_table(shown, "markdown"))
    for ending in ("png", "svg"):
        plot_frequencies(found.numbers, out / "figures" / f"frequencies.{ending}", note(found))
    write_json(out / "summary.json", summary(found, threshold, command))


def markdown_safe(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with signs that a reader of Markdown would act on, HTML among them, made plain."""

    def plain(text: object) -> str:
        return _MARKDOWN.sub(r"\\\g<0>", str(text))

    return table.map(plain).rename(columns=plain)


def summary(found: Findings, threshold: float, command: str) -> dict[str, Any]:
    """What was read, by whom, and what was merged."""
    return {
        "command": command,
        "grader": found.grader,
        "prompt": {f"classify@{prompt_file('classify').version}": prompt_file("classify").sha256},
        "codebook": {
            "title": found.codebook.title,
            "sha256": found.codebook.sha256,
            "patterns": [pattern.id for pattern in found.codebook.patterns],
        },
        "transcripts": len(found.readings),
        "unscored": dict(found.unscored),
        "overlap": threshold,
        "merged": [merge._asdict() for merge in found.merges],
        "intervals": list(dict.fromkeys(method for method in found.numbers["method"] if method)),
        **environment(),
    }


def note(found: Findings) -> str:
    """What a figure says below: how many transcripts, and who read them."""
    unscored = found.unscored.total()
    left = f", {unscored} of them unscored" if unscored else ""
    return f"{len(found.readings)} transcripts{left}; read by {found.grader}"
