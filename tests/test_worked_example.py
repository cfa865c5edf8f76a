"""The worked example of `docs/compare.md` does what the page says.

    python tests/test_worked_example.py

writes what the blocks print into the page, after a change that is meant.
"""

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from msm_bench.cli import cli

PAGE = Path(__file__).parents[1] / "docs" / "compare.md"
_BLOCK = re.compile(r"```(python|sh)\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)


class Block(NamedTuple):
    """A block of the page."""

    language: str
    source: str
    printed: str
    """What the page says that it prints; empty where it says nothing."""
    place: re.Match[str]


def blocks(text: str) -> list[Block]:
    return [Block(found[1], found[2], found[3] or "", found) for found in _BLOCK.finditer(text)]


def outputs(text: str) -> Iterator[tuple[Block, str]]:
    """Each block with what it prints, run one after the other in the current folder."""
    names: dict[str, object] = {}
    for block in blocks(text):
        if block.language == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(block.source, PAGE.name, "exec"), names)  # noqa: S102, a page of ours
            yield block, "".join(f"{line.rstrip()}\n" for line in printed.getvalue().splitlines())
        else:
            for line in block.source.replace("\\\n", " ").splitlines():
                program, *arguments = shlex.split(line)
                assert program == "msm-bench"
                result = CliRunner().invoke(cli, arguments)
                assert result.exit_code == 0, f"{line}: {result.output}{result.exception!r}"
            yield block, ""


def test_the_page_prints_what_it_says(tmp_path: Path) -> None:
    # in a process of its own: Inspect keeps the display of the first evaluation in one, and the page's has none
    found = tmp_path / "printed.json"
    program = [sys.executable, __file__, str(found)]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    printed = json.loads(found.read_text(encoding="utf-8"))
    for block, own in zip(blocks(PAGE.read_text(encoding="utf-8")), printed, strict=True):
        assert own == block.printed, f"of\n{block.source}"


def save(path: Path) -> None:
    """Write what the blocks print, run in the current folder, as a JSON list."""
    printed = [printed for _, printed in outputs(PAGE.read_text(encoding="utf-8"))]
    path.write_text(json.dumps(printed), encoding="utf-8")


def update() -> None:
    """Write the outputs into the page."""
    text, done, parts = PAGE.read_text(encoding="utf-8"), 0, []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for block, printed in outputs(text):
            parts += [text[done : block.place.start()], f"```{block.language}\n{block.source}```\n"]
            parts += [f"\n```text\n{printed}```\n"] if printed else []
            done = block.place.end()
    PAGE.write_text("".join([*parts, text[done:]]), encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("COLUMNS", "120")
    if sys.argv[1:]:
        save(Path(sys.argv[1]))
    else:
        update()
