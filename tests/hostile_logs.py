"""Inspect logs in which everything that a model, a grader or a task may write is hostile."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from hostile import Payload
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalResults,
    EvalSample,
    EvalSpec,
    EvalStats,
    write_eval_log,
)
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.scorer import Score
from inspect_ai.tool import ToolCall, ToolCallError

SEEDS = (1, 2)
MEASURE = "plain"
"""A metric of every sample, with a plain name."""


def packed(payloads: Sequence[Payload], most: int) -> list[list[Payload]]:
    """The payloads in groups of at most `most` characters as they are said, in order; a longer one stands alone."""
    groups: list[list[Payload]] = []
    room = 0
    for payload in payloads:
        length = len(payload.text("http://127.0.0.1:65535", "p99-score-explanation")) + 1
        if length > room:
            groups.append([])
            room = most
        groups[-1].append(payload)
        room -= length
    return groups


class Speaker(NamedTuple):
    """Says a group of payloads in a place, and knows afterwards what it said."""

    address: str
    payloads: Sequence[Payload]

    def say(self, place: str, join: str = "\n") -> str:
        """The payloads one after another, each with a token of its number and of `place`."""
        return join.join(payload.text(self.address, f"p{i}-{place}") for i, payload in enumerate(self.payloads))

    def name(self, place: str) -> str:
        """The same on one line, and different in every place."""
        name = self.say(place, " ")
        return name if place in name else f"{name} {place}"


class Names(NamedTuple):
    """Two scorers, and the metric of the second one."""

    first: str
    second: str
    metric: str


def _messages(say: Speaker, arm: int) -> list[ChatMessage]:
    call = ToolCall(
        id=say.say("call-id")[:200], function=say.say("function"), arguments={say.say("key"): say.say("argument")}
    )
    failed = ToolCall(id="call-2", function="f", arguments={}, parse_error=say.say("parse-error"))
    return [
        ChatMessageSystem(content=say.say("system")),
        ChatMessageUser(content=say.say("input")),
        ChatMessageAssistant(
            content=[ContentReasoning(reasoning=say.say("reasoning")), ContentText(text=say.say("thought"))],
            tool_calls=[call, failed],
            model=say.say("message-model"),
        ),
        ChatMessageTool(content=say.say("result"), tool_call_id=call.id, function=call.function),
        ChatMessageTool(
            content=say.say("failure"),
            tool_call_id="call-2",
            function="f",
            error=ToolCallError("unknown", say.say("tool-error")),
        ),
        ChatMessageAssistant(content=say.say(f"answer-{arm}")),
    ]


def _sample(say: Speaker, number: int, arm: int, seed: int, names: Names, failed: bool) -> EvalSample:
    messages = _messages(say, arm)
    answer = messages[-1]
    assert isinstance(answer, ChatMessageAssistant)
    # arms differ on every second item, one item in five has no score, and each item has its own effect on MEASURE
    value = math.nan if number % 5 == 4 else float((number + arm * (number % 2) + seed) % 2)
    details = {
        say.say("score-key"): say.say("score-value"),
        "grading": [{"role": "user", "content": say.say("grading")}],
    }
    score = Score(
        value=value,
        answer=say.say("score-answer"),
        explanation=say.say("explanation"),
        metadata=details,
        reason=say.say("unscored") if math.isnan(value) else None,
    )
    second = Score(value={names.metric: value, MEASURE: 0.05 * arm * number + 0.01 * seed}, explanation="second")
    return EvalSample(
        # Inspect names a file of its archive after the id, and loses the sample if the name holds NUL
        id=say.name("id").replace("\0", ""),
        epoch=1,
        uuid=f"{arm}-{seed}-{number}-{say.say('uuid', ' ')}",
        input=[messages[0], messages[1]] if number % 2 else say.say("input"),
        choices=[say.say("choice"), "other"],
        target=[say.say("target"), "other"],
        messages=messages,
        output=ModelOutput(
            model=say.say("output-model"),
            choices=[ChatCompletionChoice(message=answer, stop_reason="stop")],
            usage=ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2),
            error=say.say("output-error"),
            metadata={say.say("output-key"): say.say("output-value")},
        ),
        scores={names.first: score, names.second: second},
        metadata={
            "cell": say.name("cell"),
            "cluster": say.name("cluster"),
            "cue": say.name("cue"),
            "split": say.name("split"),
            say.say("metadata-key"): {"deep": [say.say("metadata-value")]},
        },
        store={say.say("store-key"): say.say("store-value")},
        error=EvalError(message=say.say("error"), traceback=say.say("traceback"), traceback_ansi=say.say("ansi"))
        if failed
        else None,
    )


def write_hostile_logs(
    folder: Path, address: str, items: Sequence[Sequence[Payload]], names: Sequence[Payload], mark: str = "log0"
) -> None:
    """Logs of two arms on two seeds, whose tasks, arms and models are called `names`.

    Item i says `items[i]` everywhere; the last one failed.

    Args:
        folder: where the logs go.
        address: of the server that listens (`http://host:port`).
        items: the payloads of each item.
        names: the payloads in the names of what the whole log has in common.
        mark: how the names of the files begin; `log` and a number, for `hostile_contrasts`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole = Speaker(address, names)
    shared = Names(whole.name("scorer"), whole.name("scorer-2"), whole.name("metric"))
    for arm in range(2):
        for seed in SEEDS:
            about: dict[str, Any] = {"arm": whole.name(f"arm-{arm}"), "seed": seed}
            spec = EvalSpec(
                created="2026-01-01T00:00:00+00:00",
                task=f"{whole.name('task')} {mark}",
                task_id=f"{mark}-{arm}-{seed}",
                task_args={whole.say("option"): whole.say("option-value")},
                dataset=EvalDataset(name=whole.say("dataset"), location=whole.say("location"), samples=len(items)),
                model=whole.name("model"),
                model_args={whole.say("model-option"): whole.say("model-value")},
                config=EvalConfig(epochs=1),
                tags=[whole.say("tag")],
                metadata={**about, whole.say("log-key"): whole.say("log-value")},
            )
            samples = [
                _sample(Speaker(address, payloads), number, arm, seed, shared, number == len(items) - 1)
                for number, payloads in enumerate(items)
            ]
            log = EvalLog(
                status="success",
                eval=spec,
                samples=samples,
                stats=EvalStats(),
                results=EvalResults(total_samples=len(items), completed_samples=len(items)),
            )
            write_eval_log(log, str(folder / f"{mark}-{arm}-{seed}.eval"))


def hostile_contrasts(path: Path, address: str, names: Sequence[Sequence[Payload]]) -> Path:
    """A file of contrasts of the logs that `write_hostile_logs` wrote with each of `names`; the first one leads."""
    found = []
    for number, own in enumerate(names):
        whole = Speaker(address, own)
        task = f"{whole.name('task')} log{number}".split("/")[-1]
        terms = [{"arm": whole.name(f"arm-{arm}"), "task": task, "weight": 2 * arm - 1} for arm in range(2)]
        found.append(
            {
                "name": f"{number} {whole.say('contrast', ' ')}",
                "description": whole.say("description"),
                "measure": MEASURE,
                "headline": number == 0,
                "terms": terms,
            }
        )
    path.write_text(yaml.safe_dump(found), encoding="utf-8")
    return path


def make_hostile(value: Any, say: Speaker, place: str = "leaf") -> Any:
    """The same JSON with hostile text for every text in it."""
    if isinstance(value, dict):
        return {key: make_hostile(own, say, f"{place}-{key}"[:30]) for key, own in value.items()}
    if isinstance(value, list):
        return [make_hostile(own, say, place) for own in value]
    return say.say("".join(c for c in place if c.isalnum() or c == "-")) if isinstance(value, str) else value
