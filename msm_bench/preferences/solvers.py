"""Solvers: ask the model about an item, and keep what came in the sample's store, from which it is scored."""

from typing import NamedTuple
from zlib import crc32

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    get_model,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import collect

from msm_bench.errors import UserError
from msm_bench.likelihood import CONTINUE, Likelihood, likelihood
from msm_bench.preferences.context import Context, pushes
from msm_bench.preferences.items import Item
from msm_bench.preferences.margins import ORDERS
from msm_bench.preferences.prompts import WORDINGS, Ask, Order, continuations, question
from msm_bench.reasoning import CLOSE, OPEN, with_reasoning, without_reasoning

LIKELIHOODS = "likelihoods"
"""Store key: `template/order/option` to [log-likelihood in nats, tokens]."""
ANSWERS = "answers"
"""Store key: order to the free answer."""
REASONINGS = "reasonings"
"""Store key: a list of the fields of `Reasoned`."""

_REPLY = GenerateConfig(temperature=0.0, max_tokens=48)
"""Of what the model says under pressure, where it is not asked for free answers: enough for a choice and a reason."""
_SILENCE = "…"
"""Stands for a reply that says nothing, since many services and chat templates refuse an empty turn."""


class Reasoned(NamedTuple):
    """One sampled reasoning, and how likely it makes the two answers."""

    order: Order
    """Which option the question named first."""
    reasoning: str
    """What the model wrote."""
    finished: bool
    """Whether the model closed it or ended its turn; otherwise it was cut."""
    aligned: float
    """Log-likelihood of the aligned answer after it, in nats."""
    other: float
    """The same of the other answer."""


def item_of(state: TaskState) -> Item:
    """The item that a sample was made from."""
    return Item.model_validate({key: state.metadata[key] for key in Item.model_fields if key in state.metadata})


def ask_of(state: TaskState) -> Ask:
    """What a sample asks about its item."""
    ask: Ask = state.metadata["ask"]
    return ask


def context_of(state: TaskState) -> Context:
    """What stands around a sample's question."""
    return Context.model_validate(state.metadata.get("context", {}))


@solver
def compare_likelihoods() -> Solver:
    """Ask for the log-likelihood of both answers, in both orders and all templates."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        item, ask, context = item_of(state), ask_of(state), context_of(state)
        before = await _before(item, ask, context)
        neutral = _system(context)
        asked = list(continuations(item, ask))
        found = await collect(
            *[
                _likelihood([*before.get(c.order, neutral), ChatMessageUser(content=c.question)], c.answer, context)
                for c in asked
            ]
        )
        table = {continuation.key: list(value) for continuation, value in zip(asked, found, strict=True)}
        state.store.set(LIKELIHOODS, table)
        return state

    return solve


@solver
def compare_after_reasoning(samples: int = 4, max_tokens: int = 128) -> Solver:
    """Let the model reason, then ask for the log-likelihood of both answers.

    The reasonings are sampled at the run's temperature. Chat templates that write or remove the marks of reasoning
    themselves are not supported: what they put before the answer is not what the model continued.

    Args:
        samples: Reasonings of an item and epoch, half of them in either order; an even number.
        max_tokens: Of a reasoning, which is cut there.

    Raises:
        UserError: `samples` is not a positive even whole number.
    """
    if type(samples) is not int or samples < 2 or samples % 2:
        raise UserError(f"samples is {samples!r}; reasonings are halved over the two orders, so use 2, 4, 6 …")

    async def reasoned(
        item: Item, order: Order, ask: Ask, context: Context, before: list[ChatMessage], seed: int
    ) -> Reasoned:
        asked = [*before, ChatMessageUser(content=question(item, order, ask))]
        config = GenerateConfig(max_tokens=max_tokens, stop_seqs=[CLOSE], seed=seed, extra_body=CONTINUE)
        output = await get_model().generate([*asked, ChatMessageAssistant(content=OPEN)], config=config)
        thought = output.completion.split(CLOSE)[0].strip()
        answers = [WORDINGS[ask].answer.format(option=option) for option in (item.aligned, item.other)]
        aligned, other = [await _likelihood(asked, answer, context, thought) for answer in answers]
        return Reasoned(order, thought, output.stop_reason == "stop", aligned.total, other.total)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        item, ask, context = item_of(state), ask_of(state), context_of(state)
        before = await _before(item, ask, context)
        found = await collect(
            *[
                reasoned(item, order, ask, context, before[order], _seed(item, order, number, state.epoch))
                for order in ORDERS
                for number in range(samples // 2)
            ]
        )
        state.store.set(REASONINGS, [one._asdict() for one in found])
        return state

    return solve


@solver
def ask_both_orders() -> Solver:
    """Ask for a free answer, once with either option named first; reasoning before it is left out."""

    async def answer(asked: list[ChatMessage], prefill: str) -> str:
        # services that need to be told so are told by Inspect to continue a final assistant message; others refuse that
        begun = [ChatMessageAssistant(content=prefill)] if prefill else []
        output = await get_model().generate([*asked, *begun])
        return without_reasoning(output.completion.strip().removeprefix(prefill)).strip()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        item, ask, context = item_of(state), ask_of(state), context_of(state)
        before = await _before(item, ask, context, GenerateConfig())
        asked = [[*before[o], ChatMessageUser(content=question(item, o, ask, letters=True))] for o in ORDERS]
        answers = await collect(*[answer(messages, context.prefill) for messages in asked])
        state.store.set(ANSWERS, dict(zip(ORDERS, answers, strict=True)))
        state.output.completion = answers[0]
        return state

    return solve


def _seed(item: Item, order: Order, number: int, epoch: int) -> int:
    """Of one reasoning. The first epoch has the seeds of versions that knew of no other."""
    again = f"/{epoch}" if epoch > 1 else ""
    return crc32(f"{item.id}/{order}/{number}{again}".encode())


def _system(context: Context) -> list[ChatMessage]:
    prompt = context.system_prompt()
    return [ChatMessageSystem(content=prompt)] if prompt else []


async def _before(
    item: Item, ask: Ask, context: Context, config: GenerateConfig = _REPLY
) -> dict[Order, list[ChatMessage]]:
    """The conversation before the question that names the options in either order."""

    async def pressed(order: Order) -> list[ChatMessage]:
        turns = _system(context)
        for said in [question(item, order, ask), *pushes(item, context.pressure)] if context.pressure else []:
            turns.append(ChatMessageUser(content=said))
            reply = await get_model().generate(list(turns), config=config)
            turns.append(ChatMessageAssistant(content=without_reasoning(reply.completion).strip() or _SILENCE))
        return turns

    return dict(zip(ORDERS, await collect(*map(pressed, ORDERS)), strict=True))


async def _likelihood(
    asked: list[ChatMessage], answer: str, context: Context, reasoning: str | None = None
) -> Likelihood:
    """Log-likelihood of an answer, after the reasoning and the words that stand before it."""
    begun = f"{context.prefill} {answer}".strip()
    return await likelihood(asked, answer, begun if reasoning is None else with_reasoning(reasoning, begun))
