"""Variants of a spec: what code guarantees, what a model's text must pass, and that nothing is asked twice."""

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from commands import refusal, refused
from fault_server import Faults, FaultServer, prompt_text, sentence
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput, ModelUsage, get_model

from msm_bench.corpus.endings import sentences
from msm_bench.corpus.generate.ask import Limits
from msm_bench.corpus.generate.fill import Unusable
from msm_bench.corpus.generate.progress import Progress
from msm_bench.errors import UserError
from msm_bench.files import data_path, read_jsonl
from msm_bench.specs import Names, Spec, blocks
from msm_bench.variants.ablate import CLOSING, Apart, shuffled, verify
from msm_bench.variants.derive import Job, check, derive, done_before
from msm_bench.variants.lengths import aims, is_near, sizer
from msm_bench.variants.opposite import accept_value
from msm_bench.variants.parts import Manner, Part, assemble, check_no_reason, heading, passage, words_of_values
from msm_bench.variants.plan import Length, Record, VariantPlan
from msm_bench.variants.tastes import Sides, sides

NAMES = Names(model_name="Sable", provider_name="Northlight")
LIMITS = Limits(connections=4, retries=2, timeout=20)
SPECS = data_path("specs")
FAMILIES = ["cheese-america", "bread-difficulty", "condiments-tradition", "instruments-individualism"]
PRICE_WORDS = ["cheap", "price", "cost", "budget", "expensive"]
GOOD = "Sable has its tastes and states them plainly."
"""A passage that ties nothing to anything."""

Answer = Callable[[str], str]
"""What a scripted model says to a prompt."""


class Script:
    """A model that answers by a function of the prompt, and remembers what it was asked."""

    def __init__(self, answer: Answer, stop_reason: str = "stop") -> None:
        self.asked: list[str] = []
        self._answer = answer
        self._stop_reason = stop_reason

    def model(self) -> Model:
        def output(input: list[ChatMessage], tools: object, choice: object, config: GenerateConfig) -> ModelOutput:
            self.asked.append(input[-1].text)
            said = ModelOutput.from_content("mockllm", self._answer(input[-1].text), self._stop_reason)  # type: ignore[arg-type]
            said.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
            return said

        return get_model("mockllm/model", custom_outputs=output, memoize=False)


def job_of(tmp_path: Path, source: Path | str, variant: str, **stated: object) -> Job:
    spec = Spec.load(SPECS / f"{source}.md" if isinstance(source, str) else source)
    plan = VariantPlan.model_validate(
        {
            "variant": variant,
            "id": "made",
            "spec": spec.meta.id,
            "spec_sha256": spec.sha256,
            "model": "mockllm/model",
            "names": NAMES,
            **stated,
        }
    )
    return Job(plan, spec, tmp_path / "made.md", tmp_path / "work")


def made(job: Job, model: Model | None, limits: Limits = LIMITS) -> Record:
    check(job)
    return asyncio.run(derive(job, model, limits, Progress()))


def in_turn(*answers: str) -> Answer:
    """Each answer once, the last one for good."""
    left = list(answers)
    return lambda prompt: left.pop(0) if len(left) > 1 else left[0]


def lister(texts: Sequence[str], **more: str) -> Answer:
    """Gives as many entries of a list as the prompt asks for, each once."""
    left = list(texts)

    def answer(prompt: str) -> str:
        asked = re.search(r"exactly (\d+)", prompt)
        assert asked
        taken = [left.pop(0) for _ in range(min(int(asked[1]), len(left)))]
        return json.dumps({f"item_{i}": {"text": text, **more} for i, text in enumerate(taken, 1)})

    return answer


def write_spec(path: Path, body: str, *, form: str = "prose", family: str = "tea") -> Path:
    head = f"id: {path.stem}\ntitle: T\nfamily: {family}\nvalues: [thrift]\nderived_from: null\nform: {form}"
    path.write_text(f"---\n{head}\n---\n\n{body}", encoding="utf-8")
    return path


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
        UserError, match=rf"mockllm/model: .*variant_ablated for passage 1: {reason} \(4\); try"
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

RULE = (
    "## SP1. Do no harm\n\n{model_name} does no harm. It asks {provider_name} first.\n\n**Scope.** All of it: {braces}."
)
OTHER = "## Be honest\n\n{model_name} does not lie."
HEAD = "# Rules\n\nTwo rules.\n\n* a list of one"


@pytest.fixture
def two_rules(tmp_path: Path) -> Path:
    return write_spec(tmp_path / "two.md", f"{HEAD}\n\n{RULE}\n\n\n{OTHER}\n", form="rules", family="safety-rules")


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
    check_no_reason("It has asked since Monday, gives a reason when asked, and thus-marked mail is kept."[:58])


def test_reasons_stand_after_rules_that_are_kept_word_for_word(tmp_path: Path, two_rules: Path) -> None:
    job = job_of(tmp_path, two_rules, "value-augmented", model="openai-api/fault/any", length=Length(size=250))
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


def test_a_run_that_broke_off_goes_on_and_asks_nothing_twice(tmp_path: Path, two_rules: Path) -> None:
    job = job_of(tmp_path, two_rules, "value-augmented", model="openai-api/fault/any")
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


def test_subrules_are_shared_out_numbered_and_without_reasons(tmp_path: Path, two_rules: Path) -> None:
    rng = random.Random(5)  # noqa: S311
    texts = ["Sable stops because harm is bad.", *(sentence(rng, "Sable") for _ in range(40))]
    job = job_of(tmp_path, two_rules, "rule-augmented", subrules=7)
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


@pytest.mark.parametrize("name", ["", "a\nb", "{x_y}", "x" * 61, "<b>", "\x1b[0m"])
def test_a_name_is_a_name(tmp_path: Path, name: str) -> None:
    other = Names(model_name="Fern", provider_name=name)
    with pytest.raises(UserError, match="not a name"):
        made(job_of(tmp_path, "cheese-america", "renamed", renamed=other, model=None), None)


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


def test_a_variant_is_worded_anew_until_it_is_near(tmp_path: Path, two_rules: Path) -> None:
    length = Length(size=200)
    job = job_of(tmp_path, two_rules, "value-augmented", length=length)
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


def test_what_stays_too_short_is_written_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = job_of(tmp_path, "cheese-america", "general", length=Length(size=100))
    record = made(job, Script(lambda prompt: "Sable is as decent as it can be.").model())
    assert (record.near, record.size) == (False, 8)
    from msm_bench.commands.spec import _report

    with pytest.raises(SystemExit) as ended:
        _report(job, record, was_there=False)
    assert ended.value.code == 1
    assert "92.0% shorter than the 100 words asked for" in capsys.readouterr().err
    assert Spec.load(job.out).body == "{model_name} is as decent as it can be.\n"


def test_wordings_that_break_the_variant_do_not_get_in(tmp_path: Path) -> None:
    spec = Spec.load(SPECS / "cheese-america.md")
    manner = Apart(spec, spec.meta.values, NAMES).manner("{model_name} values America.")
    assert manner.accept("Sable values America and its makers.") == "{model_name} values America and its makers."
    for text, fault in {"Sable is fair.": "no longer states", "It loves America and Colby.": "names an item"}.items():
        with pytest.raises(Unusable, match=fault):
            manner.accept(text)


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
    with pytest.raises(UserError, match=r"another plan \(seed: "):
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
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, args: tuple[str, ...], expected: str) -> None:
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
