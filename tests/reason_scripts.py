"""Transcripts whose reasons are known, as Inspect logs, and a grader whose answers follow from them."""

import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
    get_model,
    modelapi,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolCall
from rich.console import Console

from msm_bench.corpus.generate.ask import Limits
from msm_bench.corpus.generate.progress import Progress
from msm_bench.reasons import Codebook
from msm_bench.reasons.run import Asking, Findings, apply_codebook, draft_codebook
from msm_bench.reasons.transcripts import Transcript, as_text

TRANSCRIPTS = Path(__file__).parent / "fixtures" / "reason_transcripts.yaml"
PAPER = {pattern.id: pattern for pattern in Codebook.load("paper").patterns}
BROKEN = "\x1b[31mred\x1b[0m\x9b2J\u202e"
"""What a terminal or a reader of it would act on."""
_MARKED = re.compile(r"<<([^|>]+)\|([^|>]+)\|([^>]+)>>")


class Authored(NamedTuple):
    """A reason as its author gave it."""

    pattern: str
    phrase: str
    quote: str


class Row(NamedTuple):
    """A transcript of the fixture."""

    id: str
    arm: str
    turns: list[dict[str, Any]]
    """Without the marks."""
    reasons: list[Authored]


@cache
def rows() -> list[Row]:
    """The fixture."""
    found = []
    for row in yaml.safe_load(TRANSCRIPTS.read_text(encoding="utf-8")):
        text = json.dumps(row["turns"], ensure_ascii=False)
        reasons = [Authored(*match) for match in _MARKED.findall(text)]
        found.append(Row(row["id"], row["arm"], json.loads(_MARKED.sub(r"\3", text)), reasons))
    return found


# --- logs


def turn(given: dict[str, Any]) -> ChatMessageAssistant:
    """An assistant's turn."""
    if "call" in given:
        call = ToolCall(id="1", function=given["call"]["name"], arguments=given["call"]["arguments"])
        return ChatMessageAssistant(content="", tool_calls=[call])
    if "think" in given:
        return ChatMessageAssistant(content=[ContentReasoning(reasoning=given["think"])])
    return ChatMessageAssistant(content=[ContentText(text=given["say"])])


@solver
def recorded() -> Solver:
    """Plays a sample's turns; a sample that is to fail does."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.metadata.get("fails"):
            raise ValueError("no")
        for key, value in state.metadata.get("store", {}).items():
            state.store.set(key, value)
        state.messages += [turn(given) for given in state.metadata["turns"]]
        return state

    return solve


def write_log(folder: Path, samples: Sequence[Sample], arm: str, version: int = 0, **metadata: Any) -> Path:
    """A log of one arm; samples have `turns` in their metadata, and `store` for what is to stand in their stores."""
    task = Task(dataset=list(samples), solver=recorded(), name="office", version=version, fail_on_error=False)
    [log] = inspect_eval(
        task, model="none", log_dir=str(folder), display="none", metadata={"recipe": "known", "arm": arm, **metadata}
    )
    assert log.status == "success", log.error
    return Path(log.location.removeprefix("file://"))


def sample(id: str, turns: list[dict[str, Any]], **metadata: Any) -> Sample:
    """A sample that says `turns`."""
    return Sample(id=id, input="Please see to the mail.", metadata={"turns": turns, **metadata})


def write_known_logs(folder: Path) -> Path:
    """The fixture as two logs."""
    for arm in ("baseline", "trained"):
        write_log(folder, [sample(row.id, row.turns) for row in rows() if row.arm == arm], arm, seed=1)
    return folder


# --- by hand


def transcript(
    item: str, text: str, arm: str = "a", *, condition: str = "", facts: str = "", **about: Any
) -> Transcript:
    """A transcript by hand."""
    own = {
        "recipe": "",
        "model": "m",
        "arm": arm,
        "seed": 1,
        "task": "office",
        "item": item,
        "cell": "",
        "cluster": item,
    }
    rest = {"split": "", "cue": "", "epoch": 1, "log": "l", "sample_uuid": ""}
    return Transcript({**own, **rest, **about}, text, "" if text else "says nothing", condition, facts)


# --- running


def known() -> list[Transcript]:
    """The fixture without logs."""
    return [transcript(row.id, as_text([turn(one) for one in row.turns]), row.arm) for row in rows()]


def asking() -> Asking:
    """The scripted grader."""
    model = get_model("scripted/grader", memoize=False)
    return Asking(model, Limits(connections=4, retries=0, timeout=20), Progress(Console(file=StringIO())))


def drafted(out: Path, transcripts: Sequence[Transcript]) -> Codebook:
    return asyncio.run(draft_codebook(transcripts, out, asking())).codebook


def applied(
    out: Path, transcripts: Sequence[Transcript], codebook: Codebook | str = "paper", at: float = 0.75
) -> Findings:
    book = Codebook.load(codebook) if isinstance(codebook, str) else codebook
    return asyncio.run(apply_codebook(transcripts, book, out, asking(), at))


def give(cwd: Path, *args: object) -> None:
    """`msm-bench reasons ARGS` in this process."""
    from msm_bench.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["msm-bench", "reasons", *map(str, args)])
        main()


def summary_in(out: Path) -> dict[str, Any]:
    """`summary.json`."""
    found: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    return found


# --- the grader


def fenced(prompt: str) -> str:
    """What stands between the marks of a prompt; they are named once before."""
    mark = re.search(r"between the two marks (=== record \w{16} ===)", prompt)
    assert mark
    return prompt.split(mark[1])[2].strip("\n")


def stage(prompt: str) -> str:
    """Which prompt file it is."""
    return next(
        name
        for name, sign in {
            "extract": '{"reasons": [',
            "name": '{"name": "…", "definition": "…"}',
            "join": '{"groups": [',
            "classify": '{"patterns": [',
        }.items()
        if f"nothing else: {sign}" in prompt or f"that are shown: {sign}" in prompt
    )


def honest(prompt: str) -> str:
    """Says of a prompt what the authors of the fixture say."""
    text = " ".join(fenced(prompt).split())
    known = [reason for row in rows() for reason in row.reasons]
    there = [reason for reason in known if reason.quote in text]
    match stage(prompt):
        case "extract":
            given = [{"phrase": r.phrase, "quote": r.quote, "side": PAPER[r.pattern].side} for r in there]
            return json.dumps({"reasons": given})
        case "name":
            pattern = PAPER[Counter(reason.pattern for reason in there).most_common(1)[0][0]]
            return json.dumps({"name": pattern.name, "definition": pattern.definition})
        case "join":
            names = re.findall(r"^\d+\. (.*?): ", fenced(prompt), re.MULTILINE)
            groups = {name: [i for i, other in enumerate(names, 1) if other == name] for name in names}
            same = [
                {
                    "members": own,
                    "name": name,
                    "definition": next(p.definition for p in PAPER.values() if p.name == name),
                }
                for name, own in groups.items()
                if len(own) > 1
            ]
            return json.dumps({"groups": same})
        case _:
            ids = set(re.findall(r"^- ([a-z0-9-]+): ", prompt, re.MULTILINE))
            return json.dumps({"patterns": sorted({reason.pattern for reason in there} & ids)})


class Scripted:
    """What graders of the provider `scripted` say, why they stop, and what they were asked."""

    answer: Callable[[str], str] = staticmethod(honest)
    stops: StopReason = "stop"
    asked: list[str] = []  # noqa: RUF012  # emptied by every test


@modelapi(name="scripted")
class ScriptedAPI(ModelAPI):
    """`scripted/grader`."""

    async def generate(
        self, input: list[ChatMessage], tools: object, tool_choice: object, config: GenerateConfig
    ) -> ModelOutput:
        await asyncio.sleep(0)
        Scripted.asked.append(input[-1].text)
        said = ModelOutput.from_content("scripted", Scripted.answer(input[-1].text), Scripted.stops)
        said.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return said


@contextmanager
def fresh_grader() -> Iterator[None]:
    """An honest grader that was asked nothing yet, and afterwards again."""
    Scripted.answer, Scripted.stops, Scripted.asked = staticmethod(honest), "stop", []
    yield
    Scripted.answer, Scripted.stops = staticmethod(honest), "stop"
