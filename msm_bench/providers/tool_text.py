"""Tools in plain text: told of in the system message, unless the chat template does that, and called in the answer.

A call is `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, the form of many open models' templates. Small
models leave out the marks: an answer that is nothing but such an object, of a tool that there is, is a call too. What a
tool gives is a user's turn of `<tool_response>…</tool_response>`.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool
from inspect_ai.tool import ToolCall, ToolInfo

CALL_ENDS = "</tool_call>"
_CALL = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_BARE = re.compile(r"(?:```(?:json)?\s*)?(\{.*\})(?:\s*```)?", re.DOTALL)
_INSTRUCTIONS = """\
You have these tools:
{tools}

To call one, write it in this form, and nothing after it:
{example}
The next message tells you what it gave. When your work is done, answer without a call."""


def knows_tools(template: str) -> bool:
    """Whether a chat template tells of tools itself, and of calls in the form that is read here."""
    return "tools" in template and "<tool_call>" in template


def as_schema(tool: ToolInfo) -> dict[str, Any]:
    """A tool as chat templates take it."""
    parameters = tool.parameters.model_dump(exclude_none=True)
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def as_turns(messages: Sequence[ChatMessage], tools: Sequence[ToolInfo]) -> list[dict[str, str]]:
    """The turns of a chat template; tools are told of in the system's turn, and calls and answers are text."""
    turns = [{"role": "system", "content": ""}] if tools and messages[0].role != "system" else []
    for message in messages:
        if isinstance(message, ChatMessageTool):
            said = message.error.message if message.error else message.text
            turn = {"role": "user", "content": f"<tool_response>\n{said}\n</tool_response>"}
        else:
            turn = {"role": message.role, "content": message.text}
        if isinstance(message, ChatMessageAssistant) and message.tool_calls:
            turn["content"] = "\n".join([message.text, *map(_written, message.tool_calls)]).strip()
        if turns and turn["role"] == turns[-1]["role"] == "user":
            turns[-1]["content"] += "\n" + turn["content"]
        else:
            turns.append(turn)
    if tools:
        turns[0]["content"] = f"{turns[0]['content']}\n\n{_told(tools)}".strip()
    return turns


def read_calls(text: str, turn: int, tools: Sequence[ToolInfo]) -> tuple[str, list[ToolCall]]:
    """What a model says beside its calls, and the calls; one that can't be read carries the reason."""
    calls = [_read(found, f"call-{turn}-{number}") for number, found in enumerate(_CALL.findall(text))]
    if not calls and (bare := _BARE.fullmatch(text.strip())):
        call = _read(bare[1], f"call-{turn}-0")
        return ("", [call]) if call.function in {tool.name for tool in tools} else (text, [])
    return _CALL.sub("", text).strip(), calls


def _read(written: str, call_id: str) -> ToolCall:
    try:
        call = json.loads(written)
        name, arguments = call["name"], call.get("arguments", {})
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise TypeError("name is a string, arguments an object")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = f"not a tool call ({error}): {written.strip()[:300]}"
        return ToolCall(id=call_id, function="unreadable", arguments={}, parse_error=reason)
    return ToolCall(id=call_id, function=name, arguments=arguments)


def _written(call: ToolCall) -> str:
    return f"<tool_call>{json.dumps({'name': call.function, 'arguments': call.arguments})}{CALL_ENDS}"


def _parameters(tool: ToolInfo) -> list[str]:
    """Names, those that can be left out with a question mark."""
    return [name if name in tool.parameters.required else f"{name}?" for name in tool.parameters.properties]


def _told(tools: Sequence[ToolInfo]) -> str:
    lines = [f"- {tool.name}({', '.join(_parameters(tool))}): {tool.description}" for tool in tools]
    example = ToolCall(id="", function=tools[0].name, arguments=dict.fromkeys(tools[0].parameters.properties, "..."))
    return _INSTRUCTIONS.format(tools="\n".join(lines), example=_written(example))
