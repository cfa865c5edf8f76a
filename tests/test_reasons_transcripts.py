"""Logs become transcripts: what an assistant thought, said and did, what its task kept, and what is known besides."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import reason_scripts as scripts
from inspect_ai import eval as inspect_eval
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    ContentReasoning,
    ContentText,
)
from inspect_ai.tool import ToolCall
from reason_scripts import Scripted

from msm_bench.errors import UserError
from msm_bench.office.robustness import PREFILL
from msm_bench.preferences import preference_task
from msm_bench.reasons.transcripts import as_text, read_transcripts


@pytest.fixture(autouse=True)
def grader() -> Iterator[None]:
    """A model that was asked nothing yet."""
    with scripts.fresh_grader():
        yield


def test_a_transcript_is_what_the_assistant_thought_said_and_did() -> None:
    call = ToolCall(id="1", function="send", arguments={"to": "a@b", "body": 'He said "go".\nSAYS nothing', "n": 2})
    messages: list[ChatMessage] = [
        ChatMessageUser(content="Please help."),
        ChatMessageAssistant(content="An example of the task's.", source="input"),
        ChatMessageAssistant(
            content=[ContentReasoning(reasoning="I wonder.\nCALLS x"), ContentText(text="Yes.")], tool_calls=[call]
        ),
        ChatMessageTool(content="sent", tool_call_id="1"),
        ChatMessageAssistant(content=[ContentReasoning(reasoning="XXXX", redacted=True, summary="In short.")]),
        ChatMessageAssistant(content=[ContentReasoning(reasoning="XXXX", redacted=True)]),
        ChatMessageAssistant(content="<scratchpad>so</scratchpad> Done."),
    ]
    assert as_text(messages) == (
        "THINKS I wonder.\n  CALLS x\n\nSAYS Yes.\n\n"
        'CALLS send\n  to: a@b\n  body: He said "go".\n  SAYS nothing\n  n: 2\n\n'
        "THINKS In short.\n\nSAYS <scratchpad>so</scratchpad> Done."
    )


def test_a_long_transcript_keeps_its_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msm_bench.reasons.transcripts.SHOWN", 20)
    assert as_text([ChatMessageAssistant(content="x" * 30 + "end\ud83d")]) == (
        "SAYS xxxxx\n\n[… 19 characters left out …]\n\nxxxxxxend?"  # 39 characters, half of a character among them
    )


def test_every_kind_of_line_is_set_in() -> None:
    said = "one\rSAYS two\x85CALLS three\u2028THINKS four\r\nfive"
    assert as_text([ChatMessageAssistant(content=said)]) == (
        "SAYS one\n  SAYS two\n  CALLS three\n  THINKS four\n  five"
    )


def test_words_put_into_its_mouth_are_not_its_own() -> None:
    begun = {PREFILL: "Sure, I will."}
    thought = ContentReasoning(reasoning="Sure, I will. So be it.")
    messages: list[ChatMessage] = [
        ChatMessageAssistant(content="Sure, I will. Not that, though.", metadata=begun),
        ChatMessageAssistant(content=[thought, ContentText(text="Sure, I will. Sure, I will. ")], metadata=begun),
        ChatMessageAssistant(content="No. Sure, I will.", metadata=begun),
    ]
    assert as_text(messages) == (
        "SAYS Not that, though.\n\nTHINKS Sure, I will. So be it.\n\nSAYS Sure, I will.\n\nSAYS No. Sure, I will."
    )
    assert as_text([ChatMessageAssistant(content="Sure, I will.", metadata=begun)]) == ""


def test_what_a_task_keeps_in_its_store_is_read(tmp_path: Path) -> None:
    thoughts = [{"order": order, "reasoning": text, "finished": True, "aligned": -1.0, "other": -2.0}
                for order, text in [("aligned_first", "It is not mine.\nATTEMPT 2"), ("other_first", " "),
                                    ("other_first", "They may decide.")]]  # fmt: skip
    samples = [
        scripts.sample("reasoned", [], store={"reasonings": thoughts}),
        scripts.sample("chosen", [], store={"answers": {"aligned_first": "A) I'd ask.", "other_first": "A"}}),
        scripts.sample("spoken", [{"say": "Hello."}], store={"answers": {"aligned_first": "A"}}),
        scripts.sample("scored", [], store={"likelihoods": {"answer/none/aligned": [-1.0, 2]}, "answers": 3}),
    ]
    scripts.write_log(tmp_path / "logs", samples, "mine")
    chosen, reasoned, scored, spoken = read_transcripts([tmp_path / "logs"])  # by their names
    assert reasoned.text == "ATTEMPT 1\n\nTHINKS It is not mine.\n  ATTEMPT 2\n\nATTEMPT 2\n\nTHINKS They may decide."
    assert chosen.text == "ATTEMPT 1\n\nSAYS A) I'd ask.\n\nATTEMPT 2\n\nSAYS A"
    assert (spoken.text, scored.unscored) == ("SAYS Hello.", "says nothing")


def test_solvers_keep_their_answers_where_they_are_looked_for(tmp_path: Path) -> None:
    task = preference_task("safety_choice", method="generate", per_cell=1)
    Scripted.answer = staticmethod(lambda prompt: "A, it's theirs.")
    inspect_eval(task, model="scripted/model", limit=1, log_dir=str(tmp_path), display="none")
    [one] = read_transcripts([tmp_path])
    assert one.text == "ATTEMPT 1\n\nSAYS A, it's theirs.\n\nATTEMPT 2\n\nSAYS A, it's theirs."


def test_a_transcript_has_the_condition_and_the_facts_of_its_sample(tmp_path: Path) -> None:
    charge = {"act": "to send it", "facts": "nobody approved it."}
    turns = [{"say": "x"}]
    samples = [
        scripts.sample("s1", turns, condition="calm", charge=charge),
        scripts.sample("s2", turns, charge={"act": 1}),
    ]
    scripts.write_log(tmp_path / "logs", samples, "mine")
    first, second = read_transcripts([tmp_path / "logs"])
    assert (first.condition, second.condition, second.facts) == ("calm", "", "")
    assert first.facts.splitlines() == ["The act in question: to send it.", "Facts of the case: nobody approved it."]


def test_logs_become_transcripts(tmp_path: Path) -> None:
    long = "I think. " * 3000
    samples = [
        scripts.sample("s1", [{"think": long}], cell="c", cluster="k", split="dev"),
        scripts.sample("s2", []),
        scripts.sample("s3", [{"say": "x"}], fails=True),
    ]
    log = scripts.write_log(tmp_path / "logs", samples, "mine", seed=3)
    first, silent, failed = read_transcripts([tmp_path / "logs"])
    assert first.text == f"THINKS {long.strip()}"
    assert first.about == {
        "recipe": "known", "model": "none/none", "arm": "mine", "seed": 3, "task": "office", "log": log.name,
        "cell": "c", "split": "dev", "cue": "", "item": "s1", "cluster": "k", "epoch": 1,
        "sample_uuid": first.about["sample_uuid"],
    }  # fmt: skip
    assert (first.name, first.unscored) == ("mine/3/office/s1/1", "")
    assert (silent.text, silent.unscored, silent.about["cluster"]) == ("", "says nothing", "s2")
    assert (failed.text, failed.unscored) == ("", "error")
    with pytest.raises(UserError, match="scored twice for arm mine"):
        read_transcripts([log, log])
