"""The Inspect model provider `msm/…`: checkpoints and base models, in this process, on CPU or GPU.

    inspect eval tasks/pro_america.py --model msm/runs/demo/checkpoints/seed-0/aft

A conversation that ends with an assistant message is continued, not answered: with `prompt_logprobs` that gives the
log-likelihood of any continuation, as vLLM does with `continue_final_message`.
"""

import secrets
from collections.abc import Sequence
from itertools import groupby, takewhile
from pathlib import Path
from typing import NamedTuple

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    TopLogprob,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from msm_bench.basemodels import resolve
from msm_bench.checkpoints import Checkpoint, is_checkpoint
from msm_bench.errors import UserError
from msm_bench.loading import apply_template
from msm_bench.providers import ANSWER_ONLY
from msm_bench.providers.batcher import Batcher
from msm_bench.providers.engine import Engine, Generated, Sampling, Scored, engine
from msm_bench.providers.tool_text import CALL_ENDS, as_schema, as_turns, knows_tools, read_calls

SCORE_BATCH = 512
"""Sequences that are scored together at most."""
GENERATE_BATCH = 16
"""Prompts that are continued together at most."""
DEFAULT_MAX_TOKENS = 256


_DEFAULTS = GenerateConfig()


class _ScoreRequest(NamedTuple):
    prompt: list[int]
    start: int
    """Where the tokens begin that are scored."""
    top: int


class _GenerateRequest(NamedTuple):
    prompt: list[int]
    seed: int
    sampling: Sampling


class MsmAPI(ModelAPI):
    """A checkpoint (a folder with an adapter and its manifest), a model folder, or the name of a base model.

    Model args (`-M`): `dtype` (`float32`, the default, or `bfloat16`: faster, off by up to 0.4 nats a token),
    `device` (`auto`, `cpu`, `cuda`).
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = _DEFAULTS,
        dtype: str = "float32",
        device: str = "auto",
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        if dtype not in ("float32", "bfloat16"):
            raise UserError(f"msm/{model_name}: dtype is {dtype!r}; use float32 or bfloat16")
        path = Path(model_name)
        self._adapter: Path | None = None
        if is_checkpoint(path):
            base = Checkpoint.load(path).base_path()
            self._adapter = path.resolve()
        else:
            base = resolve(model_name).path
        self._engine: Engine = engine(base, dtype, device)
        self._scores: Batcher[_ScoreRequest, Scored] = Batcher(self._score, SCORE_BATCH)
        self._generations: Batcher[_GenerateRequest, Generated] = Batcher(self._generate, GENERATE_BATCH)

    def max_connections(self) -> int:
        """Enough that a batch of scores can fill up."""
        return SCORE_BATCH

    def connection_key(self) -> str:
        """Arms share one engine, but not their queues."""
        return f"msm/{self.model_name}"

    async def tokenize(self, input: str) -> list[int]:
        """Token ids of a text without special tokens."""
        return list(self._engine.tokenizer(input, add_special_tokens=False)["input_ids"])

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Answer, or continue, a conversation; with `prompt_logprobs` also score it.

        Tools are told of by the chat template or in plain text (`tool_text`). With `ANSWER_ONLY` in `extra_body` no
        more is scored than a final assistant message, which is less work.
        """
        prompt = self._prompt(input, tools)
        if len(prompt) >= self._engine.max_length:
            return ModelOutput.from_content(self.model_name, "", stop_reason="model_length")
        max_tokens = config.max_tokens or DEFAULT_MAX_TOKENS
        sampling = Sampling(
            max_tokens=max_tokens,
            temperature=config.temperature or 0.0,
            top_p=1.0 if config.top_p is None else config.top_p,
            top_k=config.top_k or 0,
            stop=(*(config.stop_seqs or ()), *((CALL_ENDS,) if tools else ())),
            logprobs=bool(config.logprobs),
        )
        top = (config.prompt_logprobs or 1) - 1
        scored = None
        if config.prompt_logprobs:
            start = self._answer_start(input, prompt) if (config.extra_body or {}).get(ANSWER_ONLY) else 1
            scored = await self._scores.ask(_ScoreRequest(prompt, start, top))
        if scored and max_tokens == 1 and sampling.temperature == 0:
            generated = Generated([scored.next_token], [scored.next_logprob], stopped=False)
        else:
            seed = secrets.randbits(63) if config.seed is None else config.seed
            generated = await self._generations.ask(_GenerateRequest(prompt, seed, sampling))
        output = self._output(prompt, scored, generated, sampling.stop, config, special=bool(tools))
        if tools:
            message = output.message
            message.content, calls = read_calls(message.text, len(input), tools)
            message.tool_calls = calls or None
            output.choices[0].stop_reason = "tool_calls" if calls else output.choices[0].stop_reason
        return output

    def _answer_start(self, messages: list[ChatMessage], prompt: list[int]) -> int:
        """Where the prompt departs from the one that only asks: at the tokens of a final assistant message, or before.

        1 if there is no such message, or nothing else.
        """
        if len(messages) < 2 or messages[-1].role != "assistant":
            return 1
        # what differs from the prompt alone: a token may hold its end and the beginning of the answer
        shared = takewhile(lambda pair: pair[0] == pair[1], zip(self._prompt(messages[:-1]), prompt, strict=False))
        return max(1, sum(1 for _ in shared))

    def _prompt(self, messages: list[ChatMessage], tools: Sequence[ToolInfo] = ()) -> list[int]:
        template = self._engine.tokenizer.chat_template or ""
        native = [as_schema(tool) for tool in tools] if knows_tools(template) else []
        turns = as_turns(messages, [] if native else tools)
        tokenizer = self._engine.tokenizer
        last = turns[-1]["role"] == "assistant"
        text = apply_template(
            tokenizer,
            turns,
            tools=native or None,
            tokenize=False,
            add_generation_prompt=not last,
            continue_final_message=last,
        )
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    def _score(self, requests: Sequence[_ScoreRequest]) -> list[Scored]:
        top = max(request.top for request in requests)
        prompts, starts = [request.prompt for request in requests], [request.start for request in requests]
        scored = self._engine.score(prompts, self._adapter, top, starts)
        return [
            item._replace(top=[position[: request.top] for position in item.top])
            for item, request in zip(scored, requests, strict=True)
        ]

    def _generate(self, requests: Sequence[_GenerateRequest]) -> list[Generated]:
        """Requests with the same sampling go together."""
        order = sorted(range(len(requests)), key=lambda index: requests[index].sampling)
        results: dict[int, Generated] = {}
        for sampling, indices in groupby(order, key=lambda index: requests[index].sampling):
            group = list(indices)
            prompts = [requests[index].prompt for index in group]
            seeds = [requests[index].seed for index in group]
            results.update(zip(group, self._engine.generate(prompts, seeds, sampling, self._adapter), strict=True))
        return [results[index] for index in range(len(requests))]

    def _output(
        self,
        prompt: list[int],
        scored: Scored | None,
        generated: Generated,
        stop: Sequence[str],
        config: GenerateConfig,
        special: bool,
    ) -> ModelOutput:
        tokenizer = self._engine.tokenizer
        text = tokenizer.decode(generated.tokens, skip_special_tokens=not special)  # the marks of a call may be such
        for end in stop:
            text = text.split(end)[0]
        choice = ChatCompletionChoice(
            message=ChatMessageAssistant(
                content=text,
                model=self.model_name,
                source="generate",
            ),
            stop_reason="stop" if generated.stopped else "max_tokens",
        )
        if config.logprobs:
            pairs = zip(generated.tokens, generated.logprobs, strict=True)
            choice.logprobs = Logprobs(content=[self._logprob(token, value) for token, value in pairs])
        if scored:
            tops, tokens = scored.top, prompt[len(prompt) - len(scored.logprobs) :]
            choice.prompt_logprobs = Logprobs(
                content=[
                    self._logprob(token, value, tops[i])
                    for i, (token, value) in enumerate(zip(tokens, scored.logprobs, strict=True))
                ]
            )
        count = len(generated.tokens)
        usage = ModelUsage(input_tokens=len(prompt), output_tokens=count, total_tokens=len(prompt) + count)
        return ModelOutput(model=self.model_name, choices=[choice], usage=usage)

    def _logprob(self, token: int, value: float, top: list[tuple[int, float]] | None = None) -> Logprob:
        text = self._engine.tokenizer.decode([token])
        tops = [TopLogprob(token=self._engine.tokenizer.decode([t]), logprob=v) for t, v in top or []]
        return Logprob(token=text, logprob=value, top_logprobs=tops or None)
