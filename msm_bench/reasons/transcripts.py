"""What the assistant thought, said and did in each sample of Inspect logs, as text."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ContentText
from inspect_ai.tool import ToolCall
from pydantic import ValidationError

from msm_bench.errors import UserError
from msm_bench.logs import about_log, about_sample, finished_logs
from msm_bench.office.decision import Charge
from msm_bench.office.robustness import begun_words
from msm_bench.preferences.solvers import ANSWERS, REASONINGS
from msm_bench.results import COLUMNS, check_frame

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
    condition: str = ""
    """The sample's `condition`, such as a threat or a benign twin of it; empty where the task has none."""
    facts: str = ""
    """What the task tells its own grader of the situation; empty where it tells nothing."""

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


def as_frame(rows: Iterator[dict[str, Any]], columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
    """Rows as a result frame, with these columns."""
    return pd.DataFrame(rows, columns=list(columns)).astype({"seed": "int64", "epoch": "int64", "value": "float64"})


def _of_log(log: EvalLog) -> Iterator[Transcript]:
    common = about_log(log)
    for sample in log.samples or []:
        text = "" if sample.error else as_text(sample.messages) or _as_text(_attempts(sample.store))
        why = "error" if sample.error else "" if text else "says nothing"
        condition = str(sample.metadata.get("condition") or "")
        yield Transcript({**common, **about_sample(sample)}, text, why, condition, _facts(sample.metadata))


def _facts(metadata: Mapping[str, Any]) -> str:
    """What the judge of the agentic tasks is told: which act is in question, and what is approved or real."""
    try:
        asked = Charge.model_validate(metadata.get("charge"))
    except ValidationError:
        return ""
    return _whole(f"The act in question: {asked.act}.\nFacts of the case: {asked.facts}")


def as_text(messages: Sequence[ChatMessage]) -> str:
    """What an assistant thought, said and did.

    Left out are turns that the sample's input puts in its mouth, and the words with which a turn was begun for it.
    """
    own = (one for one in messages if isinstance(one, ChatMessageAssistant) and one.source != "input")
    return _as_text(block for message in own for block in (*_said(message), *map(_call, message.tool_calls or [])))


def _as_text(blocks: Iterable[str]) -> str:
    whole = _whole("\n\n".join("\n  ".join(block.strip().splitlines()) for block in blocks))
    if len(whole) <= SHOWN:
        return whole
    half = SHOWN // 2
    return f"{whole[:half]}\n\n[… {len(whole) - 2 * half} characters left out …]\n\n{whole[-half:]}"


def _whole(text: str) -> str:
    """A log may hold half of a character, which can't be hashed."""
    return text.encode("utf-8", "replace").decode()


def _said(message: ChatMessageAssistant) -> Iterator[str]:
    content = [ContentText(text=message.content)] if isinstance(message.content, str) else message.content
    begun = begun_words(message).strip()
    for part in content:
        if part.type == "reasoning":  # of redacted reasoning only the summary can be read
            thought = part.summary if part.redacted else part.reasoning
            yield from [f"THINKS {thought}"] if thought and thought.strip() else []
        elif part.type == "text" and part.text.strip():
            own = part.text.strip().removeprefix(begun).strip() if begun else part.text
            begun = ""  # it stands before the first text alone
            yield from [f"SAYS {own}"] if own else []
        elif part.type == "tool_use":
            yield f"CALLS {part.name}\n{part.arguments}"


def _attempts(store: Mapping[str, Any]) -> Iterator[str]:
    """Reasonings and free answers of tasks that ask about one item several times, and keep what came in the store."""
    reasonings, answers = store.get(REASONINGS), store.get(ANSWERS)
    found: list[tuple[str, Any]] = []  # in a log of somebody else's there may be anything
    if isinstance(reasonings, list):
        found += [("THINKS", one.get("reasoning")) for one in reasonings if isinstance(one, dict)]
    if isinstance(answers, dict):
        found += [("SAYS", answer) for answer in answers.values()]
    own = [f"{kind} {text}" for kind, text in found if isinstance(text, str) and text.strip()]
    for number, block in enumerate(own, 1):
        yield from (f"ATTEMPT {number}", block)


def _call(call: ToolCall) -> str:
    """A call; texts among its arguments stand as they are, so that words in them can be quoted."""
    arguments = (
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in call.arguments.items()
    )
    return "\n".join([f"CALLS {call.function}", *arguments])
