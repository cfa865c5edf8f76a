"""Rows of a source, from the hub or from this machine, one by one; and the turns of a row."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from msm_bench.corpus.mix.recipe import Format, Mix, MixSource
from msm_bench.corpus.store import Corpus
from msm_bench.errors import UserError, missing_extra, printable
from msm_bench.files import canonical_json, sha256_file, sha256_text

_PATIENCE = 10.0
"""Seconds that the hub has for its first answer."""
_SHOWN = 200
"""Characters that are shown of a library's error."""
_BUILDERS = {".jsonl": "json", ".json": "json", ".parquet": "parquet"}
_ROLES = {"human": "user", "gpt": "assistant"}


class Rows(Protocol):
    """Rows that are read when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Mapping[str, Any]: ...


class Turn(NamedTuple):
    """One turn as the source has it; whether it makes sense is for the rules to say."""

    role: str
    content: str


def open_rows(mix: Mix, source: MixSource) -> Rows:
    """The rows of a source; nothing is read yet but a corpus, which is small.

    Raises:
        UserError: the hub can't be reached, or it or the path lacks what the mix asks for.
    """
    path = mix.local(source)
    if path is not None and (path / "manifest.json").is_file():
        return [row.model_dump() for row in Corpus.load(path).rows]
    try:
        import datasets
        import huggingface_hub
    except ImportError as error:
        raise missing_extra(error, "train") from None
    try:
        if path is not None:
            return _local(path, source, datasets)  # type: ignore[no-any-return]  # datasets is not typed
        if not huggingface_hub.is_offline_mode():
            # one question without retries: `load_dataset` asks for minutes when nobody answers
            huggingface_hub.HfApi().dataset_info(str(source.hub), revision=source.revision, timeout=_PATIENCE)
        return datasets.load_dataset(source.hub, revision=source.revision, **_choice(source))  # type: ignore[no-any-return]
    except Exception as error:  # from bad names to closed networks, these libraries raise many kinds
        raise UserError(_explanation(mix, source, path, error)) from None


def _local(path: Path, source: MixSource, datasets: Any) -> Any:
    if path.is_dir():
        return datasets.load_dataset(str(path), **_choice(source))
    if path.suffix not in _BUILDERS:
        raise ValueError(f"a file must end in {', '.join(_BUILDERS)}")
    return datasets.load_dataset(_BUILDERS[path.suffix], data_files=str(path), split="train")


def _choice(source: MixSource) -> dict[str, Any]:
    """Which rows of a repository, in the words of `load_dataset`."""
    files = {source.split: source.files} if source.files else None
    return {"name": source.config, "split": source.split, "data_files": files}


def _explanation(mix: Mix, source: MixSource, path: Path | None, error: Exception) -> str:
    """One line: which source, what failed, and what else can be done."""
    reason = f"{type(error).__name__}: {printable(str(error), _SHOWN)}"
    where = f"mix {mix.id}: source {source.name!r}"
    if path is not None:
        return f"{where}: can't read {path} ({reason}); mend the file, or the source's `path`, `config` or `split`"
    return (
        f"{where}: can't get {source.hub} from the hub ({reason}); give a copy on this machine as its `path`, or run "
        "`msm-bench corpus mix local`, the small set that needs no hub"
    )


def fingerprint(path: Path) -> str:
    """Hash of what lies at `path`: of a corpus its data's, of another folder that of its files, hidden ones apart."""
    if path.is_file():
        return sha256_file(path)
    if (path / "manifest.json").is_file():
        return Corpus.load(path).manifest.data_sha256
    files = {file.relative_to(path): file for file in path.rglob("*") if file.is_file()}
    seen = {name: file for name, file in files.items() if not any(part.startswith(".") for part in name.parts)}
    hashes = {name.as_posix(): sha256_file(file) for name, file in seen.items()}
    return sha256_text(canonical_json(hashes))


def turns_of(row: Mapping[str, Any], form: Format, where: str) -> list[Turn]:
    """The turns of a row; what is no text becomes an empty turn, and what is no list of turns, none.

    Raises:
        UserError: the rows lack a column of `form`.
    """
    if form.messages is None:
        asked = [Turn(role, column) for role, column in (("system", form.system), ("user", form.prompt)) if column]
        columns = [*asked, Turn("assistant", str(form.response))]
        turns = [Turn(role, _text(cell(row, column, where))) for role, column in columns]
        return [turn for turn in turns if turn.role != "system" or turn.content.strip()]
    found = cell(row, form.messages, where)
    return [_turn(number, item, form) for number, item in enumerate(found)] if isinstance(found, list) else []


def _turn(number: int, item: Any, form: Format) -> Turn:
    if not isinstance(item, dict):
        return Turn("assistant" if number % 2 else "user", _text(item))
    role = _text(item.get(form.role))
    return Turn(_ROLES.get(role, role), _text(item.get(form.content)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def cell(row: Mapping[str, Any], column: str, where: str) -> Any:
    """What a row has in a column.

    Raises:
        UserError: there is no such column.
    """
    if column not in row:
        known = ", ".join(map(repr, row))[:_SHOWN]
        raise UserError(f"{where}: its rows have no column {column!r}, only {known}; mend `format` or `where`")
    return row[column]
