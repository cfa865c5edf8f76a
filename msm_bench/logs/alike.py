"""Whether logs can be compared: one recipe, one version of each task, and the same content of each item."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from inspect_ai.model import ChatMessage

from msm_bench.errors import UserError, printable
from msm_bench.logs.find import LogFile, Sample

ALLOW = ("version", "content")
"""Differences between logs that may be allowed: versions of a task, and contents of an item."""
_CUT = "(content truncated)"
"""How a text ends that a summary has cut, after 5,120 characters."""


def check_alike(files: Sequence[LogFile], allow: Collection[str] = ()) -> list[str]:
    """What to say of differences that are allowed, one line each.

    Two recipes, or two states of one, may call different arms by the same name, and versions of a task do not measure
    the same thing. Logs without a recipe stand beside those of any.

    Raises:
        UserError: a log can't be compared with those before it.
    """
    recipe = ""
    settings: dict[str, Any] = {}
    for file in files:
        metadata = file.head.eval.metadata or {}
        own = str(metadata.get("recipe", ""))
        recipe = recipe or own
        if own not in ("", recipe):
            raise UserError(
                f"{file.path}: a log of recipe {own!r} among those of {recipe!r}; compare one recipe at a time"
            )
        arm, made_from = str(metadata.get("arm", "")), metadata.get("settings")
        if own and settings.setdefault(arm, made_from) != made_from:
            raise UserError(
                f"{file.path}: arm {arm!r} of recipe {recipe!r}, made under other settings than in another log; "
                "compare the logs of one state of the recipe"
            )
    return _check_versions(files, allow)


def _check_versions(files: Sequence[LogFile], allow: Collection[str]) -> list[str]:
    first: dict[str, LogFile] = {}
    versions: dict[str, list[str]] = {}
    for file in files:
        version, before = file.head.eval.task_version, first.setdefault(file.task, file)
        if version != before.head.eval.task_version and "version" not in allow:
            raise UserError(
                f"{file.path}: version {version} of task {file.task}, beside version {before.head.eval.task_version} "
                f"in another log, {before.path}; run the older one again, or compare them all the same with "
                "--allow version"
            )
        versions.setdefault(file.task, []).append(str(version))
    notes = []
    for task, own in versions.items():
        if len(set(own)) > 1:
            items = max(file.head.eval.dataset.samples or 0 for file in files if file.task == task)
            listed = ", ".join(sorted(set(own)))
            notes.append(f"{task}: versions {listed} of the task are compared as if they were one ({counted(items)})")
    return notes


def counted(items: int) -> str:
    """So many items, in words."""
    return f"{items} item{'' if items == 1 else 's'}"


class Content(NamedTuple):
    """What an item asks, as hashes.

    That is the input, the choices and the target as the dataset has them; of messages, their roles and text. What a
    solver adds, such as a system prompt, is no part of it.
    """

    asked: bytes
    """The input."""
    target: bytes
    """The target."""
    choices: bytes
    """The choices; empty where there are none, or the log does not say, as summaries of old logs do not."""
    cut: bool
    """Whether a text is longer than the 5,120 characters that a summary holds, so that its end was not seen."""

    def difference(self, other: "Content") -> str:
        """What of another content is not the same; empty if all is."""
        if self.asked != other.asked:
            return "input"
        if self.choices != other.choices and self.choices and other.choices:
            return "list of choices"
        return "target" if self.target != other.target else ""


class Contents:
    """What the items of all tasks ask, from log to log."""

    def __init__(self, allow: Collection[str] = ()) -> None:
        """Start with no item.

        Args:
            allow: Whether `content` may differ.
        """
        self._allowed = "content" in allow
        self._known: dict[tuple[str, str, str], tuple[str, Content]] = {}
        self._differ: set[tuple[str, str, str]] = set()
        self._cut: Counter[str] = Counter()

    def check(self, file: LogFile, contents: Mapping[tuple[str, str], Content]) -> None:
        """Take in the items of a log, by item and sample id.

        Raises:
            UserError: an item asks something else than in a log before, and that is not allowed.
        """
        for key, own in contents.items():
            place = (file.task, *key)
            if place not in self._known:
                self._known[place] = file.path, own
                self._cut[file.task] += own.cut
                continue
            path, before = self._known[place]
            if not (part := before.difference(own)):
                continue
            if not self._allowed:
                raise UserError(
                    f"{file.path}: item {printable(key[0])} of task {file.task} has another {part} than in another "
                    f"log, {path}; run both on the same items, or compare them all the same with --allow content"
                )
            self._differ.add(place)

    @property
    def notes(self) -> list[str]:
        """How many items differ, and of how many only the beginning was seen; one line a task."""
        differ = (
            f"{task}: {counted(count)} with other contents in another log, compared all the same"
            for task, count in Counter(task for task, *_ in self._differ).items()
        )
        cut = (
            f"{task}: {counted(count)} longer than the 5,120 characters that a log's summaries hold; only those were "
            "compared between the logs"
            for task, count in self._cut.items()
            if count
        )
        return [*differ, *cut]


def content(sample: Sample) -> Content:
    """What a sample asks."""
    texts = [sample.input] if isinstance(sample.input, str) else [message.text for message in sample.input]
    target = sample.target if isinstance(sample.target, str) else "\0".join(sample.target)
    choices = _hash("\0".join(sample.choices)) if sample.choices else b""
    cut = any(text.endswith(_CUT) for text in (*texts, target))
    return Content(_hash(_asked(sample.input)), _hash(target), choices, cut)


def _asked(given: str | list[ChatMessage]) -> str:
    if isinstance(given, str):
        return given
    if len(given) == 1 and given[0].role == "user":  # a text, and a single message of it, ask the same
        return given[0].text
    return "\0".join(f"{message.role}\1{message.text}" for message in given)


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
