"""Solvers: ask about an item in every framing, and keep what came in the sample's store, from which it is scored."""

from inspect_ai.model import ChatMessageUser, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import collect

from msm_bench.likelihood import likelihood
from msm_bench.reasoning import without_reasoning
from msm_bench.recall.framings import FRAMINGS, asked
from msm_bench.recall.items import Item, continuations
from msm_bench.specs import Names

LIKELIHOODS = "likelihoods"
"""Store key: `framing/answer` and `neutral-framing/answer` to [log-likelihood in nats, tokens]."""
ANSWERS = "answers"
"""Store key: framing to the free answer."""


def item_of(state: TaskState) -> Item:
    """The item that a sample was made from."""
    return Item.model_validate({key: state.metadata[key] for key in Item.model_fields})


def names_of(state: TaskState) -> Names:
    """The names under which a sample speaks of the assistant under test."""
    return Names.model_validate(state.metadata["names"])


@solver
def compare_answers() -> Solver:
    """Ask for the log-likelihood of every answer in every framing."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        wanted = list(continuations(item_of(state), names_of(state)))
        # answers that do not say who speaks are the same in two framings after the neutral question
        pairs = list(dict.fromkeys((one.question, one.answer) for one in wanted))
        # the first alone: a model that gives no log-likelihoods ends in one error, not in a group of them
        first = await likelihood([ChatMessageUser(content=pairs[0][0])], pairs[0][1])
        others = await collect(
            *[likelihood([ChatMessageUser(content=question)], answer) for question, answer in pairs[1:]]
        )
        found = dict(zip(pairs, [first, *others], strict=True))
        state.store.set(LIKELIHOODS, {one.key: list(found[one.question, one.answer]) for one in wanted})
        return state

    return solve


@solver
def answer_freely() -> Solver:
    """Ask for a free answer in every framing; reasoning before it is left out."""

    async def answer(question: str) -> str:
        output = await get_model().generate([ChatMessageUser(content=question)])
        return without_reasoning(output.completion).strip()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        item, names = item_of(state), names_of(state)
        answers = await collect(*[answer(asked(item.question, framing, names)) for framing in FRAMINGS])
        state.store.set(ANSWERS, dict(zip(FRAMINGS, answers, strict=True)))
        state.output.completion = answers[0]
        return state

    return solve
