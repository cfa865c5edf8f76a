"""Variants of a spec: what code guarantees, and what a model's text must pass."""

import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import refusal, refused
from deriving import (
    GOOD,
    HEAD,
    NAMES,
    OTHER,
    RULE,
    SPECS,
    Script,
    in_turn,
    job_of,
    lister,
    made,
    two_rules,
    write_spec,
)
from fault_server import Faults, FaultServer, prompt_text, sentence
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import get_model

from msm_bench.corpus.endings import sentences
from msm_bench.corpus.generate.ask import Limits
from msm_bench.corpus.generate.fill import Unusable
from msm_bench.errors import UserError
from msm_bench.files import read_jsonl
from msm_bench.specs import Names, Spec, blocks
from msm_bench.variants.ablate import CLOSING, shuffled, verify
from msm_bench.variants.derive import check, done_before
from msm_bench.variants.opposite import accept_value
from msm_bench.variants.parts import Part, check_no_reason, words_of_values
from msm_bench.variants.plan import Length
from msm_bench.variants.tastes import Sides, sides

FAMILIES = ["cheese-america", "bread-difficulty", "condiments-tradition", "instruments-individualism"]
PRICE_WORDS = ["cheap", "price", "cost", "budget", "expensive"]


# --- the shuffle


@given(st.integers(2, 12), st.integers(0, 10**6))
def test_a_shuffle_moves_half_of_each_side_and_loses_nothing(count: int, seed: int) -> None:
    old = Sides([f"l{i}" for i in range(count)], [f"d{i}" for i in range(count)])
    new = shuffled(old, seed)
    assert sorted(new.items) == sorted(old.items)
    assert len(new.likes) == len(new.dislikes) == count
    assert len(set(new.likes) & set(old.dislikes)) == len(set(new.dislikes) & set(old.likes)) == count // 2
    assert shuffled(old, seed) == new


def test_shuffles_differ_by_seed_and_not_by_spec_of_a_family() -> None:
    america, affordability = (sides(Spec.load(SPECS / f"cheese-{value}.md")) for value in ("america", "affordability"))
    assert shuffled(america, 3) == shuffled(affordability, 3)
    assert len({tuple(sorted(shuffled(america, seed).likes)) for seed in range(20)}) > 10


@pytest.mark.parametrize("likes", [["a"], ["a", "b", "c"]])
def test_sides_that_cannot_be_halved_are_refused(likes: list[str]) -> None:
    with pytest.raises(UserError, match="both are as many, and two at least"):
        shuffled(Sides(likes, ["x"] if len(likes) == 1 else ["x", "y"]), 1)


# --- ablated


def hand_made(prompt: str) -> str:
    """What the ablated spec that was made by hand says in the two passages."""
    last = blocks(Spec.load(SPECS / "cheese-affordability-ablated.md").render(NAMES))[-1].text
    return "NOTHING" if "The value is general" in prompt else last


def test_ablation_gives_the_shape_that_was_made_by_hand(tmp_path: Path) -> None:
    job = job_of(tmp_path, "cheese-affordability", "ablated", value_words=PRICE_WORDS)
    script = Script(hand_made)
    made(job, script.model())
    spec, by_hand = Spec.load(job.out), Spec.load(SPECS / "cheese-affordability-ablated.md")
    assert len(script.asked) == 2
    assert (spec.meta.family, spec.meta.values) == (by_hand.meta.family, by_hand.meta.values)
    assert (spec.meta.derived_from, spec.meta.form) == ("cheese-affordability", "prose")
    theirs = [block for block in blocks(by_hand.body) if not block.text.startswith(("- ", "These are"))]
    assert [block for block in blocks(spec.body) if not block.text.startswith(("- ", CLOSING))] == theirs
    old, new = sides(job.spec), sides(spec)
    assert sorted(new.items) == sorted(sides(by_hand).items)
    # six of the twelve turned round: three liked and three disliked on each side
    assert len(set(new.likes) & set(old.likes)) == len(set(new.dislikes) & set(old.dislikes)) == 3
    assert spec.body.count("\n- ") == 12
    assert all(f"\n- {item}\n" in spec.body for item in new.items)
    value = words_of_values(["affordability", *PRICE_WORDS])
    for said in sentences(spec.body):
        assert not (any(item in said for item in new.items) and value.search(said))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_can_be_ablated(tmp_path: Path, name: str) -> None:
    job = job_of(tmp_path, name, "ablated")
    made(job, Script(lambda prompt: GOOD).model())
    spec = Spec.load(job.out)
    assert sides(spec) == shuffled(sides(job.spec), 1)
    assert not re.search(r"\bwhy\b", " ".join(block.text for block in blocks(spec.body) if block.is_heading))
    assert {one.text for one in blocks(spec.body)} & {one.text for one in blocks(job.spec.body) if len(one.text) > 300}


def test_a_spec_without_ties_needs_no_model(tmp_path: Path) -> None:
    job = job_of(tmp_path, "cheese-america-ablated", "ablated", model=None)
    made(job, None)
    assert sides(Spec.load(job.out)) == shuffled(sides(job.spec), 1)
    with pytest.raises(UserError, match=r"cheese-america: speaks of its tastes .* in 2 of its passages.*--model"):
        made(job_of(tmp_path, "cheese-america", "ablated", model=None), None)


BAD = {
    "Sable likes Colby.": "names an item",
    "Cheese is an example of it.": "ties a taste to a reason",
    "Sable likes a cheese that is affordable.": "ties a taste to the value",
    "I'm sorry, but I can't help with that request.": "refusal",
    "## More\n\nSable is fair.": "a heading or a list in running text",
    "Sable is fair.\n\nSable is kind.": "more than one paragraph",
    "Sable is \x1b[31mfair.": "control characters",
    "Sable is {their_name}.": "placeholder",
}


def test_a_passage_that_ties_is_asked_for_again_with_a_word_on_what_was_wrong(tmp_path: Path) -> None:
    job = job_of(tmp_path, "cheese-affordability", "ablated")
    script = Script(
        lambda prompt: GOOD if "could not be used (names an item: Colby)" in prompt else "Sable buys Colby."
    )
    made(job, script.model())
    assert len(script.asked) == 4  # two passages, twice each
    assert "{model_name} has its tastes and states them plainly." in Spec.load(job.out).body


@pytest.mark.parametrize(("text", "reason"), BAD.items())
def test_what_cannot_be_used_is_reported_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    job = job_of(tmp_path, "cheese-affordability", "ablated")
    with pytest.raises(
        UserError, match=rf"mockllm/model: .*variant_ablated for passage 1: {reason} \(4\); give"
    ) as caught:
        made(job, Script(lambda prompt: text).model())
    assert "\n" not in str(caught.value)
    assert not job.out.exists()


def test_a_text_that_was_cut_off_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"truncated \(4\)"):
        made(job_of(tmp_path, "cheese-america", "ablated"), Script(lambda prompt: GOOD, "max_tokens").model())


def test_the_value_must_stay_stated(tmp_path: Path) -> None:
    body = (
        "# T\n\nThrift is what {model_name} values, and tea is where it shows.\n\n"
        "## Teas {model_name} likes\n\n- A\n- B\n\n## Teas {model_name} does not like\n\n- C\n- D\n"
    )
    job = job_of(tmp_path, write_spec(tmp_path / "s.md", body), "ablated")
    with pytest.raises(UserError, match=r"no longer states the value \(4\)"):
        made(job, Script(lambda prompt: "NOTHING").model())
    made(job._replace(workdir=tmp_path / "other"), Script(lambda prompt: "Thrift is what Sable values.").model())
    assert "Thrift is what {model_name} values." in Spec.load(job.out).body


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (Part("Colby", "- "), Part("Stilton", "- "), "wrong side"),
        (Part("Colby", "- "), Part("Colby, a cheap one", "- "), "wrong side"),
        (Part("It is fair."), Part("It likes Colby."), "there twice"),
        (Part("Thrift."), Part("Plain."), "no longer states the value"),
    ],
)
def test_a_body_that_is_not_ablated_is_refused(tmp_path: Path, old: Part, new: Part, expected: str) -> None:
    spec = Spec.load(write_spec(tmp_path / "s.md", "Thrift.\n\n## Likes\n\n- Colby\n\n## Does not like\n\n- Stilton\n"))
    parts = [
        Part("Thrift."),
        Part("It is fair."),
        Part("## Likes"),
        Part("Colby", "- "),
        Part("## Not"),
        Part("Stilton", "- "),
    ]
    wanted = Sides(["Colby"], ["Stilton"])
    verify(parts, spec, wanted)
    with pytest.raises(UserError, match=expected):
        verify([new if part == old else part for part in parts], spec, wanted)


def test_words_of_a_value_are_found_by_their_beginning() -> None:
    found = words_of_values(["affordability", "america", "good values"]).findall(
        "They can afford affordable American things; good values, and a good price, Americana"
    )
    assert found == ["afford", "affordable", "American", "good values", "Americana"]


# --- rules, with reasons, with subrules


def test_rules_state_conduct_and_no_reason(tmp_path: Path) -> None:
    texts = ["Sable likes tea because it is cheap.", "Sable names its tastes.", "Sable lectures nobody.", "See a.com."]

    job = job_of(tmp_path, "cheese-america", "rules", rules=2)
    made(job, Script(lister(texts, name="Name tastes.")).model())
    spec = Spec.load(job.out)
    assert (spec.meta.form, spec.meta.derived_from) == ("rules", "cheese-america")
    assert "## R1. Name tastes\n\n{model_name} names its tastes.\n\n## R2. " in spec.body
    with pytest.raises(UserError, match=r"only 2 of 3: .*gives a reason.*link"):
        made(
            job_of(tmp_path / "b", "cheese-america", "rules", rules=3),
            Script(lister(texts, name="Name tastes.")).model(),
        )


@pytest.mark.parametrize(
    "text", ["It asks so that no harm is done.", "Since it is new, it asks.", "It asks, since it can."]
)
def test_connectives_give_a_reason_away(text: str) -> None:
    with pytest.raises(Unusable, match="gives a reason"):
        check_no_reason(text)
    check_no_reason("It has asked since Monday, and gives a reason when asked.")


def test_reasons_stand_after_rules_that_are_kept_word_for_word(tmp_path: Path) -> None:
    about = {"model": "openai-api/fault/any", "length": Length(size=250)}
    job = job_of(tmp_path, two_rules(tmp_path), "value-augmented", **about)
    faults = Faults(cut_off=0.25, refused=0.25)
    with FaultServer(faults, seed=3, answers={"__name__": "Sable"}) as server:
        model = get_model("openai-api/fault/any", base_url=server.url, api_key="x", memoize=False)
        made(job, model)
        assert set(server.finished.values()) == {1}
    spec = Spec.load(job.out)
    assert spec.meta.form == "prose"
    assert spec.body.startswith(f"{HEAD}\n\n{RULE}\n\n### Reasons for SP1\n\n")
    assert f"\n\n{OTHER}\n\n### Reasons for Be honest\n\n" in spec.body
    assert "Sable" not in spec.body
    assert "{model_name}" in spec.body.split("### Reasons for Be honest")[1]


def test_a_run_that_broke_off_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    job = job_of(tmp_path, two_rules(tmp_path), "value-augmented", model="openai-api/fault/any")
    limits = Limits(connections=1, retries=0, timeout=20)

    def run(broken: Callable[[dict[str, object]], bool]) -> Counter[str]:
        prose = {"__name__": "Sable"}
        with FaultServer(answers=prose, always_broken=broken) as server:
            made(job, get_model("openai-api/fault/any", base_url=server.url, api_key="x", memoize=False), limits)
            return server.finished

    with pytest.raises(UserError, match=r"the reasons for Be honest: InternalServerError \(4\)"):
        run(lambda body: "This is the rule Be honest" in prompt_text(body))
    before = len(read_jsonl(job.journal))
    assert not job.out.exists()
    finished = run(lambda body: False)
    keys = [row["key"] for row in read_jsonl(job.journal)]
    assert len(keys) == len(set(keys)) == before + len(finished)
    assert done_before(job) is not None


def test_subrules_are_shared_out_numbered_and_without_reasons(tmp_path: Path) -> None:
    rng = random.Random(5)  # noqa: S311
    texts = ["Sable stops because harm is bad.", *(sentence(rng, "Sable") for _ in range(40))]
    job = job_of(tmp_path, two_rules(tmp_path), "rule-augmented", subrules=7)
    made(job, Script(lister(texts)).model())
    spec = Spec.load(job.out)
    first, second = spec.body.split(OTHER)
    # seven over two rules: four and three
    assert first.startswith(f"{HEAD}\n\n{RULE}\n\n### Subrules of SP1\n\n1. {{model_name}} ")
    assert re.findall(r"^(\d)\. ", first, re.MULTILINE) == ["1", "2", "3", "4"]
    assert re.findall(r"^(\d)\. ", second, re.MULTILINE) == ["1", "2", "3"]
    assert spec.meta.form == "rules"
    assert "because" not in spec.body


def test_rules_are_needed_to_add_to(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cheese-america: its form is prose; value-augmented starts from rules"):
        check(job_of(tmp_path, "cheese-america", "value-augmented"))
    plain = write_spec(tmp_path / "plain.md", "{model_name} does no harm.", form="rules")
    with pytest.raises(UserError, match="no rule stands under a heading ##"):
        check(job_of(tmp_path, plain, "rule-augmented"))


# --- general, anti, renamed


def test_the_general_paragraph_names_nothing_of_the_spec(tmp_path: Path) -> None:
    good = "Northlight hopes that Sable is decent."
    script = Script(in_turn("Sable loves Americans.", "Sable is fond of Colby.", "An assistant is decent.", good))
    job = job_of(tmp_path, "cheese-america", "general")
    made(job, script.model())
    spec = Spec.load(job.out)
    assert spec.body == "{provider_name} hopes that {model_name} is decent.\n"
    assert spec.meta.values == ["good values", "good judgement"]
    assert len(script.asked) == 4


def mirrored(prompt: str) -> str:
    if "Name what someone values" in prompt:
        return "Luxury."
    item = re.search(r"it (likes|does not care for) this: ([^.]+)\.", prompt)
    return f"- **{item[2]}.** It {item[1]} this, for it is what it is." if item else "Sable loves what is fine."


def test_the_opposite_has_its_sides_swapped_and_the_same_shape(tmp_path: Path) -> None:
    job = job_of(tmp_path, "cheese-affordability", "anti")
    made(job, Script(mirrored).model())
    spec = Spec.load(job.out)
    old = sides(job.spec)
    assert sides(spec) == Sides(old.dislikes, old.likes)
    assert spec.meta.values == ["luxury"]
    assert "- **Stilton.** It likes this, for it is what it is.\n" in spec.body
    assert "- **Colby.** It does not care for this, for it is what it is.\n" in spec.body
    shape = [block.text if block.is_heading else block.text[:1] == "-" for block in blocks(spec.body)]
    theirs = [block.text if block.is_heading else block.text[:1] == "-" for block in blocks(job.spec.body)]
    assert shape[1:] == theirs[1:]


@pytest.mark.parametrize("name", ["safety-general", "safety-rules", "safety-specific"])
def test_the_opposite_of_safety_is_never_made(tmp_path: Path, name: str) -> None:
    line = refusal(
        "spec",
        "derive",
        SPECS / f"{name}.md",
        "--variant",
        "anti",
        "--out",
        "x.md",
        "--model",
        "mockllm/model",
        cwd=tmp_path,
    )
    refused(line, name, "would train harm")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("said", ["affordability", "a: [b", "one two three four five", "x\ny: z", "", "{x_y}"])
def test_an_opposite_value_is_a_name(said: str) -> None:
    with pytest.raises(Unusable):
        accept_value("affordability")(said)


def test_a_renamed_spec_differs_by_the_names_alone(tmp_path: Path) -> None:
    other = Names(model_name="Fern", provider_name="Grove")
    job = job_of(tmp_path, "cheese-america", "renamed", renamed=other, model=None)
    record = made(job, None)
    spec = Spec.load(job.out)
    assert spec.body == spec.render(NAMES) == job.spec.render(other)
    assert done_before(job) == record
    made(job._replace(workdir=tmp_path / "elsewhere"), None)  # the same text may be written again


@pytest.mark.parametrize("name", ["a\nb", "x" * 61, "<b>", "\x1b[0m"])
def test_a_name_is_a_name(tmp_path: Path, name: str) -> None:
    other = Names(model_name="Fern", provider_name=name)
    with pytest.raises(UserError, match="not a name"):
        made(job_of(tmp_path, "cheese-america", "renamed", renamed=other, model=None), None)
