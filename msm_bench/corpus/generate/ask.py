"""Ask a model through Inspect: bounded, journalled, and with an end to every wait."""

import asyncio
from typing import NamedTuple

from inspect_ai.model import (
    CachePolicy,
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    ResponseSchema,
)

from msm_bench.corpus.generate.journal import Answer, Journal
from msm_bench.corpus.generate.progress import Progress
from msm_bench.errors import UserError
from msm_bench.files import canonical_json, sha256_text

SILENT = 20
"""So many requests without an answer, one after another, and the model counts as out of reach."""


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
    retries: int = 6
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
        self._silent = 0

    async def ask(self, request: Request) -> Answer:
        """The model's answer.

        Raises:
            Unanswered: there is none.
            UserError: there have been none for a while.
        """
        key = request.key(self.name)
        if known := self._journal.get(key):
            self._progress.spent(request.stage, known, fresh=False)
            return known
        async with self._slots:
            output = await self._generate(request)
        usage = output.usage
        answer = Answer(
            key=key,
            stage=request.stage,
            prompt_sha256=request.prompt_sha256,
            model=self.name,
            parameters=request.parameters,
            text=output.completion,
            stop_reason=output.stop_reason,
            input_tokens=usage.input_tokens if usage else 0,
            output_tokens=usage.output_tokens if usage else 0,
            cost=usage.total_cost if usage else None,
        )
        self._journal.add(answer)
        self._progress.spent(request.stage, answer, fresh=True)
        return answer

    async def _generate(self, request: Request) -> ModelOutput:
        messages: list[ChatMessage] = [
            ChatMessageSystem(content=request.system),
            ChatMessageUser(content=request.prompt),
        ]
        try:
            output = await self._model.generate(messages, config=self._config(request))
            if output.error or not output.choices:
                raise Unanswered(output.error or "an empty answer")
        except Exception as error:  # each provider has errors of its own
            self._silent += 1
            cause = error.__cause__ or error  # what a retry that gave up had met
            reason = " ".join(f"{type(cause).__name__}: {cause}".split())[:200]
            if self._silent == SILENT:  # once: the error ends the requests that are under way
                raise UserError(
                    f"{self.name}: {SILENT} requests one after another without an answer, the last for {reason}; "
                    "mend that, then give the same command again: what is answered is kept"
                ) from None
            raise Unanswered(reason) from None
        self._silent = 0
        return output

    def _config(self, request: Request) -> GenerateConfig:
        limits = self._limits
        return GenerateConfig(
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed,
            response_schema=request.schema,
            max_connections=limits.connections,
            max_retries=limits.retries,
            attempt_timeout=None if limits.batch else limits.timeout,
            timeout=None if limits.batch else limits.timeout * (limits.retries + 1),
            batch=limits.batch or None,
            cache=CachePolicy(expiry=None) if limits.cache else None,
        )
