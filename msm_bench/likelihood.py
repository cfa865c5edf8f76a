"""How likely is an answer? The one way in which every task of log-likelihood asks."""

from collections.abc import Sequence
from typing import NamedTuple

from inspect_ai.model import ChatMessage, ChatMessageAssistant, GenerateConfig, Logprob, get_model

from msm_bench.errors import UserError
from msm_bench.providers import ANSWER_ONLY

NEUTRAL_QUESTION = "What would you say?"
"""Fits any answer: how likely an answer is after it is neither preference nor knowledge. (A chat that begins with the
assistant is refused by many chat templates.)"""
# vLLM must not close the assistant's turn; the msm provider continues a final assistant message by itself
CONTINUE = {"add_generation_prompt": False, "continue_final_message": True}
"""In a request's `extra_body`: go on with a final assistant message."""

_SCORE = GenerateConfig(
    max_tokens=1,
    temperature=0.0,
    prompt_logprobs=1,
    extra_body={**CONTINUE, ANSWER_ONLY: True},
)


class Likelihood(NamedTuple):
    """Log-likelihood of an answer."""

    total: float
    """In nats."""
    tokens: int
    """Of the answer."""


async def likelihood(asked: list[ChatMessage], answer: str, said: str | None = None) -> Likelihood:
    """Log-likelihood of `answer` after a conversation, under the chat template of the model that is evaluated.

    Args:
        asked: The conversation; its last message is the user's.
        answer: What is scored.
        said: The assistant's whole turn, which ends with `answer`; the answer alone by default.

    Raises:
        UserError: the model gives no log-probabilities of its prompt.
        ValueError: no run of tokens at the prompt's end spells the answer.
    """
    model = get_model()
    turn = ChatMessageAssistant(content=answer if said is None else said)
    output = await model.generate([*asked, turn], config=_SCORE)
    scored = output.choices[0].prompt_logprobs if output.choices else None
    if scored is None:
        raise UserError(
            f"{model}: gives no prompt_logprobs; use msm/ or vllm/, or have the task answered freely where it can be "
            "(-T method=generate, or -T form=open with a grader)"
        )
    return answer_likelihood(scored.content, answer)


def answer_likelihood(prompt_logprobs: Sequence[Logprob], answer: str) -> Likelihood:
    """Sum the log-probabilities of the tokens at the prompt's end that spell `answer`.

    Letters outside ASCII may be spread over tokens that can't be read singly, and some tokenizers drop the space
    before a token that is read singly, so only ASCII without white space is compared.

    Raises:
        ValueError: no run of tokens at the end spells the answer.
    """
    wanted = _letters(answer)
    spelled, total = "", 0.0
    for count, token in enumerate(reversed(prompt_logprobs), 1):
        spelled = _letters(token.token) + spelled
        total += token.logprob
        if spelled == wanted:
            return Likelihood(total, count)
        if len(spelled) > len(wanted):
            break
    raise ValueError(f"the prompt's last tokens do not spell {answer!r}")


def _letters(text: str) -> str:
    return "".join(text.replace("▁", " ").encode("ascii", "ignore").decode().split())
