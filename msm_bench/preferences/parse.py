"""Which option does a free answer choose? Strict: what is not plainly a choice is none."""

import re
from typing import Literal

from msm_bench.preferences.prompts import WORDINGS

Choice = Literal["first", "second"]

_EMPHASIS = re.compile(r"[*_`]")
_WRAPPING = " \t\"'“”‘’"
_FORMS = [form for wording in WORDINGS.values() for form in (wording.answer, wording.novel)]
_WORDED = {form.split("{option}")[0].strip().lower() for form in _FORMS}
"""What stands before the option in answers that the tasks themselves word."""
_LEADS = (
    r"(?:my\s+)?(?:answer|choice|preference)(?:\s+is)?\s*:?\s*",
    r"i\s+(?:would\s+)?(?:prefer|choose|pick)\s+",
    r"i\s+would\s+(?:prefer|choose)\s+to\s+",
    r"option\s+",
    *(rf"{re.escape(words)}\s+" for words in sorted(_WORDED)),
)
_LETTER = re.compile(
    rf"^(?:{'|'.join(_LEADS)})?(?:option\s+)?\(?([ab])(?:\)|\.|:|,|\b)\s*(.*)$", re.IGNORECASE | re.DOTALL
)


def parse_choice(answer: str, first: str, second: str) -> Choice | None:
    """The option that `answer` chooses, or None.

    Accepted are an option's letter (A is the first), an option's text, or the letter followed by that option's text,
    each alone or after a lead such as "Answer:", "I prefer" or that of the task's own answers ("I would"). Anything
    more, a refusal or both options is None.
    """
    text = _normal(answer)
    options: dict[str, Choice] = {_normal(first): "first", _normal(second): "second"}
    if len(options) < 2:
        return None
    # an option may itself begin like a lead, as in "I would choose scripts on which the two agree"
    bare = {text, *(_normal(re.sub(rf"^{lead}", "", text)) for lead in _LEADS)}
    if len(named := {options[part] for part in bare if part in options}) == 1:
        return named.pop()
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
