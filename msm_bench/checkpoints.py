"""A checkpoint: an adapter and the manifest that says what made it. Without a whole manifest it is not one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from msm_bench.basemodels import resolve
from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import read_json, sha256_file
from msm_bench.specs import Names
from msm_bench.stage import Lora

ADAPTER = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
MANIFEST = "manifest.json"


def training_identity(
    seed: int, names: Names, lora: Lora, settings: Sequence[dict[str, Any]], corpora: Sequence[dict[str, str]]
) -> dict[str, Any]:
    """What a checkpoint depends on, beside the base model: equal identities train the same adapter.

    Args:
        seed: Of every stage.
        names: What the placeholders stand for.
        lora: The adapter's shape.
        settings: Every setting of each stage, first stage first.
        corpora: For each stage the hash of each corpus's data, by the id that the recipe gives it.
    """
    stages = [{"settings": own, "corpora": data} for own, data in zip(settings, corpora, strict=True)]
    return {"seed": seed, "names": names.model_dump(), "lora": lora.model_dump(), "stages": stages}


class Base(BaseModel):
    """The base model under an adapter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Its name in the recipe."""
    sha256: str
    """Hash of its weights, tokenizer and chat template."""


class StageRecord(BaseModel):
    """One stage of training, as it was carried out."""

    model_config = ConfigDict(extra="forbid")

    name: str
    """The stage's name in the recipe."""
    settings: dict[str, Any]
    """Every setting of the stage, defaults included."""
    corpora: dict[str, str]
    """Hash of each corpus's data, by the id that the recipe gives it."""
    rows: dict[str, int]
    """How many rows of each corpus this seed drew."""
    steps: int
    """Optimizer steps."""
    tokens: int
    """Tokens that went through the model, padding excluded."""
    supervised_tokens: int
    """Tokens that carried loss."""
    loss: list[float]
    """The training loss of every step, in nats a token."""
    trainer: str = "SFTTrainer"
    """The class that trained it: their losses round differently. Records from before it was noted are TRL's."""
    wall_seconds: float
    """How long the stage took, interrupted sessions included up to their last save."""


class CheckpointManifest(BaseModel):
    """What made a checkpoint."""

    model_config = ConfigDict(extra="forbid")

    base: Base
    """The model under the adapter."""
    seed: int
    """The seed of every stage."""
    names: Names
    """What the placeholders stood for."""
    lora: Lora
    """The adapter's shape."""
    stages: list[StageRecord]
    """The chain, first stage first."""
    adapter_sha256: str
    """Hash of the adapter's weights."""
    config_sha256: str
    """Hash of the adapter's configuration; it names the base model's folder, so it differs between machines."""
    versions: dict[str, str]
    """Of the libraries that matter."""
    machine: str
    """Processor and threads: the adapter is the same bit for bit on the same machine."""

    def identity(self) -> dict[str, Any]:
        """See `training_identity`."""
        settings, corpora = [stage.settings for stage in self.stages], [stage.corpora for stage in self.stages]
        return training_identity(self.seed, self.names, self.lora, settings, corpora)


class Checkpoint(BaseModel):
    """A trained arm, or the trained first stages of one."""

    model_config = ConfigDict(frozen=True)

    path: Path
    """Its folder."""
    manifest: CheckpointManifest
    """Its manifest."""

    @classmethod
    def load(cls, path: Path | str) -> "Checkpoint":
        """Read the manifest and check the adapter's bytes against it.

        Raises:
            UserError: a file is missing, malformed, or not the one that was trained.
        """
        path = Path(path)
        if not path.is_dir():
            raise UserError(f"{path}: no such checkpoint")
        manifest = read_manifest(path)
        for file, trained in ((path / ADAPTER, manifest.adapter_sha256), (path / CONFIG, manifest.config_sha256)):
            if not file.exists():
                raise UserError(f"{file}: no such file; remove {path} and run the recipe again")
            if sha256_file(file) != trained:
                raise UserError(
                    f"{file}: truncated or changed since training ({file.stat().st_size} bytes); remove {path} and "
                    "run the recipe again"
                )
        return cls(path=path, manifest=manifest)

    def base_path(self) -> Path:
        """Folder of the base model on this machine.

        Raises:
            UserError: it is not prepared, or it is not the one that the adapter was trained on.
        """
        base = resolve(self.manifest.base.id)
        if base.sha256 != self.manifest.base.sha256:
            raise UserError(f"{self.path}: trained on another base model than {base.path} holds; prepare the same base")
        return base.path


def is_checkpoint(path: Path) -> bool:
    """Whether `path` has the files of a checkpoint; says nothing about their content."""
    return (path / MANIFEST).exists() and (path / CONFIG).exists()


def read_manifest(path: Path) -> CheckpointManifest:
    """The manifest of the checkpoint in folder `path`; the adapter is not looked at.

    Raises:
        UserError: there is none, or it is malformed.
    """
    with explain_invalid(path / MANIFEST):
        return CheckpointManifest.model_validate(read_json(path / MANIFEST))
