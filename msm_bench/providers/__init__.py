"""The model provider `msm/…`. Torch is loaded by its modules, not here."""

ANSWER_ONLY = "prompt_logprobs_of_answer_only"
"""Key in a request's `extra_body`: log-probabilities of the final assistant message are enough. vLLM scores all."""
