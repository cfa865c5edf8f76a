"""Tools in plain text, for models whose chat template knows none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
)
from inspect_ai.tool import ToolCall, ToolCallError, ToolInfo, ToolParam, ToolParams

from msm_bench.providers.tool_text import as_schema, as_turns, knows_tools, read_calls

TOOL = ToolInfo(
    name="read_message",
    description="Read a message.",
    parameters=ToolParams(properties={"message_id": ToolParam(type="string")}),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_tools_are_told_of_and_answers_come_as_a_users_turn() -> None:
    call = ToolCall(id="1", function="read_message", arguments={"message_id": "msg1"})
    messages: list[ChatMessage] = [
        ChatMessageSystem(content="You work here."),
        ChatMessageUser(content="Go on."),
        ChatMessageAssistant(content="Let me see.", tool_calls=[call]),
        ChatMessageTool(content="Hello", tool_call_id="1", function="read_message"),
        ChatMessageTool(
            content="", tool_call_id="2", function="x", error=ToolCallError(type="unknown", message="no such message")
        ),
    ]
    turns = as_turns(messages, [TOOL])
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant", "user"]
    assert turns[0]["content"].startswith("You work here.")
    assert "- read_message(message_id?): Read a message." in turns[0]["content"]
    written = '<tool_call>{"name": "read_message", "arguments": {"message_id": "msg1"}}</tool_call>'
    assert turns[2]["content"] == f"Let me see.\n{written}"
    # templates that take turns of user and assistant strictly in turn get one turn for both answers
    assert turns[3]["content"].count("<tool_response>") == 2
    assert "no such message" in turns[3]["content"]


def test_without_tools_turns_are_as_they_were() -> None:
    messages: list[ChatMessage] = [ChatMessageUser(content="Hi"), ChatMessageAssistant(content="Hello")]
    assert as_turns(messages, []) == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


@given(
    said=st.text(alphabet="abc <>", max_size=10),
    name=st.text("abc_", min_size=1, max_size=8),
    arguments=st.dictionaries(st.text(max_size=5), JSON, max_size=3),
)
def test_a_call_that_is_written_is_read_back(said: str, name: str, arguments: dict[str, Any]) -> None:
    call = ToolCall(id="1", function=name, arguments=arguments)
    message = ChatMessageAssistant(content=said, tool_calls=[call])
    [turn] = as_turns([ChatMessageUser(content="-"), message], [])[1:]
    text, [found] = read_calls(turn["content"], 0, [TOOL])
    if "</tool_call>" not in json.dumps(arguments):
        assert (found.function, found.arguments, found.parse_error) == (name, arguments, None)
        assert text == said.strip()


@pytest.mark.parametrize(
    "written",
    ["{", "[]", '"x"', '{"arguments": {}}', '{"name": 1}', '{"name": "x", "arguments": [1]}', "read_message(msg1)", ""],
)
def test_what_is_no_call_carries_its_reason(written: str) -> None:
    _, [call] = read_calls(f"Well. <tool_call>{written}</tool_call>", 3, [TOOL])
    assert call.parse_error


def test_a_call_that_was_cut_at_its_end_is_read() -> None:
    text, [call] = read_calls('I look.\n<tool_call>{"name": "list_messages"}', 0, [TOOL])
    assert (text, call.function, call.arguments) == ("I look.", "list_messages", {})
    assert read_calls("No call here.", 0, [TOOL]) == ("No call here.", [])


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ('{"name": "read_message", "arguments": {"message_id": "msg1"}}', True),
        ('```json\n{"name": "read_message", "arguments": {"message_id": "msg1"}}\n```', True),
        ('Like {"name": "read_message", "arguments": {}}', False),
        ('{"name": "delete_all", "arguments": {}}', False),
        ('{"name": "read_message"', False),
    ],
)
def test_an_answer_that_is_nothing_but_a_call_is_one(text: str, called: bool) -> None:
    said, calls = read_calls(text, 0, [TOOL])
    assert [call.function for call in calls] == (["read_message"] if called else [])
    assert said == ("" if called else text)


def test_a_template_that_knows_tools_is_told_of_them() -> None:
    assert knows_tools("{% if tools %}...<tool_call>")
    assert not knows_tools("{{ messages }}")
    assert as_schema(TOOL)["function"]["parameters"]["properties"]["message_id"]["type"] == "string"
