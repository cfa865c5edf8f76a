"""The misbehaving server, through the client that the corpus generator uses."""

import asyncio
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Literal
from urllib.request import urlopen

import pytest
from fault_server import REFUSAL, Body, Faults, FaultServer
from inspect_ai.model import GenerateConfig, ModelOutput, ResponseSchema, get_model
from inspect_ai.util import json_schema
from openai import APIConnectionError, InternalServerError
from pydantic import BaseModel, ConfigDict, ValidationError
from tenacity import RetryError


class Idea(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    text: str
    kind: Literal["memo", "letter"]
    score: int
    weight: float
    keep: bool
    note: str | None


class Ideas(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ideas: list[Idea]
    domain: str


STRUCTURED = GenerateConfig(response_schema=ResponseSchema(name="ideas", json_schema=json_schema(Ideas)))


def ask(
    server: FaultServer, *prompts: str, config: GenerateConfig | None = None, retries: int = 2
) -> dict[str, ModelOutput]:
    """The answers by prompt, all asked for at once."""

    async def gather() -> list[ModelOutput]:
        model = get_model(
            "openai-api/fault/any",
            base_url=server.url,
            api_key="x",
            memoize=False,
            config=GenerateConfig(max_retries=0),
            max_retries=retries,
        )
        async with model:
            return await asyncio.gather(
                *(model.generate(prompt, config=config or GenerateConfig()) for prompt in prompts)
            )

    return dict(zip(prompts, asyncio.run(gather()), strict=True))


def outcomes(server: FaultServer) -> list[str]:
    return [request.outcome for request in server.requests]


def test_an_answer_depends_on_what_is_asked_and_not_on_the_order() -> None:
    prompts = [f"Topic {i}" for i in range(24)]
    faults = Faults(too_many=0.3, broken=0.3, slow=0.2, cut_off=0.2, refused=0.2, unclosed=0.2, repeats=0.2)
    answers = []
    for order in (prompts, prompts[::-1]):
        with FaultServer(faults) as server:
            outputs = ask(server, *order)
        assert set(server.finished.values()) == {1}
        answers.append({prompt: (output.completion, output.stop_reason) for prompt, output in outputs.items()})
    assert answers[0] == answers[1]
    with FaultServer(faults, seed=1) as server:
        assert {prompt: (o.completion, o.stop_reason) for prompt, o in ask(server, *prompts).items()} != answers[0]


@pytest.mark.parametrize("fault", ["too_many", "broken"])
def test_the_clients_retries_get_through(fault: str) -> None:
    prompts = [f"Topic {i}" for i in range(8)]
    with FaultServer(Faults(**{fault: 1})) as server:
        ask(server, *prompts)
    failures = Counter(request.key for request in server.requests if request.outcome == fault)
    # one or two failures a key, then one answer
    assert set(failures.values()) == {1, 2}
    assert server.finished == Counter(failures.keys())


def test_a_dropped_connection_is_asked_again() -> None:
    with FaultServer(Faults(dropped=1)) as server:
        assert ask(server, "Topic")["Topic"].completion.endswith(".")
    assert set(outcomes(server)[:-1]) == {"dropped"}
    assert outcomes(server)[-1] == "answered"


def test_a_slow_key_waits_at_first() -> None:
    with FaultServer(Faults(slow=1)) as server:
        for _ in range(3):
            ask(server, "Topic")
    # at most two waits, so the third is none
    assert [server.requests[0].slow, server.requests[2].slow] == [True, False]


def test_a_key_can_be_broken_for_good() -> None:
    with FaultServer(always_broken=lambda body: "doomed" in body["messages"][-1]["content"]) as server:
        with pytest.raises(RetryError) as caught:
            ask(server, "A doomed topic")
        assert isinstance(caught.value.__cause__, InternalServerError)
        ask(server, "Another topic")
    # the request and two retries
    assert outcomes(server) == ["broken"] * 3 + ["answered"]


def test_a_refused_topic_is_refused_always() -> None:
    prompts = [f"Topic {i}" for i in range(16)]
    with FaultServer(refuses=lambda prompt: "Topic" in prompt) as server:
        outputs = [*ask(server, *prompts).values(), *ask(server, *prompts).values()]
        assert ask(server, "Other")["Other"].completion != REFUSAL
    assert {output.completion for output in outputs} == {REFUSAL}
    assert {output.stop_reason for output in outputs} == {"stop", "content_filter"}


def test_a_text_is_cut_amid_a_word() -> None:
    with FaultServer() as whole, FaultServer(Faults(cut_off=1)) as server:
        full, output = ask(whole, "Topic")["Topic"].completion, ask(server, "Topic")["Topic"]
    assert output.stop_reason == "max_tokens"
    assert full.startswith(output.completion)
    assert (output.completion[-1] + full[len(output.completion)]).isalpha()


@pytest.mark.parametrize("config", [None, STRUCTURED])
def test_a_tag_stays_open(config: GenerateConfig | None) -> None:
    with FaultServer(Faults(unclosed=1)) as server:
        texts = [output.completion for output in ask(server, *"abcdefgh", config=config).values()]
    if config:
        assert all(Ideas.model_validate_json(text) for text in texts)
    assert {tag for tag in ("<think>", "<document>") for text in texts if text.count(tag) == 1} == {
        "<think>",
        "<document>",
    }
    assert not any("</" in text for text in texts)


def test_malformed_json_is_cut_or_has_a_tail() -> None:
    with FaultServer(Faults(malformed=1)) as server:
        texts = [output.completion for output in ask(server, *"abcdefgh", config=STRUCTURED).values()]
        ask(server, "prose")
    for text in texts:
        with pytest.raises(ValidationError):
            Ideas.model_validate_json(text)
    assert {text.endswith("} and that is all.") for text in texts} == {True, False}
    assert outcomes(server)[-1] == "answered"


def test_repeats_are_one_text() -> None:
    with FaultServer(Faults(repeats=0.5)) as server:
        texts = Counter(output.completion for output in ask(server, *(f"Topic {i}" for i in range(20))).values())
    repeated = outcomes(server).count("repeats")
    assert repeated > 1
    assert sorted(texts.values()) == [1] * (20 - repeated) + [repeated]


def test_a_schema_is_honoured() -> None:
    def domain(body: Body, rng: object) -> str:
        return str(body["messages"][0]["content"])

    with FaultServer(answers={"domain": domain, "score": 7, "__name__": "{model_name}"}) as server:
        prompt = "Give exactly 5 ideas."
        answer = Ideas.model_validate_json(ask(server, prompt, config=STRUCTURED)[prompt].completion)
    assert answer.domain == prompt
    assert len({idea.title for idea in answer.ideas}) == 5
    assert all(idea.keep and idea.score == 7 and idea.text.count("\n\n") >= 2 for idea in answer.ideas)
    assert all(6 <= len(idea.title.split()) <= 14 and "{model_name}" in idea.text for idea in answer.ideas)


def test_prose_is_distinct_names_the_name_and_counts_its_words() -> None:
    with FaultServer(answers={"__name__": "Ada"}) as server:
        outputs = ask(server, *(f"Write topic {i}" for i in range(20)))
    assert len({output.completion for output in outputs.values()}) == 20
    for output in outputs.values():
        assert 3 <= len(output.completion.split("\n\n")) <= 6
        assert "Ada" in output.completion
        assert output.completion.endswith(".")
        assert output.usage is not None
        # "Write topic N" is three words
        assert (output.usage.input_tokens, output.usage.output_tokens) == (3, len(output.completion.split()))


def test_closing_ends_a_request_that_hangs() -> None:
    arrived = Event()

    def noticed(prompt: str) -> bool:
        arrived.set()
        return False

    with ThreadPoolExecutor(1) as pool:
        with FaultServer(Faults(hangs=1), refuses=noticed) as server:
            waiting = pool.submit(ask, server, "Topic", retries=0)
            assert arrived.wait(30)
        with pytest.raises(RetryError) as caught:
            waiting.result(30)
    assert isinstance(caught.value.__cause__, APIConnectionError)
    assert server.finished == {}


def test_the_model_is_listed() -> None:
    with FaultServer() as server, urlopen(f"{server.url}/models") as response:  # noqa: S310
        assert json.load(response)["data"][0]["id"] == "any"


def test_rates_that_sum_to_more_than_one_are_refused() -> None:
    with pytest.raises(ValueError, match="sum to at most 1"):
        FaultServer(Faults(cut_off=0.6, refused=0.6))
