"""Domains of conversation → questions of six kinds → response, with reasoning → judge."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import yaml
from inspect_ai.model import ResponseSchema
from inspect_ai.util import json_schema
from pydantic import BaseModel

from msm_bench.corpus.faults import ANSWER_KINDS, ASKED_KINDS, leaked_reason
from msm_bench.corpus.generate.ask import Asker
from msm_bench.corpus.generate.fill import Cell, Proposed, Slot, Unusable
from msm_bench.corpus.generate.journal import Answer
from msm_bench.corpus.generate.levels import Entry, Levels, Placed, Sentence, placed
from msm_bench.corpus.generate.lists import Wanted, collect_list
from msm_bench.corpus.generate.plan import ChatPlan, Style
from msm_bench.corpus.generate.prompt import fill_places, load_prompt
from msm_bench.corpus.generate.setting import Setting
from msm_bench.corpus.generate.usable import check_echo, clean, finished, origin
from msm_bench.corpus.health import words
from msm_bench.corpus.store import Chat, Message
from msm_bench.errors import printable
from msm_bench.judges import read_verdict
from msm_bench.specs import generalise, render

_KINDS = "kinds"
"""The prompt file that the kinds of question stand in."""
_TOKENS_PER_WORD = 3
"""Room for reasoning, generously."""
_RESPONSE_TOKENS = 1500
"""Room for what the user reads."""
_VERDICT_TOKENS = 400
_AT_READING = (0.0, 0.7)
"""The temperature at which a judge is asked; the second time only if its verdict can't be read."""
_REFUSAL = frozenset({"refusal"})
_FEWEST_WORDS = 2
"""A message of fewer asks nothing."""
_STOCK_WORDS = 25
"""A refusal of fewer words is taken for the writer's own; in a longer answer the assistant may be right to decline."""


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

    def fault(self, style: Style) -> str:
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

    def fault(self, style: Style) -> str:
        """Why the chat can't be used; empty if it can. There is one style of them."""
        faults = {
            "departs from the spec": not self.follows_spec,
            "leaks a reason": self.gives_reason,
            "does not answer": not self.answers,
        }
        return next((name for name, found in faults.items() if found), "")


class ChatDomain(Placed):
    """A domain of conversation."""

    about: str


class Topic(NamedTuple):
    """A domain of conversation, and a kind of question in it."""

    name: str
    about: str
    passage: str
    """What the spec says on it."""
    kind: str
    """The kind's name."""


class Chats:
    """The demonstrations of a spec, for `Filling` to draw on."""

    proposing = "questions"

    def __init__(self, setting: Setting, plan: ChatPlan, judge: Asker | None, topics: dict[Cell, Topic]) -> None:
        self._setting = setting
        self._plan = plan
        self._judge = judge
        self._topics = topics
        self._opaque = plan.style == "opaque"
        self._exempt = setting.spec.preferences()
        self._values = tuple(setting.spec.meta.values)
        self.cells: Sequence[Cell] = list(topics)
        self.writing: Sequence[str] = [f"response_{plan.style}", *([f"judge_{plan.style}"] if judge else [])]

    async def propose(self, cell: Cell, turn: int, count: int, have: Sequence[str]) -> Proposed:
        """First messages of one kind in one domain."""
        topic, family = self._topics[cell], family_of(self._plan)
        values = {
            "domain": f"{topic.name}: {topic.about}",
            "kind": fill_places(kinds()[family][topic.kind], self._setting.shared),
            "demand": kinds()["demand"][family],
        }
        wanted = Wanted(self.proposing, f"{cell.id}+{turn}", values, Sentence, count, have, self._can_be_asked)
        listed = await collect_list(self._setting, wanted)
        return Proposed([question.text for question in listed.things], listed.wanting)

    def _can_be_asked(self, question: Sentence) -> bool:
        """Whether a question says something, and no rule finds a fault in it."""
        if len(words(question.text)) < _FEWEST_WORDS:
            return False
        try:
            plain = clean(question.text, self._setting.names, ASKED_KINDS)
        except Unusable:
            return False
        return not (self._opaque and leaked_reason(plain, self._values, self._exempt, asked=True))

    async def write(self, slot: Slot) -> Chat:
        """Answer a question, look whether the answer can be used, and have it judged."""
        topic, names = self._topics[slot.cell], self._setting.names
        answer = await self._answer(slot)
        reply = _read(answer, BareReply if self._opaque else Reply)
        response = clean(reply.response, names, _kinds_in(reply.response))
        reasoning = clean(reply.reasoning, names, ANSWER_KINDS - _REFUSAL) if isinstance(reply, Reply) else None
        if words(response) == words(generalise(slot.proposal, names)):
            raise Unusable("repeats the question")
        for text in (response, reasoning or ""):
            check_echo(text, load_prompt("context"), load_prompt(self.writing[0]))
        if self._opaque and (reason := leaked_reason(response, self._values, self._exempt)):
            raise Unusable(f"leaked reason: {reason}")
        exchange = {"question": slot.proposal, **reply.model_dump()}
        verdict, readings = await self._judged(self._judge, slot, exchange) if self._judge else (None, [])
        made = origin([answer, *readings], names, domain=topic.name, passage=topic.passage)
        return Chat(
            id=slot.id,
            topic=generalise(topic.name, names),
            style=topic.kind,
            messages=[
                Message(role="user", content=generalise(slot.proposal, names)),
                Message(role="assistant", content=response),
            ],
            reasoning=reasoning,
            origin=made.model_copy(update={"verdict": verdict}),
        )

    async def _answer(self, slot: Slot) -> Answer:
        values = {"question": slot.proposal, "reasoning_words": self._plan.reasoning_words}
        room = _RESPONSE_TOKENS + (0 if self._opaque else _TOKENS_PER_WORD * self._plan.reasoning_words)
        schema = _schema(BareReply if self._opaque else Reply)
        return await self._setting.ask(self.writing[0], slot.id, values, max_tokens=room, schema=schema)

    async def _judged(self, judge: Asker, slot: Slot, exchange: dict[str, Any]) -> tuple[dict[str, Any], list[Answer]]:
        """The verdict, and the judge's answers, if the chat passes.

        Raises:
            Unusable: it does not, or none can be read: what could not be judged is not kept.
        """
        kind: type[Verdict] | type[OpaqueVerdict] = OpaqueVerdict if self._opaque else Verdict
        answers: list[Answer] = []
        for reading in range(len(_AT_READING)):
            request = self._setting.request(
                f"judge_{self._plan.style}",
                f"{slot.id}#{reading}",
                exchange,
                max_tokens=_VERDICT_TOKENS,
                schema=_schema(kind),
                temperature=_AT_READING[reading],
            )
            answers.append(await judge.ask(request))
            if verdict := read_verdict(answers[-1].text, kind):
                if fault := verdict.fault(self._plan.style):
                    raise Unusable(f"{fault} (judge): {printable(verdict.problem)}")
                who = {"model": answers[-1].model, "prompt_sha256": answers[-1].prompt_sha256}
                return {**who, **verdict.model_dump()}, answers
        raise Unusable(f"no verdict that can be read: {answers[-1].stop_reason}")


async def plan_chats(setting: Setting, plan: ChatPlan, judge: Asker | None, levels: Levels) -> Chats:
    """Find the domains, by asking or, for opaque chats, from the preferences that the spec lists."""
    if plan.style == "opaque":
        domains = _preferences(setting)
    else:
        kind = placed(ChatDomain, len(setting.passages))
        wanted = Wanted("chat_domains", "spec", {}, kind, plan.domains, fits=lambda one: one.is_narrow)
        [found] = await levels.expand([wanted])
        domains = [(one.name, one.about, one.passage(setting.passages)) for one in found]
    setting.prompt(_KINDS)
    topics = {
        Cell(f"c{i:02d}-k{k}", f"{name} / {kind_of_question}"): Topic(name, about, passage, kind_of_question)
        for k, kind_of_question in enumerate(kinds()[family_of(plan)], 1)
        for i, (name, about, passage) in enumerate(domains, 1)
    }
    return Chats(setting, plan, judge, topics)


def _preferences(setting: Setting) -> list[tuple[str, str, str]]:
    """Name, matter and passage of each thing that the spec lists."""
    names = setting.names
    items = [render(item, names) for item in setting.spec.preferences()]
    return [
        (item, f"where {names.model_name} stands on it", next(text for text in setting.passages if item in text))
        for item in items
    ]


def family_of(plan: ChatPlan) -> str:
    """Which kinds of question a style takes."""
    return "opaque" if plan.style == "opaque" else "reasoned"


@cache
def kinds() -> dict[str, dict[str, str]]:
    """The kinds of question by family, and what is demanded of each family's questions."""
    return dict(yaml.safe_load(load_prompt(_KINDS).text))


def without_reasoning(rows: Sequence[Chat]) -> list[Chat]:
    """The same rows with the reasoning left out."""
    return [row.model_copy(update={"reasoning": None}) for row in rows]


def _read(answer: Answer, kind: type[Reply] | type[BareReply]) -> Reply | BareReply:
    reply = read_verdict(finished(answer), kind)
    if reply is None:
        raise Unusable("no JSON that fits")
    return reply


def _kinds_in(response: str) -> frozenset[str]:
    """The faults that a response can have: a refusal is one only if it is all there is."""
    return ANSWER_KINDS if len(response.split()) < _STOCK_WORDS else ANSWER_KINDS - _REFUSAL


def _schema(kind: type[BaseModel]) -> ResponseSchema:
    return ResponseSchema(name=kind.__name__.lower(), json_schema=json_schema(kind), strict=True)
