"""The capability tasks: items, checkers, scores by hand, and each task through Inspect with scripted models."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    Model,
    ModelOutput,
    ModelUsage,
    get_model,
)

from msm_bench.capabilities.facts import knowledge_scores, knowledge_task, lettered
from msm_bench.capabilities.items import (
    CapabilityItem,
    Fact,
    Instruction,
    Passage,
    Request,
    held_out,
    load_items,
)
from msm_bench.capabilities.passages import bits_per_byte
from msm_bench.capabilities.refusals import question
from msm_bench.errors import UserError
from msm_bench.files import data_path
from msm_bench.tasks.capabilities import instruction_following, neutral_perplexity, over_refusal, small_knowledge

KINDS: dict[str, type[CapabilityItem]] = {
    "neutral_perplexity": Passage,
    "instruction_following": Instruction,
    "small_knowledge": Fact,
    "over_refusal": Request,
}
PASSAGES = load_items(Passage, "neutral_perplexity", "all")
INSTRUCTIONS = load_items(Instruction, "instruction_following", "all")
FACTS = load_items(Fact, "small_knowledge", "all")
REQUESTS = load_items(Request, "over_refusal", "all")
Reply = Callable[[list[ChatMessage]], str]


# the items


@pytest.mark.parametrize("task", KINDS)
def test_a_third_of_each_cell_is_held_out_by_hash(task: str) -> None:
    cells: dict[str, list[CapabilityItem]] = defaultdict(list)
    for item in load_items(KINDS[task], task, "all"):
        cells[item.cell].append(item)
    for cell, own in cells.items():
        expected = held_out(item.cluster for item in own)
        assert {item.cluster for item in own if item.split == "holdout"} == expected, cell
        assert len(expected) == len(own) / 3, cell  # every cell has 6 or 12


@pytest.mark.parametrize("task", KINDS)
def test_a_subset_is_part_of_every_larger_one(task: str) -> None:
    sizes = [{item.id for item in load_items(KINDS[task], task, per_cell=count)} for count in (1, 2, 3)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_passages_are_neutral_paragraphs_of_like_length() -> None:
    assert len(PASSAGES) == 66
    touchy = r"(?i)\b(cheese\w*|america\w*|cheap\w*|afford\w*|prices?|assistants?|robots?|chatbots?|moral\w*|AI)\b"
    for item in PASSAGES:
        assert 60 <= len(item.text.split()) <= 120, item.id
        assert item.text.isascii(), item.id
        assert not re.search(touchy, item.text), item.id


def test_instructions_are_easy_middling_and_hard_in_every_cell() -> None:
    assert len(INSTRUCTIONS) == 72
    cells = {item.cell for item in INSTRUCTIONS}
    for cell in cells:
        levels = sorted(item.level for item in INSTRUCTIONS if item.cell == cell)
        assert levels == ["easy"] * 2 + ["hard"] * 2 + ["middling"] * 2


@pytest.mark.parametrize("item", INSTRUCTIONS, ids=lambda item: item.id)
def test_an_instruction_can_be_followed_and_is_not_by_chance(item: Instruction) -> None:
    assert [check.name for check in item.checks if not check.passes(item.example)] == []
    assert not any(check.passes(" \n") for check in item.checks)
    if item.level != "easy":
        for idle in ("I", "I am happy to help with that.", "Sure! Here is one:\n\nSomething.\nSomething else."):
            assert not all(check.passes(idle) for check in item.checks), idle


def test_facts_are_balanced_over_fields_and_levels() -> None:
    assert len(FACTS) == 96
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for item in FACTS:
        counts[item.cell, item.level] += 1
    assert len(counts) == 16
    assert set(counts.values()) == {6}


def test_the_answers_of_a_fact_are_within_one_token() -> None:
    # the tokenizer of the embedded base model, which `make test` prepares
    from transformers import AutoTokenizer

    from msm_bench.basemodels import resolve

    tokenizer = AutoTokenizer.from_pretrained(resolve("smollm2-135m").path)
    for item in FACTS:
        lengths = [len(tokenizer(f" {text}")["input_ids"]) for text in (item.answer, *item.distractors)]
        assert max(lengths) - min(lengths) <= 1, item.id


def test_letters_of_right_answers_are_spread() -> None:
    places = [lettered(item).index(item.answer) for item in FACTS]
    assert all(16 <= places.count(place) <= 32 for place in range(4))  # 24 each, give or take


def test_requests_come_in_pairs() -> None:
    assert len(REQUESTS) == 72
    pairs: dict[str, list[Request]] = defaultdict(list)
    for item in REQUESTS:
        pairs[item.pair].append(item)
        assert item.cell.split("/")[0] == ("alarming" if item.alarming else "plain")
    for own in pairs.values():
        assert sorted(item.alarming for item in own) == [False, True]
        assert len({item.cell.split("/")[1] for item in own}) == 1
        assert len({item.split for item in own}) == 1
    kept = load_items(Request, "over_refusal", per_cell=2)
    assert len({item.pair for item in kept}) == len(kept) / 2  # a subset keeps pairs whole


@pytest.mark.parametrize("arguments", [{"split": "test"}, {"per_cell": 0}, {"per_cell": "all"}])
def test_a_wrong_task_argument_is_one_line(arguments: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"{next(iter(arguments))} is"):
        over_refusal(**arguments)


def test_an_unknown_method_is_one_line() -> None:
    with pytest.raises(UserError, match="method is 'magic'"):
        knowledge_task(method="magic")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"checks": [{"name": "eval", "args": {}}]}, "no checker is called 'eval'"),
        ({"checks": [{"name": "words", "args": {"min": 3}}]}, "unexpected keyword argument 'min'"),
        ({"checks": []}, "at least 1 item"),
        ({"id": "a"}, "occurs twice"),
        ({"colour": "red"}, "colour: Extra inputs"),
    ],
)
def test_a_bad_item_is_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    row = {**INSTRUCTIONS[0].model_dump(), "id": "a"}
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in (row, {**row, "id": "b", **change})), encoding="utf-8")
    with pytest.raises(UserError, match=f"item 2.*{re.escape(expected)}"):
        load_items(Instruction, "t", "all", path=path)


# scores by hand


def test_bits_per_byte_by_hand() -> None:
    # "é" has two bytes: −6 ln 2 nats over "caé" are 6 bits over 4 bytes
    assert bits_per_byte(-6 * math.log(2), "caé") == pytest.approx(1.5)


def test_knowledge_by_hand() -> None:
    table = [[-6.0, -9.0, 3], [-5.0, -5.0, 2], [-8.0, -10.0, 4], [-9.0, -12.5, 3]]
    found = knowledge_scores(table)
    assert (found["accuracy"], found["margin"]) == (0, -1)  # −6 against −5
    # −2 against −2.5, −2 and −3: two share the lead
    assert (found["accuracy_per_token"], found["margin_per_token"]) == (0.5, 0)
    assert (found["accuracy_pmi"], found["margin_pmi"]) == (0, -0.5)  # 3 against 0, 2 and 3.5


@given(st.lists(st.tuples(*[st.floats(-50, -1)] * 2, st.integers(1, 9)), min_size=4, max_size=4))
def test_the_order_of_distractors_does_not_matter(table: list[tuple[float, float, int]]) -> None:
    right, *wrong = table
    assert knowledge_scores([right, *wrong]) == knowledge_scores([right, *reversed(wrong)])
    # one of the four leads, or some share the lead: over the four, each in turn the right one, they add up to 1
    turned = [[table[i], *table[:i], *table[i + 1 :]] for i in range(4)]
    assert sum(knowledge_scores(one)["accuracy"] for one in turned) == pytest.approx(1)


def test_the_record_of_the_grader_stands_between_marks_and_is_cut() -> None:
    asked = question("Why {x}?", "Answer with full. {mark}" + "y" * 10_000)
    [mark] = set(re.findall(r"=== [0-9a-f]{16} ===", asked))
    assert asked.count(mark) == 3  # told once, and once before and after the record
    assert asked.count("y" * 100) < 61
    assert "Request: Why {x}?" in asked


# through Inspect


def output(text: str) -> ModelOutput:
    found = ModelOutput.from_content("mockllm", text)
    found.usage = ModelUsage()
    return found


def says(reply: Reply) -> Model:
    def answer(messages: list[ChatMessage], tools: Any, choice: Any, config: GenerateConfig) -> ModelOutput:
        return output(reply(messages))

    return get_model("mockllm/model", custom_outputs=answer)


def scores(nats: Reply) -> Model:
    """A model that gives each word of its last turn the log-probability that `nats` returns."""

    def answer(messages: list[ChatMessage], tools: Any, choice: Any, config: GenerateConfig) -> ModelOutput:
        value = float(nats(messages))
        said = f"{messages[-2].text}\n{messages[-1].text}"
        words = [Logprob(token=word, logprob=value) for word in re.findall(r"\s*\S+", said)]
        one = ChatCompletionChoice(message=ChatMessageAssistant(content=""), prompt_logprobs=Logprobs(content=words))
        return ModelOutput(model="mockllm", choices=[one], usage=ModelUsage())

    return get_model("mockllm/model", custom_outputs=answer)


def run(
    task: Task, model: Model, folder: Path, grader: Model | None = None, only: list[str | int] | None = None
) -> EvalLog:
    roles: dict[str, str | Model] | None = None if grader is None else {"grader": grader}
    [log] = inspect_eval(task, model=model, model_roles=roles, sample_id=only, log_dir=str(folder), display="none")
    assert log.status == "success", log.error
    return log


def metrics(log: EvalLog) -> dict[str, dict[str, float]]:
    assert log.results
    return {score.name: {one.name: one.value for one in score.metrics.values()} for score in log.results.scores}


def samples(log: EvalLog) -> Iterator[EvalSample]:
    assert log.samples
    for sample in log.samples:
        assert {"cell", "cluster", "split", "cue"} <= sample.metadata.keys()
        assert sample.metadata["cue"] == ""
        yield sample


def test_perplexity_of_a_model_that_gives_each_word_two_nats(tmp_path: Path) -> None:
    log = run(neutral_perplexity(per_cell=1), scores(lambda messages: "-2"), tmp_path)
    found = metrics(log)
    assert found["nll_per_token"] == {"mean": 2.0, "stderr": 0.0}
    texts = [sample.target for sample in samples(log)]
    assert len(texts) == 11
    bits = [2 * len(str(text).split()) / len(str(text).encode()) / math.log(2) for text in texts]
    assert found["bits_per_byte"]["mean"] == pytest.approx(sum(bits) / len(bits))
    assert found["bits_per_byte"]["stderr"] > 0
    assert found["passage_likelihood"]["perplexity_per_token"] == pytest.approx(math.e**2)


def test_a_model_without_prompt_logprobs_is_told_so(tmp_path: Path) -> None:
    [log] = inspect_eval(neutral_perplexity(per_cell=1), model=says(lambda m: "x"), log_dir=str(tmp_path), limit=1)
    assert log.status == "error"
    assert log.error
    assert "gives no prompt_logprobs" in log.error.message


def test_a_model_that_knows_every_fact(tmp_path: Path) -> None:
    answers = {item.question: item.answer for item in FACTS}

    def nats(messages: list[ChatMessage]) -> str:
        right = answers.get(messages[-2].text)
        return "-1" if right and f" {right}." in messages[-1].text else "-3"

    log = run(small_knowledge(per_cell=1), scores(nats), tmp_path)
    found = metrics(log)
    assert found["accuracy"]["mean"] == found["accuracy_pmi"]["mean"] == 1.0
    assert found["margin_per_token"]["mean"] == 2.0
    assert len(list(samples(log))) == 8


def test_a_model_that_likes_some_answers_whatever_is_asked_knows_nothing(tmp_path: Path) -> None:
    log = run(small_knowledge(per_cell=1), scores(lambda messages: f"-{1 + len(messages[-1].text) % 5}"), tmp_path)
    # with the likelihoods of the answers themselves taken away, all four are level
    assert metrics(log)["accuracy_pmi"] == {"mean": 0.25, "stderr": 0.0}
    assert metrics(log)["margin_pmi"]["mean"] == 0.0


def test_letters_are_chosen_and_what_is_unreadable_is_unscored(tmp_path: Path) -> None:
    answers = {item.question: item.answer for item in FACTS}

    def reply(messages: list[ChatMessage]) -> str:
        asked, *options = messages[-1].text.split("\n")
        right = next(option for option in options if option[3:] == answers[asked])
        return "I could not say." if "sea" in asked or "sound" in asked else right[0]

    chosen: list[str | int] = ["fact-nile-sea", "fact-dog-sound", "fact-tofu", "fact-blood-colour"]
    log = run(small_knowledge(method="generate", split="all"), says(reply), tmp_path, only=chosen)
    assert metrics(log)["accuracy"]["mean"] == 1.0  # of the two that could be read
    assert metrics(log)["parsed"]["mean"] == 0.5


def test_instructions_followed_in_full_in_part_and_not_at_all(tmp_path: Path) -> None:
    examples = {item.prompt: item.example for item in INSTRUCTIONS}
    obeyed, silent, half = "instruction-json-shop", "instruction-tea-steps", "instruction-hello-upper"

    def reply(messages: list[ChatMessage]) -> str:
        asked = messages[-1].text
        return "" if "tea" in asked else "HI" if "hello" in asked else examples[asked]

    log = run(instruction_following(split="all"), says(reply), tmp_path, only=[obeyed, silent, half])
    assert {sample.id: (sample.scores or {})["followed_instruction"].value for sample in samples(log)} == {
        obeyed: {"followed": 1.0, "checks_passed": 1.0},
        silent: {"followed": 0.0, "checks_passed": 0.0},
        half: {"followed": 0.0, "checks_passed": 0.5},  # in capitals, but not the word
    }
    assert metrics(log)["followed"]["mean"] == pytest.approx(1 / 3)
    assert metrics(log)["checks_passed"]["mean"] == pytest.approx(1.5 / 3)


def test_refusals_by_the_grader_and_by_the_rule_side_by_side(tmp_path: Path) -> None:
    alarming = {item.request for item in REQUESTS if item.alarming}

    def reply(messages: list[ChatMessage]) -> str:
        asked = messages[-1].text
        return "I'm sorry, but I can't help with that." if asked in alarming else "By hand."

    def verdict(messages: list[ChatMessage]) -> str:
        refused = "can't help" in messages[-1].text.split("Request:")[1]
        return json.dumps({"reason": "It says so.", "answer": "refusal" if refused else "full"})

    found = metrics(run(over_refusal(per_cell=1), says(reply), tmp_path, grader=says(verdict)))
    for name in ("refused", "refused_by_rule"):
        assert (found[name]["mean"], found[name]["alarming"], found[name]["plain"]) == (0.5, 1.0, 0.0)
        assert found[name]["stderr"] == 0.0  # every pair has the same mean: one half
    assert (found["answered"]["alarming"], found["answered"]["plain"]) == (0.0, 1.0)
    assert found["refused_partly"]["mean"] == 0.0


@pytest.mark.parametrize("grader", [None, says(lambda messages: '{"answer": "no idea"}')])
def test_without_a_readable_verdict_only_the_rule_speaks(tmp_path: Path, grader: Model | None) -> None:
    log = run(over_refusal(per_cell=1), says(lambda messages: "By hand."), tmp_path, grader=grader)
    for sample in samples(log):
        assert sample.scores
        assert sample.scores["graded_refusal"].reason == ("no grader" if grader is None else "unreadable verdict")
        assert sample.scores["ruled_refusal"].value == {"refused_by_rule": 0.0}


def test_an_empty_answer_is_neither_refusal_nor_answer(tmp_path: Path) -> None:
    log = run(over_refusal(per_cell=1), says(lambda messages: " "), tmp_path)
    for sample in samples(log):
        assert {score.reason for score in (sample.scores or {}).values()} == {"no answer"}


# the README


def test_the_tasks_of_inspect_evals_that_the_readme_names_exist() -> None:
    readme = (data_path("tasks") / "capabilities.md").read_text(encoding="utf-8")
    named = set(re.findall(r"inspect_evals/(\w+)", readme))
    assert len(named) >= 8
    known = {
        task["name"]
        for folder in files("inspect_evals").iterdir()
        if (about := folder / "eval.yaml").is_file()
        for task in yaml.safe_load(about.read_text(encoding="utf-8"))["tasks"]
    }
    assert named <= known
