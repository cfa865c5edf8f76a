"""Lengths and files of variants: sizes by hand, nothing overwritten, nothing that a model wrote let through."""

import random
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from commands import refusal, refused
from deriving import (
    NAMES,
    OTHER,
    SPECS,
    Script,
    job_of,
    made,
    two_rules,
    write_spec,
)
from fault_server import FaultServer
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.cli import cli
from msm_bench.corpus.generate.fill import Unusable
from msm_bench.errors import UserError
from msm_bench.specs import Names, Spec, blocks
from msm_bench.variants.ablate import Apart
from msm_bench.variants.derive import check, done_before
from msm_bench.variants.lengths import aims, is_near, sizer
from msm_bench.variants.parts import Manner, Part, assemble, heading, passage
from msm_bench.variants.plan import Length
from msm_bench.variants.tastes import Sides, sides

# --- lengths


def test_few_parts_change_much_rather_than_all_a_little() -> None:
    manner = Manner("", str)
    parts = [Part("a " * 100, manner=manner), Part("b " * 50, manner=manner), Part("c " * 500)]
    words = sizer(None, NAMES)
    # at most 1.6 times as long: the shorter grows by 30, the other by the remaining 10
    assert [(aim.place, aim.wanted) for aim in aims(parts, words, 40)] == [(1, 80), (0, 110)]
    # at most 1.6 times as short: 100 − 100/1.6 = 37.5 would go, and 20 are too many
    assert [(aim.place, aim.wanted) for aim in aims(parts, words, -20)] == [(0, 80)]
    # 1 of 50 words is less than 4 %
    assert aims(parts, words, 1) == []


def test_sizes_are_counted_with_the_names_filled_in(tiny_base: Path) -> None:
    text = "{model_name} likes Colby."
    assert sizer(None, Names(model_name="Old Sable", provider_name="N"))(text) == 4
    tokens = sizer(Length(size=1, tokenizer=str(tiny_base)), NAMES)
    assert tokens(text) == tokens("Sable likes Colby.")
    assert (is_near(95, Length(size=100)), is_near(94, Length(size=100)), is_near(94, None)) == (True, False, True)


def obliging(prompt: str) -> str:
    """A passage of as many words as are asked for."""
    asked = re.search(r"in about (\d+) words|Write about (\d+) words", prompt)
    assert asked
    words = ["calm", "kind", "fair", "open", "plain", "just", "warm", "good"]
    filler = random.Random(prompt).choices(words, k=int(asked[1] or asked[2]))  # noqa: S311
    return f"Sable is {' '.join(filler)}."


def test_a_variant_is_worded_anew_until_it_is_near(tmp_path: Path) -> None:
    length = Length(size=200)
    job = job_of(tmp_path, two_rules(tmp_path), "value-augmented", length=length)
    script = Script(
        lambda prompt: "Sable is fair to people who ask it for help." if "### " in prompt else obliging(prompt)
    )
    record = made(job, script.model())
    assert record.near
    assert record.size == len(Spec.load(job.out).render(NAMES).split())
    assert abs(record.size - 200) <= 10
    assert f"\n\n{OTHER}\n\n" in job.out.read_text(encoding="utf-8")


def test_short_answers_are_lengthened_round_by_round(tmp_path: Path) -> None:
    first = "Northlight wants Sable to be a decent and sensible assistant to all who come to it with work to do."

    def answer(prompt: str) -> str:
        return obliging(prompt) if "it becomes longer" in prompt else first

    job = job_of(tmp_path, "cheese-america", "general", length=Length(size=100))
    script = Script(answer)
    record = made(job, script.model())
    # 20 words, then 1.6 times as many each round and two words of the frame: 34, 56, 92, 102 at the latest
    assert record.near
    assert 4 <= len(script.asked) <= 6


def test_the_command_says_how_far_off_a_variant_is_and_that_it_was_there(tmp_path: Path) -> None:
    out = tmp_path / "made.md"
    with FaultServer(answers={"__name__": "Sable"}) as server:
        model = ["--model", "openai-api/fault/any", "--model-base-url", server.url, "-M", "api_key=x"]
        args = ["spec", "derive", two_rules(tmp_path), "--variant", "value-augmented", "--words", 10, *model]
        done = CliRunner().invoke(cli, [*map(str, args), "--out", str(out), "--workdir", str(tmp_path / "work")])
        asked = len(server.requests)
        again = CliRunner().invoke(cli, [*map(str, args), "--out", str(out), "--workdir", str(tmp_path / "work")])
        assert len(server.requests) == asked
    # the rules alone have more than ten words, so that no wording of the reasons can be short enough
    assert done.exit_code == again.exit_code == 1
    size = len(Spec.load(out).render(NAMES).split())
    assert f"made.md: {size} words\n" in done.output
    assert f"made.md: already there, {size} words\n" in again.output
    assert f"made.md: {size / 10 - 1:.1%} longer than the 10 words asked for\n" in done.output


def test_wordings_that_break_the_variant_do_not_get_in(tmp_path: Path) -> None:
    spec = Spec.load(SPECS / "cheese-america.md")
    manner = Apart(spec, spec.meta.values, NAMES).manner("{model_name} values America.", after_items=False)
    assert manner.accept("Sable values America and its makers.") == "{model_name} values America and its makers."
    for text, fault in {"Sable is fair.": "no longer states", "It loves America and Colby.": "names an item"}.items():
        with pytest.raises(Unusable, match=fault):
            manner.accept(text)


# --- odd specs

VALUE = "# T\n\n{model_name} values thrift, and it knows that.\n\n"
LISTS = (
    "## Teas that {model_name} likes\n\n- **Assam.** Cheap.\n- **Black Assam.** Cheap.\n\n"
    "## Teas that {model_name} does not like\n\n- **Sencha.** Dear.\n- **Oolong.** Dear.\n"
)
LONG_ITEM = "- It is fair to all who spend more than it would.\n"


@pytest.mark.parametrize(
    "body",
    [
        VALUE + LISTS,  # one name within another; the headings have `that` in common, which is no kind of tea
        VALUE + LISTS.replace(".**", ":**"),
        VALUE + LISTS.replace("## ", "# "),
        f"{VALUE}{LONG_ITEM}\n{LISTS}",
    ],
)
def test_odd_lists_are_ablated_without_a_model(tmp_path: Path, body: str) -> None:
    job = job_of(tmp_path, write_spec(tmp_path / "s.md", body), "ablated", model=None)
    made(job, None)
    spec = Spec.load(job.out)
    new = sides(spec)
    assert sorted(new.items) == ["Assam", "Black Assam", "Oolong", "Sencha"]
    assert [len(side) for side in new] == [2, 2]
    assert spec.body.count("# What {model_name} values, and what it likes\n") == 1
    assert (LONG_ITEM in body) == (LONG_ITEM in spec.body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (VALUE + LISTS.replace("Teas that {model_name} likes", "Teas it likes because they are cheap"), "'because'"),
        (VALUE + LISTS.replace("Teas that {model_name} likes", "Thrifty teas it likes"), "'Thrifty'"),
        (VALUE + LISTS.replace("Oolong", "Oolong of the high green southern hills"), "at most five words"),
        (LISTS.replace("\n\n- **Assam", "\n\nIt values thrift.\n\n- **Assam"), "no longer states the value"),
    ],
)
def test_what_no_model_can_mend_is_told_before_one_is_asked(tmp_path: Path, body: str, expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        check(job_of(tmp_path, write_spec(tmp_path / "s.md", body), "ablated"))


def test_a_reason_after_the_lists_goes_with_its_heading(tmp_path: Path) -> None:
    body = f"{VALUE}## Of it\n\n### Its tastes\n\n{LISTS}\n## Why thrift\n\nAll this follows from thrift.\n"
    job = job_of(tmp_path, write_spec(tmp_path / "s.md", body), "ablated")
    script = Script(lambda prompt: "NOTHING")
    made(job, script.model())
    assert len(script.asked) == 1
    headings = [block.text for block in blocks(Spec.load(job.out).body) if block.is_heading]
    assert headings[1:] == ["## Teas that {model_name} likes", "## Teas that {model_name} does not like"]


@pytest.mark.parametrize("mark", ["# ", "## "])
def test_the_opposite_keeps_lists_and_the_sides_of_headings(tmp_path: Path, mark: str) -> None:
    def answer(prompt: str) -> str:
        if "Name what someone values" in prompt:
            return "luxury"
        if "# Teas a thrifty" in prompt:
            return "Teas it likes" if "round" not in prompt else "Teas it does not like"
        return "Sable is fond of what is fine, and says so." if "variant says that it" not in prompt else "It is fine."

    lists = LISTS.replace("Teas that {model_name} does", "Teas a thrifty mind does").replace("## ", mark)
    job = job_of(tmp_path, write_spec(tmp_path / "s.md", f"{VALUE}{LONG_ITEM}\n{lists}"), "anti")
    made(job, Script(answer).model())
    spec = Spec.load(job.out)
    assert sides(spec) == Sides(["Sencha", "Oolong"], ["Assam", "Black Assam"])
    assert f"\n\n- {{model_name}} is fond of what is fine, and says so.\n\n{mark}Teas that" in spec.body
    assert spec.body.startswith("# What {model_name} values\n")


@pytest.mark.parametrize("raw", ["", "**", "Col\u00adby is dear.", "\ufeffIt is fair.", "a\x00b"])
def test_what_is_empty_or_can_not_be_seen_is_not_used(raw: str) -> None:
    for read in (passage, heading):
        with pytest.raises(Unusable):
            read(raw, NAMES)


# --- files, the command, and hostile text


def test_a_file_that_was_not_made_here_is_never_overwritten(tmp_path: Path) -> None:
    args = ("spec", "derive", SPECS / "cheese-america.md", "--out", "made.md")
    renamed = ("--variant", "renamed", "--as", "Fern", "--maker", "Grove")
    (tmp_path / "made.md").write_text("mine", encoding="utf-8")
    refused(refusal(*args, *renamed, cwd=tmp_path), "made.md: is there with another text")
    refused(refusal(*args, "--variant", "rules", "--model", "mockllm/model", cwd=tmp_path), "no record")
    assert (tmp_path / "made.md").read_text(encoding="utf-8") == "mine"


def test_a_changed_file_or_plan_is_told_apart(tmp_path: Path) -> None:
    job = job_of(tmp_path, "cheese-america", "general")
    made(job, Script(lambda prompt: "Sable is decent.").model())
    with pytest.raises(UserError, match=r"another plan \(seed: was 1, is 2\)"):
        done_before(job._replace(plan=job.plan.model_copy(update={"seed": 2})))
    job.out.write_text(job.out.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    with pytest.raises(UserError, match="not as this command wrote it"):
        done_before(job)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("--variant", "renamed", "--as", "Fern"), "--as and --maker go together"),
        (("--variant", "rules", "--as", "Fern", "--maker", "Grove"), "only there"),
        (("--variant", "renamed"), "both are needed"),
        (("--variant", "rules"), "needs a --model"),
        (("--variant", "ablated", "--words", "300"), "of a given length: needs a --model"),
        (("--variant", "rules", "--tokens", "300"), "--tokens and --tokenizer go together"),
        (("--variant", "rules", "--words", "9", "--tokens", "9", "--tokenizer", "smollm2-135m"), "one of the two"),
        (("--variant", "rules", "--model", "nobody/x"), "model nobody/x"),
        (("--variant", "rules", "--model", "mockllm/model", "--out", "x.txt"), "ends in .md"),
        (("--variant", "rules", "--model", "mockllm/model", "--out", "file/x.md"), "file: "),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, args: tuple[str, ...], expected: str) -> None:
    (tmp_path / "file").touch()
    line = refusal("spec", "derive", SPECS / "cheese-america.md", "--out", "x.md", *args, cwd=tmp_path)
    refused(line, expected)
    assert not (tmp_path / "x.md").exists()


@given(st.text(max_size=80))
def test_no_text_of_a_model_breaks_a_spec(raw: str) -> None:
    for read in (passage, heading):
        try:
            text = read(raw, NAMES)
        except Unusable:
            continue
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
        found = blocks(assemble([Part("before", "- "), Part(text)]))
        assert [block.is_heading for block in found] == [False] * len(found) or read is heading


def test_reasons_of_failures_show_nothing_that_a_model_wrote(tmp_path: Path) -> None:
    hostile = "[red]Sable[/red] likes Colby \x1b[31m because."
    with pytest.raises(UserError) as caught:
        made(job_of(tmp_path, "cheese-affordability", "ablated"), Script(lambda prompt: hostile).model())
    assert "\x1b" not in str(caught.value)
    assert "[red]" not in str(caught.value)
