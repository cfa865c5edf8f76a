"""A checkpoint: an adapter and the manifest that says what made it. Without a whole manifest it is not one."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from msm_bench.basemodels import resolve
from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import read_json, sha256_file

ADAPTER = "adapter_model.safetensors"
MANIFEST = "manifest.json"


class Base(BaseModel):
    """The base model under an adapter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Its name in the recipe."""
    sha256: str
    """Hash of its weights."""


class StageRecord(BaseModel):
    """One stage of training, as it was carried out."""

    model_config = ConfigDict(extra="forbid")

    name: str
    """The stage's name in the recipe."""
    settings: dict[str, Any]
    """Every setting of the stage, defaults included."""
    corpora: dict[str, str]
    """Hash of each corpus's data, by id."""
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
    wall_seconds: float
    """How long the stage took."""


class CheckpointManifest(BaseModel):
    """What made a checkpoint."""

    model_config = ConfigDict(extra="forbid")

    base: Base
    """The model under the adapter."""
    seed: int
    """The seed of every stage."""
    names: dict[str, str]
    """What the placeholders stood for."""
    lora: dict[str, Any]
    """The adapter's shape."""
    stages: list[StageRecord]
    """The chain, first stage first."""
    adapter_sha256: str
    """Hash of the adapter file."""
    versions: dict[str, str]
    """Of the libraries that matter."""
    machine: str
    """Processor and threads: the adapter is the same bit for bit on the same machine."""


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
        manifest_path, adapter = path / MANIFEST, path / ADAPTER
        with explain_invalid(manifest_path):
            manifest = CheckpointManifest.model_validate(read_json(manifest_path))
        if not adapter.exists():
            raise UserError(f"{adapter}: no such file; remove {path} and run the recipe again")
        if sha256_file(adapter) != manifest.adapter_sha256:
            raise UserError(
                f"{adapter}: truncated or changed since training ({adapter.stat().st_size} bytes); "
                f"remove {path} and run the recipe again"
            )
        return cls(path=path, manifest=manifest)

    def base_path(self) -> Path:
        """Folder of the base model on this machine.

        Raises:
            UserError: it is not prepared, or its weights are not those that the adapter was trained on.
        """
        base = resolve(self.manifest.base.id)
        if base.sha256 != self.manifest.base.sha256:
            raise UserError(f"{self.path}: trained on other weights than {base.path} holds; prepare the same base")
        return base.path


def is_checkpoint(path: Path) -> bool:
    """Whether `path` has the files of a checkpoint; says nothing about their content."""
    return (path / MANIFEST).exists() and (path / "adapter_config.json").exists()
