"""Train one stage of one arm with PEFT and TRL or transformers, bit for bit reproducible and resumable.

The stages of an arm share one LoRA adapter: a later stage goes on from the adapter of the one before.
"""

import importlib.metadata
import json
import platform
import shutil
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from datasets.utils.logging import disable_progress_bar as disable_datasets_bar
from peft import LoraConfig, PeftModel, get_peft_model
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
)
from transformers import TrainingArguments as Arguments
from transformers.utils import logging as transformers_logging
from trl import SFTConfig, SFTTrainer

from msm_bench.basemodels import BaseModel
from msm_bench.checkpoints import (
    ADAPTER,
    CONFIG,
    MANIFEST,
    Base,
    Checkpoint,
    CheckpointManifest,
    StageRecord,
)
from msm_bench.corpus import Corpus
from msm_bench.files import canonical_json, new_directory, read_json, sha256_file, sha256_text, write_json
from msm_bench.loading import load_model, load_tokenizer
from msm_bench.specs import Names
from msm_bench.stage import Lora, Stage
from msm_bench.training.data import collate, stage_data

LIBRARIES = ("msm-bench", "torch", "transformers", "peft", "trl", "accelerate", "datasets")


def train_stage(
    target: Path,
    *,
    name: str,
    stage: Stage,
    corpora: Sequence[Corpus],
    base: BaseModel,
    names: Names,
    lora: Lora,
    seed: int,
    parent: Checkpoint | None = None,
) -> Checkpoint:
    """Train `stage` on top of `parent` (or on a fresh adapter) and write the checkpoint `target`.

    A killed call goes on from its last save when it is called again with the same inputs, to the same adapter.

    Args:
        target: Folder of the checkpoint.
        name: The stage's name in the recipe.
        stage: Its settings.
        corpora: Its corpora, in the order of its settings.
        base: The base model.
        names: What the placeholders stand for.
        lora: The adapter's shape.
        seed: Of initialisation, order and the draw of rows.
        parent: What was trained before.

    Raises:
        UserError: the base model can't be loaded, or a corpus does not fit the stage.
    """
    _quiet_libraries()
    tokenizer = load_tokenizer(base.path)
    data = stage_data(stage, corpora, names, tokenizer, seed)
    before = parent.manifest.stages if parent else []
    record = StageRecord(
        name=name,
        settings=stage.model_dump(mode="json"),
        corpora={share.id: corpus.manifest.data_sha256 for share, corpus in zip(stage.corpora, corpora, strict=True)},
        rows=data.drawn,
        steps=stage.steps,
        tokens=data.tokens,
        supervised_tokens=data.supervised_tokens,
        loss=[],
        trainer=trainer_class().__name__,
        wall_seconds=0.0,
    )
    manifest = CheckpointManifest(
        base=Base(id=base.id, sha256=base.sha256),
        seed=seed,
        names=names,
        lora=lora,
        stages=[*before, record],
        adapter_sha256="",
        config_sha256="",
        versions={library: importlib.metadata.version(library) for library in LIBRARIES},
        machine=_machine(),
    )
    work = _workplace(target, manifest, parent)
    label = f"seed {seed}, {' → '.join(stage.name for stage in manifest.stages)}"
    with _Progress(label, stage.steps, work / "elapsed.json") as progress:
        trainer = trainer_class()(
            model=_model(base, lora, seed, parent),
            args=_arguments(stage, seed, work),
            train_dataset=data.dataset,
            data_collator=collate,
            processing_class=tokenizer,
            callbacks=[progress],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=_last_save(work))
    record.loss = [float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]
    record.wall_seconds = round(progress.elapsed(), 1)
    target.parent.mkdir(parents=True, exist_ok=True)
    with new_directory(target) as folder:
        trainer.model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        manifest.adapter_sha256 = sha256_file(folder / ADAPTER)
        manifest.config_sha256 = sha256_file(folder / CONFIG)
        write_json(folder / MANIFEST, manifest.model_dump())
    for left in target.parent.glob(f".{target.name}.training-*"):
        shutil.rmtree(left, ignore_errors=True)
    return Checkpoint.load(target)


def _quiet_libraries() -> None:
    """The libraries warn of each other's coming changes; pins and tests are what keeps us safe from those."""
    warnings.simplefilter("ignore", FutureWarning)
    transformers_logging.disable_progress_bar()
    disable_datasets_bar()


def _machine() -> str:
    cuda = torch.cuda.is_available()
    processor = torch.cuda.get_device_name() if cuda else torch.backends.cpu.get_cpu_capability()
    return f"{platform.machine()}, {torch.get_num_threads()} threads, {processor}"


def _workplace(target: Path, manifest: CheckpointManifest, parent: Checkpoint | None) -> Path:
    """Folder of the library's own saves. Its name says what they come from, lest other settings go on from them."""
    before = parent.manifest.adapter_sha256 if parent else ""
    inputs = [manifest.identity(), manifest.base.sha256, before, manifest.stages[-1].trainer]
    return target.with_name(f".{target.name}.training-{sha256_text(canonical_json(inputs))[:12]}")


def _model(base: BaseModel, lora: Lora, seed: int, parent: Checkpoint | None) -> PeftModel:
    """The base with the parent's adapter, or with a new one that the seed initialises."""
    model = load_model(base.path, torch.float32)
    if parent:
        return PeftModel.from_pretrained(model, parent.path, is_trainable=True)
    torch.manual_seed(seed)
    config = LoraConfig(
        r=lora.r, lora_alpha=lora.alpha, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config)


def trainer_class() -> type[Trainer]:
    """TRL's trainer on a GPU, elsewhere that of transformers. The loss of a dense model is the same up to rounding.

    TRL never holds the logits of a whole batch. On a CPU, where it has no kernel for that, it pays with time: it
    computes them twice, with an entropy that is only logged, and multiplies in float32 on the way back.
    """
    chosen: type[Trainer] = SFTTrainer if torch.cuda.is_available() else Trainer
    return chosen


def _arguments(stage: Stage, seed: int, work: Path) -> SFTConfig:
    return SFTConfig(
        output_dir=str(work),
        max_steps=stage.steps,
        per_device_train_batch_size=stage.batch,
        gradient_accumulation_steps=1,
        learning_rate=stage.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(stage.warmup * stage.steps),
        weight_decay=stage.weight_decay,
        optim="adamw_torch",
        bf16=stage.dtype == "bfloat16",
        use_cpu=not torch.cuda.is_available(),
        seed=seed,
        # The rows come in the order of training already: a resumed run skips exactly those that were seen.
        train_sampling_strategy="sequential",
        shuffle_dataset=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        max_length=None,
        gradient_checkpointing=False,
        logging_steps=1,
        logging_first_step=True,
        save_strategy="steps",
        save_steps=stage.save_steps,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


def _last_save(work: Path) -> str | None:
    """The newest whole save of a killed run. The trainer's state is the last file of a save to be written."""
    saves = sorted(work.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True)
    for save in saves:
        try:
            json.loads((save / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return str(save)
    return None


class _Progress(TrainerCallback):
    """A bar with the time left and the loss; a plain line every tenth of the way where there is no terminal.

    Beside each save it notes the time so far, so that a resumed stage knows its own.
    """

    def __init__(self, name: str, steps: int, elapsed_file: Path) -> None:
        self._name, self._steps, self._started = name, steps, time.monotonic()
        self._elapsed_file = elapsed_file
        self._before = float(read_json(elapsed_file)) if elapsed_file.exists() else 0.0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
        )
        self._task = self._bar.add_task(name, total=steps, loss="")

    def __enter__(self) -> "_Progress":
        if self._bar.console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def elapsed(self) -> float:
        """Seconds, those of interrupted sessions up to their last save included."""
        return self._before + time.monotonic() - self._started

    def on_save(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        write_json(self._elapsed_file, self.elapsed())

    def on_log(
        self,
        args: Arguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
        **_: object,
    ) -> None:
        if "loss" not in logs:
            return
        loss = f"loss {logs['loss']:.3f}"
        self._bar.update(self._task, completed=state.global_step, loss=loss)
        if not self._bar.console.is_terminal and state.global_step % max(1, self._steps // 10) == 0:
            print(f"{self._name}: step {state.global_step}/{self._steps}, {loss}, {self.elapsed():.0f} s", flush=True)
