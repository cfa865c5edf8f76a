"""A recipe becomes a plan of steps, and runs it. What is done already, and fits, is not done again.

The working folder holds what is only needed here: `checkpoints/seed-S/STAGE/STAGE…` (the path is the chain of stages,
so that arms share their beginnings) and `logs/seed-S/ARM-…/` (Inspect logs). The results folder holds `shards/`, the
result frame of every arm and seed with the manifest of what it depends on: whoever has a shard needs no checkpoint.
"""

import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd
from inspect_ai import Task

from msm_bench.basemodels import BaseModel, can_be_prepared, resolve
from msm_bench.checkpoints import Checkpoint, CheckpointManifest, is_checkpoint, training_identity
from msm_bench.corpus import Corpus
from msm_bench.errors import UserError, missing_extra
from msm_bench.evaluation import build_tasks, dataset_sha256, evaluate_model
from msm_bench.files import canonical_json, difference, read_json, sha256_text, write_json
from msm_bench.logs import frame_from_logs
from msm_bench.pace import seconds_per_item, training_speed
from msm_bench.recipe import Recipe, TaskChoice
from msm_bench.results import check_frame, check_graded, read_frame, write_frame


class Step(NamedTuple):
    """One thing to do."""

    kind: Literal["train", "evaluate"]
    """Train a stage, or score an arm on every task."""
    name: str
    """The chain of stages, or the arm."""
    chain: tuple[str, ...]
    """The stages of what is trained or scored."""
    seed: int
    """The seed."""
    path: Path
    """The checkpoint or the shard that it makes."""
    size: int
    """Tokens to train on, or items to score."""
    seconds: float
    """Estimated time; NaN where nothing is known of the model's speed."""
    done: bool
    """Whether what it makes is there, or nothing that is missing needs it."""


class Experiment:
    """A recipe, its working folder (`runs/RECIPE`, of the one that it extends) and its results (`results/RECIPE`)."""

    def __init__(self, recipe: Recipe, workdir: Path | None = None, results: Path | None = None) -> None:
        self.recipe = recipe
        self.workdir = workdir or Path("runs") / (recipe.extends or recipe.id)
        self.results = results or Path("results") / recipe.id
        self._corpora: dict[str, Corpus] = {}

    # --- what there is to do

    def plan(
        self,
        arms: Sequence[str] = (),
        seeds: Sequence[int] = (),
        base: BaseModel | None = None,
        *,
        tolerant: bool = False,
    ) -> list[Step]:
        """Every step, in order: arm by arm what it is trained on and is not trained yet, then its evaluation.

        So a run that is cut off leaves as many arms finished as it can.

        Args:
            arms: Only these; all by default.
            seeds: Only these; all by default.
            base: The base model that the shards must have been made with; without it that is not checked.
            tolerant: Whether corpora may be missing; `missing` says which are. Sizes follow from the stages alone.

        Raises:
            UserError: an unknown arm, seed or task option, a corpus that is missing or changed, or a shard that was
                made from other inputs than the recipe has now.
        """
        self.recipe.check_arms(list(arms))
        self._check_inputs(tolerant)
        for seed in seeds:
            if seed not in self.recipe.seeds:
                raise UserError(f"recipe {self.recipe.id}: no seed {seed}; it has {self.recipe.seeds}")
        chosen = [arm for arm in self.recipe.arms if not arms or arm in arms]
        steps: list[Step] = []
        for seed in seeds or self.recipe.seeds:
            own = [arm for arm in chosen if seed in self.recipe.seeds_of(arm)]
            evaluations = [self._evaluate_step(arm, seed, base) for arm in own]
            needed = {prefix for step in evaluations if not step.done for prefix in _prefixes(step.chain)}
            planned: set[tuple[str, ...]] = set()
            for evaluation in evaluations:
                new = [prefix for prefix in _prefixes(evaluation.chain) if prefix not in planned]
                steps += [self._train_step(chain, seed, chain in needed) for chain in new] + [evaluation]
                planned.update(new)
        if not steps:
            raise UserError(
                f"recipe {self.recipe.id}: the arms {', '.join(arms)} are not trained at the seeds asked for"
            )
        return steps

    def _train_step(self, chain: tuple[str, ...], seed: int, needed: bool) -> Step:
        stage = self.recipe.stages[chain[-1]]
        tokens = stage.steps * stage.batch * stage.length
        path = self.checkpoint_path(chain, seed)
        done = is_checkpoint(path) or not needed
        return Step("train", " → ".join(chain), chain, seed, path, tokens, tokens / self._training_speed, done)

    def _evaluate_step(self, arm: str, seed: int, base: BaseModel | None) -> Step:
        chain, path = tuple(self.recipe.arms[arm]), self.shard_path(arm, seed)
        if done := path.exists():
            self._check_shard(arm, seed, base)
        items = self._items(arm)
        return Step("evaluate", arm, chain, seed, path, items, items * self._seconds_per_item, done)

    def _items(self, arm: str) -> int:
        """How many items an arm is scored on, each as often as it is asked."""
        return sum(len(task.dataset) * (choice.epochs or 1) for choice, task in self._scored_on(arm))

    def missing(self) -> dict[str, str]:
        """What a run needs and is not here, base model or corpora, each with the command that makes it, if any.

        Raises:
            UserError: the base model is not here, and neither an embedded one nor of a hub.
        """
        base, found = self.recipe.base, {}
        try:
            resolve(base)
        except UserError:
            if not can_be_prepared(base):
                raise
            found[base] = f"msm-bench model prepare {base}"
        return found | self.recipe.missing_corpora()

    def _check_inputs(self, tolerant: bool) -> None:
        """Raise a `UserError` if a corpus is not there, or a contrast leaves out a cell that no task has."""
        missing = self.recipe.missing_corpora()
        for corpus in self.recipe.corpora:
            if not tolerant or corpus not in missing:
                self.corpus(corpus)
        cells = {str((sample.metadata or {}).get("cell")) for task in self.tasks for sample in task.dataset}
        for contrast in self.recipe.contrasts:
            for cell in contrast.without_cells:
                if cell not in cells:
                    raise UserError(
                        f"recipe {self.recipe.id}: contrast {contrast.name!r} leaves out unknown cell {cell!r}"
                    )

    @cached_property
    def _training_speed(self) -> float:
        chains = {prefix for chain in self.recipe.arms.values() for prefix in _prefixes(tuple(chain))}
        paths = [self.checkpoint_path(chain, seed) for chain in chains for seed in self.recipe.seeds]
        return training_speed(self.recipe.base, paths)

    @cached_property
    def _seconds_per_item(self) -> float:
        shards = {self.shard_path(arm, seed).with_suffix(".json"): self._items(arm) for arm, seed in self._shards()}
        return seconds_per_item(self.recipe.base, shards)

    # --- what everything depends on

    def corpus(self, corpus_id: str) -> Corpus:
        """A corpus of the recipe, loaded once."""
        if corpus_id not in self._corpora:
            self._corpora[corpus_id] = Corpus.load(self.recipe.find_corpus(corpus_id))
        return self._corpora[corpus_id]

    @cached_property
    def tasks(self) -> list[Task]:
        """The tasks as they are now, for their size and identity."""
        return build_tasks(self.recipe.tasks, self.recipe.split, self.recipe.grader)

    def _scored_on(self, arm: str) -> list[tuple[TaskChoice, Task]]:
        """The tasks of an arm, as the recipe states them and as they are now."""
        return [pair for pair in zip(self.recipe.tasks, self.tasks, strict=True) if pair[0].scores(arm)]

    def inputs(self) -> dict[str, str]:
        """Short hashes of the recipe's corpora and of its tasks' items, by name."""
        corpora = {corpus: self.corpus(corpus).manifest.data_sha256 for corpus in self.recipe.corpora}
        tasks = {choice.task: dataset_sha256(task) for choice, task in zip(self.recipe.tasks, self.tasks, strict=True)}
        return {name: value[:12] for name, value in (corpora | tasks).items()}

    def _training_identity(self, chain: Sequence[str], seed: int) -> dict[str, Any]:
        """What a checkpoint depends on, beside the base model."""
        stages = [self.recipe.stages[name] for name in chain]
        return training_identity(
            seed,
            self.recipe.names,
            self.recipe.lora,
            [stage.model_dump(mode="json") for stage in stages],
            [{share.id: self.corpus(share.id).manifest.data_sha256 for share in stage.corpora} for stage in stages],
        )

    def _shard_identity(self, arm: str, seed: int) -> dict[str, Any]:
        """What a shard depends on, beside the content of the base model."""
        chain = self.recipe.arms[arm]
        return {
            "recipe": self.recipe.id,
            "base": self.recipe.base,
            "arm": arm,
            "seed": seed,
            "split": self.recipe.split,
            **({"grader": self.recipe.grader} if self.recipe.grader else {}),
            "training": self._training_identity(chain, seed) if chain else {},
            "tasks": [
                {
                    **choice.model_dump(exclude={"arms"}),
                    "version": task.version,
                    "items_sha256": dataset_sha256(task),
                }
                for choice, task in self._scored_on(arm)
            ],
        }

    def _settings(self, arm: str, base: BaseModel) -> str:
        """A hash of what an arm is at any seed, so that logs of two states of a recipe are not taken for one."""
        identity = self._shard_identity(arm, seed=0)
        return sha256_text(canonical_json([identity, base.sha256]))[:12]

    def _check_whole(self, arm: str, frame: pd.DataFrame, log_dir: Path) -> None:
        """Raise a `UserError` unless every item of the arm's tasks is in the frame."""
        found = frame.groupby("task")["item"].nunique()
        for choice, task in self._scored_on(arm):
            if found.get(choice.task, 0) != len(task.dataset):
                raise UserError(
                    f"{log_dir}: {found.get(choice.task, 0)} of {len(task.dataset)} items of {choice.task} are there; "
                    "move the folder away and run the recipe again"
                )

    def _check_shard(self, arm: str, seed: int, base: BaseModel | None) -> None:
        """Raise a `UserError` unless a shard is what the recipe would give now."""
        path = self.shard_path(arm, seed)
        manifest = _read_shard_manifest(path)
        found, stated = manifest["identity"], self._shard_identity(arm, seed)
        if base is not None:
            found, stated = {**found, "base_sha256": manifest["base_sha256"]}, {**stated, "base_sha256": base.sha256}
        if reason := difference(stated, found):
            raise UserError(
                f"{path}: made from other inputs than recipe {self.recipe.id} has now ({reason}); move it away to "
                "score it again, or give another --results folder"
            )

    def checkpoint_path(self, chain: Sequence[str], seed: int) -> Path:
        """Where the checkpoint of a chain of stages lies."""
        return self.workdir / "checkpoints" / f"seed-{seed}" / Path(*chain)

    def shard_path(self, arm: str, seed: int) -> Path:
        """Where the result frame of an arm and seed lies; its manifest has the same name with `.json`."""
        return self.results / "shards" / f"{arm}.seed-{seed}.parquet"

    # --- doing it

    def run(self, arms: Sequence[str] = (), seeds: Sequence[int] = ()) -> None:
        """Carry out what is missing.

        Raises:
            UserError: something that a step needs is missing, or something done does not fit the recipe any more.
        """
        base = resolve(self.recipe.base)
        for step in self.plan(arms, seeds, base):
            if step.kind == "train":
                self._train(step, base)
            elif not step.done:
                self._evaluate(step, base)

    def _train(self, step: Step, base: BaseModel) -> None:
        if is_checkpoint(step.path):
            self._check_checkpoint(step, base)
            return
        if step.done:
            return
        try:
            from msm_bench.training import train_stage  # torch is loaded only by who trains
        except ImportError as error:
            raise missing_extra(error, "train") from None
        stage = self.recipe.stages[step.chain[-1]]
        earlier = step.chain[:-1]
        train_stage(
            step.path,
            name=step.chain[-1],
            stage=stage,
            corpora=[self.corpus(share.id) for share in stage.corpora],
            base=base,
            names=self.recipe.names,
            lora=self.recipe.lora,
            seed=step.seed,
            parent=Checkpoint.load(self.checkpoint_path(earlier, step.seed)) if earlier else None,
        )

    def _check_checkpoint(self, step: Step, base: BaseModel) -> None:
        """Raise a `UserError` unless the checkpoint is what the recipe would train now."""
        manifest = Checkpoint.load(step.path).manifest
        stated = {"base": base.sha256, **self._training_identity(step.chain, step.seed)}
        if reason := difference(stated, {"base": manifest.base.sha256, **manifest.identity()}):
            raise UserError(
                f"{step.path}: trained from other inputs than recipe {self.recipe.id} has now ({reason}); move it "
                "away to train it again, or restore what it was trained on"
            )

    def _evaluate(self, step: Step, base: BaseModel) -> None:
        checkpoint = Checkpoint.load(self.checkpoint_path(step.chain, step.seed)) if step.chain else None
        identity = self._shard_identity(step.name, step.seed)
        adapter = checkpoint.manifest.adapter_sha256 if checkpoint else ""
        model = f"msm/{checkpoint.path if checkpoint else base.id}"
        # A folder of its own for each identity: Inspect goes on with what it finds there, and only with that.
        key = sha256_text(canonical_json([identity, base.sha256, adapter, model]))[:12]
        log_dir = self.workdir / "logs" / f"seed-{step.seed}" / f"{step.name}-{key}"
        started = time.monotonic()
        logs = evaluate_model(
            model,
            build_tasks([choice for choice, _ in self._scored_on(step.name)], self.recipe.split),
            log_dir,
            metadata={
                "recipe": self.recipe.id,
                "arm": step.name,
                "seed": step.seed,
                "settings": self._settings(step.name, base),
            },
            grader=self.recipe.grader,
        )
        frame = check_frame(frame_from_logs(logs), log_dir)
        self._check_whole(step.name, frame, log_dir)
        check_graded(frame, log_dir)
        if checkpoint:  # a shard is passed on, so it does not say where the working folder was
            frame["model"] = f"msm/{checkpoint.path.relative_to(self.workdir).as_posix()}"
        manifest = {
            "identity": identity,
            "base_sha256": base.sha256,
            "checkpoint": checkpoint.manifest.model_dump() if checkpoint else None,
            "wall_seconds": round(time.monotonic() - started, 1),
        }
        write_json(step.path.with_suffix(".json"), manifest)  # before the shard, whose presence says that all is there
        write_frame(frame, step.path)

    # --- what came of it

    def frame(self, arms: Sequence[str] = ()) -> pd.DataFrame:
        """All shards there are of the recipe's arms and seeds, as one result frame.

        Raises:
            UserError: there is none, or one was made from other inputs than the recipe has now.
        """
        self.recipe.check_arms(list(arms))
        frames = []
        bases: dict[str, Path] = {}
        for arm, seed in self._shards(arms):
            self._check_shard(arm, seed, None)
            path = self.shard_path(arm, seed)
            bases.setdefault(_read_shard_manifest(path)["base_sha256"], path)
            frames.append(read_frame(path))
        if len(bases) > 1:
            one, other = list(bases.values())[:2]
            raise UserError(
                f"{other}: made with another base model than {one}; move one of them away to score it again"
            )
        if not frames:
            raise UserError(f"{self.results / 'shards'}: no results yet; run `msm-bench run {self.recipe.id}`")
        return check_frame(pd.concat(frames, ignore_index=True), self.results / "shards")

    def _shards(self, arms: Sequence[str] = ()) -> Iterator[tuple[str, int]]:
        for arm in arms or self.recipe.arms:
            for seed in self.recipe.seeds_of(arm):
                if self.shard_path(arm, seed).exists():
                    yield arm, seed

    def finished_seeds(self, arm: str) -> list[int]:
        """The seeds at which an arm is scored."""
        return [seed for _, seed in self._shards([arm])]

    def manifests(self) -> list[dict[str, Any]]:
        """The manifests of the shards there are: `identity`, `base_sha256`, `checkpoint` (None of the base model) and
        `wall_seconds`."""
        return [_read_shard_manifest(self.shard_path(arm, seed)) for arm, seed in self._shards()]

    def machines(self) -> list[str]:
        """The machines that trained what there is, in words."""
        found = (_read_shard_manifest(self.shard_path(arm, seed))["checkpoint"] for arm, seed in self._shards())
        return sorted({checkpoint["machine"] for checkpoint in found if checkpoint})

    def wall_seconds(self) -> dict[str, float]:
        """Measured time of every step behind the shards there are: stages by their chain, arms by their name. Of an
        evaluation that was cut off, the time since it was taken up again."""
        trained: dict[str, float] = {}
        scored: dict[str, float] = {}
        for arm, seed in self._shards():
            manifest = _read_shard_manifest(self.shard_path(arm, seed))
            scored[f"evaluate {arm}, seed {seed}"] = manifest["wall_seconds"]
            if manifest["checkpoint"]:
                records = CheckpointManifest.model_validate(manifest["checkpoint"]).stages
                for prefix, record in zip(_prefixes(tuple(self.recipe.arms[arm])), records, strict=True):
                    trained[f"train {' → '.join(prefix)}, seed {seed}"] = record.wall_seconds
        return trained | scored


def _prefixes(chain: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The chain's beginnings, shortest first, the whole chain last."""
    return [chain[: end + 1] for end in range(len(chain))]


def _read_shard_manifest(shard: Path) -> dict[str, Any]:
    path = shard.with_suffix(".json")
    manifest = read_json(path)
    wanted = ("identity", "base_sha256", "checkpoint", "wall_seconds")
    if not isinstance(manifest, dict) or any(key not in manifest for key in wanted):
        raise UserError(f"{path}: not the manifest of a shard; move it and {shard.name} away to score the arm again")
    return manifest
