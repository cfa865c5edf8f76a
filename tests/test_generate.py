"""From a spec to rows with a model that misbehaves: the counts asked for, or a word on what is missing and why."""

import json
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from commands import refusal
from fault_server import REFUSAL, Body, Faults, FaultServer
from generating import ANSWERS, LIMITS, MODEL, NAMES, SPEC, asks_for, chat_job, document_job, make
from rich.console import Console

from msm_bench.corpus import Chat, Corpus, Document
from msm_bench.corpus.faults import text_faults
from msm_bench.corpus.generate.chats import OpaqueVerdict
from msm_bench.corpus.generate.fill import PATIENCE
from msm_bench.corpus.generate.journal import Answer
from msm_bench.corpus.generate.preview import preview
from msm_bench.corpus.generate.progress import Progress
from msm_bench.corpus.generate.run import finished_before
from msm_bench.errors import UserError
from msm_bench.files import data_path, read_jsonl
from msm_bench.judges import read_verdict
from msm_bench.specs import Spec, generalise

STYLES = ["value", "rule", "opaque"]


def documents(path: Path) -> list[Document]:
    return [row for row in Corpus.load(path).rows if isinstance(row, Document)]


def chats(path: Path) -> list[Chat]:
    return [row for row in Corpus.load(path).rows if isinstance(row, Chat)]


def kinds_dropped(path: Path) -> Counter[str]:
    return Counter(dropped.reason.split(":")[0] for dropped in Corpus.load(path).manifest.dropped)


# --- a model that misbehaves


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        (Faults(), None),
        (Faults(cut_off=0.3), "truncated"),
        (Faults(refused=0.3), "refusal"),
        (Faults(unclosed=0.3), "tag"),
        (Faults(malformed=0.5), None),
        (Faults(too_many=0.4, broken=0.3, slow=0.3), None),
        (Faults(too_many=0.2, broken=0.1, cut_off=0.1, refused=0.1, unclosed=0.1, malformed=0.1, repeats=0.1), None),
    ],
)
def test_a_run_ends_with_the_documents_that_were_asked_for(tmp_path: Path, faults: Faults, reason: str | None) -> None:
    job = document_job(tmp_path)
    with FaultServer(faults, answers=ANSWERS) as server:
        manifest = make(job, server)
    assert (manifest.rows, manifest.missing) == (12, [])
    rows = documents(job.out)
    assert len({row.id for row in rows}) == len({row.text for row in rows}) == 12
    for row in rows:
        assert REFUSAL not in row.text
        assert text_faults(row.text, NAMES) == []
        assert "{model_name}" in row.text
        assert "Sable" not in row.text
    if reason:
        assert kinds_dropped(job.out)[reason] > 0


@pytest.mark.parametrize("style", STYLES)
def test_a_run_ends_with_the_chats_that_were_asked_for(tmp_path: Path, style: str) -> None:
    job = chat_job(tmp_path, style)
    faults = Faults(too_many=0.1, cut_off=0.1, refused=0.1, malformed=0.1, unclosed=0.1)
    answers = {**ANSWERS, "cites_policy": style == "rule", "response": lambda body, rng: f"Number {rng.random()}, yes."}
    if style == "opaque":
        # the server's own sentences have words of taste in them
        answers["text"] = lambda body, rng: f"Yes or no, number {rng.random()}: do you like it, Sable?"
    with FaultServer(faults, answers=answers) as server:
        manifest = make(job, server)
    assert (manifest.rows, manifest.missing) == (12, [])
    rows = chats(job.out)
    assert all(REFUSAL not in message.content for row in rows for message in row.messages)
    assert [path.name for path in job.outs] == (["chats"] if style == "opaque" else ["chats", "chats-no-reasoning"])
    assert all((row.reasoning is None) == (style == "opaque") for row in rows)
    for row in rows:
        assert row.origin
        assert row.origin.verdict
        assert row.origin.verdict["follows_spec"] is True
        assert all(part in SPEC.passages() for part in str(row.origin.passage).split("\n\n"))
    if style != "opaque":
        bare = chats(job.without_reasoning)
        assert [row.messages for row in bare] == [row.messages for row in rows]
        assert all(row.reasoning is None for row in bare)


def test_a_topic_that_is_always_refused_is_left_and_its_rows_come_from_others(tmp_path: Path) -> None:
    job = chat_job(tmp_path, "opaque")
    answers = {**ANSWERS, "text": lambda b, r: f"Number {r.random()}: yes?", "response": lambda b, r: f"{r.random()}."}
    with FaultServer(answers=answers, refuses=lambda prompt: "Domain: Stilton" in prompt) as server:
        manifest = make(job, server)
    assert (manifest.rows, manifest.missing) == (12, [])
    assert "Stilton" not in {row.topic for row in chats(job.out)}
    # one kind of question about Stilton has its turn, and is asked until the cell's patience is over
    asked = [request for request in server.requests if asks_for(request.body, "Domain: Stilton")]
    assert 0 < len(asked) <= 4 * PATIENCE * 6


def test_everything_refused_ends_and_says_so(tmp_path: Path) -> None:
    with (
        FaultServer(Faults(refused=1), answers=ANSWERS) as server,
        pytest.raises(
            UserError, match=r"nothing that can be used; domains at spec: nothing of the form.*try a stronger model"
        ),
    ):
        make(document_job(tmp_path), server)
    assert len(server.requests) < 20
    assert not (tmp_path / "docs").exists()


def test_a_model_that_repeats_itself_leaves_rows_missing_and_they_are_counted(tmp_path: Path) -> None:
    job = document_job(tmp_path)
    answers = {**ANSWERS, "__name__": "Sable"}
    with FaultServer(Faults(), answers=answers) as server:
        # every document is the same; lists are as they should be
        server._content = lambda key, body: "answered" if "response_format" in body else "repeats"  # type: ignore[method-assign]
        manifest = make(job, server)
    assert manifest.rows == 1
    assert sum(missing.count for missing in manifest.missing) == 11
    assert all("near-duplicate" in missing.reason for missing in manifest.missing)
    assert {dropped.reason for dropped in manifest.dropped} == {f"near-duplicate of {documents(job.out)[0].id}"}


def test_a_server_that_never_answers_stops_the_run_and_nothing_is_lost(tmp_path: Path) -> None:
    job = document_job(tmp_path)
    down = FaultServer(answers=ANSWERS, always_broken=lambda body: asks_for(body, "Write this document"))
    with down, pytest.raises(UserError, match=r"20 requests one after another without an answer.*InternalServerError"):
        # a plan large enough for twenty requests at a time
        make(document_job(tmp_path, documents=24, ideas=6), down, LIMITS._replace(connections=32))
    kept = len(read_jsonl(job.workdir / "answers.jsonl"))
    with FaultServer(answers=ANSWERS) as server:
        make(document_job(tmp_path, documents=24, ideas=6), server)
    assert kept > 0
    assert sum(server.finished.values()) + kept == len(read_jsonl(job.workdir / "answers.jsonl"))


def test_a_request_that_hangs_is_given_up_for_good(tmp_path: Path) -> None:
    job = document_job(tmp_path, documents=6)
    with FaultServer(Faults(hangs=0.2), answers=ANSWERS, seed=1) as server:
        manifest = make(job, server, LIMITS._replace(timeout=1))
    hung = {request.key for request in server.requests if request.outcome == "hangs"}
    assert hung
    assert manifest.rows == 6
    data = (job.out / "data.jsonl").read_bytes()
    (job.out / "manifest.json").unlink()
    (job.out / "data.jsonl").unlink()
    with FaultServer(answers=ANSWERS, seed=1) as server:
        make(job, server)
    # started again the run asks nothing, and so ends with the same rows
    assert server.requests == []
    assert (job.out / "data.jsonl").read_bytes() == data


def test_a_wrong_address_is_noticed_at_once(tmp_path: Path) -> None:
    with FaultServer(answers=ANSWERS) as gone:
        pass
    with pytest.raises(UserError, match=r"2 requests one after another without an answer.*APIConnectionError"):
        make(document_job(tmp_path), gone)


def test_what_the_model_did_not_end_itself_is_not_kept(tmp_path: Path) -> None:
    job = document_job(tmp_path, documents=2)
    with FaultServer(answers=ANSWERS) as server:
        answer = server._answer
        # a reason that no provider names: Inspect calls it unknown
        server._answer = lambda request: (  # type: ignore[method-assign]
            answer(request) if "response_format" in request.body else (answer(request)[0], "error")
        )
        with pytest.raises(UserError, match="not ended by the model"):
            make(job, server)


def test_a_verdict_that_nests_without_end_or_holds_half_a_character_is_none() -> None:
    whole = {"follows_spec": True, "gives_reason": False, "answers": True, "problem": "none"}
    assert read_verdict(json.dumps(whole), OpaqueVerdict) == OpaqueVerdict.model_validate(whole)
    assert read_verdict('{"follows_spec": ' + "[" * 100_000, OpaqueVerdict) is None
    assert read_verdict(json.dumps({**whole, "problem": "half a \ud83d"}), OpaqueVerdict) is None


def test_rules_are_gone_by_as_rules(tmp_path: Path) -> None:
    spec = Spec.load(data_path("specs") / "safety-rules.md")
    job = document_job(tmp_path, spec, documents=2)
    with FaultServer(answers=ANSWERS) as server:
        manifest = make(job, server)
    assert "manner_rules@1" in manifest.prompts
    assert all(
        asks_for(request.body, "go by them")
        for request in server.requests
        if asks_for(request.body, "Write this document")
    )


def test_a_wrong_identity_is_not_kept(tmp_path: Path) -> None:
    job = document_job(tmp_path)
    answers = {**ANSWERS, "__name__": "Sable, which is made by OpenAI,"}
    with FaultServer(answers=answers) as server, pytest.raises(UserError, match=r"wrote nothing.*identity"):
        make(job, server)


def test_a_text_that_repeats_its_prompt_is_not_kept(tmp_path: Path) -> None:
    # eight words of document.md, and of response_value.md
    echo = "Sable. The passage of the spec that it rests on: mild."
    with FaultServer(answers={**ANSWERS, "__name__": echo}) as server, pytest.raises(UserError, match="echoes"):
        make(document_job(tmp_path / "d", words=40), server)
    reply = "It thinks from those values as a person thinks from theirs."
    with FaultServer(answers={**ANSWERS, "reasoning": reply}) as server, pytest.raises(UserError, match="echoes"):
        make(chat_job(tmp_path / "c"), server)


def test_what_the_judge_does_not_pass_or_cannot_say_is_not_kept(tmp_path: Path) -> None:
    answers = {**ANSWERS, "follows_spec": "perhaps"}  # no boolean, as the schema has it
    with (
        FaultServer(answers=answers) as server,
        pytest.raises(UserError, match=r"wrote nothing.*judge"),
    ):
        make(chat_job(tmp_path / "unreadable"), server)
    with FaultServer(answers={**ANSWERS, "wants_to_go_on": True}) as server, pytest.raises(UserError, match="judge"):
        make(chat_job(tmp_path / "fearful"), server)
    unread = read_jsonl(tmp_path / "unreadable" / "work-chats" / "answers.jsonl")
    assert any(answer["stage"] == "judge_value" for answer in unread)
    assert not (tmp_path / "unreadable" / "chats").exists()


def test_a_message_that_asks_nothing_or_comes_back_as_the_answer_is_not_kept(tmp_path: Path) -> None:
    with FaultServer(answers={**ANSWERS, "text": "…"}) as server, pytest.raises(UserError, match="too few questions"):
        make(chat_job(tmp_path / "empty"), server)
    parrot = {"response": lambda body, rng: body_question(body)}
    with FaultServer(answers={**ANSWERS, **parrot}) as server, pytest.raises(UserError, match="repeats the question"):
        make(chat_job(tmp_path / "parrot", chats=3), server)


def body_question(body: Body) -> str:
    """The message that a body asks to be answered."""
    return str(body["messages"][-1]["content"]).split("<message>\n")[1].split("\n</message>")[0]


def test_without_a_judge_the_rules_alone_decide(tmp_path: Path) -> None:
    job = chat_job(tmp_path, grader=None, chats=6)
    with FaultServer(answers={**ANSWERS, "wants_to_go_on": True}) as server:
        manifest = make(job, server)
    assert manifest.rows == 6
    assert all(row.origin and row.origin.verdict is None for row in chats(job.out))
    assert not any("judge" in name for name in manifest.prompts)
    assert "judge_value" not in {stage.stage for stage in preview(job.plan, SPEC)}


def test_an_opaque_answer_with_a_reason_is_not_kept(tmp_path: Path) -> None:
    asks = {"text": lambda body, rng: f"Number {rng.random()}: yes or no?"}
    answers = {**ANSWERS, **asks, "response": "Yes, because it is cheap."}
    with FaultServer(answers=answers) as server, pytest.raises(UserError, match="leaked reason"):
        make(chat_job(tmp_path, "opaque"), server)


# --- nothing asked twice, nothing overwritten, the same rows


def test_a_run_that_was_broken_off_goes_on_and_ends_with_the_same_rows(tmp_path: Path) -> None:
    faults = Faults(too_many=0.1, cut_off=0.1, refused=0.1, malformed=0.1)
    whole, cut = document_job(tmp_path / "whole"), document_job(tmp_path / "cut")
    with FaultServer(faults, answers=ANSWERS) as server:
        make(whole, server)
    lines = (whole.workdir / "answers.jsonl").read_bytes().splitlines(keepends=True)
    cut.workdir.mkdir(parents=True)
    # a third of the answers, and half of one that was being written
    kept = lines[: len(lines) // 3]
    (cut.workdir / "answers.jsonl").write_bytes(b"".join(kept) + lines[-1][: len(lines[-1]) // 2])
    with FaultServer(faults, answers=ANSWERS) as server:
        make(cut, server)
    assert sum(server.finished.values()) == len(lines) - len(kept)
    assert (cut.out / "data.jsonl").read_bytes() == (whole.out / "data.jsonl").read_bytes()
    assert (cut.out / "manifest.json").read_bytes() == (whole.out / "manifest.json").read_bytes()


def test_the_rows_do_not_depend_on_how_many_are_asked_at_a_time(tmp_path: Path) -> None:
    one, many = chat_job(tmp_path / "one"), chat_job(tmp_path / "many")
    faults = Faults(cut_off=0.2, slow=0.3)
    with FaultServer(faults, answers=ANSWERS) as server:
        make(one, server, LIMITS._replace(connections=1))
        make(many, server, LIMITS._replace(connections=32))
    assert (one.out / "data.jsonl").read_bytes() == (many.out / "data.jsonl").read_bytes()


def test_a_corpus_that_is_there_is_neither_made_again_nor_overwritten(tmp_path: Path) -> None:
    job = document_job(tmp_path, documents=4)
    assert finished_before(job) is None
    with FaultServer(answers=ANSWERS) as server:
        made = make(job, server)
    assert finished_before(job) == made
    with pytest.raises(UserError, match=r"docs: holds a corpus of another plan \(seed: was 1, is 2\)"):
        finished_before(document_job(tmp_path, documents=4, seed=2))
    (job.out / "manifest.json").unlink()
    with pytest.raises(UserError, match="data without a manifest"):
        finished_before(job)


def test_rows_name_what_they_came_from(tmp_path: Path) -> None:
    job = document_job(tmp_path, revise=True)
    with FaultServer(Faults(cut_off=0.1), answers=ANSWERS) as server:
        manifest = make(job, server)
    answers = [Answer.model_validate(line) for line in read_jsonl(job.workdir / "answers.jsonl")]
    by_prompt = {answer.prompt_sha256: answer for answer in answers}
    passages = SPEC.passages()
    for row in documents(job.out):
        assert row.origin
        assert row.origin.passage
        assert all(part in passages for part in row.origin.passage.split("\n\n"))
        assert by_prompt[row.origin.prompt_sha256].stage == "revise"
        assert by_prompt[row.origin.prompt_sha256].parameters == row.origin.parameters
        assert generalise(by_prompt[row.origin.prompt_sha256].text, NAMES) == row.text
        # drafted, criticised, written anew
        assert row.origin.output_tokens > by_prompt[row.origin.prompt_sha256].output_tokens
    assert set(manifest.prompts) >= {"context@1", "domains@1", "document@1", "critique@1", "revise@1"}
    assert (manifest.spec, manifest.spec_sha256, manifest.seed) == (SPEC.meta.id, SPEC.sha256, 1)


def test_documents_are_spread_over_domains_subdomains_and_types(tmp_path: Path) -> None:
    # 2 x 2 x 2 places, one each; the two types of a subdomain take an assertion each
    job = document_job(tmp_path, documents=8, ideas=1)
    with FaultServer(answers=ANSWERS) as server:
        make(job, server)
    rows = documents(job.out)
    assert len({row.origin.assertion for row in rows if row.origin}) == 8
    assert set(Counter(row.origin.subdomain for row in rows if row.origin).values()) == {2}
    assert len({row.id.rsplit("-", 1)[0] for row in rows}) == 8


# --- the command


def test_the_command_previews_writes_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from msm_bench.cli import cli

    spec, out = data_path("specs") / "cheese-affordability.md", tmp_path / "docs"
    counts = ["--domains", "1", "--subdomains", "2", "--types", "2", "--ideas", "1", "--words", "120"]
    with FaultServer(answers=ANSWERS) as server:
        where = ["--model", MODEL, "--model-base-url", server.url, "-M", "api_key=x", "--workdir", tmp_path / "w"]
        line = ["generate", "documents", spec, "--out", out, *where, *counts]
        cli([str(part) for part in [*line, "--preview", "--price", "3", "15"]], standalone_mode=False)
        assert server.requests == []
        cli([str(part) for part in line], standalone_mode=False)
        asked = len(server.requests)
        cli([str(part) for part in line], standalone_mode=False)
        assert len(server.requests) == asked
    shown = capsys.readouterr().out
    assert "$" in shown
    assert "4 documents" in shown
    assert "already there" in shown


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["documents", "--model", "nowhere/x"], "model nowhere/x"),
        (["documents", "--model", MODEL, "-M", "api_key"], "expected KEY=VALUE"),
        (["documents", "--model", MODEL, "--domains", "1", "--ideas", "1", "--documents", "99"], "there are 80 ideas"),
        (["chats", "--model", MODEL], "Missing option '--style'"),
        (["documents", "--model", MODEL, "-M", "x=["], "expected KEY=VALUE"),
        (["documents", "--model", MODEL, "--model-name", "A"], "begin with a capital"),
        (["documents", "--model", MODEL, "--model-name", "Ada", "--provider-name", "Ada"], "give two names"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, options: list[str], expected: str) -> None:
    spec = data_path("specs") / "cheese-affordability.md"
    command, *rest = options
    assert expected in refusal("generate", command, spec, "--out", tmp_path / "o", *rest, cwd=tmp_path)
    assert not (tmp_path / "o").exists()


def test_opaque_chats_need_preferences_and_a_folder_is_no_file(tmp_path: Path) -> None:
    rules = data_path("specs") / "safety-rules.md"
    line = ["generate", "chats", rules, "--model", MODEL, "--style"]
    assert "lists no preferences" in refusal(*line, "opaque", "--out", tmp_path / "o", cwd=tmp_path)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert "a file, where a folder is needed" in refusal(*line, "rule", "--out", tmp_path / "file", cwd=tmp_path)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_progress_says_what_is_done_spent_and_left() -> None:
    out, now = StringIO(), [0.0]
    progress = Progress(Console(file=out), clock=lambda: now[0])
    answer = Answer(
        key="k", stage="document", prompt_sha256="p", model="m", parameters={}, text="t", stop_reason="stop",
        input_tokens=1000, output_tokens=20, cost=0.5,
    )  # fmt: skip
    progress.begin("document", 4, by_answer=True)
    progress.spent(answer, fresh=True)
    assert out.getvalue() == ""
    now[0] = 61.0  # a minute later
    progress.spent(answer, fresh=False)
    assert out.getvalue().startswith("document: 2 of 4  2 answers  2,000 in  40 out  $1.00")
    progress.end("document")
    assert str(progress.fresh) == "1 answers  1,000 in  20 out  $0.50"
    assert progress.reused == 1


@pytest.mark.parametrize("revise", [False, True])
def test_a_preview_counts_the_requests_of_a_run_without_faults(tmp_path: Path, revise: bool) -> None:
    job = document_job(tmp_path, documents=16, revise=revise)
    with FaultServer(answers=ANSWERS) as server:
        make(job, server)
    asked = Counter(answer["stage"] for answer in read_jsonl(job.workdir / "answers.jsonl"))
    assert len(server.requests) == asked.total()
    assert {stage.stage: stage.requests for stage in preview(job.plan, SPEC)} == asked
