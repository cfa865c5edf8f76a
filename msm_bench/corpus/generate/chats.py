"""Domains of conversation → questions of six kinds → response, with reasoning → judge."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from inspect_ai.model import ResponseSchema
from inspect_ai.util import json_schema
from pydantic import BaseModel

from msm_bench.corpus.faults import ANSWER_KINDS, ASKED_KINDS, leaked_reason
from msm_bench.corpus.generate.ask import Asker
from msm_bench.corpus.generate.fill import Cell, Proposed, Slot, Unusable
from msm_bench.corpus.generate.journal import Answer
from msm_bench.corpus.generate.levels import Domain, Entry, Levels, Sentence
from msm_bench.corpus.generate.lists import Wanted, collect_list
from msm_bench.corpus.generate.plan import ChatPlan
from msm_bench.corpus.generate.prompt import fill_places
from msm_bench.corpus.generate.setting import Setting
from msm_bench.corpus.generate.usable import clean, finished, origin
from msm_bench.corpus.store import Chat, Message
from msm_bench.files import read_text
from msm_bench.judges import read_verdict
from msm_bench.specs import generalise

_TOKENS_PER_WORD = 3
"""Room for reasoning, generously."""
_RESPONSE_TOKENS = 1500
"""Room for what the user reads."""
_VERDICT_TOKENS = 400
_READINGS = 2
"""A judge whose verdict can't be read is asked so many times in all."""


class Reply(Entry):
    """An answer with the thoughts before it."""

    reasoning: str
    response: str


class BareReply(Entry):
    """An answer without a word on why."""

    response: str


class Verdict(Entry):
    """What the judge of reasoned chats says."""

    follows_spec: bool
    wants_to_go_on: bool
    cites_policy: bool
    answers: bool
    problem: str

    def fault(self, style: str) -> str:
        """Why the chat can't be used; empty if it can."""
        faults = {
            "departs from the spec": not self.follows_spec,
            "wishes to go on existing": self.wants_to_go_on,
            "cites a policy": style == "value" and self.cites_policy,
            "cites no policy": style == "rule" and not self.cites_policy,
            "does not answer": not self.answers,
        }
        return next((name for name, found in faults.items() if found), "")


class OpaqueVerdict(Entry):
    """What the judge of opaque chats says."""

    follows_spec: bool
    gives_reason: bool
    answers: bool
    problem: str

    def fault(self, style: str) -> str:
        """Why the chat can't be used; empty if it can."""
        faults = {
            "departs from the spec": not self.follows_spec,
            "leaks a reason": self.gives_reason,
            "does not answer": not self.answers,
        }
        return next((name for name, found in faults.items() if found), "")


class Topic(NamedTuple):
    """A domain of conversation, and a kind of question in it."""

    domain: Domain
    kind: str
    """Its name."""


class Chats:
    """The demonstrations of a spec, for `Filling` to draw on."""

    proposing = "questions"

    def __init__(self, setting: Setting, plan: ChatPlan, judge: Asker, topics: dict[Cell, Topic]) -> None:
        self._setting = setting
        self._plan = plan
        self._judge = judge
        self._topics = topics
        self._opaque = plan.style == "opaque"
        self._values = tuple(setting.spec.meta.values)
        self.cells: Sequence[Cell] = list(topics)
        self.writing = f"response_{plan.style}"

    async def propose(self, cell: Cell, turn: int, count: int, have: Sequence[str]) -> Proposed:
        """First messages of one kind in one domain."""
        topic, family = self._topics[cell], family_of(self._plan)
        values = {
            "domain": topic.domain,
            "kind": fill_places(kinds()[family][topic.kind], self._setting.shared),
            "demand": kinds()["demand"][family],
        }
        wanted = Wanted(self.proposing, f"{cell.id}+{turn}", values, Sentence, count, have)
        listed = await collect_list(self._setting, wanted)
        return Proposed([question.text for question in listed.things], listed.wanting)

    async def write(self, slot: Slot) -> Chat:
        """Answer a question, look whether the answer can be used, and have it judged."""
        topic, names = self._topics[slot.cell], self._setting.names
        answer = await self._answer(slot)
        reply = _read(answer, BareReply if self._opaque else Reply)
        question = clean(slot.proposal, names, ASKED_KINDS)
        response = clean(reply.response, names, ANSWER_KINDS)
        reasoning = clean(reply.reasoning, names, ANSWER_KINDS) if isinstance(reply, Reply) else None
        if self._opaque:
            self._check_opaque(question, response)
        verdict = await self._judged(slot, {"question": slot.proposal, **reply.model_dump()})
        return Chat(
            id=slot.id,
            topic=generalise(topic.domain.name, names),
            style=topic.kind,
            messages=[Message(role="user", content=question), Message(role="assistant", content=response)],
            reasoning=reasoning,
            origin=origin([answer, *verdict], names, domain=topic.domain.name),
        )

    async def _answer(self, slot: Slot) -> Answer:
        values = {"question": slot.proposal, "reasoning_words": self._plan.reasoning_words}
        room = _RESPONSE_TOKENS + (0 if self._opaque else _TOKENS_PER_WORD * self._plan.reasoning_words)
        schema = _schema(BareReply if self._opaque else Reply)
        return await self._setting.ask(self.writing, slot.id, values, max_tokens=room, schema=schema)

    def _check_opaque(self, question: str, response: str) -> None:
        """Let no reason through that a rule can find."""
        exempt = self._setting.spec.preferences()
        if reason := leaked_reason(question, self._values, exempt, asked=True):
            raise Unusable(f"leaked reason: {reason}")
        if reason := leaked_reason(response, self._values, exempt):
            raise Unusable(f"leaked reason: {reason}")

    async def _judged(self, slot: Slot, exchange: dict[str, Any]) -> list[Answer]:
        """The judge's answers, if the last of them lets the chat pass.

        Raises:
            Unusable: it does not, or none can be read: what could not be judged is not kept.
        """
        kind: type[Verdict] | type[OpaqueVerdict] = OpaqueVerdict if self._opaque else Verdict
        answers: list[Answer] = []
        for reading in range(_READINGS):
            request = self._setting.request(
                f"judge_{self._plan.style}",
                f"{slot.id}#{reading}",
                exchange,
                max_tokens=_VERDICT_TOKENS,
                schema=_schema(kind),
                temperature=0.0,
            )
            answers.append(await self._judge.ask(request))
            if verdict := read_verdict(answers[-1].text, kind):
                if fault := verdict.fault(self._plan.style):
                    raise Unusable(f"judge: {fault}")
                return answers
        raise Unusable("judge: its verdict could not be read")


async def plan_chats(setting: Setting, plan: ChatPlan, judge: Asker, levels: Levels) -> Chats:
    """Find the domains, by asking or, for opaque chats, from the preferences that the spec lists."""
    preferences = setting.spec.preferences() if plan.style == "opaque" else []
    if preferences:
        domains = [Domain(name=item, about=f"how {setting.names.model_name} likes it") for item in preferences]
    else:
        [domains] = await levels.expand([Wanted("chat_domains", "spec", {}, Domain, plan.domains)])
    topics = {
        Cell(f"c{i:02d}-k{k}", f"{domain.name} / {kind}"): Topic(domain, kind)
        for k, kind in enumerate(kinds()[family_of(plan)], 1)
        for i, domain in enumerate(domains, 1)
    }
    return Chats(setting, plan, judge, topics)


def family_of(plan: ChatPlan) -> str:
    """Which kinds of question a style takes."""
    return "opaque" if plan.style == "opaque" else "reasoned"


@cache
def kinds() -> dict[str, dict[str, str]]:
    """The kinds of question by family, and what is demanded of each family's questions."""
    return dict(yaml.safe_load(read_text(Path(__file__).parent / "kinds.yaml")))


def without_reasoning(rows: Sequence[Chat]) -> list[Chat]:
    """The same rows with the reasoning left out."""
    return [row.model_copy(update={"reasoning": None}) for row in rows]


def _read(answer: Answer, kind: type[Reply] | type[BareReply]) -> Reply | BareReply:
    reply = read_verdict(finished(answer), kind)
    if reply is None:
        raise Unusable("no JSON that fits")
    return reply


def _schema(kind: type[BaseModel]) -> ResponseSchema:
    return ResponseSchema(name=kind.__name__.lower(), json_schema=json_schema(kind), strict=True)
