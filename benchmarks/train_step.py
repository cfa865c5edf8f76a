"""A training step with the trainer that a CPU gets against TRL's, the two in turn.

    python benchmarks/train_step.py --recipe cheese-smollm2 --stage msm-america

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
from transformers import Trainer, TrainerCallback
from trl import SFTTrainer

from msm_bench.basemodels import resolve
from msm_bench.corpus import Corpus
from msm_bench.files import write_json
from msm_bench.recipe import Recipe, find_corpus
from msm_bench.training import train, train_stage


class _Clock(TrainerCallback):
    """Notes when each step ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ends.append(time.perf_counter())


@click.command()
@click.option("--recipe", "recipe_id", default="cheese-smollm2", show_default=True)
@click.option("--stage", "stage_name", default="msm-america", show_default=True)
@click.option("--steps", default=6, show_default=True, help="The first two are not counted.")
def main(recipe_id: str, stage_name: str, steps: int) -> None:
    """Time steps of one stage, from a fresh adapter."""
    recipe = Recipe.load(recipe_id)
    stage = recipe.stages[stage_name].model_copy(update={"steps": steps})
    seconds: dict[str, float] = {}
    losses: dict[str, list[float]] = {}
    for kind in (Trainer, SFTTrainer):
        clock = _Clock()
        timed = _timed(kind, clock)
        with tempfile.TemporaryDirectory() as folder, patch.object(train, "trainer_class", lambda timed=timed: timed):
            checkpoint = train_stage(
                Path(folder) / "x",
                name=stage_name,
                stage=stage,
                corpora=[Corpus.load(find_corpus(share.id)) for share in stage.corpora],
                base=resolve(recipe.base),
                names=recipe.names,
                lora=recipe.lora,
                seed=0,
            )
        ends = clock.ends[1:]  # memory is taken and kernels are made in the first steps
        seconds[kind.__name__] = statistics.median(b - a for a, b in pairwise(ends))
        losses[kind.__name__] = checkpoint.manifest.stages[-1].loss
        click.echo(f"{kind.__name__}: {seconds[kind.__name__]:.2f} s a step, losses {losses[kind.__name__]}")
    ours, peer = seconds["Trainer"], seconds["SFTTrainer"]
    write_json(
        Path(__file__).parent / "results" / "train_step.json",
        {
            "ours": ours,
            "peer": peer,
            "ratio": peer / ours,
            "unit": "seconds a step, median without the first two; peer: TRL's SFTTrainer",
            "losses": losses,
            "command": "python " + shlex.join(sys.argv),
            "machine": f"{platform.machine()}, {platform.processor() or 'CPU'}, {stage.dtype}",
        },
    )


def _timed(kind: Any, clock: _Clock) -> Any:
    """The trainer, with one callback more."""

    class Timed(kind):  # type: ignore[misc]
        def __init__(self, *args: Any, callbacks: list[TrainerCallback], **rest: Any) -> None:
            super().__init__(*args, callbacks=[*callbacks, clock], **rest)

    return Timed


if __name__ == "__main__":
    main()
