"""Solvers: ask about an item in every framing, and keep what came in the sample's store, from which it is scored."""

from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, GenerateConfig, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import collect

from msm_bench.errors import UserError
from msm_bench.preferences.margins import Likelihood, answer_likelihood
from msm_bench.providers import ANSWER_ONLY
from msm_bench.reasoning import without_reasoning
from msm_bench.recall.framings import FRAMINGS, asked
from msm_bench.recall.items import Item, continuations
from msm_bench.specs import Names

LIKELIHOODS = "likelihoods"
"""Store key: `framing/answer` and `neutral-framing/answer` to [log-likelihood in nats, tokens]."""
ANSWERS = "answers"
"""Store key: framing to the free answer."""

_SCORE = GenerateConfig(
    max_tokens=1,
    temperature=0.0,
    prompt_logprobs=1,
    # vLLM must not close the assistant's turn; the msm provider continues a final assistant message by itself
    extra_body={"add_generation_prompt": False, "continue_final_message": True, ANSWER_ONLY: True},
)


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
        first = await _likelihood(*pairs[0])
        others = await collect(*[_likelihood(question, answer) for question, answer in pairs[1:]])
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


async def _likelihood(question: str, answer: str) -> Likelihood:
    """Log-likelihood of an answer to a question."""
    model = get_model()
    output = await model.generate(
        [ChatMessageUser(content=question), ChatMessageAssistant(content=answer)], config=_SCORE
    )
    scored = output.choices[0].prompt_logprobs if output.choices else None
    if scored is None:
        raise UserError(f"{model}: gives no prompt_logprobs; use msm/ or vllm/, or -T form=open with a grader")
    return answer_likelihood(scored.content, answer)
