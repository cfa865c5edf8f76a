"""Seeds side by side give what they give one after the other, and a failure is one line."""

from pathlib import Path

import pandas as pd
import pytest
from commands import WriteRecipe, command, loaded, one_line, refused

from msm_bench.experiment import Experiment
from msm_bench.parallel import run_side_by_side
from msm_bench.results import read_frame


@pytest.mark.slow
def test_seeds_side_by_side(tmp_path: Path, tiny_recipe: WriteRecipe) -> None:
    recipe = tiny_recipe()
    alone, both = loaded(tmp_path, recipe), Experiment(loaded(tmp_path, recipe).recipe, tmp_path / "w", tmp_path / "r")
    alone.run(seeds=[1])
    broken = both.checkpoint_path(["aft"], 2)
    broken.parent.mkdir(parents=True)
    broken.write_text("a file where a folder must go", encoding="utf-8")
    done = command("run", recipe, "--jobs", "2", "--workdir", both.workdir, "--results", both.results, cwd=tmp_path)
    refused(one_line(done), str(broken.parent), "Not a directory")
    assert "seed 2: failed" in done.stdout
    # the other seed is finished, with the values that it has alone; threads add up in another order
    assert "seed 1: done" in done.stdout
    key = ["task", "item", "metric"]
    for arm in ("base", "aft", "msm+aft"):
        one, other = [
            read_frame(experiment.shard_path(arm, 1)).set_index(key)["value"].sort_index()
            for experiment in (alone, both)
        ]
        pd.testing.assert_series_equal(one, other, atol=1e-3, rtol=0)
    assert "step 2/2" in (both.workdir / "output" / "seed-1.log").read_text(encoding="utf-8")


def test_an_arm_of_one_seed_starts_no_process_for_the_other(
    tmp_path: Path, tiny_recipe: WriteRecipe, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = loaded(tmp_path, tiny_recipe(arm_seeds={"msm+aft": [1]}))
    experiment.run(["msm+aft"])
    capsys.readouterr()
    run_side_by_side(experiment, ["msm+aft"], [], jobs=2)
    assert "started" not in capsys.readouterr().out
