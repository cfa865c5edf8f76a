"""What the capability tasks share: log-likelihoods of answers, generation without sampling, metrics."""

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    Logprob,
    get_model,
)
from inspect_ai.scorer import mean, stderr

from msm_bench.errors import UserError
from msm_bench.preferences.margins import Likelihood, answer_likelihood
from msm_bench.providers import ANSWER_ONLY

VERSION = 1
"""Of all four tasks; raised when items, prompts or scoring change so that results no longer compare."""
METRICS = {"*": [mean(), stderr(cluster="cluster")]}
"""Of every value."""

_SCORE = GenerateConfig(
    max_tokens=1,
    temperature=0.0,
    prompt_logprobs=1,
    # vLLM must not close the assistant's turn; the msm provider continues a final assistant message by itself
    extra_body={"add_generation_prompt": False, "continue_final_message": True, ANSWER_ONLY: True},
)


def greedy(max_tokens: int) -> GenerateConfig:
    """Answers of at most so many tokens, without sampling: arms are compared on the same items."""
    return GenerateConfig(temperature=0.0, max_tokens=max_tokens)


async def likelihood(question: str, answer: str) -> Likelihood:
    """Log-likelihood of `answer` as the assistant's turn after `question`, under the model's chat template.

    Raises:
        UserError: the model gives no log-probabilities of its prompt.
        ValueError: no run of tokens at the prompt's end spells the answer.
    """
    return answer_likelihood(await _prompt_logprobs(question, answer), answer)


async def _prompt_logprobs(question: str, answer: str) -> list[Logprob]:
    model = get_model()
    turns: list[ChatMessage] = [ChatMessageUser(content=question), ChatMessageAssistant(content=answer)]
    output = await model.generate(turns, config=_SCORE)
    scored = output.choices[0].prompt_logprobs if output.choices else None
    if scored is None:
        raise UserError(f"{model}: gives no prompt_logprobs; use msm/ or vllm/ for tasks of log-likelihood")
    return scored.content
