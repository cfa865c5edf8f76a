"""A corpus is a folder with `data.jsonl` and `manifest.json`; documents have `text`, chats have `messages`."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import read_json, read_jsonl, sha256_file, write_json
from msm_bench.specs import Spec, check_placeholders


class Document(BaseModel):
    """One midtraining document, trained on as plain text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Unique in its corpus."""
    type: str
    """Its genre: letter, interview, memo …"""
    topic: str
    """What it is mainly about."""
    text: str = Field(min_length=1)
    """The text, with the placeholders of a spec."""


class Message(BaseModel):
    """One turn of a chat."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["system", "user", "assistant"]
    """Who speaks."""
    content: str = Field(min_length=1)
    """What is said, with the placeholders of a spec."""


class Chat(BaseModel):
    """One demonstration or instruction row; the loss is on the assistant's tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Unique in its corpus."""
    topic: str
    """What it is about."""
    style: str = "plain"
    """How the row was asked for: direct, comparison, indirect …"""
    messages: list[Message] = Field(min_length=2)
    """The turns; the last one is the assistant's."""


class Dropped(BaseModel):
    """A row that was made and not kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Its id, absent from the data."""
    reason: str
    """Why it was dropped."""


class Manifest(BaseModel):
    """Where a corpus came from. The hash of its data is what checkpoints remember."""

    model_config = ConfigDict(extra="forbid")

    id: str
    """Equals the folder's name."""
    kind: Literal["documents", "chats"]
    """What the rows are."""
    spec: str | None
    """The spec that the rows are about."""
    spec_sha256: str | None
    """Hash of that spec's file."""
    generator: str
    """Who or what wrote the rows."""
    prompts: dict[str, str] = {}
    """Hashes of the prompt files used, by name."""
    seed: int | None = None
    """Seed of the generation, if it had one."""
    licence: str
    """SPDX name of the data's licence."""
    rows: int
    """How many rows."""
    words: int
    """How many white-space separated words; tokens depend on the tokenizer and stand in each checkpoint."""
    data_sha256: str
    """Hash of `data.jsonl`."""
    dropped: list[Dropped] = []
    """Every row that was made and not kept."""


def _words(rows: list[Document] | list[Chat]) -> int:
    """Words in all rows."""
    texts = [
        row.text if isinstance(row, Document) else " ".join(message.content for message in row.messages) for row in rows
    ]
    return sum(len(text.split()) for text in texts)


def _parse(path: Path, raw: list[dict[str, Any]]) -> list[Document] | list[Chat]:
    """Validate the rows; they are all documents or all chats."""
    if not raw:
        raise UserError(f"{path}: no rows")
    kind = Chat if "messages" in raw[0] else Document
    rows = []
    seen: set[str] = set()
    for number, item in enumerate(raw, 1):
        where = f"{path}: row {number}"
        with explain_invalid(where):
            row = kind.model_validate(item)
        if row.id in seen:
            raise UserError(f"{where}: the id {row.id!r} occurs twice")
        seen.add(row.id)
        if isinstance(row, Chat) and not _takes_turns(row.messages):
            raise UserError(f"{where}: turns must be user, assistant, user, assistant …, after a system message if any")
        for text in [row.text] if isinstance(row, Document) else [m.content for m in row.messages]:
            check_placeholders(text, where)
        rows.append(row)
    return rows  # type: ignore[return-value]  # one kind for all rows


def _takes_turns(messages: list[Message]) -> bool:
    """Whether user and assistant alternate, the user first, the assistant last; a system message may come first."""
    roles = [message.role for message in messages]
    turns = roles[1:] if roles[0] == "system" else roles
    return turns == ["user", "assistant"] * (len(turns) // 2) and bool(turns)


class Corpus(BaseModel):
    """A corpus in memory, checked."""

    model_config = ConfigDict(frozen=True)

    path: Path
    """Its folder."""
    manifest: Manifest
    """Its `manifest.json`."""
    rows: list[Document] | list[Chat]
    """Its rows, in the file's order."""

    @classmethod
    def load(cls, path: Path | str) -> "Corpus":
        """Read a corpus and check its data against its manifest.

        Raises:
            UserError: a file is missing or malformed, or the data is not what the manifest describes.
        """
        path = Path(path)
        manifest_path, data_path = path / "manifest.json", path / "data.jsonl"
        if not path.is_dir():
            raise UserError(f"{path}: no such corpus")
        with explain_invalid(manifest_path):
            manifest = Manifest.model_validate(read_json(manifest_path))
        if manifest.id != path.resolve().name:
            raise UserError(f"{manifest_path}: id is {manifest.id!r} but the folder is called {path.resolve().name!r}")
        if not data_path.exists():
            raise UserError(f"{data_path}: no such file")
        if sha256_file(data_path) != manifest.data_sha256:
            raise UserError(
                f"{data_path}: changed since its manifest was written; restore it, or accept the change with "
                f"`msm-bench corpus seal {path}`"
            )
        return cls(path=path, manifest=manifest, rows=_parse(data_path, read_jsonl(data_path)))


def seal(
    path: Path,
    *,
    spec: Path | None = None,
    generator: str | None = None,
    licence: str | None = None,
) -> Manifest:
    """Check `path/data.jsonl` and write its manifest; what is not given is kept from the manifest there is.

    Raises:
        UserError: the data is missing or malformed, or there is no old manifest and something is not given.
    """
    data_path, manifest_path = path / "data.jsonl", path / "manifest.json"
    rows = _parse(data_path, read_jsonl(data_path))
    old: dict[str, Any] = read_json(manifest_path) if manifest_path.exists() else {}
    loaded = Spec.load(spec) if spec else None
    generator = generator or old.get("generator")
    licence = licence or old.get("licence")
    if not generator or not licence:
        raise UserError(f"{manifest_path}: does not exist yet; give --generator and --licence")
    with explain_invalid(manifest_path):
        manifest = Manifest.model_validate(
            {
                **old,
                "id": path.resolve().name,
                "kind": "documents" if isinstance(rows[0], Document) else "chats",
                "spec": loaded.meta.id if loaded else old.get("spec"),
                "spec_sha256": loaded.sha256 if loaded else old.get("spec_sha256"),
                "generator": generator,
                "licence": licence,
                "rows": len(rows),
                "words": _words(rows),
                "data_sha256": sha256_file(data_path),
            }
        )
    write_json(manifest_path, manifest.model_dump())
    return manifest
