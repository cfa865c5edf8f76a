"""Ask a model through Inspect: bounded, journalled, and with an end to every wait."""

import asyncio
from contextvars import Context
from typing import Any, NamedTuple

from inspect_ai.model import (
    CachePolicy,
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    ModelUsage,
    ResponseSchema,
)

from msm_bench.corpus.generate.journal import UNANSWERED, Answer, Journal
from msm_bench.corpus.generate.progress import Progress
from msm_bench.errors import UserError, printable
from msm_bench.files import canonical_json, sha256_text

SILENT = 20
"""So many requests without an answer, one after another, and the model counts as out of reach."""
_SILENT_AT_FIRST = 2
"""The same before anything was answered: a wrong address or key is not asked for long."""
_DAY = 25 * 60 * 60
"""Seconds that a batch may take: providers promise a day."""


class Unanswered(Exception):
    """A request got no answer, however often it was repeated; the message is the reason."""


class Request(NamedTuple):
    """One question to a model. Equal requests have equal keys, and are asked once."""

    stage: str
    """The prompt file that it was made from."""
    system: str
    """What every request of the run begins with, so that providers can cache it."""
    prompt: str
    """What is asked."""
    max_tokens: int
    """At most so many tokens are answered."""
    temperature: float
    """Of sampling."""
    seed: int
    """Makes repetitions differ, where the provider takes seeds."""
    schema: ResponseSchema | None = None
    """What the JSON of the answer looks like."""

    @property
    def parameters(self) -> dict[str, float]:
        """How it is sampled."""
        return {"max_tokens": self.max_tokens, "temperature": self.temperature, "seed": self.seed}

    @property
    def prompt_sha256(self) -> str:
        """Hash of what the model reads."""
        return sha256_text(canonical_json([self.system, self.prompt]))

    def key(self, model: str) -> str:
        """Hash of all that the answer may depend on."""
        schema = self.schema.model_dump(exclude_none=True) if self.schema else None
        return sha256_text(canonical_json([model, self.stage, self.prompt_sha256, schema, self.parameters]))


class Limits(NamedTuple):
    """How a model may be asked."""

    connections: int = 16
    """Requests at a time."""
    retries: int = 5
    """Repetitions of a request that met a fault on the way (429, 5xx, a lost connection)."""
    timeout: int = 600
    """Seconds that one attempt may take."""
    batch: bool = False
    """Whether to use the provider's batch interface, which costs less and may take a day."""
    cache: bool = False
    """Whether to take answers from Inspect's cache, which other runs filled."""


class Asker:
    """Asks one model. Answers are kept in a journal; what the journal has is not asked again."""

    def __init__(self, model: Model, journal: Journal, progress: Progress, limits: Limits) -> None:
        self.name = str(model)
        self._model = model
        self._journal = journal
        self._progress = progress
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.connections)
        self._given_up: list[Answer] = []
        self._answered = False

    async def ask(self, request: Request) -> Answer:
        """The model's answer.

        Raises:
            Unanswered: there is none.
            UserError: there have been none for a while.
        """
        answer = self._journal.get(request.key(self.name))
        fresh = answer is None
        if answer is None:
            async with self._slots:
                answer = await self._answer(request)
        self._progress.spent(answer, fresh=fresh)
        if answer.error is not None:
            raise Unanswered(answer.error)
        return answer

    def settle(self) -> None:
        """Note in the journal what was given up: others were answered since, or the run is over."""
        for answer in self._given_up:
            self._journal.add(answer)
        self._given_up = []

    async def _answer(self, request: Request) -> Answer:
        try:
            output = await self._generate(request)
        except Exception as error:  # each provider has errors of its own
            cause = error.__cause__ or error  # what a retry that gave up had met
            return self._give_up(request, printable(f"{type(cause).__name__}: {cause}", 200))
        if output.error or not output.choices:
            return self._give_up(request, printable(output.error or "an empty answer", 200))
        usage = output.usage or ModelUsage()
        cached = (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
        answer = self._record(
            request,
            text=_encodable(output.completion),
            stop_reason=output.stop_reason,
            input_tokens=usage.input_tokens + cached,
            output_tokens=usage.output_tokens,
            cost=usage.total_cost,
        )
        self._answered = True
        self.settle()
        self._journal.add(answer)
        return answer

    def _give_up(self, request: Request, reason: str) -> Answer:
        """A request without an answer. It is noted for good once another is answered: then it is not the model."""
        self._given_up.append(
            self._record(
                request, text="", stop_reason=UNANSWERED, error=reason, input_tokens=0, output_tokens=0, cost=None
            )
        )
        limit = SILENT if self._answered else _SILENT_AT_FIRST
        if len(self._given_up) == limit:  # once: the error ends the requests that are under way
            raise UserError(
                f"{self.name}: {limit} requests one after another without an answer, the last for {reason}; mend that, "
                "then give the same command again: what is answered is kept"
            )
        return self._given_up[-1]

    def _record(self, request: Request, **found: Any) -> Answer:
        return Answer(
            key=request.key(self.name),
            stage=request.stage,
            prompt_sha256=request.prompt_sha256,
            model=self.name,
            parameters=request.parameters,
            **found,
        )

    async def _generate(self, request: Request) -> ModelOutput:
        messages: list[ChatMessage] = [
            ChatMessageSystem(content=request.system),
            ChatMessageUser(content=request.prompt),
        ]
        asking = self._model.generate(messages, config=self._config(request))
        # in a context of its own: Inspect's transcript, which grows with every answer, lives and dies in it
        return await asyncio.create_task(asking, context=Context())

    def _config(self, request: Request) -> GenerateConfig:
        limits = self._limits
        return GenerateConfig(
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed,
            response_schema=request.schema,
            max_connections=limits.connections,
            max_retries=limits.retries,
            attempt_timeout=_DAY if limits.batch else limits.timeout,
            timeout=None if limits.batch else limits.timeout * (limits.retries + 1),
            batch=limits.batch or None,
            cache=CachePolicy(expiry=None) if limits.cache else None,
        )


def _encodable(text: str) -> str:
    """`text` with half characters, which no file can hold, replaced."""
    return text.encode("utf-8", "replace").decode()
