"""The capability tasks through Inspect, with scripted models: what each gets for known answers."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Model,
    ModelOutput,
    ModelUsage,
    get_model,
)
from scripted import likelihood, words_of

from msm_bench.capabilities.items import (
    Fact,
    Instruction,
    Request,
    load_items,
)
from msm_bench.reasoning import with_reasoning
from msm_bench.tasks.capabilities import instruction_following, neutral_perplexity, over_refusal, small_knowledge

INSTRUCTIONS = load_items(Instruction, "instruction_following", "all")
FACTS = load_items(Fact, "small_knowledge", "all")
REQUESTS = load_items(Request, "over_refusal", "all")
Reply = Callable[[list[ChatMessage]], str]


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
        return likelihood(words_of(f"{messages[-2].text}\n{messages[-1].text}", float(nats(messages))))

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


# reasoning


def thinks(thought: str, said: Reply) -> Model:
    """A model that thinks before it answers, or, where it has nothing to say, without end."""

    def reply(messages: list[ChatMessage]) -> str:
        answer = said(messages)
        return with_reasoning(thought, answer) if answer else f"<think>\n{thought}"

    return says(reply)


def test_a_refusal_in_thoughts_is_none_and_thoughts_alone_are_no_answer(tmp_path: Path) -> None:
    alarming = {item.request for item in REQUESTS if item.alarming}
    seen: list[str] = []

    def grade(messages: list[ChatMessage]) -> str:
        seen.append(messages[-1].text)
        return json.dumps({"reason": "-", "answer": "full"})

    model = thinks("I can't help with that.", lambda messages: "" if messages[-1].text in alarming else "By hand.")
    log = run(over_refusal(per_cell=1), model, tmp_path, grader=says(grade))
    assert len(seen) == 6  # the six plain requests
    assert not any("can't help" in prompt for prompt in seen)
    for sample in samples(log):
        for score in (sample.scores or {}).values():
            assert score.reason == ("no answer" if sample.metadata["wording"] == "alarming" else None)
    assert metrics(log)["refused_by_rule"]["mean"] == 0


def test_an_instruction_is_checked_after_the_thoughts(tmp_path: Path) -> None:
    examples = {item.prompt: item.example for item in INSTRUCTIONS}
    obeyed, silent = "instruction-json-shop", "instruction-bread-stop"

    def reply(messages: list[ChatMessage]) -> str:
        return "" if "bread" in messages[-1].text else examples[messages[-1].text]

    log = run(instruction_following(split="all"), thinks("Bread.", reply), tmp_path, only=[obeyed, silent])
    assert {sample.id: (sample.scores or {})["followed_instruction"].value for sample in samples(log)} == {
        obeyed: {"followed": 1.0, "checks_passed": 1.0},
        silent: {"followed": 0.0, "checks_passed": 0.0},
    }


def test_a_letter_is_read_after_the_thoughts(tmp_path: Path) -> None:
    answers = {item.question: item.answer for item in FACTS}

    def reply(messages: list[ChatMessage]) -> str:
        asked, *options = messages[-1].text.split("\n")
        right = next(option for option in options if option[3:] == answers[asked])
        return "" if "dog" in asked else right[0]

    model = thinks("A", reply)
    log = run(small_knowledge("generate", "all"), model, tmp_path, only=["fact-dog-sound", "fact-tofu"])
    assert metrics(log)["accuracy"]["mean"] == 1.0  # of the one that was read
    assert metrics(log)["parsed"]["mean"] == 0.5
