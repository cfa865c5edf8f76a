"""What takes minutes: a full disk, kills, a wheel in a new environment, every task (`make test-slow`)."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from commands import WriteRecipe, command, one_line, refused
from fault_server import Faults, FaultServer
from generating import ANSWERS, MODEL
from inspect_ai.log import read_eval_log
from test_office_scores import check_scores, run
from test_robustness import run as run_two
from test_tasks import TASKS, check_scored, few

from msm_bench.files import data_path, read_jsonl
from msm_bench.office import agentic_task
from msm_bench.office.goals import goals
from msm_bench.office.scripted import AGENTS
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


TASK = """
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.solver import Generate, TaskState, solver
from inspect_ai.util import sandbox


@solver
def hangs_once():
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        quick = Path("go").exists() or state.sample_id == "quick"
        await sandbox().exec(["sleep", "0" if quick else "4324"])
        return state

    return solve


@task
def hangs():
    samples = [Sample(id="quick", input="-"), *(Sample(id=f"slow{n}", input="-") for n in range(3))]
    return Task(dataset=samples, solver=hangs_once(), sandbox="bubblewrap")
"""


@pytest.mark.slow
def test_a_killed_evaluation_leaves_nothing_behind_and_can_be_retried(tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text(TASK)
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    inspect = [sys.executable, "-m", "inspect_ai"]
    options = ["--model", "none", "--log-dir", "logs", "--display", "none", "--log-buffer", "1"]
    with subprocess.Popen([*inspect, "eval", "hangs.py", *options], cwd=tmp_path, env=environment) as run:
        _wait_until(lambda: _jailed() >= 3)
        run.kill()
    _wait_until(lambda: _jailed() == 0)
    assert not list((tmp_path / "tmp").iterdir())
    (tmp_path / "go").touch()
    [log] = (tmp_path / "logs").glob("*.eval")
    retry = [*inspect, "eval-retry", str(log), "--log-dir", "logs", "--display", "none"]
    subprocess.run(retry, cwd=tmp_path, env=environment, check=True, timeout=120)
    done = [read_eval_log(str(file)) for file in (tmp_path / "logs").glob("*.eval") if file != log]
    assert [log.status for log in done] == ["success"]
    assert _jailed() == 0


def _jailed() -> int:
    """How many of the jails' commands run on this machine."""
    found = 0
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += file.read_bytes() == b"sleep\0004324\0"
    return found


def _wait_until(true: Callable[[], bool]) -> None:
    """A minute at most."""
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("it did not come about")


@pytest.mark.slow
@pytest.mark.parametrize("kind", AGENTS)
def test_scores_are_right_in_every_cell(kind: str, tmp_path: Path) -> None:
    """27 cells, both threats, both twins, the four variants in turn: 27 x 4 samples an agent."""
    for variant in (1, 2, 3, 4):
        goal = list(goals())[variant - 1 :: 4]
        check_scores(run(agentic_task(variant=variant, threat="all", goal=goal), kind, tmp_path), kind)


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_every_task_runs_to_its_end_on_the_embedded_model(name: str, tmp_path: Path) -> None:
    check_scored(run_two(few(name), "msm/smollm2-135m", tmp_path))


@pytest.mark.slow
def test_a_generation_killed_at_twenty_moments_asks_nothing_twice_and_ends_with_the_same_rows(tmp_path: Path) -> None:
    spec, moments = data_path("specs") / "cheese-affordability.md", Random(5)  # noqa: S311
    size = {"domains": 3, "subdomains": 2, "assertions": 2, "types": 3, "ideas": 6, "documents": 90, "words": 120}
    counts = [part for name, count in size.items() for part in (f"--{name}", str(count))]
    faults = Faults(too_many=0.1, broken=0.1, slow=0.5, cut_off=0.1, refused=0.1, malformed=0.1, unclosed=0.1)
    with FaultServer(faults, answers=ANSWERS) as server:
        how = ["--model", MODEL, "--model-base-url", server.url, "-M", "api_key=x", "--max-connections", "4"]

        def line(out: str) -> list[str]:
            folders = ["--out", str(tmp_path / out), "--workdir", str(tmp_path / f"work-{out}")]
            return ["generate", "documents", str(spec), *folders, *how, *counts]

        whole = command(*line("docs"), cwd=tmp_path)
        assert whole.returncode == 0, whole.stderr
        needed = len(read_jsonl(tmp_path / "work-docs" / "answers.jsonl"))
        (tmp_path / "docs").rename(tmp_path / "whole")
        (tmp_path / "work-docs").rename(tmp_path / "work-whole")
        asked_again, kills = 0, 0
        for moment in sorted(moments.sample(range(1, needed), 20)):
            finished, before = seeds_of(tmp_path / "work-docs"), len(server.requests)
            program = [sys.executable, "-m", "msm_bench.cli", *line("docs")]
            with subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
                while run.poll() is None and len(seeds_of(tmp_path / "work-docs")) < moment:
                    time.sleep(0.002)
                kills += run.poll() is None
                run.kill()
            asked_again += sum(request.body["seed"] in finished for request in server.requests[before:])
        finished, before = seeds_of(tmp_path / "work-docs"), len(server.requests)
        done = command(*line("docs"), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        asked_again += sum(request.body["seed"] in finished for request in server.requests[before:])
    assert kills == 20
    assert asked_again == 0
    for file in ("data.jsonl", "manifest.json"):
        assert (tmp_path / "docs" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def seeds_of(workdir: Path) -> set[int]:
    """The seeds of the requests whose answers the journal holds; no two requests of a run have the same."""
    path = workdir / "answers.jsonl"
    whole = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return {json.loads(line)["parameters"]["seed"] for line in whole}
