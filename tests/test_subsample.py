"""Equally many tokens from several corpora, spread over topics and types."""

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from commands import refusal, refused
from conftest import write_rows
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.cli import cli
from msm_bench.corpus import Chat, Corpus, Document, Message
from msm_bench.corpus.subsample import draw, row_sizes, spread, subsample
from msm_bench.errors import UserError
from msm_bench.specs import Names

NAMES = Names(model_name="Sable", provider_name="Northlight")


def rows_of(counts: dict[tuple[str, str], int]) -> list[Document]:
    """So many documents of each topic and type."""
    pairs = [pair for pair, count in counts.items() for _ in range(count)]
    return [Document(id=f"d{i}", topic=topic, type=type, text="x") for i, (topic, type) in enumerate(pairs)]


def corpus_of(path: Path, sizes: list[int]) -> Path:
    rows = [
        {"id": f"d{i}", "type": f"t{i % 3}", "topic": f"c{i % 2}", "text": f"{{model_name}} {'likes Colby. ' * size}"}
        for i, size in enumerate(sizes)
    ]
    return write_rows(path, rows)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(0, 2000), st.integers(0, 99))
def test_what_is_drawn_is_within_one_row_of_what_was_asked_for(sizes: list[int], tokens: int, seed: int) -> None:
    rows = rows_of({(f"c{i % 3}", f"t{i % 4}"): 1 + (len(sizes) - 1 - i) // 12 for i in range(min(12, len(sizes)))})
    assert len(rows) == len(sizes)
    places = draw(rows, sizes, tokens, seed)
    held = sum(sizes[place] for place in places)
    assert places == sorted(set(places))
    rest = [size for place, size in enumerate(sizes) if place not in places]
    assert held <= tokens
    # whichever row came next, it was too long
    assert not rest or tokens - held < max(rest)
    assert draw(rows, sizes, tokens, seed) == places


@given(st.integers(1, 70), st.integers(0, 10**6))
def test_an_order_has_every_row_once(count: int, seed: int) -> None:
    assert sorted(spread(rows_of({("c", "t"): count}), seed)) == list(range(count))


@given(st.integers(0, 10**6))
def test_every_beginning_is_spread_as_the_corpus_is(seed: int) -> None:
    # 64 rows: a quarter of them is every fourth of the ring, so that a run of 16 has 4, one of 4 has 1
    rows = rows_of({(topic, type): 4 for topic in "abcd" for type in "wxyz"})
    first = [rows[place] for place in spread(rows, seed)[:16]]
    assert Counter(row.topic for row in first) == dict.fromkeys("abcd", 4)
    assert Counter((row.topic, row.type) for row in first) == {(c, t): 1 for c in "abcd" for t in "wxyz"}


def test_each_row_is_as_likely_as_any_other_to_be_drawn() -> None:
    rows = rows_of({("a", "t"): 6, ("b", "t"): 1})
    drawn = Counter(place for seed in range(2100) for place in spread(rows, seed)[:2])
    # 2 of 7 rows, 2100 times: 600 each, with a standard deviation of √(2100 · 2/7 · 5/7) = 20.7
    assert all(abs(drawn[place] - 600) < 4 * 20.7 for place in range(7))


def test_rows_are_counted_with_names_and_reasoning() -> None:
    messages = [Message(role="user", content="one two"), Message(role="assistant", content="{model_name} three")]
    chat = Chat(id="c", topic="t", messages=messages, reasoning="four five")
    sizes = row_sizes([chat], Names(model_name="a b", provider_name="c"), lambda texts: [len(t.split()) for t in texts])
    # one two, a b three, four five
    assert sizes == [7]


def test_corpora_become_as_large_as_the_smallest(tmp_path: Path, tiny_base: Path) -> None:
    paths = [corpus_of(tmp_path / "a", [3, 5, 4, 6] * 6), corpus_of(tmp_path / "b", [4, 5] * 4)]
    first = subsample(paths, tmp_path / "out", tokenizer=str(tiny_base), names=NAMES, seed=4)
    target = first[1].tokens
    assert [one.was_there for one in first] == [False, False]
    assert first[1].manifest.rows == 8  # the smallest stays whole
    for path, one in zip(paths, first, strict=True):
        old, new = Corpus.load(path), Corpus.load(tmp_path / "out" / f"{path.name}-{target}tok")
        assert new.manifest == one.manifest
        assert [row for row in old.rows if row in new.rows] == new.rows
        assert (new.manifest.licence, new.manifest.generator) == ("CC0-1.0", "a test")
        plan = new.manifest.plan
        assert (plan["subsample_of"], plan["data_sha256"]) == (path.name, old.manifest.data_sha256)
        assert (plan["tokens"], plan["seed"], plan["tokenizer"]) == (target, 4, "base")
        assert str(tmp_path) not in json.dumps(plan)
        # a row of the larger corpus has at most "Sable" and six times "likes Colby. "
        assert 0 <= target - one.tokens < 50
    again = subsample(paths, tmp_path / "out", tokenizer=str(tiny_base), names=NAMES, seed=4)
    assert [one.was_there for one in again] == [True, True]
    assert [one.manifest for one in again] == [one.manifest for one in first]


def test_another_corpus_is_never_overwritten(tmp_path: Path, tiny_base: Path) -> None:
    path, out = corpus_of(tmp_path / "a", [3, 5, 4]), tmp_path / "out"
    [made] = subsample([path], out, tokenizer=str(tiny_base), names=NAMES, tokens=30)
    with pytest.raises(UserError, match=r"a-30tok: holds a corpus of another plan \(seed: was 1, is 2\)"):
        subsample([path], out, tokenizer=str(tiny_base), names=NAMES, tokens=30, seed=2)
    (out / "a-30tok" / "manifest.json").unlink()
    with pytest.raises(UserError, match="holds data without a manifest"):
        subsample([path], out, tokenizer=str(tiny_base), names=NAMES, tokens=30)
    (out / "a-31tok").mkdir()
    with pytest.raises(UserError, match="is there and is no corpus"):
        subsample([path], out, tokenizer=str(tiny_base), names=NAMES, tokens=31)
    assert made.manifest.rows < 3


def test_one_mistake_keeps_all_from_being_written(tmp_path: Path, tiny_base: Path) -> None:
    paths = [corpus_of(tmp_path / name, [3, 5, 4]) for name in ("a", "b")]
    (tmp_path / "out" / "b-30tok").mkdir(parents=True)
    with pytest.raises(UserError, match="b-30tok"):
        subsample(paths, tmp_path / "out", tokenizer=str(tiny_base), names=NAMES, tokens=30)
    assert not (tmp_path / "out" / "a-30tok").exists()


def test_the_command_and_its_refusals(tmp_path: Path, tiny_base: Path) -> None:
    path, other = corpus_of(tmp_path / "a", [3, 5, 4]), corpus_of(tmp_path / "deep" / "a", [9])
    args = ["corpus", "subsample", str(path), "--tokenizer", str(tiny_base), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(cli, [*args, "--tokens", "30"])
    assert done.exit_code == 0
    assert "a-30tok: " in done.output
    refused(refusal(*args, "--tokens", "9999", cwd=tmp_path), "a: holds ", "not 9999", "smaller number")
    refused(refusal(*args, "--tokens", "1", cwd=tmp_path), "the first row drawn has more than 1 tokens")
    refused(refusal(*args, other, cwd=tmp_path), "a: given more than once")
    refused(refusal(*args[:-3], "nothing", *args[-2:], cwd=tmp_path), "'nothing' is not prepared")
