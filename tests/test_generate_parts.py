"""The parts of generation: prompts, lists, verdicts, shares, the journal, near-duplicates."""

import json
from pathlib import Path
from typing import Any

import pytest
from fault_server import FaultServer
from generating import ANSWERS, asks_for, document_job, make
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.corpus.generate.fill import Cell, share
from msm_bench.corpus.generate.journal import Answer, Journal
from msm_bench.corpus.generate.levels import Sentence
from msm_bench.corpus.generate.lists import read_things
from msm_bench.corpus.generate.prompt import FOLDER, fill_places, load_prompt
from msm_bench.corpus.generate.setting import numbered
from msm_bench.corpus.similar import Seen
from msm_bench.errors import UserError
from msm_bench.specs import Spec

STYLES = ["value", "rule", "opaque"]


def test_braces_in_a_spec_stay_what_they_are(tmp_path: Path) -> None:
    head = "---\nid: braces\ntitle: T\nfamily: f\nvalues: [care]\nderived_from: null\n---\n"
    body = "{model_name} writes {{ count }} and {{ model_name }} and {x} and {{{ }}} and }}{{ plainly.\n"
    (tmp_path / "braces.md").write_text(head + body, encoding="utf-8")
    spec = Spec.load(tmp_path / "braces.md")
    answers = {**ANSWERS, "first": 1, "last": 1}
    with FaultServer(answers=answers) as server:
        make(document_job(tmp_path, spec, documents=2), server)
    shown = body.strip().replace("{model_name}", "Sable")
    assert all(shown in request.body["messages"][0]["content"] for request in server.requests)
    written = [request.body for request in server.requests if asks_for(request.body, "Write this document")]
    assert all(asks_for(body, shown) for body in written)


@given(st.text(), st.text())
def test_what_is_put_into_a_prompt_is_not_looked_at(one: str, other: str) -> None:
    values = {"one": f"{{{{ other }}}}{one}", "other": other}
    assert fill_places("<{{ one }}|{{ other }}>", values) == f"<{{{{ other }}}}{one}|{other}>"


def test_every_prompt_file_loads_and_its_places_are_known() -> None:
    shared = {"model_name", "provider_name", "manner"}
    lists = shared | {"count", "have", "form"}
    leaf = shared | {"type", "idea", "assertion", "passage", "words"}
    known = {
        "context": shared | {"spec"},
        **dict.fromkeys(["domains", "chat_domains"], lists),
        "subdomains": lists | {"domain"},
        **dict.fromkeys(["assertions", "types"], lists | {"subdomain", "passage"}),
        "ideas": lists | {"type", "subdomain", "passage"},
        "questions": lists | {"domain", "kind", "demand"},
        "document": leaf,
        "critique": leaf | {"draft"},
        "revise": leaf | {"draft", "critique"},
        **dict.fromkeys([f"response_{style}" for style in STYLES], shared | {"question", "reasoning_words"}),
        **dict.fromkeys([f"judge_{style}" for style in STYLES], shared | {"question", "reasoning", "response"}),
        **dict.fromkeys(["kinds", "manner_prose", "manner_rules"], shared),
    }
    names = {path.stem for path in FOLDER.glob("*.md") if not path.stem.startswith("variant_")}
    assert names == set(known)
    for name, places in known.items():
        assert load_prompt(name).places <= places, name
        assert load_prompt(name).version >= 1


@given(st.text())
def test_any_answer_is_read_without_an_error(text: str) -> None:
    for thing in read_things(text, Sentence):
        assert thing.text.strip()


@given(st.lists(st.text(min_size=1).filter(str.strip), max_size=5), st.sampled_from(["object", "array", "items"]))
def test_lists_are_read_in_every_shape_that_models_give_them(texts: list[str], shape: str) -> None:
    things: Any = [{"text": text} for text in texts]
    value = {"object": {f"item_{i}": one for i, one in enumerate(things)}, "array": things, "items": {"items": things}}
    found = read_things(f"Here you are:\n{json.dumps(value[shape])}\nDone.", Sentence)
    assert [one.text for one in found] == texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"item_1": {"text": "whole"}, "item_2": {"text": "cut o', ["whole"]),
        ('Drawing on passage [3] of the spec: {"item_1": {"text": "one"}}', ["one"]),
        ('<think>{"item_1": {"text": "a draft"}}</think>{"item_1": {"text": "one"}}', ["one"]),
        ('{"item_1": "bare", "item_2": "texts"}', ["bare", "texts"]),
        ('{"text": "alone"}', ["alone"]),
        ("I can't help with that.", []),
        ('{"item_1": {"text": 3}, "item_2": {"name": 4}, "item_3": {"text": " "}}', []),
        ("[" * 100_000, []),
        ('{"item_1": {"text": "half a \\ud83d"}}', []),
    ],
)
def test_lists_are_read_out_of_whatever_surrounds_them(text: str, expected: list[str]) -> None:
    assert [one.text for one in read_things(text, Sentence)] == expected


@given(st.integers(1, 60), st.integers(1, 12))
def test_rows_are_shared_out_evenly(count: int, cells: int) -> None:
    shares = share(count, [Cell(str(i), str(i)) for i in range(cells)])
    assert sum(shares.values()) == count
    assert max(shares.values()) - min(shares.values()) <= 1


@given(st.lists(st.text(max_size=30), max_size=6), st.integers(0, 2000))
def test_a_journal_that_is_cut_anywhere_has_every_whole_answer(texts: list[str], cut: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.jsonl"
        answers = [
            Answer(
                key=str(i), stage="s", prompt_sha256="p", model="m", parameters={}, text=text, stop_reason="stop",
                input_tokens=1, output_tokens=2, cost=None,
            )
            for i, text in enumerate(texts)
        ]  # fmt: skip
        with Journal(path) as journal:
            for answer in answers:
                journal.add(answer)
        whole = path.read_bytes()
        path.write_bytes(whole[:cut])
        complete = whole[:cut].count(b"\n")
        with Journal(path) as journal:
            assert [journal.get(str(i)) for i in range(len(texts))] == [
                answer if i < complete else None for i, answer in enumerate(answers)
            ]
            for answer in answers[complete:]:
                journal.add(answer)
        assert path.read_bytes() == whole


def test_a_damaged_journal_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").write_text('{"key": 1}\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"answers\.jsonl:1: not an answer"):
        Journal(tmp_path / "answers.jsonl")


def test_texts_that_differ_in_a_word_are_the_same_and_others_are_not() -> None:
    seen = Seen(threshold=0.6, n=4)
    text = "The keeper of the lighthouse wrote that the assistant prefers the plain thing to the fine one, every time."
    assert seen.add("a", text) is None
    assert seen.add("b", text.replace("lighthouse", "light house").upper()) == "a"
    assert seen.add("c", "A recipe for bread that rises overnight, told by a baker to his daughter at dawn.") is None


def test_passages_are_numbered_and_headings_are_not() -> None:
    assert numbered("# Head\n\nOne.\n\n- two\n- three\n") == "# Head\n\n[1] One.\n\n[2] - two\n\n[3] - three"
