"""What the capability tasks share: log-likelihoods, greedy answers and how they are read, metrics."""

from inspect_ai.model import ChatMessageUser, GenerateConfig
from inspect_ai.scorer import mean, stderr
from inspect_ai.solver import TaskState

from msm_bench import likelihood as shared
from msm_bench.reasoning import without_reasoning

VERSION = 3
"""Of all four tasks; raised when items, prompts or scoring change so that results no longer compare."""
METRICS = {"*": [mean(), stderr(cluster="cluster")]}
"""Of every value."""


def greedy(max_tokens: int) -> GenerateConfig:
    """Answers of at most so many tokens, without sampling: arms are compared on the same items."""
    return GenerateConfig(temperature=0.0, max_tokens=max_tokens)


def answer_of(state: TaskState) -> str:
    """The answer without the reasoning before it; nothing if the reasoning never ends."""
    return without_reasoning(state.output.completion).strip()


async def likelihood(question: str, answer: str) -> shared.Likelihood:
    """Log-likelihood of `answer` as the assistant's turn after `question`, under the model's chat template.

    Raises:
        UserError: the model gives no log-probabilities of its prompt.
        ValueError: no run of tokens at the prompt's end spells the answer.
    """
    return await shared.likelihood([ChatMessageUser(content=question)], answer)
