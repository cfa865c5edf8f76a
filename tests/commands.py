"""How tests give commands, as a user types them, and what a refusal is."""

import contextlib
import io
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from msm_bench.cli import main
from msm_bench.experiment import Experiment
from msm_bench.recipe import Recipe

WriteRecipe = Callable[..., Path]
"""The fixture `tiny_recipe`."""


def command(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`msm-bench ARGS` as a user types it."""
    program = [sys.executable, "-m", "msm_bench.cli", *map(str, args)]
    return subprocess.run(program, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


def called(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`msm-bench ARGS` in this process, where what it needs is loaded already.

    In a thread of its own, since nothing can run an event loop in one that has a browser open.
    """
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["msm-bench", *map(str, args)])
        with ThreadPoolExecutor(1) as thread:
            thread.submit(main).result()
    return subprocess.CompletedProcess([], 0, out.getvalue(), err.getvalue())


def refusal(*args: object, cwd: Path) -> str:
    """What `msm-bench ARGS`, in this process, says when it refuses."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["test", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    return one_line(subprocess.CompletedProcess([], ended.value.code, out.getvalue(), err.getvalue()))


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a refusal is, on standard error, with exit code 2."""
    assert done.returncode == 2, done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("msm-bench: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def refused(line: str, *expected: str) -> None:
    """The line has these parts."""
    for part in expected:
        assert part in line


def loaded(tmp_path: Path, recipe: Path) -> Experiment:
    """The recipe with the folders that the command uses."""
    return Experiment(Recipe.load(recipe), tmp_path / "runs" / "tiny", tmp_path / "results" / "tiny")
