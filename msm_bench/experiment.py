"""A recipe becomes a plan of steps, and runs it. What is done already, and fits, is not done again.

Everything that a recipe makes here lies in its working folder: `checkpoints/seed-S/STAGE/STAGE…` (the path is the
chain of stages, so that arms share their beginnings), `logs/seed-S/ARM/` (Inspect logs) and `shards/` (the result
frame, one file per arm and seed).
"""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd

from msm_bench.basemodels import BaseModel, resolve
from msm_bench.checkpoints import Checkpoint, is_checkpoint
from msm_bench.corpus import Corpus
from msm_bench.errors import UserError
from msm_bench.files import canonical_json, read_json, sha256_text, write_json
from msm_bench.preferences.items import items_path, load_items
from msm_bench.preferences.prompts import continuations
from msm_bench.recipe import Recipe, TaskChoice, find_corpus
from msm_bench.results import check_frame, frame_from_logs, read_frame, write_frame

TRAIN_TOKENS_PER_SECOND = 170.0
SEQUENCES_PER_SECOND = 28.0
"""Speeds of the embedded model on two cores, for a plan before there is anything of its own to measure."""


class Step(NamedTuple):
    """One thing to do."""

    kind: Literal["train", "evaluate"]
    """Train a stage, or score an arm on every task."""
    name: str
    """The chain of stages, or the arm."""
    seed: int
    """The seed."""
    path: Path
    """The checkpoint or the shard that it makes."""
    size: int
    """Tokens to train on, or sequences to score."""
    seconds: float
    """Estimated time."""
    done: bool
    """Whether what it makes is there."""


class Experiment:
    """A recipe and its working folder."""

    def __init__(self, recipe: Recipe, workdir: Path) -> None:
        self.recipe = recipe
        self.workdir = workdir
        self._corpora: dict[str, Corpus] = {}

    def corpus(self, corpus_id: str) -> Corpus:
        """A corpus of the recipe, loaded once."""
        if corpus_id not in self._corpora:
            self._corpora[corpus_id] = Corpus.load(find_corpus(corpus_id))
        return self._corpora[corpus_id]

    def plan(self, arms: Sequence[str] = (), seeds: Sequence[int] = ()) -> list[Step]:
        """Every step, in order: a stage before those that go on from it, then the evaluation of each arm.

        Raises:
            UserError: an unknown arm or seed, or a corpus that is missing or changed.
        """
        self.recipe.check_arms(list(arms))
        for seed in seeds:
            if seed not in self.recipe.seeds:
                raise UserError(f"recipe {self.recipe.id}: no seed {seed}; it has {self.recipe.seeds}")
        chosen = {arm: chain for arm, chain in self.recipe.arms.items() if not arms or arm in arms}
        steps: list[Step] = []
        speed = self._training_speed()
        for seed in seeds or self.recipe.seeds:
            chains = {tuple(chain[: i + 1]) for chain in chosen.values() for i in range(len(chain))}
            ordered = sorted(chains, key=lambda chain: (len(chain), chain))
            steps += [self._train_step(chain, seed, speed) for chain in ordered]
            steps += [self._evaluate_step(arm, seed) for arm in chosen if self._scores_at(arm, seed)]
        return steps

    def _scores_at(self, arm: str, seed: int) -> bool:
        """The base model is the same at every seed: it is scored once."""
        return bool(self.recipe.arms[arm]) or seed == self.recipe.seeds[0]

    def _training_speed(self) -> float:
        """Tokens a second, padding included, over the stages that this working folder has trained."""
        tokens = seconds = 0.0
        for path in self.workdir.glob("checkpoints/**/manifest.json"):
            record = read_json(path)["stages"][-1]
            tokens += record["steps"] * record["settings"]["batch"] * record["settings"]["length"]
            seconds += record["wall_seconds"]
        return tokens / seconds if seconds else TRAIN_TOKENS_PER_SECOND

    def _train_step(self, chain: Sequence[str], seed: int, speed: float) -> Step:
        stage = self.recipe.stages[chain[-1]]
        for share in stage.corpora:
            self.corpus(share.id)
        tokens = stage.steps * stage.batch * stage.length
        path = self.checkpoint_path(chain, seed)
        return Step("train", " → ".join(chain), seed, path, tokens, tokens / speed, is_checkpoint(path))

    def _evaluate_step(self, arm: str, seed: int) -> Step:
        sequences = sum(
            sum(1 for item in self._items(choice) for _ in continuations(item)) for choice in self.recipe.tasks
        )
        path = self.shard_path(arm, seed)
        return Step("evaluate", arm, seed, path, sequences, sequences / SEQUENCES_PER_SECOND, path.exists())

    def _items(self, choice: TaskChoice) -> list[Any]:
        cue, per_cell = str(choice.args.get("cue", "all")), choice.args.get("per_cell")
        return load_items(
            choice.task,
            split=self.recipe.split,
            cue=cue,
            per_cell=None if per_cell is None else int(per_cell),
        )

    def checkpoint_path(self, chain: Sequence[str], seed: int) -> Path:
        """Where the checkpoint of a chain of stages lies."""
        return self.workdir / "checkpoints" / f"seed-{seed}" / Path(*chain)

    def shard_path(self, arm: str, seed: int) -> Path:
        """Where the result frame of an arm and seed lies; its manifest has the same name with `.json`."""
        return self.workdir / "shards" / f"{arm}.seed-{seed}.parquet"

    def run(self, arms: Sequence[str] = (), seeds: Sequence[int] = ()) -> None:
        """Carry out what is missing.

        Raises:
            UserError: something that a step needs is missing, or something done does not fit the recipe any more.
        """
        base = resolve(self.recipe.base)
        for step in self.plan(arms, seeds):
            if step.kind == "train":
                self._train(step, base)
            else:
                self._evaluate(step, base)

    def _train(self, step: Step, base: BaseModel) -> None:
        chain = step.name.split(" → ")
        if step.done:
            self._check(Checkpoint.load(step.path), chain, base)
            return
        from msm_bench.training import train_stage  # torch is loaded only by who trains

        stage = self.recipe.stages[chain[-1]]
        parent = Checkpoint.load(self.checkpoint_path(chain[:-1], step.seed)) if chain[:-1] else None
        train_stage(
            step.path,
            name=f"seed {step.seed}, {step.name}",
            stage=stage,
            corpora=[self.corpus(share.id) for share in stage.corpora],
            base=base,
            names=self.recipe.names,
            lora=self.recipe.lora,
            seed=step.seed,
            parent=parent,
        )

    def _check(self, checkpoint: Checkpoint, chain: Sequence[str], base: BaseModel) -> None:
        """Raise a `UserError` unless the checkpoint is what the recipe would train now."""
        manifest, where = checkpoint.manifest, checkpoint.path
        mend = f"move {where} away to train it again, or restore what it was trained on"
        if manifest.base.sha256 != base.sha256:
            raise UserError(f"{where}: trained on another base model than {base.id}; {mend}")
        if manifest.lora != self.recipe.lora.model_dump() or manifest.names != self.recipe.names.model_dump():
            raise UserError(f"{where}: trained with other lora or names than recipe {self.recipe.id} states; {mend}")
        for name, record in zip(chain, manifest.stages, strict=False):
            stage = self.recipe.stages[name]
            if record.settings != stage.model_dump(mode="json"):
                raise UserError(f"{where}: stage {name} was trained with other settings than the recipe states; {mend}")
            for corpus_id, sha256 in record.corpora.items():
                corpus = next((self.corpus(s.id) for s in stage.corpora if Path(s.id).name == corpus_id), None)
                if corpus is None or corpus.manifest.data_sha256 != sha256:
                    raise UserError(f"{where}: corpus {corpus_id} changed after training; {mend}")

    def _identity(self, arm: str, seed: int, base: BaseModel) -> dict[str, Any]:
        """What a shard depends on; a shard whose identity fits is done."""
        chain = self.recipe.arms[arm]
        adapter = Checkpoint.load(self.checkpoint_path(chain, seed)).manifest.adapter_sha256 if chain else ""
        tasks = [
            {**choice.model_dump(), "items": sha256_text(items_path(choice.task).read_text(encoding="utf-8"))}
            for choice in self.recipe.tasks
        ]
        return {
            "recipe": self.recipe.id,
            "arm": arm,
            "seed": seed,
            "base_sha256": base.sha256,
            "adapter_sha256": adapter,
            "split": self.recipe.split,
            "tasks": tasks,
        }

    def _evaluate(self, step: Step, base: BaseModel) -> None:
        identity = self._identity(step.name, step.seed, base)
        manifest_path = step.path.with_suffix(".json")
        if step.done:
            if not manifest_path.exists() or read_json(manifest_path)["identity"] != identity:
                raise UserError(
                    f"{step.path}: scored from another checkpoint or other items than recipe {self.recipe.id} has "
                    "now; move it away to score it again"
                )
            return
        from msm_bench.evaluation import evaluate_model

        chain = self.recipe.arms[step.name]
        model = self.checkpoint_path(chain, step.seed) if chain else Path(str(base.id))
        # A folder of its own for each identity: Inspect goes on with what it finds there, and only with that.
        key = sha256_text(canonical_json(identity))[:12]
        log_dir = self.workdir / "logs" / f"seed-{step.seed}" / f"{step.name}-{key}"
        started = time.monotonic()
        logs = evaluate_model(
            f"msm/{model}",
            self.recipe.tasks,
            log_dir,
            split=self.recipe.split,
            metadata={"recipe": self.recipe.id, "arm": step.name, "seed": step.seed},
        )
        frame = check_frame(frame_from_logs(logs), log_dir)
        write_json(manifest_path, {"identity": identity, "wall_seconds": round(time.monotonic() - started, 1)})
        write_frame(frame, step.path)

    def frame(self, arms: Sequence[str] = ()) -> pd.DataFrame:
        """All shards there are of the recipe's arms and seeds, as one result frame.

        Raises:
            UserError: there is none, or one is of another recipe.
        """
        frames = [read_frame(path) for path in self._shards(arms)]
        if not frames:
            raise UserError(f"{self.workdir / 'shards'}: no results yet; run `msm-bench run {self.recipe.id}`")
        frame = pd.concat(frames, ignore_index=True)
        others = set(frame["recipe"]) - {self.recipe.id}
        if others:
            raise UserError(
                f"{self.workdir / 'shards'}: holds results of recipe {', '.join(sorted(others))}, not of "
                f"{self.recipe.id}; move them away"
            )
        return check_frame(frame, self.workdir / "shards")

    def _shards(self, arms: Sequence[str]) -> Iterator[Path]:
        for arm in arms or self.recipe.arms:
            for seed in self.recipe.seeds:
                path = self.shard_path(arm, seed)
                if path.exists():
                    yield path

    def wall_seconds(self) -> dict[str, float]:
        """Measured time of every step that is done: stages by their chain, arms by their name."""
        found: dict[str, float] = {}
        for step in self.plan():
            if not step.done:
                continue
            if step.kind == "train":
                found[f"train {step.name}, seed {step.seed}"] = (
                    Checkpoint.load(step.path).manifest.stages[-1].wall_seconds
                )
            else:
                manifest = json.loads(step.path.with_suffix(".json").read_text(encoding="utf-8"))
                found[f"evaluate {step.name}, seed {step.seed}"] = manifest["wall_seconds"]
        return found
