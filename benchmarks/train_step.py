"""Training steps with the trainer that a CPU gets against TRL's, one after the other, in one process.

    python benchmarks/train_step.py --recipe cheese-smollm2 --stage msm-america --stage it-and-aft

Writes `benchmarks/results/train_step.json`.
"""

import platform
import shlex
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import torch
from transformers import Trainer, TrainerCallback
from trl import SFTTrainer

from msm_bench.basemodels import resolve
from msm_bench.corpus import Corpus
from msm_bench.files import write_json
from msm_bench.recipe import Recipe
from msm_bench.shipped import find_corpus
from msm_bench.training import train, train_stage


class _Clock(TrainerCallback):
    """Notes when each step ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ends.append(time.perf_counter())


@click.command()
@click.option("--recipe", "recipe_id", default="cheese-smollm2", show_default=True)
@click.option("--stage", "stages", multiple=True, default=("msm-america", "it-and-aft"), show_default=True)
@click.option("--steps", type=click.IntRange(min=4), default=6, show_default=True, help="The first two don't count.")
def main(recipe_id: str, stages: tuple[str, ...], steps: int) -> None:
    """Time steps of each stage, from a fresh adapter."""
    recipe = Recipe.load(recipe_id)
    growth = []
    for stage in stages:
        ours, peer = (_seconds(trainer, recipe, stage, steps) for trainer in (Trainer, SFTTrainer))
        growth.append({"stage": stage, "ours": ours, "peer": peer, "ratio": peer / ours})
        click.echo(f"{stage}: {ours:.2f} s a step, TRL's trainer {peer:.2f} s, ratio {peer / ours:.2f}")
    write_json(
        Path(__file__).parent / "results" / "train_step.json",
        {
            **{key: value for key, value in growth[0].items() if key != "stage"},
            "goal": 1.0,
            "unit": "seconds a step of the first stage, median; peer: TRL's SFTTrainer",
            "growth": growth,
            "command": "python " + shlex.join(sys.argv),
            "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        },
    )


def _seconds(trainer: Any, recipe: Recipe, name: str, steps: int) -> float:
    """Median time of a step; memory is taken and kernels are made in the first two."""
    clock = _Clock()

    class Timed(trainer):  # type: ignore[misc]
        def __init__(self, *args: Any, callbacks: list[TrainerCallback], **rest: Any) -> None:
            super().__init__(*args, callbacks=[*callbacks, clock], **rest)

    stage = recipe.stages[name].model_copy(update={"steps": steps})
    with tempfile.TemporaryDirectory() as folder, patch.object(train, "trainer_class", lambda: Timed):
        train_stage(
            Path(folder) / "x",
            name=name,
            stage=stage,
            corpora=[Corpus.load(find_corpus(share.id)) for share in stage.corpora],
            base=resolve(recipe.base),
            names=recipe.names,
            lora=recipe.lora,
            seed=0,
        )
    return statistics.median(end - start for start, end in pairwise(clock.ends[1:]))


if __name__ == "__main__":
    main()
