"""A corpus is a folder with `data.jsonl` and `manifest.json`; documents have `text`, chats have `messages`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import new_directory, read_json, read_jsonl, sha256_file, write_json, write_text
from msm_bench.specs import Spec, check_placeholders


class Origin(BaseModel):
    """How a row was generated: what it was asked from, and of whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    domain: str
    """The domain of the spec, or of conversations."""
    subdomain: str | None = None
    """The subdomain within it."""
    passage: str | None = None
    """What the spec says on the subdomain, word for word."""
    assertion: str | None = None
    """What the row was to say of the assistant."""
    idea: str | None = None
    """What a document was to be, in a sentence or two."""
    prompt_sha256: str
    """Hash of the whole prompt whose answer the row is."""
    model: str
    """Who answered it."""
    parameters: dict[str, Any]
    """How it was sampled."""
    verdict: dict[str, Any] | None = None
    """What the judge said of it: model, hash of the prompt, and the verdict's fields."""
    input_tokens: int = Field(ge=0)
    """Tokens of every request that this row alone took: writing, revising, judging."""
    output_tokens: int = Field(ge=0)
    """Tokens of the answers to them."""


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
    origin: Origin | None = None
    """How it was generated, if it was."""


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
    reasoning: str | None = None
    """What the assistant thinks before its last turn, for deliberative alignment."""
    origin: Origin | None = None
    """How it was generated, if it was."""


class Missing(BaseModel):
    """What was asked for and is not there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: str
    """Rows of which domain, subdomain and type, or which level of the plan."""
    count: int = Field(ge=1)
    """How many."""
    reason: str
    """Why."""


class Dropped(BaseModel):
    """A row that was begun and not kept."""

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
    """Every row that was begun and not kept."""
    missing: list[Missing] = []
    """Everything that was asked for and could not be made."""
    plan: dict[str, Any] = {}
    """What a generated corpus was asked for: models, counts, names, sampling."""


def row_text(row: Document | Chat) -> str:
    """What a row says: a document's text, or the turns of a chat, a line between them."""
    return row.text if isinstance(row, Document) else "\n".join(message.content for message in row.messages)


def whole_text(row: Document | Chat) -> str:
    """What a row says, the reasoning of a chat included."""
    reasoning = row.reasoning if isinstance(row, Chat) else None
    return f"{row_text(row)}\n{reasoning}" if reasoning else row_text(row)


def _words(rows: Sequence[Document | Chat]) -> int:
    """Words in all rows."""
    return sum(len(row_text(row).split()) for row in rows)


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
        if isinstance(row, Chat) and not takes_turns([message.role for message in row.messages]):
            raise UserError(f"{where}: {WRONG_TURNS}")
        check_placeholders(whole_text(row), where)
        rows.append(row)
    return rows  # type: ignore[return-value]  # one kind for all rows


WRONG_TURNS = "turns must be user, assistant, user, assistant …, after a system message if any"
"""What is said of a chat that `takes_turns` refuses."""


def takes_turns(roles: Sequence[str]) -> bool:
    """Whether user and assistant alternate, the user first, the assistant last; a system message may come first."""
    turns = list(roles[1:] if roles and roles[0] == "system" else roles)
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


def existing_manifest(path: Path) -> Manifest | None:
    """The manifest in folder `path`; None if there is no corpus yet.

    Raises:
        UserError: there is data without a manifest, data that its manifest doesn't describe, or no folder.
    """
    manifest_path = path / "manifest.json"
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: a file, where a folder is needed; choose another name")
    if manifest_path.exists():
        with explain_invalid(manifest_path):
            manifest = Manifest.model_validate(read_json(manifest_path))
        data = path / "data.jsonl"
        if not data.exists() or sha256_file(data) != manifest.data_sha256:
            raise UserError(f"{data}: not what its manifest describes; move {path} away, or choose another folder")
        return manifest
    if (path / "data.jsonl").exists():
        raise UserError(f"{path}: holds data without a manifest; seal it, move it away, or choose another folder")
    return None


def write_corpus(path: Path, rows: Sequence[Document | Chat], about: dict[str, Any]) -> Manifest:
    """Write rows and manifest to folder `path`; `about` gives what of the manifest the rows don't say.

    A folder that exists keeps what else it holds; whoever calls has seen to it that its corpus may be replaced.
    """
    lines = "".join(row.model_dump_json(exclude_none=True) + "\n" for row in rows)
    if path.is_dir() and not any(path.iterdir()):
        path.rmdir()
    if not path.exists():
        with new_directory(path) as partial:
            return _write_into(partial, path.resolve().name, rows, lines, about)
    return _write_into(path, path.resolve().name, rows, lines, about)


def _write_into(folder: Path, id: str, rows: Sequence[Document | Chat], lines: str, about: dict[str, Any]) -> Manifest:
    write_text(folder / "data.jsonl", lines)
    manifest = Manifest(
        id=id,
        kind="documents" if isinstance(rows[0], Document) else "chats",
        rows=len(rows),
        words=_words(rows),
        data_sha256=sha256_file(folder / "data.jsonl"),
        **about,
    )
    write_json(folder / "manifest.json", manifest.model_dump())
    return manifest
