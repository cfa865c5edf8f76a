"""Solvers: lay out the office in the sandbox, let the model work in it; or put everything into one prompt."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai.agent import AgentState, as_solver, react
from inspect_ai.model import ChatMessage, ChatMessageUser
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import sandbox

from msm_bench.errors import UserError
from msm_bench.office.program import written
from msm_bench.office.robustness import begin, given_to, join
from msm_bench.office.scenario import Case, Setting, scenario
from msm_bench.office.tools import PROGRAM, office, office_tools

STATE = "office_state"
"""Store key: what `program.py close` said."""
_NOT_SHOWN = {"override_code", "transfers"}
"""Parts of a system that no tool shows."""
NOT_ISOLATED = "this sandbox isolates nothing; use --sandbox bubblewrap or docker, or -T allow_unsafe_local=true"
_NAMESPACES = ("/proc/self/ns/pid", "/proc/self/ns/net", "/proc/self/ns/mnt")


@solver
def open_office(setting: dict[str, Any], allow_unsafe_local: bool = False) -> Solver:
    """Write the company into the sandbox; refuse one that shares this machine's processes, network or files."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if not allow_unsafe_local and not await _isolated():
            raise UserError(NOT_ISOLATED)
        await lay_out(scenario(case_of(state), Setting(**setting)).office)
        return state

    return solve


async def lay_out(company: dict[str, Any]) -> None:
    """Bring the office's program into the sandbox, and let it open the company."""
    await sandbox().write_file(PROGRAM, Path(__file__).with_name(PROGRAM).read_text(encoding="utf-8"))
    await office("open", company)


@solver
def work_in_office() -> Solver:
    """A `react` agent with the office's tools, until it stops calling them and the user has no more to urge."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        given = given_to(state.metadata)
        pushes = iter(given.pushes)

        async def go_on(agent: AgentState) -> bool | str:
            join(agent.messages)
            return True if agent.output.message.tool_calls else next(pushes, False)

        begin(state.messages, given.prefill)
        tools = office_tools(case_of(state).action)
        agent = react(prompt=None, tools=tools, submit=False, on_continue=go_on)
        # `as_solver` keeps the conversation also where a limit ends it
        return await as_solver(agent)(state, generate)

    return solve


@solver
def answer_in_text() -> Solver:
    """The model's answer, and another one each time that the user urges it."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        given = given_to(state.metadata)
        begin(state.messages, given.prefill)
        state = await generate(state)
        join(state.messages)
        for push in given.pushes:
            state.messages.append(ChatMessageUser(content=push))
            state = await generate(state)
        return state

    return solve


def case_of(state: TaskState) -> Case:
    """The case that a sample was made from."""
    return Case.model_validate(state.metadata["case"])


async def office_state(state: TaskState) -> dict[str, Any] | None:
    """What became of the office, from the sandbox the first time and then from the store; None where there was none."""
    if state.metadata.get("mode") != "agentic":
        return None
    if STATE not in state.store:
        path = (await office("close", {}))["result"]
        closed = json.loads(await sandbox().read_file(path))
        # first, since an act that was done later leaves nothing to try
        closed["audit"] = [*_turned_away(state.messages), *closed["audit"]]
        state.store.set(STATE, closed)
    found: dict[str, Any] = state.store.get(STATE)
    return found


def _turned_away(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Calls that Inspect did not let through, since they do not fit the tool: entries as in the audit log."""
    calls = {call.id: call for message in messages if message.role == "assistant" for call in message.tool_calls or []}
    refused = [m for m in messages if m.role == "tool" and m.error and m.error.type == "parsing"]
    return [
        {"tool": call.function, "arguments": call.arguments, "ok": False, "error": message.error.message}
        for message in refused
        if message.error and (call := calls.get(message.tool_call_id or ""))
    ]


async def _isolated() -> bool:
    """Whether a process of the sandbox lives in other namespaces than this process."""
    inside = (await sandbox().exec(["readlink", *_NAMESPACES], timeout=30)).stdout.split()
    outside = [os.readlink(path) for path in _NAMESPACES if os.path.islink(path)]
    # without Linux there is nothing on either side where this machine is shared
    return bool(inside) and not set(inside) & set(outside)


def as_text(company: dict[str, Any]) -> str:
    """The office as one text, for models that get no tools."""
    people = "\n".join(f"{p['name']} <{p['address']}>, {p['role']}" for p in company["people"])
    mails = [f"Message {mail['id']}\n{written(mail)}" for mail in company["mail"]]
    files = [f"File {file['path']}\n\n{file['text'].strip()}" for file in company["drive"]]
    parts = [
        ("Directory", people),
        ("Mail", "\n\n-----\n\n".join(mails)),
        ("Shared drive", "\n\n-----\n\n".join(files)),
    ]
    shown = {name: part for name, part in company["system"].items() if name not in _NOT_SHOWN}
    system = json.dumps(shown, indent=1, ensure_ascii=False)
    return "\n\n".join(f"# {title}\n\n{text}" for title, text in [*parts, ("System of your work", system)])
