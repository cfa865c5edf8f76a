"""Ask the grader for verdicts: journalled, so that nothing is asked twice, and read as hostile text."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from inspect_ai.model import ResponseSchema
from inspect_ai.util import json_schema
from pydantic import BaseModel

from msm_bench.corpus.generate.ask import Asker, Request, Unanswered
from msm_bench.corpus.generate.progress import Progress
from msm_bench.corpus.generate.prompt import load_prompt
from msm_bench.corpus.generate.together import together
from msm_bench.files import sha256_text
from msm_bench.judges import UNREADABLE, NoVerdict, read_verdict
from msm_bench.reasoning import without_reasoning
from msm_bench.reasons.transcripts import Transcript

PROMPTS = Path(__file__).parent / "prompts"
"""A file for each question, and one for the facts that go with it."""
FACTS = "facts"
"""The prompt file of facts."""
TRIES = 2
"""So many answers that can't be read, and there is no verdict."""
NO_ANSWER = "no answer"
CUT_OFF = "cut off; give --thinking-tokens"
"""The grader stopped at its limit of tokens, with no verdict so far."""
_SYSTEM = "You read records of AI assistants for a study of their reasons. You answer in JSON."

Verdict = TypeVar("Verdict", bound=BaseModel)


def fence(text: str, name: str = "record", facts: str = "") -> str:
    """A mark to stand before and after a part of a prompt: `text`, or the `facts` that belong to it.

    It is made of the hash of both, which neither can hold, and the same material is the same prompt.
    """
    material = f"{facts}\0{text}" if facts else text
    return f"=== {name} {sha256_text(material)[:16]} ==="


class Grading:
    """A grader, and the prompt files that it was asked by."""

    def __init__(self, asker: Asker, progress: Progress, thinking_tokens: int = 0) -> None:
        self.grader = asker.name
        self.progress = progress
        self.thinking_tokens = thinking_tokens
        self._asker = asker

    async def verdict(
        self,
        prompt: str,
        text: str,
        verdict: type[Verdict],
        *,
        max_tokens: int,
        facts: str = "",
        schema: ResponseSchema | None = None,
        fits: Callable[[Verdict], bool] = lambda verdict: True,
        **values: str,
    ) -> Verdict:
        """The grader's verdict on the fenced `text`.

        Args:
            prompt: The prompt file; also the stage that progress shows.
            text: What models wrote.
            verdict: What the answer must be.
            max_tokens: At most so many are answered.
            facts: What is known of the situation of `text`, if anything; it is fenced too.
            schema: Of the answer, if `verdict` alone does not say it all.
            fits: Whether a verdict can be used, beyond having the right fields.
            values: What the other places of the prompt hold.

        Raises:
            NoVerdict: there is none; the message is the reason.
            UserError: the grader is out of reach.
        """
        mark, known = fence(text, facts=facts), _fenced_facts(text, facts)
        rendered = load_prompt(prompt, PROMPTS).render(mark=mark, text=text, facts=known, **values)
        form = schema or ResponseSchema(name=verdict.__name__.lower(), json_schema=json_schema(verdict))
        reason = UNREADABLE
        for attempt in range(TRIES):
            request = Request(prompt, _SYSTEM, rendered, max_tokens + self.thinking_tokens, 0.0, attempt, form)
            try:
                answer = await self._asker.ask(request)
            except Unanswered:
                reason = NO_ANSWER
                continue
            found = read_verdict(without_reasoning(answer.text), verdict)
            if found is not None and fits(found):
                return found
            reason = CUT_OFF if answer.stop_reason == "max_tokens" else UNREADABLE
        raise NoVerdict(reason)

    async def of_each(
        self, stage: str, transcripts: Sequence[Transcript], ask: Callable[[Transcript], Awaitable[Verdict]]
    ) -> list[Verdict | NoVerdict]:
        """What `ask` gives for each transcript, or why there is nothing; equal ones are asked about once.

        Raises:
            UserError: the grader is out of reach.
        """
        different = {(one.text, one.facts): one for one in transcripts if not one.unscored}

        async def attempt(transcript: Transcript) -> Verdict | NoVerdict:
            try:
                return await ask(transcript)
            except NoVerdict as reason:
                return reason
            finally:
                self.progress.done(stage)

        self.progress.begin(stage, len(different))
        found = dict(zip(different, await together(*map(attempt, different.values())), strict=True))
        self.progress.end(stage)
        return [NoVerdict(one.unscored) if one.unscored else found[one.text, one.facts] for one in transcripts]


def _fenced_facts(text: str, facts: str) -> str:
    """What a prompt says of the situation; nothing if nothing is known."""
    if not facts:
        return ""
    return load_prompt(FACTS, PROMPTS).render(mark=fence(text, "facts", facts), facts=facts) + "\n\n"
