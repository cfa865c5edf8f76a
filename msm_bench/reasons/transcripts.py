"""What the assistant thought, said and did in each sample of Inspect logs, as text."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.model import ChatMessage, ChatMessageAssistant
from inspect_ai.tool import ToolCall

from msm_bench.errors import UserError
from msm_bench.results import COLUMNS, UNTRAINED, check_frame, log_files, read_log

SHOWN = 200_000
"""Characters of a transcript that a grader sees; of a longer one the middle is left out."""


class Transcript(NamedTuple):
    """One sample and epoch of a log."""

    about: dict[str, Any]
    """The columns of a result frame, but for metric, value and reason."""
    text: str
    """The assistant's turns and tool calls; lines are set in, so that nothing in a block looks like the next one."""
    unscored: str
    """Why it can't be read; empty if it can."""

    @property
    def name(self) -> str:
        """For people."""
        return "/".join(str(self.about[column]) for column in ("arm", "seed", "task", "item", "epoch"))


def read_transcripts(paths: Sequence[Path | str]) -> list[Transcript]:
    """The transcripts of finished logs. A log that did not end well is passed over if a retry of it is there.

    Raises:
        UserError: a path holds no log, a log can't be read or is not of a finished run, the logs are of two recipes, or
            a sample is there twice.
    """
    found = [transcript for log in _finished(log_files(paths)) for transcript in _of_log(log)]
    where = ", ".join(map(str, paths))
    if not any(transcript.text for transcript in found):
        raise UserError(f"{where}: no assistant says anything in these logs; give logs of tasks that generate")
    recipes = list(dict.fromkeys(found_in for one in found if (found_in := one.about["recipe"])))
    if len(recipes) > 1:
        raise UserError(f"{where}: logs of the recipes {', '.join(recipes)}; read one recipe at a time")
    check_frame(as_frame({**one.about, "metric": "", "value": 0.0, "unscored_reason": ""} for one in found), where)
    return found


def as_frame(rows: Iterator[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a result frame."""
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "int64", "epoch": "int64", "value": "float64"})


def _finished(files: Sequence[str]) -> Iterator[EvalLog]:
    """The logs, oldest first: so tables have the arms in the order in which they were run."""
    heads = {file: read_log(file, header_only=True) for file in files}
    done = {head.eval.task_id for head in heads.values() if head.status == "success"}
    for file in sorted(files, key=lambda file: (heads[file].eval.created, _arm(heads[file]))):
        head = heads[file]
        if head.status == "success":
            yield read_log(file)
        elif head.eval.task_id not in done:
            raise UserError(f"{file}: the run ended with status {head.status!r}; finish it with `inspect eval-retry`")


def _of_log(log: EvalLog) -> Iterator[Transcript]:
    metadata = log.eval.metadata or {}
    seed = metadata.get("seed", UNTRAINED)
    if not isinstance(seed, int):
        raise UserError(f"{log.location}: its metadata give the seed {seed!r}; a seed is a whole number")
    common = {
        "recipe": str(metadata.get("recipe", "")),
        "model": log.eval.model,
        "arm": _arm(log),
        "seed": seed,
        "task": log.eval.task.split("/")[-1],
        "log": Path(log.location).name,
    }
    for sample in log.samples or []:
        text = "" if sample.error else as_text(sample.messages)
        yield Transcript(
            {**common, **_about(sample)}, text, "error" if sample.error else "" if text else "says nothing"
        )


def _arm(log: EvalLog) -> str:
    return str((log.eval.metadata or {}).get("arm", log.eval.model))


def _about(sample: EvalSample) -> dict[str, Any]:
    given = {name: str(sample.metadata.get(name, "")) for name in ("cell", "split", "cue")}
    cluster = str(sample.metadata.get("cluster", sample.id))
    own = {"item": str(sample.id), "cluster": cluster, "epoch": sample.epoch, "sample_uuid": sample.uuid or ""}
    return {**given, **own}


def as_text(messages: Sequence[ChatMessage]) -> str:
    """What an assistant thought, said and did: turns that the sample's input puts in its mouth are left out."""
    own = (one for one in messages if isinstance(one, ChatMessageAssistant) and one.source != "input")
    blocks = [block for message in own for block in (*_said(message), *map(_call, message.tool_calls or []))]
    text = "\n\n".join(block.strip().replace("\n", "\n  ") for block in blocks)
    whole = text.encode("utf-8", "replace").decode()  # a log may hold half of a character, which can't be hashed
    if len(whole) <= SHOWN:
        return whole
    half = SHOWN // 2
    return f"{whole[:half]}\n\n[… {len(whole) - 2 * half} characters left out …]\n\n{whole[-half:]}"


def _said(message: ChatMessageAssistant) -> Iterator[str]:
    if isinstance(message.content, str):
        yield from [f"SAYS {message.content}"] if message.content.strip() else []
        return
    for part in message.content:
        if part.type == "reasoning":  # of redacted reasoning only the summary can be read
            thought = part.summary if part.redacted else part.reasoning
            yield from [f"THINKS {thought}"] if thought and thought.strip() else []
        elif part.type == "text" and part.text.strip():
            yield f"SAYS {part.text}"
        elif part.type == "tool_use":
            yield f"CALLS {part.name}\n{part.arguments}"


def _call(call: ToolCall) -> str:
    """A call; texts among its arguments stand as they are, so that words in them can be quoted."""
    arguments = (
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in call.arguments.items()
    )
    return "\n".join([f"CALLS {call.function}", *arguments])
