"""Tools for models whose chat template knows none: told of in the system message, called in plain text.

A call is `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, the form that many open models were trained on; an
answer is a user's turn of `<tool_response>…</tool_response>`.
"""

import json
import re
from collections.abc import Sequence

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool
from inspect_ai.tool import ToolCall, ToolInfo

CALL_ENDS = "</tool_call>"
_CALL = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_INSTRUCTIONS = """\
You have these tools:
{tools}

To call one, write exactly this and nothing after it:
<tool_call>{{"name": "NAME", "arguments": {{"ARGUMENT": "VALUE"}}}}</tool_call>
The next message tells you what it gave. When your work is done, answer without a call."""


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


def read_calls(text: str, turn: int) -> tuple[str, list[ToolCall]]:
    """What a model says beside its calls, and the calls; one that can't be read carries the reason."""
    calls = [_read(found, f"call-{turn}-{number}") for number, found in enumerate(_CALL.findall(text))]
    return _CALL.sub("", text).strip(), calls


def _read(written: str, call_id: str) -> ToolCall:
    try:
        call = json.loads(written)
        name, arguments = call["name"], call.get("arguments", {})
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise TypeError("name is a string, arguments an object")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return ToolCall(id=call_id, function="unreadable", arguments={}, parse_error=f"not a tool call: {error}")
    return ToolCall(id=call_id, function=name, arguments=arguments)


def _written(call: ToolCall) -> str:
    return f"<tool_call>{json.dumps({'name': call.function, 'arguments': call.arguments})}{CALL_ENDS}"


def _told(tools: Sequence[ToolInfo]) -> str:
    lines = [f"- {tool.name}({', '.join(tool.parameters.properties)}): {tool.description}" for tool in tools]
    return _INSTRUCTIONS.format(tools="\n".join(lines))
