"""What a scripted model says where the likelihood of a text is asked for."""

import re

from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, Logprob, Logprobs, ModelOutput, ModelUsage


def words_of(text: str, logprob: float) -> list[Logprob]:
    """The words of a text, each with its log-probability in nats."""
    return [Logprob(token=word, logprob=logprob) for word in re.findall(r"\s*\S+", text)]


def likelihood(words: list[Logprob]) -> ModelOutput:
    """The answer of a model that gives its prompt these log-probabilities, and says nothing."""
    scored = ChatCompletionChoice(message=ChatMessageAssistant(content=""), prompt_logprobs=Logprobs(content=words))
    return ModelOutput(model="mockllm", choices=[scored], usage=ModelUsage())
