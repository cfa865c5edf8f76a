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
    """What an assistant's turn says after its reasoning; the whole turn if it has none, nothing if it never ends.

    A closing mark without an opening one ends reasoning too: some chat templates write the opening mark into the
    prompt. Where such reasoning never ends, nothing tells it from an answer.
    """
    before, closed, after = text.partition(CLOSE)
    if closed and OPEN not in before:
        return after.lstrip()
    return re.sub(rf"^\s*{OPEN}.*?(?:{CLOSE}|\Z)\s*", "", text, flags=re.DOTALL)
