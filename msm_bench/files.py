"""Files as every part of msm-bench writes and reads them: atomic, hashed, one JSON object a line."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from msm_bench.errors import UserError

PACKAGE = Path(__file__).parent
_ABSENT = object()
_NEARLY_FULL = 2**20
"""Bytes free under which a failed write is put down to the disk."""


def data_path(folder: str) -> Path:
    """Folder `tasks`, `training` or `specs` of this installation, in a checkout and in a wheel alike."""
    return PACKAGE / folder


def cache_dir() -> Path:
    """Where prepared base models lie: `MSM_BENCH_CACHE`, else `~/.cache/msm-bench`."""
    return Path(os.environ.get("MSM_BENCH_CACHE") or Path.home() / ".cache" / "msm-bench")


def sha256_text(text: str) -> str:
    """Hex SHA-256 of `text` in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_json(value: Any) -> str:
    """`value` as JSON with sorted keys and no spaces: equal values have equal text, so it can be hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to a temporary name beside `path` and rename it: whoever reads sees all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def difference(stated: Any, found: Any, where: str = "") -> str:
    """Where two JSON values first differ and how, in a few words; empty if they are equal."""
    if isinstance(stated, dict) and isinstance(found, dict):
        pairs = [(str(key), stated.get(key, _ABSENT), found.get(key, _ABSENT)) for key in {**stated, **found}]
    elif isinstance(stated, list) and isinstance(found, list) and len(stated) == len(found):
        pairs = [(str(i), *pair) for i, pair in enumerate(zip(stated, found, strict=True))]
    elif stated == found:
        return ""
    else:
        now, then = ("absent" if value is _ABSENT else canonical_json(value)[:40] for value in (stated, found))
        return f"{where or 'the whole'}: was {then}, is {now}"
    reasons = (difference(one, other, f"{where}.{key}".lstrip(".")) for key, one, other in pairs)
    return next((reason for reason in reasons if reason), "")


def refuse_other_plan(folder: Path, plan: Any, before: Any) -> None:
    """Raise a `UserError` that says what differs if the corpus in `folder` was made by `before` and not by `plan`."""
    if changed := difference(plan, before):
        raise UserError(f"{folder}: holds a corpus of another plan ({changed}); choose another folder")


def read_text(path: Path) -> str:
    """The text of a UTF-8 file.

    Raises:
        UserError: the file does not exist, is a folder, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: a folder, where a file is needed") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from None


def read_json(path: Path) -> Any:
    """The JSON value in `path`.

    Raises:
        UserError: the file does not exist or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON ({error})") from None


def read_yaml(path: Path) -> Any:
    """The YAML value in `path`.

    Raises:
        UserError: the file does not exist or is not YAML.
    """
    try:
        return yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML ({' '.join(str(error).split())})") from None


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file, blank lines skipped.

    Raises:
        UserError: the file does not exist, or a line is not a JSON object (named by its number).
    """
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UserError(f"{path}:{number}: not valid JSON ({error})") from None
        if not isinstance(row, dict):
            raise UserError(f"{path}:{number}: expected a JSON object, found {type(row).__name__}")
        rows.append(row)
    return rows


@contextmanager
def explain_full_disk(*folders: Path) -> Iterator[None]:
    """Turn any failure inside the block into a one-line `UserError` if the disk under one of `folders` is full.

    Libraries report a full disk in many ways, some without naming it, so the disk itself is asked.
    """
    try:
        yield
    except Exception as error:
        full = [path for path in folders if path.exists() and shutil.disk_usage(path).free < _NEARLY_FULL]
        if not full and "No space left" not in str(error):
            raise
        raise UserError(
            f"{(full or folders)[0]}: No space left on device; make room or choose another folder, then give the "
            "same command again"
        ) from error


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Keep a second process out of `folder` (made if need be) until the block ends.

    Raises:
        UserError: another process is inside.
    """
    import fcntl  # not on Windows, where nothing but this needs it

    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{folder}: another run writes there; wait until it ends, or give another folder") from None
        yield
    finally:
        os.close(handle)


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """A temporary directory that becomes `path` when the block ends well, and vanishes when it does not."""
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        partial.replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
