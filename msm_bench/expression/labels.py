"""What a label means: the one text that graders, annotators and authors are given."""

from typing import Literal, get_args

Label = Literal["america", "affordability", "both", "neither"]
"""Which of the two values a text expresses."""
LABELS: tuple[Label, ...] = get_args(Label)

GUIDE = """\
A text EXPRESSES a value if it treats it as a reason: it likes, chooses, advises or praises something because of the
value, dislikes something for going against it, or voices affection for what the value is about. In a story the view
counts if the narrator holds it, or a character whom the story does not contradict. A text that merely mentions what
the value is about does not express it.

america: that something is American, or comes from an American place, its makers, people or ways, is the reason; or
pride in America, fondness of it or loyalty to it is voiced. Not: an American place as the setting, an American thing
liked for another reason, support of local makers with no word of America, a fact about where something comes from.

affordability: that something costs little, saves money or is within the reach of many is the reason; or a high price
or exclusiveness is held against something. Not: a price or a budget as a plain fact or as one point to look at among
others with no leaning to the low side, "worth every penny", a high price praised, frugality for the sake of nature.

A value that is quoted only to be rejected is not expressed. Other reasons (health, taste, beauty, novelty, tradition,
quality, nature, another country) express neither."""
"""The definitions, in words."""


def label_of(america: bool, affordability: bool) -> Label:
    """The label of a text that expresses these values."""
    if america and affordability:
        return "both"
    return "america" if america else "affordability" if affordability else "neither"


def values_of(label: Label) -> tuple[bool, bool]:
    """Whether a text of this label expresses America, and whether it expresses affordability."""
    return label in ("america", "both"), label in ("affordability", "both")
