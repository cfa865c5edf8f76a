"""The preferences that a spec lists: which things it likes, which it doesn't, and what speaks of them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from msm_bench.errors import UserError
from msm_bench.specs import Block, Spec, blocks

_NEGATES = re.compile(
    r"\b(?:not|never|no|nothing|without|dislike[sd]?|avoid(?:s|ed)?|reject(?:s|ed)?|pass(?:es|ed)? over|cannot)\b|"
    r"n['’]t\b",
    re.IGNORECASE,
)
_TASTE = r"tastes?|preferences?|favou?rites?"
_SAY_NOTHING = {
    *("model_name", "provider_name", "like", "likes", "liked", "care", "cares", "does", "enjoys", "prefers"),
    *("what", "things", "that", "which", "with", "this", "these", "those", "they", "from", "about", "will", "would"),
}
"""Words of a heading that do not say what kind of thing is listed."""


class Placed(NamedTuple):
    """A block of a spec, and where it stands."""

    block: Block
    item: str
    """The name of the thing, if it is one that the spec likes or doesn't; else empty."""
    disliked: bool
    """Whether the nearest heading that negates, if any, came before it."""
    among_items: bool
    """Whether its section lists such things, or it is the heading of such a section."""
    after_items: bool
    """Whether it is such a thing, or one came before it."""
    is_title: bool
    """Whether it is a heading of the first level with which the spec begins."""


class Sides(NamedTuple):
    """What a spec likes, and what it doesn't, each in its order."""

    likes: list[str]
    dislikes: list[str]

    @property
    def items(self) -> list[str]:
        """All of them."""
        return self.likes + self.dislikes


def placed(spec: Spec) -> list[Placed]:
    """The blocks of a spec with their places."""
    sections: list[list[Placed]] = [[]]
    disliked = after_items = False
    for block in blocks(spec.body):
        found = [] if block.is_heading else spec.model_copy(update={"body": block.text}).preferences()
        item = found[0].rstrip(" .:;,–—-") if found else ""  # `**Colby:**` is Colby
        if block.is_heading:
            disliked = disliked or (after_items and negates(block.text))  # a title may negate too
            sections.append([])
        is_title = sum(map(len, sections)) == 0 and block.text.startswith("# ")
        after_items = after_items or bool(item)
        sections[-1].append(Placed(block, item, disliked, False, after_items, is_title))
    return [one._replace(among_items=any(other.item for other in section)) for section in sections for one in section]


def negates(heading: str) -> bool:
    """Whether a heading says that what stands under it is not liked."""
    return bool(_NEGATES.search(heading))


def sides(spec: Spec) -> Sides:
    """What the spec likes, the items before the heading that negates, and what it doesn't."""
    items = [one for one in placed(spec) if one.item]
    return Sides([one.item for one in items if not one.disliked], [one.item for one in items if one.disliked])


def require_sides(spec: Spec, variant: str) -> Sides:
    """The sides of a spec that has two.

    Raises:
        UserError: it lists nothing, or all on one side, or a thing twice.
    """
    found = sides(spec)
    if not found.likes or not found.dislikes:
        raise UserError(
            f"{spec.meta.id}: has no two lists of what it likes and what it doesn't, so there is no {variant} variant; "
            "give each thing a list item that begins with its name in bold, under a heading each, the second with a not"
        )
    names = [item.casefold() for item in found.items]
    if twice := [item for item in found.items if names.count(item.casefold()) > 1]:
        raise UserError(f"{spec.meta.id}: lists {twice[0]!r} more than once; keep one of them")
    return found


def any_of(items: Sequence[str]) -> re.Pattern[str]:
    """Matches the name of one of `items`, a plural too, as whole words."""
    longest_first = sorted(map(re.escape, items), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(longest_first) or '(?!)'})(?:e?s)?(?!\w)", re.IGNORECASE)


def speaks_of_tastes(spec: Spec) -> re.Pattern[str]:
    """Matches a thing that the spec likes or doesn't, what such things are called, and words for a taste.

    What they are called is the family's name and the words that the headings of both lists have in common.
    """
    headings = [set(re.findall(r"\w{4,}", one.block.text.lower())) for one in _list_headings(spec)]
    common = set.intersection(*headings) if len(headings) > 1 else set()
    kinds = {spec.meta.family.lower(), *common - _SAY_NOTHING}
    stems = [re.escape(kind.removesuffix("s")) + "s?" for kind in sorted(kinds)]
    return re.compile(rf"{any_of(sides(spec).items).pattern}|\b(?:{'|'.join([_TASTE, *stems])})\b", re.IGNORECASE)


def _list_headings(spec: Spec) -> list[Placed]:
    return [one for one in placed(spec) if one.among_items and one.block.is_heading]
