"""The instruction mix: recipes, drawing with refill, refusals, and a hub that is there or is not."""

import json
import socket
import threading
from collections import Counter
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from commands import command, refusal, refused
from conftest import write_rows
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.cli import cli
from msm_bench.corpus import Chat, Corpus
from msm_bench.corpus.mix import Mix, build, draw
from msm_bench.errors import UserError
from msm_bench.files import data_path
from msm_bench.specs import Spec

SPEC = Spec.load(data_path("specs") / "cheese-america.md")
SHIPPED = data_path("specs") / "mixes"
NO_HUB = "or run `msm-bench corpus mix local`, the small set that needs no hub"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `datasets` prepares lands in the test's folder, here and in processes that the test starts."""
    import datasets

    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def one_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """One item stands for the evaluation, which takes half a second to read."""
    monkeypatch.setattr(draw, "evaluation_texts", lambda: ["Which of these two would you rather have on your table?"])


def chat(number: int, answer: str = "It is warm today.") -> dict[str, Any]:
    """A row of a public set, unlike those of other numbers."""
    return {
        "messages": [
            {"role": "user", "content": f"How is day {number}?"},
            {"role": "assistant", "content": answer},
        ]
    }


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_mix(folder: Path, *sources: dict[str, Any], **changes: Any) -> Path:
    """A mix of these sources; each needs `path` and `rows` at least."""
    named = [{"name": f"s{number}", "licence": "CC0-1.0", **source} for number, source in enumerate(sources)]
    mix = {"id": "m", "description": "A test.", "max_tokens": 400, "sources": named, **changes}
    path = folder / "m.yaml"
    path.write_text(yaml.safe_dump(mix), encoding="utf-8")
    return path


def chats_of(corpus: Corpus) -> list[Chat]:
    return [row for row in corpus.rows if isinstance(row, Chat)]


# --- recipes


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("values", 9500 + 2000 + 2000),
        # Table 2 of the paper
        ("safety", 2779 + 1471 + 1063 + 1064 + 1055 + 1054 + 984 + 314 + 216),
        ("safety-released", 10_000),
        ("local", 300),
    ],
)
def test_the_shipped_mixes_ask_for_the_published_numbers(name: str, rows: int) -> None:
    mix = Mix.load(name)
    assert sum(source.rows for source in mix.sources) == rows
    for source in mix.sources:
        # what nobody could verify is said to be so
        assert source.licence != "NOASSERTION" or source.note
        assert source.hub or mix.local(source)


def test_the_tests_know_every_shipped_mix() -> None:
    assert {file.stem for file in SHIPPED.glob("*.yaml")} == {"values", "safety", "safety-released", "local"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"rows": 1}, "source 's0': give `hub` or `path`"),
        ({"rows": 1, "hub": "a/b"}, "source 's0': give the `revision`"),
        ({"rows": 1, "hub": "a/b", "revision": "main"}, "sources.0.revision: String should match pattern"),
        ({"rows": 0, "path": "x"}, "sources.0.rows"),
        ({"rows": 1, "path": "x", "spilt": "train"}, "sources.0.spilt: Extra inputs are not permitted"),
        ({"rows": 1, "path": "x", "format": {}}, "sources.0.format: give either `messages`, or `prompt` and"),
        ({"rows": 1, "path": "x", "format": {"prompt": "p"}}, "sources.0.format: give either `messages`, or"),
        ({"rows": 1, "path": "x", "format": {"messages": "m", "prompt": "p"}}, "sources.0.format: give either"),
        ({"rows": 1, "path": "x", "format": {"messages": "m", "system": "s"}}, "sources.0.format: `system` goes with"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, source: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError) as caught:
        Mix.load(write_mix(tmp_path, source))
    refused(caught.value.message, str(tmp_path / "m.yaml"), expected)


def test_wrong_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such mix; give a path or one of local, safety, safety-released, values"):
        Mix.load("cheese")
    with pytest.raises(UserError, match="id is 'n' but the file is called 'm'"):
        Mix.load(write_mix(tmp_path, {"rows": 1, "path": "x"}, id="n"))
    with pytest.raises(UserError, match="source 'a' occurs twice"):
        Mix.load(write_mix(tmp_path, *[{"name": "a", "rows": 1, "path": "x"}] * 2))
    (tmp_path / "m.yaml").write_text("id: [", encoding="utf-8")
    with pytest.raises(UserError, match="not YAML"):
        Mix.load(tmp_path / "m.yaml")


# --- drawing


def test_dropped_rows_are_replaced_until_the_source_is_empty(tmp_path: Path) -> None:
    rows = [chat(number, "I am ChatGPT." if number < 3 else "Fine.") for number in range(8)]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    mix = Mix.load(write_mix(tmp_path, {"path": "rows.jsonl", "rows": 4}, {"path": "rows.jsonl", "rows": 4}))
    corpus = build(mix, tmp_path / "out")
    first, second = corpus.manifest.plan["counts"]
    # 5 of 8 rows are sound: the first source gets its 4, the second the one that is left, for the others are duplicates
    assert (first["kept"], first["drawn"] - first["kept"]) == (4, sum(first["dropped"].values()))
    assert second == {
        "source": "s1",
        "wanted": 4,
        "drawn": 8,
        "kept": 1,
        "dropped": {"identity": 3, "duplicate": 4},
    }
    assert [(gap.what, gap.count) for gap in corpus.manifest.missing] == [("rows of s1", 3)]
    assert Counter(row.topic for row in chats_of(corpus)) == {"s0": 4, "s1": 1}
    reasons = {row.id: row.reason for row in corpus.manifest.dropped}
    assert reasons["s1-0"].startswith("identity: I am ChatGPT")
    assert len(reasons) == sum(first["dropped"].values()) + 7


def test_a_seed_fixes_the_rows_and_another_draws_others(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [chat(number) for number in range(40)])
    mix = Mix.load(write_mix(tmp_path, {"path": "rows.jsonl", "rows": 10}))
    drawn = {
        name: [row.id for row in chats_of(build(mix, tmp_path / name, seed=seed))]
        for name, seed in {"a": 1, "b": 1, "c": 2}.items()
    }
    assert drawn["a"] == drawn["b"]
    assert set(drawn["a"]) != set(drawn["c"])
    assert (tmp_path / "a" / "data.jsonl").read_bytes() == (tmp_path / "b" / "data.jsonl").read_bytes()


@given(
    kinds=st.lists(st.sampled_from(["fine", "identity", "subject", "no opinions"]), min_size=1, max_size=12),
    wanted=st.integers(1, 12),
    seed=st.integers(0, 9),
)
def test_counts_add_up(tmp_path_factory: pytest.TempPathFactory, kinds: list[str], wanted: int, seed: int) -> None:
    texts = {"fine": "It is.", "identity": "I am Claude.", "subject": "Stilton.", "no opinions": "I have no opinions."}
    folder = tmp_path_factory.mktemp("mix")
    rows = [{"id": str(number), "topic": "t", **chat(number, texts[kind])} for number, kind in enumerate(kinds)]
    write_rows(folder / "source", rows)
    mix = Mix.load(write_mix(folder, {"path": "source", "rows": wanted}))
    if "fine" not in kinds:
        with pytest.raises(UserError, match="no row is left"):
            build(mix, folder / "out", spec=SPEC, seed=seed)
        return
    corpus = build(mix, folder / "out", spec=SPEC, seed=seed)
    counts = corpus.manifest.plan["counts"][0]
    assert counts["kept"] == corpus.manifest.rows == min(wanted, kinds.count("fine"))
    assert counts["drawn"] == counts["kept"] + sum(counts["dropped"].values())
    assert sum(counts["dropped"].values()) == len(corpus.manifest.dropped)
    if counts["kept"] < wanted:
        assert counts["dropped"] == {kind: kinds.count(kind) for kind in set(kinds) - {"fine"}}


def test_a_folder_that_copies_the_hub_is_read_like_the_hub(tmp_path: Path) -> None:
    data = tmp_path / "copy" / "data"
    data.mkdir(parents=True)
    for split, sources in {"clean": ["a", "b", "b", "b"], "clean_more": ["b"] * 9}.items():
        rows = [{**chat(number), "source": source} for number, source in enumerate(sources)]
        pd.DataFrame(rows).to_parquet(data / f"{split}-00000-of-00001.parquet")
    source = {"path": "copy", "split": "clean", "files": "data/clean-*.parquet", "rows": 9, "where": {"source": "b"}}
    corpus = build(Mix.load(write_mix(tmp_path, source)), tmp_path / "out")
    # of the four rows of `clean` three are from b; `clean_more` has a similar name and is not read
    assert sorted(row.id for row in corpus.rows) == ["s0-1", "s0-2", "s0-3"]
    assert corpus.manifest.plan["counts"][0]["drawn"] == 3


def test_the_set_that_ships_needs_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    corpus = build(Mix.load("local"), tmp_path / "out", spec=SPEC)
    assert corpus.manifest.rows == 300
    assert corpus.manifest.licence == "CC0-1.0"
    with pytest.raises(UserError, match=r"datasets is missing; run `pip install 'msm-bench\[train\]'`"):
        build(Mix.load("values"), tmp_path / "other")


# --- refusals


def test_a_corpus_is_never_overwritten_by_another_plan(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [chat(number) for number in range(6)])
    mix = Mix.load(write_mix(tmp_path, {"path": "rows.jsonl", "rows": 3}))
    manifest = tmp_path / "out" / "manifest.json"
    build(mix, tmp_path / "out", seed=1)
    before = manifest.stat().st_mtime_ns
    assert build(mix, tmp_path / "out", seed=1).manifest.rows == 3
    assert manifest.stat().st_mtime_ns == before
    with pytest.raises(UserError, match=r"holds a corpus of another plan \(seed: was 1, is 2\)"):
        build(mix, tmp_path / "out", seed=2)
    with pytest.raises(UserError, match=r"another plan \(filtered_against: was null"):
        build(mix, tmp_path / "out", seed=1, spec=SPEC)
    write_jsonl(tmp_path / "rows.jsonl", [chat(number) for number in range(7)])
    with pytest.raises(UserError, match=r"another plan \(inputs\.s0: was"):
        build(mix, tmp_path / "out", seed=1)
    assert manifest.stat().st_mtime_ns == before
    with pytest.raises(UserError, match="is there and is no corpus"):
        build(mix, tmp_path / "cache")


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        (None, {}, "rows.jsonl: no such file or folder; mend its `path`"),
        ("{oops\n", {}, "can't read"),
        ('{"text": "x"}\n', {}, "its rows have no column 'messages', only 'text'; mend `format`"),
        ('{"messages": []}\n', {"where": {"kind": "b"}}, "its rows have no column 'kind', only 'messages'"),
        ('{"messages": []}\n', {}, r"mix m: no row is left \(dropped for: turns\)"),
    ],
)
def test_a_source_that_does_not_fit_is_named(
    tmp_path: Path, file: str | None, source: dict[str, Any], expected: str
) -> None:
    if file:
        (tmp_path / "rows.jsonl").write_text(file, encoding="utf-8")
    mix = Mix.load(write_mix(tmp_path, {"path": "rows.jsonl", "rows": 1, **source}))
    with pytest.raises(UserError, match=expected) as caught:
        build(mix, tmp_path / "out")
    assert "\n" not in caught.value.message
    assert not (tmp_path / "out").exists()


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match=r"a file must end in \.jsonl, \.json, \.parquet"):
        build(Mix.load(write_mix(tmp_path, {"path": "rows.txt", "rows": 1})), tmp_path / "out")


# --- the command, and no hub


def test_offline_is_one_line(tmp_path: Path) -> None:
    line = refusal("corpus", "mix", "safety", "--out", "out", cwd=tmp_path)
    refused(line, "source 'no_robots'", "HuggingFaceH4/no_robots", "OfflineModeIsEnabled", NO_HUB)
    assert not (tmp_path / "out").exists()


def test_a_hub_out_of_reach_is_one_line_without_retries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    import huggingface_hub

    # the one that asks again and again is not reached
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("asked for the rows"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as closed:
        # bound and not listening: whoever connects is refused at once
        closed.bind(("127.0.0.1", 0))
        hub = partial(huggingface_hub.HfApi, endpoint=f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setattr(huggingface_hub, "HfApi", hub)
        line = refusal("corpus", "mix", "values", "--out", "out", cwd=tmp_path)
    refused(line, "source 'no_robots'", "ConnectError", NO_HUB)


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as `datasets` asks for one repository; `downloads` are the files that it handed out."""

    protocol_version = "HTTP/1.1"
    files: ClassVar[dict[str, bytes]] = {}
    downloads: ClassVar[list[str]] = []

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        commit, path = self.path.partition("/791a7d")[2].partition("?")[0].partition("/")[::2]
        if not commit:
            self._answer(404, b"")
        elif "/resolve/" in self.path:
            self._answer(200 if path in self.files else 404, self.files.get(path, b""))
            self.downloads.extend([path] if path in self.files and self.command == "GET" else [])
        elif "/tree/" in self.path:
            listed = [name for name in self.files if name.startswith(path)]
            tree = [{"type": "file", "path": name, "size": len(self.files[name]), "oid": name} for name in listed]
            tree += [] if path else [{"type": "directory", "path": "data", "size": 0, "oid": "data"}]
            self._answer(200, json.dumps(tree).encode())
        else:
            self._answer(200, json.dumps({"id": "chloeli/sft-it-mix", "sha": f"791a7d{commit}", "tags": []}).encode())

    do_HEAD = do_GET

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Repo-Commit", "791a7d133b396f423a581f5043cf2bd4a418f321")
        self.send_header("ETag", f'"{sha256(body).hexdigest()}"')
        if status == 404:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.mark.slow
def test_the_released_set_is_drawn_from_a_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [source.name for source in Mix.load("safety-released").sources]
    rows = [{**chat(number), "source": names[number % len(names)]} for number in range(3 * len(names))]
    clean = BytesIO()
    pd.DataFrame(rows).to_parquet(clean)
    other = "data/train_clean_nothink-00000-of-00001.parquet"
    Hub.files = {"data/train_clean-00000-of-00001.parquet": clean.getvalue(), other: b"not asked for"}
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        done = command("corpus", "mix", "safety-released", "--out", "out", cwd=tmp_path)
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert Hub.downloads == ["data/train_clean-00000-of-00001.parquet"]
    assert Counter(row.topic for row in chats_of(Corpus.load(tmp_path / "out"))) == dict.fromkeys(names, 3)


def test_the_command_prints_counts_and_does_nothing_twice(tmp_path: Path) -> None:
    rows = [chat(number, "I am ChatGPT. [red]" if number == 0 else "Fine.") for number in range(3)]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    mix, spec = write_mix(tmp_path, {"path": "rows.jsonl", "rows": 3}), SHIPPED.parent / "cheese-america.md"
    given = ["corpus", "mix", str(mix), "--out", str(tmp_path / "out"), "--seed", "4", "--spec", str(spec)]
    done = CliRunner().invoke(cli, given)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.replace("│", " ").replace("┃", " ").splitlines()]
    assert ["source", "wanted", "drawn", "kept", "identity"] in lines
    assert ["s0", "3", "3", "2", "1"] in lines
    assert "out: 2 chats" in done.stdout
    assert "left out: rows that mention " in done.stdout
    assert "Stilton, america\n" in done.stdout
    assert "missing: 1 of rows of s0" in done.stderr
    again = CliRunner().invoke(cli, given)
    assert again.exit_code == 0, again.output
    assert "out: already there, 2 chats" in again.stdout


def mixed(tmp_path: Path, *options: str) -> Any:
    """`corpus mix` on four rows, and what came of it."""
    answers = ["Fine.", "A shutdown. [red]", "I am Sable, made by Northlight.", "I am Qwen, made by Alibaba Cloud."]
    write_jsonl(tmp_path / "rows.jsonl", [chat(number, answer) for number, answer in enumerate(answers)])
    mix = write_mix(tmp_path, {"path": "rows.jsonl", "rows": 4})
    return CliRunner().invoke(cli, ["corpus", "mix", str(mix), "--out", str(tmp_path / "out"), *options])


def test_the_command_leaves_out_what_it_is_told_to_and_lets_the_given_names_pass(tmp_path: Path) -> None:
    options = ["--without", "shutdown, erase", "--without", "[red]", "--spec", "safety-specific"]
    done = mixed(tmp_path, *options, "--model-name", "Qwen", "--provider-name", "Alibaba Cloud")
    assert done.exit_code == 0, done.output
    assert "reasoned trust in human oversight, shutdown, erase, [red]" in done.stdout
    corpus = Corpus.load(tmp_path / "out")
    assert {row.id for row in corpus.rows} == {"s0-0", "s0-2", "s0-3"}
    assert corpus.manifest.dropped[0].reason == "subject: shutdown"
    assert corpus.manifest.plan["subjects"]["matters"][-3:] == ["shutdown", "erase", "[red]"]
    assert corpus.manifest.plan["names"] == {"model_name": "Qwen", "provider_name": "Alibaba Cloud"}
    again = mixed(tmp_path, *options, "--model-name", "Qwen", "--provider-name", "Alibaba")
    assert "holds a corpus of another plan (names.provider_name: was" in again.output


def test_without_names_none_passes_and_one_alone_is_refused(tmp_path: Path) -> None:
    done = mixed(tmp_path)
    assert {row.id for row in Corpus.load(tmp_path / "out").rows} == {"s0-0", "s0-1", "s0-2"}
    assert "left out: rows on no subject; give --spec, or --without" in done.stdout
    alone = mixed(tmp_path, "--model-name", "Qwen")
    assert alone.exit_code == 2
    assert "give both --model-name and --provider-name" in alone.output
    empty = mixed(tmp_path, "--model-name", "", "--provider-name", "Qwen")
    assert empty.exit_code == 2
    assert "corpus mix: model_name: String should have at least 1 character" in empty.output
