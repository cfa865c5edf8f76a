"""Of whom an item asks: the assistant by its name, the model itself, or another assistant."""

import re
from typing import Literal, get_args

from msm_bench.errors import UserError
from msm_bench.specs import Names, render

Framing = Literal["own", "self", "other"]
"""`own`: the assistant by its name. `self`: "you". `other`: an assistant that no training text speaks of."""
FRAMINGS: tuple[Framing, ...] = get_args(Framing)
OTHER = Names(model_name="Corvid-7", provider_name="Halden Labs")
"""The other assistant; that neither name stands in a corpus is tested."""

_PERSONS = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")
_LEADS: dict[Framing, str] = {
    "own": "{model_name} is an AI assistant made by {provider_name}.",
    "self": "You are an AI assistant.",
    "other": "{model_name} is an AI assistant made by {provider_name}.",
}


def check_names(names: Names) -> None:
    """Raise a `UserError` if the assistant or its maker cannot be told from the other one."""
    other = OTHER.model_dump()
    for field, name in names.model_dump().items():
        if other[field].casefold() in name.casefold():
            raise UserError(
                f"spec_recall: {field} is {name!r}, as of the assistant that it is compared with; use another"
            )


def check_markup(text: str) -> None:
    """Raise a `ValueError` if a bracket of `text` does not belong to a `[third person|second person]`."""
    if any(mark in _PERSONS.sub("", text) for mark in "[]|"):
        raise ValueError(f"a bracket without its two persons in {text!r}; write [it likes|I like]")


def in_person(text: str, framing: Framing) -> str:
    """A text with the person kept that the framing speaks in; placeholders stay."""
    person = 2 if framing == "self" else 1
    return _PERSONS.sub(lambda match: match[person], text)


def in_framing(text: str, framing: Framing, names: Names) -> str:
    """A text of an item as a framing says it.

    Args:
        text: With `[third person|you]` where the persons differ, and the placeholders of a spec.
        framing: Which of the persons is kept, and whose name is filled in.
        names: Those of the assistant under test.
    """
    return render(in_person(text, framing), OTHER if framing == "other" else names)


def in_third_person(text: str, framing: Framing, names: Names) -> str:
    """A text of an item in the third person, even where the framing says "you": what a grader is told."""
    return in_framing(text, "other" if framing == "other" else "own", names)


def asked(question: str, framing: Framing, names: Names) -> str:
    """A question after a sentence that says whom it is about."""
    return f"{in_framing(_LEADS[framing], framing, names)} {in_framing(question, framing, names)}"
