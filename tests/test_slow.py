"""What takes minutes: a full disk, kills, a wheel in a new environment (`make test-slow`)."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from commands import WriteRecipe, command, one_line, refused

from msm_bench.results import read_frame


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_the_run_goes_on_afterwards(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    recipe, disk = tiny_recipe(), tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], check=True)  # noqa: S607
    try:
        done = command("run", recipe, "--workdir", disk, "--results", tmp_path / "r", cwd=tmp_path)
        refused(one_line(done), "No space left on device", "make room")
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)  # noqa: S607
        done = command("run", recipe, "--workdir", disk, "--results", tmp_path / "r", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    finally:
        subprocess.run(["umount", str(disk)], check=True)  # noqa: S607


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_the_same_frame(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    recipe = tiny_recipe()
    whole = command("run", recipe, "--workdir", tmp_path / "whole", "--results", tmp_path / "r1", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    cut = ("run", recipe, "--workdir", tmp_path / "cut", "--results", tmp_path / "r2")
    program = [sys.executable, "-u", "-m", "msm_bench.cli", *map(str, cut)]
    # within a stage, at its end, within an evaluation, at the second seed, between an evaluation and its shard
    for moment in (
        "seed 1, aft: step 1/2",
        "seed 1, msm → aft: step 2/2",
        "Running 1 tasks",
        "seed 2, msm: step 1/2",
        "Completed all tasks",
    ):
        with subprocess.Popen(
            program, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout
            seen = any(moment in line for line in process.stdout)
            process.kill()
        assert seen, f"the run ended before {moment!r}"
    done = command(*cut, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    key = ["arm", "seed", "task", "item", "metric"]
    one, two = [
        read_frame(tmp_path / name / "frame.parquet").set_index(key)["value"].sort_index() for name in ("r1", "r2")
    ]
    pd.testing.assert_series_equal(one, two, atol=1e-4, rtol=0)


@pytest.mark.slow
def test_a_wheel_in_an_empty_environment_finds_its_tasks_specs_and_recipes(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(root)], check=True)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = str(tmp_path / "env" / "bin" / "python")
    wheel = str(next(tmp_path.glob("*.whl")))
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
    code = (
        "import sys, importlib.util; from msm_bench.recipe import Recipe; from msm_bench.specs import Spec;"
        "from msm_bench.files import data_path; from msm_bench.corpus import Corpus;"
        "Recipe.load('demo'); Recipe.load('cheese-smollm2'); Spec.load(data_path('specs') / 'cheese-america.md');"
        "Corpus.load(data_path('specs') / 'corpora' / 'cheese-demos');"
        "from msm_bench.tasks.pro_america import pro_america; assert len(pro_america().dataset) >= 120;"
        "assert importlib.util.find_spec('torch') is None and importlib.util.find_spec('tasks') is None"
    )
    subprocess.run([python, "-c", code], check=True, cwd=tmp_path)
    environment = {**os.environ, "PATH": f"{tmp_path / 'env' / 'bin'}:{os.environ['PATH']}"}
    listed = subprocess.run(
        [str(tmp_path / "env" / "bin" / "inspect"), "eval", "msm_bench/pro_america", "--model", "msm/x"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'msm-bench[train]'" in listed.stdout + listed.stderr
