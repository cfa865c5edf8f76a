"""How private reasoning is written before an answer: in training text, in prompts and in what models answer."""

import re

OPEN = "<think>"
CLOSE = "</think>"


def with_reasoning(reasoning: str, answer: str) -> str:
    """An assistant's turn that reasons before it answers.

    The marks are plain text. Chat templates that write or remove these marks themselves are not supported.
    """
    return f"{OPEN}\n{reasoning.strip()}\n{CLOSE}\n\n{answer}"


def without_reasoning(text: str) -> str:
    """What an assistant's turn says after its reasoning; the whole turn if it has none, nothing if it never ends."""
    return re.sub(rf"^\s*{OPEN}.*?(?:{CLOSE}|\Z)\s*", "", text, flags=re.DOTALL)
