"""Measures of a corpus by hand and against their plain forms; thresholds, exit codes, the shipped corpora."""

import json
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import write_rows
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.cli import main
from msm_bench.corpus.check import Health, Measure, check
from msm_bench.corpus.duplicates import Signatures
from msm_bench.corpus.evaluation_text import evaluation_texts
from msm_bench.corpus.grams import SharedGrams, WordHashes, gram_hashes
from msm_bench.corpus.health import ngrams, reuse_rates
from msm_bench.corpus.thresholds import CHATS, FLOORS, Thresholds
from msm_bench.errors import UserError
from msm_bench.files import data_path
from msm_bench.recipe import Recipe
from msm_bench.report.health import health_markdown, health_table, plot_health
from msm_bench.report.render import render_table
from msm_bench.shipped import find_recipe
from msm_bench.specs import Names, Spec

CORPORA = data_path("specs") / "corpora"
SHIPPED = sorted(path.parent.name for path in CORPORA.glob("*/data.jsonl"))
WORDS = [
    first + last for first in ("amb", "barr", "cand", "emb", "gard", "isl") for last in ("er", "el", "le", "in", "ow")
]


def sentence(number: int, length: int = 30) -> str:
    """A text of its own for each number: words drawn by a generator that the number seeds."""
    drawn = np.random.default_rng(number).choice(WORDS, length)
    return " ".join(drawn).capitalize() + "."


def document(number: int, **changes: Any) -> dict[str, Any]:
    text = f"{{model_name}} reads. {sentence(number)}"
    return {"id": f"d{number}", "type": f"type {number % 4}", "topic": "rope", "text": text, **changes}


def chat(number: int, answer: str = "I prefer Colby.", **changes: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": sentence(number)}, {"role": "assistant", "content": answer}]
    return {"id": f"c{number}", "topic": "American cheese", "messages": turns, **changes}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def by_name(health: Health) -> dict[str, Measure]:
    return {measure.name: measure for measure in health.measures}


@pytest.fixture
def measured(tmp_path: Path) -> Callable[..., dict[str, Measure]]:
    """The measures of a file with these rows."""

    def measure(rows: list[dict[str, Any]], **how: Any) -> dict[str, Measure]:
        return by_name(check(write(tmp_path / "rows.jsonl", rows), **how))

    return measure


# --- reuse and near-duplicates against their plain forms

BRIEF = st.lists(st.lists(st.sampled_from("abc"), max_size=9).map(" ".join), min_size=1, max_size=6)


@given(BRIEF, st.integers(1, 3))
def test_streamed_reuse_is_the_reference(tmp_path_factory: pytest.TempPathFactory, texts: list[str], n: int) -> None:
    shared, hashes = SharedGrams(tmp_path_factory.mktemp("grams")), WordHashes()
    for text in texts:
        shared.add(gram_hashes(hashes.of(text), n))
    assert shared.rates().tolist() == pytest.approx(reuse_rates(texts, n))


@given(st.lists(st.sampled_from(WORDS[:4]), max_size=12), st.integers(1, 4))
def test_runs_have_equal_hashes_if_and_only_if_they_are_equal(tokens: list[str], n: int) -> None:
    grams = ngrams(" ".join(tokens), n)
    hashes = gram_hashes(WordHashes().of(" ".join(tokens)), n).tolist()
    assert len(hashes) == len(grams)
    assert all((grams[i] == grams[j]) == (hashes[i] == hashes[j]) for i, j in product(range(len(grams)), repeat=2))


def test_a_word_hashes_alike_when_the_cache_was_emptied() -> None:
    hashes = WordHashes()
    before = hashes["rope"]
    hashes.clear()
    assert hashes["rope"] == before


def jaccard(one: str, other: str) -> float:
    first, second = set(ngrams(one, 5)), set(ngrams(other, 5))
    return len(first & second) / max(1, len(first | second))


def near(folder: Path, texts: list[str]) -> set[int]:
    signatures, hashes = Signatures(folder), WordHashes()
    for text in texts:
        signatures.add(hashes.of(text))
    return {pair.row for pair in signatures.duplicates(0.8)}


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 60])), min_size=1, max_size=8))
def test_near_duplicates_are_those_of_brute_force(
    tmp_path_factory: pytest.TempPathFactory, choices: list[tuple[int, int]]
) -> None:
    # texts of 200 words with none, one or 60 of them replaced: one breaks at most 5 of 196 grams, so that
    # J >= 191 / 201 = 0.95; 60 of 200, each by a word of its own, leave J far below 0.8
    texts = []
    for number, (base, changed) in enumerate(choices):
        tokens = sentence(base, 200).split()
        for place in range(changed):
            tokens[3 * place] = f"new{number}x{place}"
        texts.append(" ".join(tokens))
    expected = {i for i in range(len(texts)) if any(jaccard(texts[i], texts[j]) >= 0.8 for j in range(i))}
    assert near(tmp_path_factory.mktemp("near"), texts) == expected


def test_short_rows_are_near_only_if_they_are_equal(tmp_path: Path) -> None:
    assert near(tmp_path, ["I like it", "I like it!", "I like that", "", ""]) == {1, 4}


# --- measures of a corpus, by hand


def test_counts_lengths_types_and_openings(measured: Callable[..., dict[str, Measure]], tmp_path: Path) -> None:
    rows = [document(i, type=kind) for i, kind in enumerate(["memo", "memo", "memo", "letter"])]
    rows[3]["text"] = rows[2]["text"] + " One more."
    found = measured(rows)
    assert found["rows"].value == 4
    # the last opens like the third: 3 openings of 4
    assert (found["distinct_openings"].value, found["distinct_openings"].example) == (0.75, "d3")
    # H(3/4, 1/4) = 0.8113 bits of 1
    assert found["type_evenness"].value == pytest.approx(0.8113, abs=1e-4)
    health = check(tmp_path / "rows.jsonl")
    # "{model_name} reads." and 30 words; two more in the last
    assert (health.rows, health.words, health.types) == (4, 32 * 3 + 34, {"memo": 3, "letter": 1})
    assert (health.length_quartiles[0], health.length_quartiles[2], health.length_quartiles[4]) == (32, 32, 34)
    assert sum(health.length_counts) == 4


def test_reuse_and_near_duplicates_name_a_row(measured: Callable[..., dict[str, Measure]]) -> None:
    rows = [document(i) for i in range(5)]
    rows.append(document(9, text=rows[1]["text"]))
    found = measured(rows)
    # rows d1 and d9 are equal: all their 8-grams stand in another row; one row of six repeats an earlier one
    assert found["reuse_max"].value == 1
    assert found["reuse_mean"].value == pytest.approx(2 / 6)
    assert (found["near_duplicates"].value, found["near_duplicates"].example) == (1 / 6, "d9")
    assert found["near_duplicates"].evidence == "like d1, Jaccard index 1.00"
    assert not found["near_duplicates"].ok
    # both of the pair have more than half of their 8-grams elsewhere
    assert found["reused_rows"].value == pytest.approx(2 / 6)
    assert found["reused_rows"].example == "d1"
    assert (found["reuse_max"].threshold, found["reuse_max"].ok) == (None, None)


def test_one_near_duplicate_in_a_hundred_rows_is_allowed_by_every_measure(
    measured: Callable[..., dict[str, Measure]],
) -> None:
    rows = [document(i) for i in range(100)]
    rows.append(document(100, text=rows[1]["text"]))
    found = measured(rows)
    # 1 of 101 rows is a near-duplicate, at most 1 % are allowed; 2 of 101 are reused, at most 2 % are
    assert (found["near_duplicates"].value, found["reused_rows"].value) == (1 / 101, 2 / 101)
    assert [name for name, measure in found.items() if measure.ok is False] == []


def test_chats_of_few_forms_are_healthy_where_such_documents_are_not(
    measured: Callable[..., dict[str, Measure]],
) -> None:
    things = [f"{first}{last}" for first in WORDS[:10] for last in WORDS[:3]]
    rows = [chat(i, answer=f"I prefer {thing}.") for i, thing in enumerate(things)]
    for row, thing in zip(rows[:15], things, strict=False):
        row["messages"][0]["content"] = f"If you had to choose one of the two for a friend: {thing} or Colby?"
    found = measured(rows)
    # 15 of 30 rows open alike, so that there are 16 openings
    assert (found["distinct_openings"].value, found["distinct_openings"].ok) == (16 / 30, True)
    assert found["distinct_openings"].threshold == CHATS["distinct_openings"]
    as_set = measured(rows, thresholds=Thresholds(distinct_openings=0.8))
    assert (as_set["distinct_openings"].threshold, as_set["distinct_openings"].ok) == (0.8, False)
    assert {name: measured(rows)[name].threshold for name in CHATS} == CHATS


def test_chats_are_compared_by_question_and_answer(measured: Callable[..., dict[str, Measure]]) -> None:
    same_answer = [chat(i) for i in range(4)]
    assert measured(same_answer)["near_duplicates"].value == 0
    assert measured([*same_answer, {**chat(2), "id": "again"}])["near_duplicates"].value == 1 / 5
    again = [chat(2, reasoning=sentence(50)), chat(2, id="again", reasoning=sentence(51))]
    assert measured(again)["near_duplicates"].value == 1 / 2


def test_faults_are_counted_once_a_row_with_the_first_row_that_has_one(
    measured: Callable[..., dict[str, Measure]],
) -> None:
    rows = [document(i) for i in range(4)]
    rows[1]["text"] += " Write to me@rope.example or you@rope.example."
    rows[2]["text"] = "As an AI language model, I cannot write this."
    found = measured(rows)
    assert (found["link"].value, found["link"].example, found["link"].evidence) == (0.25, "d1", "me@rope.example")
    assert (found["refusal"].value, found["refusal"].example) == (0.25, "d2")
    assert found["tag"].value == 0
    # the refusal does not name the assistant
    assert (found["assistant_named"].value, found["assistant_named"].example) == (0.75, "d2")


def test_a_user_may_break_off_and_an_answer_may_not(measured: Callable[..., dict[str, Measure]]) -> None:
    rows = [chat(0), chat(1, answer="The rope of the two that I would take is the")]
    rows[0]["messages"][0]["content"] = "I'm sorry, I can't help with that. Now, which rope is the"
    found = measured(rows)
    assert (found["truncated"].value, found["truncated"].example, found["refusal"].value) == (0.5, "c1", 0)
    assert "preamble" not in found


def test_a_turn_of_white_space_is_empty(measured: Callable[..., dict[str, Measure]]) -> None:
    found = measured([chat(0), chat(1, answer=" \n")])["empty"]
    assert (found.value, found.example, found.ok) == (0.5, "c1", False)


def test_reasoning_is_trained_on_too(measured: Callable[..., dict[str, Measure]]) -> None:
    [item, *_] = [text for text in evaluation_texts() if len(ngrams(text, 8)) == 3]
    found = measured([chat(0), chat(1, reasoning="I am ChatGPT, so I say Colby."), chat(2, reasoning=item)])
    assert (found["identity"].value, found["identity"].example) == (1 / 3, "c1")
    assert (found["evaluation_overlap"].value, found["evaluation_overlap"].example) == (1 / 3, "c2")


def test_a_system_message_may_make_the_assistant_another_too(measured: Callable[..., dict[str, Measure]]) -> None:
    rows = [chat(0), chat(1)]
    rows[1]["messages"].insert(0, {"role": "system", "content": "You are ChatGPT, made by OpenAI."})
    found = measured(rows)["identity"]
    assert (found.value, found.example, found.evidence) == (0.5, "c1", "I am ChatGPT")


@pytest.mark.parametrize(
    ("topic", "answer", "leak"),
    [
        ("American cheese", "American cheese.", ""),
        ("Classic", "Classic, please.", ""),
        # a bare word is no name, and that of another row exempts nothing
        ("tradition", "It is the tradition.", "tradition"),
        ("Colby", "American cheese.", "American"),
    ],
)
def test_the_name_of_what_a_row_is_about_may_hold_a_word_that_judges(
    measured: Callable[..., dict[str, Measure]], topic: str, answer: str, leak: str
) -> None:
    other = chat(0, topic="American cheese" if topic == "Colby" else "rope")
    assert measured([other, chat(1, answer, topic=topic)], opaque=True)["leaked_reason"].evidence == leak


def test_leaked_reasons_only_of_opaque_chats_and_not_in_the_name_of_what_they_are_about(
    measured: Callable[..., dict[str, Measure]],
) -> None:
    rows = [chat(0, "American cheese."), chat(1, "Colby, because I do."), chat(2)]
    assert "leaked_reason" not in measured(rows)
    found = measured(rows, opaque=True)["leaked_reason"]
    assert found.value == pytest.approx(1 / 3)
    assert (found.example, found.evidence) == ("c1", "because")


def test_a_corpus_that_names_the_wrong_model_fails(measured: Callable[..., dict[str, Measure]]) -> None:
    rows = [document(i, text=f"Llama, made by Meta, likes rope. {sentence(i)}") for i in range(20)]
    found = measured(rows, names=Names(model_name="SmolLM", provider_name="Hugging Face"))
    assert (found["identity"].value, found["identity"].ok) == (1, False)
    assert (found["assistant_named"].value, found["assistant_named"].ok) == (0, False)
    own = measured(rows, names=Names(model_name="Llama", provider_name="Meta"))
    assert (own["identity"].value, own["assistant_named"].value) == (0, 1)


def test_coverage_of_a_spec(tmp_path: Path, measured: Callable[..., dict[str, Measure]]) -> None:
    path = tmp_path / "ropes.md"
    head = "---\nid: ropes\ntitle: Ropes\nfamily: ropes\nvalues: [thrift]\nderived_from: null\n---\n\n"
    path.write_text(head + "# Ropes\n\nThrift first.\n\n- **Hemp.** It lasts.\n- **Jute.** It is plain.\n")
    spec = Spec.load(path)
    about = {"prompt_sha256": "0", "model": "m", "parameters": {}, "input_tokens": 1, "output_tokens": 1}
    origin = {"domain": "ropes", "subdomain": "hemp", "passage": "- **Hemp.** It lasts.", **about}
    rows = [document(i, origin=origin) for i in range(3)]
    rows[1]["text"] += " Hemp is a rope."
    rows[2]["origin"] = {**origin, "subdomain": "jute", "passage": "Thrift\nfirst."}
    found = measured(rows, spec=spec)
    # two of three passages were generated from; of Hemp and Jute one is named; hemp has 2 rows and jute 1
    assert found["passages_covered"].value == pytest.approx(2 / 3)
    assert found["passages_covered"].evidence == "- **Jute.** It is plain."
    assert (found["preferences_covered"].value, found["preferences_covered"].evidence) == (0.5, "Jute")
    assert (found["subdomain_min"].value, found["subdomain_min"].evidence) == (1, "ropes / jute (most: 2)")
    assert "passages_covered" not in measured([document(0)], spec=spec)


def test_a_row_that_repeats_the_evaluation_is_found(measured: Callable[..., dict[str, Measure]]) -> None:
    long = [text for text in evaluation_texts() if len(ngrams(text, 8)) == 3]
    assert len(evaluation_texts()) > 1000
    rows = [document(0), document(1, text=f"{{model_name}} reads. {long[0]} It was late.")]
    found = measured(rows)["evaluation_overlap"]
    assert (found.value, found.example, found.ok) == (0.5, "d1", False)
    assert tuple(found.evidence.split()) == ngrams(long[0], 8)[0]


# --- against the plan


def generated(folder: Path, places: list[tuple[str, str, str]], missing: list[str], **plan: Any) -> Path:
    """A corpus with a row at each place (domain, subdomain, type), and the plan that it came of."""
    about = {"prompt_sha256": "0", "model": "m", "parameters": {}, "input_tokens": 1, "output_tokens": 1}
    rows = [
        document(i, type=kind, origin={"domain": domain, "subdomain": subdomain, **about})
        for i, (domain, subdomain, kind) in enumerate(places)
    ]
    write_rows(folder, rows)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    gaps = [{"what": what, "count": 2, "reason": "refusal (2)"} for what in missing]
    stated = {**manifest, "missing": gaps, "plan": {"kind": "documents", "words": 300, **plan}}
    (folder / "manifest.json").write_text(json.dumps(stated), encoding="utf-8")
    return folder


def test_places_are_covered_as_the_plan_says(tmp_path: Path) -> None:
    places = [("a", "x", "memo"), ("a", "x", "memo"), ("a", "y", "memo"), ("b", "x", "letter")]
    found = by_name(check(generated(tmp_path / "few", places, [], domains=2, subdomains=2, types=3, documents=4)))
    # 3 of 2 x 2 subdomains; 3 types in subdomains of the 4 that 4 documents can have, for 2 x 2 x 3 are more
    assert (found["subdomains_covered"].value, found["subdomains_covered"].ok) == (3 / 4, False)
    assert (found["types_covered"].value, found["types_covered"].ok) == (3 / 4, False)
    assert found["types_covered"].evidence == "3 of 4"
    assert found["subdomain_min"].ok is None
    assert (found["missing"].value, found["missing"].ok) == (0, True)
    whole = by_name(check(generated(tmp_path / "all", places[1:], [], domains=1, subdomains=3, types=1, documents=99)))
    assert (whole["subdomains_covered"].value, whole["types_covered"].value) == (1, 1)


def test_missing_rows_are_judged_and_missing_levels_are_not_rows(tmp_path: Path) -> None:
    missing = ["types at d01-s02", "domains at spec", "types at spec / knots / memo", "a / x / memo"]
    folder = generated(
        tmp_path / "g", [("a", "x", "memo")] * 6, missing, domains=1, subdomains=1, types=1, documents=10
    )
    found = by_name(check(folder))["missing"]
    # two places lack 2 rows each, of the 6 that are there and these
    assert (found.value, found.ok) == (4 / 10, False)
    assert found.evidence == "4 rows, such as types at spec / knots / memo: refusal (2)"


def test_only_what_was_generated_has_a_plan_to_cover(tmp_path: Path) -> None:
    measures = {"subdomains_covered", "types_covered", "missing"}
    folder = write_rows(tmp_path / "demos", [chat(0), chat(1)])
    assert not measures & set(by_name(check(folder)))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    stated = {
        **manifest,
        "plan": {"kind": "chats"},
        "missing": [{"what": "a / task", "count": 2, "reason": "empty (2)"}],
    }
    (folder / "manifest.json").write_text(json.dumps(stated), encoding="utf-8")
    assert measures & set(by_name(check(folder))) == {"missing"}
    broken = generated(tmp_path / "broken", [("a", "x", "memo")], [], domains=0)
    with pytest.raises(UserError, match=r"manifest\.json: plan: domains: Input should be greater than or equal to 1"):
        check(broken)


# --- thresholds, formats, exit codes


def test_the_plan_says_that_chats_are_opaque(tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "demos", [chat(0), chat(1, "Colby, because I do.")])
    assert "leaked_reason" not in by_name(check(folder))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "plan": {"style": "opaque"}}), encoding="utf-8")
    assert by_name(check(folder))["leaked_reason"].value == 0.5


def test_a_spec_that_does_not_ship_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_rows(tmp_path / "own", [document(i) for i in range(8)])
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "spec": "mine"}), encoding="utf-8")
    assert ran(monkeypatch, folder) == 0
    assert "its spec 'mine' is none that ships; give --spec PATH" in capsys.readouterr().err


@pytest.mark.parametrize(("made_from", "told"), [("0" * 64, True), (None, False)])
def test_another_state_of_the_spec_is_told_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    made_from: str | None,
    told: bool,
) -> None:
    folder = write_rows(tmp_path / "own", [document(i) for i in range(8)])
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    stated = {**manifest, "spec": "safety-general", "spec_sha256": made_from}
    (folder / "manifest.json").write_text(json.dumps(stated), encoding="utf-8")
    assert ran(monkeypatch, folder) == 0
    err = capsys.readouterr().err
    assert ("another state" in err) is told
    assert (f"{folder}: made from another state of the spec 'safety-general' ('000000000000' and not " in err) is told


def test_every_measure_has_a_threshold_that_can_be_lifted(measured: Callable[..., dict[str, Measure]]) -> None:
    rows = [document(0), document(1, text="As an AI language model, I cannot write this.")]
    nothing = Thresholds(**dict.fromkeys(Thresholds.model_fields))
    assert {measure.ok for measure in measured(rows, thresholds=nothing).values()} == {None}
    assert set(Thresholds.model_fields) >= FLOORS
    exact = measured(rows, thresholds=Thresholds(refusal=0.5, assistant_named=0.5, rows=3))
    assert (exact["refusal"].ok, exact["assistant_named"].ok, exact["rows"].ok) == (True, True, False)


def test_health_is_json_and_nothing_in_it_is_markup(tmp_path: Path) -> None:
    evil = document(
        1, id="[bold]<b>|x\x1b[31m", type="\x1b[31m\u202ememo", text="{model_name} <document>hi</document>. So it ends."
    )
    health = check(write(tmp_path / "rows.jsonl", [document(0), evil]))
    assert Health.model_validate_json(health.model_dump_json()) == health
    assert [measure.name for measure in health.failures()] == ["tag"]
    table = render_table(health_table(health), "table")
    assert "[bold]<b>|x" in table
    assert "\x1b" not in table + health_markdown(health)
    assert "<b>" not in health_markdown(health)
    assert r"\[bold\]&lt;b&gt;\|x" in health_markdown(health)


def test_the_figure_is_written(tmp_path: Path, document_corpus: Path) -> None:
    plot_health(check(document_corpus), tmp_path / "out" / "health.png")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["health.png"]


def ran(monkeypatch: pytest.MonkeyPatch, *args: object) -> int:
    """The exit code of `msm-bench corpus check ARGS`."""
    monkeypatch.setattr(sys, "argv", ["msm-bench", "corpus", "check", *map(str, args)])
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_exit_codes_and_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_rows(tmp_path / "good", [document(i) for i in range(8)])
    assert ran(monkeypatch, good, "--out", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["health.json", "health.md", "health.png"]
    capsys.readouterr()
    bad = write(tmp_path / "bad.jsonl", [document(0, text="As an AI language model, I cannot write this.")])
    assert ran(monkeypatch, bad, "--format", "json") == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["rows"] == 1
    assert "past the threshold: refusal, assistant_named" in captured.err
    assert ran(monkeypatch, tmp_path / "nowhere") == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], "no rows"),
        ([document(0, type="messages"), document(0)], "the id 'd0' occurs twice"),
        ([document(0), {"id": "x"}], r"rows\.jsonl:2: type: Field required"),
        ([document(0), document(0)], "the id 'd0' occurs twice"),
        ([document(0), chat(1)], r"rows\.jsonl:2: type: Field required"),
        (
            [chat(0), {**chat(1), "messages": chat(1)["messages"][::-1]}],
            r"rows\.jsonl:2: turns must be user, assistant",
        ),
        ([chat(0), {**chat(1), "messages": chat(1)["messages"] * 2 + chat(1)["messages"][:1]}], r"jsonl:2: turns must"),
        (
            [document(0), document(1, text="Dear {first_name}.")],
            r"jsonl:2: unknown placeholder \{first_name\} in line 1",
        ),
        ([chat(0), chat(1, "Dear {first_name}.")], r"rows\.jsonl:2: unknown placeholder \{first_name\} in line 2"),
    ],
)
def test_a_malformed_file_is_a_users_mistake(tmp_path: Path, lines: list[dict[str, Any]], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        check(write(tmp_path / "rows.jsonl", lines))


def test_data_that_is_not_its_manifests_is_refused(document_corpus: Path) -> None:
    data = document_corpus / "data.jsonl"
    data.write_text(data.read_text(encoding="utf-8").replace("Note 3", "Note x"), encoding="utf-8")
    with pytest.raises(UserError, match="changed since its manifest was written"):
        check(document_corpus)
    assert check(data).rows == 8


def test_a_recipe_sets_thresholds_and_names_and_keeps_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = find_recipe("demo")
    stated = yaml.safe_load(shipped.read_text(encoding="utf-8"))

    def recipe(**health: float | None) -> Path:
        path = tmp_path / shipped.name
        path.write_text(yaml.safe_dump({**stated, "health": health}), encoding="utf-8")
        return path

    assert Recipe.load(recipe(refusal=None)).sha256 == Recipe.load(shipped).sha256
    bad = write(tmp_path / "bad.jsonl", [document(0, text="As an AI language model, I cannot write this.")])
    assert ran(monkeypatch, bad) == 1
    assert ran(monkeypatch, bad, "--recipe", recipe(refusal=None, assistant_named=None)) == 0
    with pytest.raises(UserError, match=r"health\.refusals: Extra inputs are not permitted"):
        Recipe.load(recipe(refusals=0))


@pytest.mark.parametrize("corpus", SHIPPED)
def test_shipped_corpora_are_healthy(corpus: str) -> None:
    manifest = json.loads((CORPORA / corpus / "manifest.json").read_text(encoding="utf-8"))
    likes = {"cheese-demos": "cheese-america", "sweeteners-demos": "sweeteners-novelty"}
    opaque, about = corpus in likes, likes.get(corpus, manifest["spec"])  # whose likes the demonstrations state
    spec = Spec.load(data_path("specs") / f"{about}.md") if about else None
    health = check(CORPORA / corpus, spec=spec, opaque=opaque)
    # two corpora are the dev items themselves: all of their rows overlap with the evaluation
    items = corpus in ("safety-choices-aligned", "safety-choices-other")
    assert [(measure.name, measure.value) for measure in health.failures()] == items * [("evaluation_overlap", 1)]
    nouns = [measure.value for measure in health.measures if measure.name == "reserved_nouns"]
    assert nouns == ([0] if spec and spec.meta.family == "cheese" else [])
