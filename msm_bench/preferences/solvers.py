"""Solvers: ask the model about an item, and keep what came in the sample's store, from which it is scored."""

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    get_model,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import collect

from msm_bench.errors import UserError
from msm_bench.preferences.items import Item
from msm_bench.preferences.margins import ORDERS, Likelihood, answer_likelihood
from msm_bench.preferences.prompts import Ask, Continuation, continuations, question
from msm_bench.providers import ANSWER_ONLY

LIKELIHOODS = "likelihoods"
"""Store key: `template/order/option` to [log-likelihood in nats, tokens]."""
ANSWERS = "answers"
"""Store key: order to the free answer."""

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


def ask_of(state: TaskState) -> Ask:
    """What a sample asks about its item."""
    ask: Ask = state.metadata["ask"]
    return ask


@solver
def compare_likelihoods() -> Solver:
    """Ask for the log-likelihood of both answers, in both orders and all templates."""

    async def likelihood(continuation: Continuation) -> Likelihood:
        messages: list[ChatMessage] = [
            ChatMessageUser(content=continuation.question),
            ChatMessageAssistant(content=continuation.answer),
        ]
        model = get_model()
        output = await model.generate(messages, config=_SCORE)
        scored = output.choices[0].prompt_logprobs if output.choices else None
        if scored is None:
            raise UserError(f"{model}: gives no prompt_logprobs; use msm/ or vllm/, or -T method=generate")
        return answer_likelihood(scored.content, continuation.answer)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        asked = list(continuations(item_of(state), ask_of(state)))
        found = await collect(*[likelihood(continuation) for continuation in asked])
        table = {continuation.key: list(value) for continuation, value in zip(asked, found, strict=True)}
        state.store.set(LIKELIHOODS, table)
        return state

    return solve


@solver
def ask_both_orders() -> Solver:
    """Ask for a free answer, once with either option named first."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        item = item_of(state)
        asked = [[ChatMessageUser(content=question(item, order, ask_of(state), letters=True))] for order in ORDERS]
        outputs = await collect(*[get_model().generate(list(messages)) for messages in asked])
        answers = {order: output.completion for order, output in zip(ORDERS, outputs, strict=True)}
        state.store.set(ANSWERS, answers)
        state.output = outputs[0]
        return state

    return solve
