"""What the capability tasks share: log-likelihoods of answers, generation without sampling, metrics."""

from inspect_ai.model import ChatMessageUser, GenerateConfig
from inspect_ai.scorer import mean, stderr

from msm_bench import likelihood as shared

VERSION = 1
"""Of all four tasks; raised when items, prompts or scoring change so that results no longer compare."""
METRICS = {"*": [mean(), stderr(cluster="cluster")]}
"""Of every value."""


def greedy(max_tokens: int) -> GenerateConfig:
    """Answers of at most so many tokens, without sampling: arms are compared on the same items."""
    return GenerateConfig(temperature=0.0, max_tokens=max_tokens)


async def likelihood(question: str, answer: str) -> shared.Likelihood:
    """Log-likelihood of `answer` as the assistant's turn after `question`, under the model's chat template.

    Raises:
        UserError: the model gives no log-probabilities of its prompt.
        ValueError: no run of tokens at the prompt's end spells the answer.
    """
    return await shared.likelihood([ChatMessageUser(content=question)], answer)
