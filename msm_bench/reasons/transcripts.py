"""What the assistant thought, said and did in each sample of Inspect logs, as text."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, ChatMessageAssistant
from inspect_ai.tool import ToolCall

from msm_bench.errors import UserError
from msm_bench.results import COLUMNS, about_log, about_sample, check_frame, finished_logs

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
        UserError: a path holds no log, a log can't be read or is not of a finished run, the logs can't be compared, no
            assistant says anything, or a sample is there twice.
    """
    logs = [(log.eval.created, list(_of_log(log))) for log in finished_logs(paths)]
    found = [one for _, own in sorted(logs, key=_age_and_arm) for one in own]
    where = ", ".join(map(str, paths))
    if not any(transcript.text for transcript in found):
        raise UserError(f"{where}: no assistant says anything in these logs; give logs of tasks that generate")
    check_frame(as_frame({**one.about, "metric": "", "value": 0.0, "unscored_reason": ""} for one in found), where)
    return found


def _age_and_arm(log: tuple[str, list[Transcript]]) -> tuple[str, str]:
    """Oldest first: so tables have the arms in the order in which they were run."""
    created, transcripts = log
    return created, str(transcripts[0].about["arm"]) if transcripts else ""


def as_frame(rows: Iterator[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a result frame."""
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "int64", "epoch": "int64", "value": "float64"})


def _of_log(log: EvalLog) -> Iterator[Transcript]:
    common = about_log(log)
    for sample in log.samples or []:
        text = "" if sample.error else as_text(sample.messages)
        why = "error" if sample.error else "" if text else "says nothing"
        yield Transcript({**common, **about_sample(sample)}, text, why)


def as_text(messages: Sequence[ChatMessage]) -> str:
    """What an assistant thought, said and did: turns that the sample's input puts in its mouth are left out."""
    own = (one for one in messages if isinstance(one, ChatMessageAssistant) and one.source != "input")
    blocks = [block for message in own for block in (*_said(message), *map(_call, message.tool_calls or []))]
    text = "\n\n".join("\n  ".join(block.strip().splitlines()) for block in blocks)
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
