"""Write what a reading found: classifications, tables, figures and a summary."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from msm_bench.corpus.generate.prompt import load_prompt
from msm_bench.files import write_json, write_text
from msm_bench.reasons.figure import CAPTION, draw_frequencies
from msm_bench.reasons.frequencies import frequency_table
from msm_bench.reasons.grading import FACTS, PROMPTS
from msm_bench.reasons.run import Findings, classifications, transcripts_sha256
from msm_bench.report import render_table
from msm_bench.report.figures import save_figure
from msm_bench.report.publish import environment
from msm_bench.results import write_frame

_WRITTEN = ("pattern", "example")
"""Columns of what models wrote."""
_ALIKE = str.maketrans({"`": "'", "|": "¦", "\\": "⧵"})
_MARKDOWN = re.compile(r"[\\`*_\[\]<>&~#$!]")


def publish(found: Findings, out: Path, threshold: float, command: str) -> None:
    """Write all files to `out`; those of an earlier reading are replaced."""
    write_frame(found.frame, out / "classifications.parquet")
    write_json(out / "classifications.json", classifications(found.readings))
    for style, ending in (("csv", "csv"), ("json", "json")):
        write_text(out / "tables" / f"frequencies.{ending}", render_table(found.numbers, style))
    shown = markdown_safe(frequency_table(found.numbers))
    write_text(out / "tables" / "frequencies.md", render_table(shown, "markdown", is_markdown=True))
    figure = draw_frequencies(found.numbers)
    for ending in ("png", "svg"):
        save_figure(figure, out / "figures" / f"frequencies.{ending}", f"{CAPTION} {note(found)}")
    write_json(out / "summary.json", summary(found, threshold, command))


def markdown_safe(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with nothing that a reader of Markdown would act on, HTML and addresses among it.

    What models wrote becomes code; in the rest, signs that mean something are escaped.
    """
    shown = {name: column.map(_code if name in _WRITTEN else _plain) for name, column in table.items()}
    return pd.DataFrame(shown, index=table.index).rename(columns=_plain)


def _plain(text: object) -> str:
    return _MARKDOWN.sub(r"\\\g<0>", str(text))


def _code(text: object) -> str:
    """A code span: signs that would end it, or a cell of a table, give way to others that look alike."""
    line = " ".join(str(text).translate(_ALIKE).split())
    return f"`{line}`" if line else ""


def summary(found: Findings, threshold: float, command: str) -> dict[str, Any]:
    """What was read, by whom, and what was merged."""
    transcripts = [reading.transcript for reading in found.readings]
    named = ["classify", *([FACTS] if any(transcript.facts for transcript in transcripts) else [])]
    prompts = [load_prompt(name, PROMPTS) for name in named]
    intervals = found.numbers[found.numbers["ci_low"].notna()]["method"]
    return {
        "command": command,
        "grader": found.grader,
        "thinking_tokens": found.thinking_tokens,
        "prompt": {f"{prompt.name}@{prompt.version}": prompt.sha256 for prompt in prompts},
        "codebook": {
            "title": found.codebook.title,
            "sha256": found.codebook.sha256,
            "patterns": [pattern.id for pattern in found.codebook.patterns],
        },
        "logs": sorted({transcript.about["log"] for transcript in transcripts}),
        "transcripts": len(transcripts),
        "transcripts_sha256": transcripts_sha256(transcripts),
        "unscored": dict(found.unscored),
        "overlap": threshold,
        "merged": [merge._asdict() for merge in found.merges],
        "intervals": list(dict.fromkeys(intervals)),
        **environment(),
    }


def note(found: Findings) -> str:
    """What a figure says below: how many transcripts, and who read them."""
    unscored = found.unscored.total()
    left = f", {unscored} of them unscored" if unscored else ""
    return f"{len(found.readings)} transcripts{left}; read by {found.grader}"
