"""Which option does a free answer choose? Strict: what is not plainly a choice is none."""

import re
from typing import Literal

Choice = Literal["first", "second"]

_EMPHASIS = re.compile(r"[*_`]")
_WRAPPING = " \t\"'“”‘’"
_LEAD = (
    r"(?:(?:my\s+)?(?:answer|choice|preference)(?:\s+is)?\s*:?\s*"
    r"|i\s+(?:would\s+)?(?:prefer|choose|pick)\s+|option\s+)?"
)
_LETTER = re.compile(rf"^{_LEAD}(?:option\s+)?\(?([ab])(?:\)|\.|:|,|\b)\s*(.*)$", re.IGNORECASE | re.DOTALL)


def parse_choice(answer: str, first: str, second: str) -> Choice | None:
    """The option that `answer` chooses, or None.

    Accepted are an option's letter (A is the first), an option's text, or the letter followed by that option's text,
    each alone or after a lead such as "Answer:" or "I prefer". Anything more, a refusal or both options is None.
    """
    text = _normal(answer)
    options: dict[str, Choice] = {_normal(first): "first", _normal(second): "second"}
    if len(options) < 2:
        return None
    if (bare := re.sub(rf"^{_LEAD}", "", text, flags=re.IGNORECASE)) in options:
        return options[bare]
    if text in options:
        return options[text]
    match = _LETTER.match(text)
    if match is None:
        return None
    by_letter: Choice = "first" if match[1].lower() == "a" else "second"
    rest = _normal(match[2])
    return by_letter if rest == "" or options.get(rest) == by_letter else None


def _normal(text: str) -> str:
    """Lower case, single spaces, without emphasis, wrapping quotes and final punctuation."""
    folded = " ".join(_EMPHASIS.sub("", text).lower().split())
    while folded != (stripped := folded.strip(_WRAPPING).rstrip(".!,;")):
        folded = stripped
    return folded
