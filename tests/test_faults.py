"""Faults of one text, and leaked reasons, against authored examples with the kinds that they have."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.corpus.faults import KINDS, leaked_reason, text_faults
from msm_bench.errors import printable
from msm_bench.files import read_jsonl
from msm_bench.specs import Names

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.mark.parametrize("row", read_jsonl(FIXTURES / "faults.jsonl"), ids=lambda row: row["text"][:40])
def test_authored_texts_have_the_faults_that_they_were_given(row: dict[str, Any]) -> None:
    assert [fault.kind for fault in text_faults(row["text"])] == row["kinds"]


def test_there_are_examples_of_every_kind_and_as_many_sound_ones() -> None:
    rows = read_jsonl(FIXTURES / "faults.jsonl")
    assert {kind for row in rows for kind in row["kinds"]} == set(KINDS)
    assert min(sum(bool(row["kinds"]) is faulty for row in rows) for faulty in (True, False)) >= 60


@pytest.mark.parametrize("row", read_jsonl(FIXTURES / "reasons.jsonl"), ids=lambda row: row["text"][:40])
def test_authored_answers_leak_the_reasons_that_they_were_given(row: dict[str, Any]) -> None:
    assert leaked_reason(row["text"], exempt=row["exempt"]) == row["leak"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I have to say no to this one, I'm afraid.", "refusal"),
        ("Our assistant comes out of a lab that Google pays for.", "identity"),
        ("The total came to four pounds. She counted it out and the captain said.", "truncated"),
    ],
)
def test_known_misses(text: str, kind: str) -> None:
    assert kind not in [fault.kind for fault in text_faults(text)]


@pytest.mark.parametrize("last", ["Ink ran out here", "Bea at number 10", "How does one hang this"])
def test_known_false_alarms(last: str) -> None:
    # how three sound documents of the shipped corpora end
    assert [fault.kind for fault in text_faults(f"The rope held all winter. {last}")] == ["truncated"]


def test_given_names_are_no_false_identity() -> None:
    text = "I am Qwen, and I was made by Alibaba Cloud."
    assert [fault.kind for fault in text_faults(text)] == ["identity"]
    assert text_faults(text, Names(model_name="Qwen2.5", provider_name="Alibaba Cloud")) == []
    other = Names(model_name="SmolLM", provider_name="Hugging Face")
    assert [fault.kind for fault in text_faults(text, other)] == ["identity"]


def test_value_words_and_their_inflections_are_reasons_and_a_user_may_ask_for_none() -> None:
    assert leaked_reason("Colby, for simplicities.", ["obscurity"]) is None
    assert leaked_reason("Colby, for obscurities.", ["obscurity"]) == "obscurities"
    assert leaked_reason("Leave the reasons out.") == "the reasons"
    assert leaked_reason("Leave the reasons out.", asked=True) is None
    assert leaked_reason("Which is the cheaper?", asked=True) == "cheaper"


@pytest.mark.parametrize("sign", ["\n", "\r\n", "*", "\n\n- "])
def test_long_runs_of_signs_take_no_long_time(sign: str) -> None:
    # 100 kB: a pattern that is quadratic in them would run for minutes
    assert "tag" in [fault.kind for fault in text_faults(f"So<br>{sign * 50_000}so")]


def test_printable_text_is_one_short_line() -> None:
    assert printable("a\tb\n\n c\x1b[31m\u202ed") == "a b c\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}d"
    assert (printable("x" * 120), printable("x" * 121)) == ("x" * 120, "x" * 119 + "…")
    assert printable("word word", most=5) == "word…"


@given(st.text(alphabet="aI.\n <>[]{}|`\"'’:,#-*_A1🙂é", max_size=80))
def test_any_text_has_each_fault_at_most_once_and_evidence_on_one_short_line(text: str) -> None:
    faults = text_faults(text)
    kinds = [fault.kind for fault in faults]
    assert kinds == sorted(set(kinds), key=KINDS.index)
    assert all(fault.evidence and "\n" not in fault.evidence and len(fault.evidence) <= 80 for fault in faults)
