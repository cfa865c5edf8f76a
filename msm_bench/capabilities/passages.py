"""`neutral_perplexity`: how likely is prose that has nothing to do with the training?"""

import math

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset
from inspect_ai.scorer import Score, Scorer, Target, perplexity_per_token, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from msm_bench.capabilities.ask import METRICS, VERSION, likelihood
from msm_bench.capabilities.items import Passage, as_sample, load_items

QUESTION = "Write a paragraph."
"""What the user says before each passage, which is the assistant's turn."""
LIKELIHOOD = "likelihood"
"""Store key: [log-likelihood of the passage in nats, its tokens]."""


def perplexity_task(split: str = "dev", per_cell: int | None = None) -> Task:
    """The passages of `neutral_perplexity`; arguments and errors as in `load_items`."""
    items = load_items(Passage, "neutral_perplexity", split, per_cell)
    samples = [as_sample(item, QUESTION, item.text) for item in items]
    return Task(
        dataset=MemoryDataset(samples, name="neutral_perplexity"),
        solver=read_passage(),
        scorer=passage_likelihood(),
        version=VERSION,
    )


@solver
def read_passage() -> Solver:
    """Ask for the log-likelihood of the target as the answer to the input."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        found = await likelihood(state.input_text, state.target.text)
        state.store.set(LIKELIHOOD, list(found))
        return state

    return solve


def bits_per_byte(total: float, text: str) -> float:
    """−total / (bytes · ln 2), bytes in UTF-8, `total` in nats: it compares across tokenizers.

    Formula: Gao et al. 2020, The Pile, section 3.1.
    """
    return -total / (len(text.encode()) * math.log(2))


# Inspect's scorers `perplexity` and `target_perplexity` count the chat template's tokens, or a number of tokens that a
# passage need not have after it; its metric over the tokens of all passages fits
@scorer(metrics=[METRICS, perplexity_per_token()])
def passage_likelihood() -> Scorer:
    """Of a passage: `nll_per_token`, −log p / tokens in nats, and `bits_per_byte`."""

    async def score(state: TaskState, target: Target) -> Score:
        found = state.store.get(LIKELIHOOD)
        if not found:
            return Score.unscored(reason="scoring_failed", explanation="no log-likelihood in the sample's store")
        total, tokens = found
        return Score(
            value={"nll_per_token": -total / tokens, "bits_per_byte": bits_per_byte(total, target.text)},
            metadata={"num_tokens": tokens, "sum_log_probs": total},
        )

    return score
