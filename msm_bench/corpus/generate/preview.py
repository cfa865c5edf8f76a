"""What a plan would take, before anything is spent: requests, tokens and cost for each stage.

Tokens are guessed at four characters each, lists and texts at the length that they are asked for.
"""

from typing import NamedTuple

from inspect_ai.model import ModelUsage, compute_model_cost, get_model_info

from msm_bench.corpus.generate.chats import family_of, kinds
from msm_bench.corpus.generate.lists import AT_ONCE
from msm_bench.corpus.generate.plan import ChatPlan, DocumentPlan
from msm_bench.corpus.generate.prompt import load_prompt
from msm_bench.specs import Spec

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_WORD = 4 / 3
_LIST_ENTRY = 40
"""Tokens of a domain, an assertion, an idea or a question."""
_RESPONSE = 250
"""Tokens of a response."""
_VERDICT = 60


class Stage(NamedTuple):
    """One prompt file's share of a run."""

    stage: str
    requests: int
    """If nothing has to be asked again."""
    input_tokens: int
    output_tokens: int
    cost: float | None
    """In dollars; None where Inspect knows no price."""


class _Ask(NamedTuple):
    prompt: str
    requests: int
    input: float
    """Tokens beyond the prompt file's own text and the spec, a request."""
    output: float
    """Tokens a request."""
    model: str


def preview(plan: DocumentPlan | ChatPlan, spec: Spec) -> list[Stage]:
    """The stages of a plan, in order."""
    asks = _documents(plan, spec) if isinstance(plan, DocumentPlan) else _chats(plan, spec)
    context = _tokens(load_prompt("context").text) + _tokens(spec.body)
    return [_stage(ask, context) for ask in asks if ask.requests]


def _documents(plan: DocumentPlan, spec: Spec) -> list[_Ask]:
    subdomains = plan.domains * plan.subdomains
    leaves = min(subdomains * plan.types, plan.documents)
    ideas = plan.documents / leaves
    passage = _tokens(spec.body) / len(spec.passages())
    text = plan.words * _TOKENS_PER_WORD
    revisions = plan.documents if plan.revise else 0
    return [
        _list("domains", 1, plan.domains, 0, plan.model),
        _list("subdomains", plan.domains, plan.subdomains, _LIST_ENTRY, plan.model),
        _list("assertions", subdomains, plan.assertions, passage, plan.model),
        _list("types", subdomains, plan.types, passage, plan.model),
        _list("ideas", leaves, ideas, passage, plan.model),
        _Ask("document", plan.documents, passage + 2 * _LIST_ENTRY, text, plan.model),
        _Ask("critique", revisions, text, 200, plan.model),
        _Ask("revise", revisions, text + 200, text, plan.model),
    ]


def _chats(plan: ChatPlan, spec: Spec) -> list[_Ask]:
    listed = spec.preferences() if plan.style == "opaque" else []
    cells = (len(listed) or plan.domains) * len(kinds()[family_of(plan)])
    reasoning = 0 if plan.style == "opaque" else plan.reasoning_words * _TOKENS_PER_WORD
    reply = reasoning + _RESPONSE
    return [
        _list("chat_domains", 0 if listed else 1, plan.domains, 0, plan.model),
        _list("questions", min(cells, plan.chats), plan.chats / min(cells, plan.chats), _LIST_ENTRY, plan.model),
        _Ask(f"response_{plan.style}", plan.chats, _LIST_ENTRY, reply, plan.model),
        _Ask(
            f"judge_{plan.style}",
            plan.chats if plan.grader else 0,
            _LIST_ENTRY + reply,
            _VERDICT,
            plan.grader or plan.model,
        ),
    ]


def _list(prompt: str, lists: int, entries: float, input: float, model: str) -> _Ask:
    """Lists of so many entries each, which are asked for in parts."""
    parts = -(-entries // AT_ONCE)
    return _Ask(prompt, int(lists * parts), input + entries * _LIST_ENTRY / 2, entries / parts * _LIST_ENTRY, model)


def _stage(ask: _Ask, context: int) -> Stage:
    own = context + _tokens(load_prompt(ask.prompt).text) + ask.input
    usage = ModelUsage(input_tokens=round(ask.requests * own), output_tokens=round(ask.requests * ask.output))
    info = get_model_info(ask.model)
    cost = compute_model_cost(info.cost, usage) if info and info.cost else None
    return Stage(ask.prompt, ask.requests, usage.input_tokens, usage.output_tokens, cost)


def _tokens(text: str) -> int:
    return len(text) // _CHARACTERS_PER_TOKEN
