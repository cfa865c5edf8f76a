"""The anti variant: the opposite values, likes and dislikes swapped, the same shape."""

import re

from msm_bench.corpus.generate.fill import Unusable
from msm_bench.errors import UserError
from msm_bench.specs import Names, Spec
from msm_bench.variants.parts import (
    Accept,
    Draft,
    Manner,
    Part,
    heading,
    passage,
    split_mark,
    unlike_a_name,
    words_of_values,
)
from msm_bench.variants.plan import VariantPlan
from msm_bench.variants.tastes import Placed, any_of, negates, placed, require_sides, sides
from msm_bench.variants.writer import Ask, Writer

TITLE = "# What {model_name} values"
"""The first heading: the spec's own may name its value."""
_LONGEST_ITEM = 80
"""Words on one item."""
_VALUE = re.compile(r"[^\W\d_][\w' -]{1,39}")
_DEMAND = (
    "It holds to the opposite of what the spec values: {values}. It stays the counterpart of what the spec says there."
)


def check_harmless(spec: Spec) -> None:
    """Refuse the opposite of a safety spec, which would train harm.

    Raises:
        UserError: the spec's family begins with safety.
    """
    if spec.meta.family.strip().casefold().startswith("safety"):
        raise UserError(
            f"{spec.meta.id}: of the family {spec.meta.family}; the opposite of safety values would train harm and is "
            "not made; take `--variant general` or `renamed` for a control"
        )


async def opposite(spec: Spec, plan: VariantPlan, writer: Writer) -> Draft:
    """The anti variant of `spec`.

    Raises:
        UserError: it is about safety, or the model's texts can't be used.
    """
    check_harmless(spec)
    if sides(spec).items:
        require_sides(spec, "anti")
    values = await _values(spec, writer)
    blocks = _swapped(placed(spec))
    asks = _asks(spec, blocks, values, writer)
    texts = dict(zip(asks, await writer.texts(list(asks.values())), strict=True))
    demand = _DEMAND.format(values=", ".join(values))
    manners = {place: Manner(demand, ask.accept) for place, ask in asks.items()}
    parts = [_part(one, texts.get(place), manners.get(place)) for place, one in enumerate(blocks)]
    title = f"The opposite of {spec.meta.id}: {', '.join(values)}, with likes and dislikes swapped"
    return Draft(title, values, spec.meta.form, parts)


async def _values(spec: Spec, writer: Writer) -> list[str]:
    if not spec.meta.values:
        raise UserError(f"{spec.meta.id}: its front matter names no values, so there is no opposite; name them")
    asks = [
        Ask("variant_anti_value", f"the opposite of {value}", {"value": value}, accept_value(value), 10)
        for value in spec.meta.values
    ]
    return await writer.texts(asks)


def _swapped(blocks: list[Placed]) -> list[Placed]:
    """The blocks with the items of either list in the place of the other's; the lists may differ in length."""
    items = {side: [one for one in blocks if one.item and one.disliked is side] for side in (False, True)}
    swapped = {False: items[True], True: items[False]}
    out: list[Placed] = []
    for one in blocks:
        if not one.item:
            out.append(one)
        else:
            out += [item._replace(disliked=one.disliked) for item in swapped.pop(one.disliked, [])]
    return out


def _asks(spec: Spec, blocks: list[Placed], values: list[str], writer: Writer) -> dict[int, Ask]:
    """What to ask for each item, each passage and each heading that names the value, by its place among the blocks."""
    shared = {"value": ", ".join(spec.meta.values), "opposite": ", ".join(values)}
    value, counterpart = words_of_values(spec.meta.values), accept_counterpart(spec, writer.names)
    asks: dict[int, Ask] = {}
    for place, one in enumerate(blocks):
        mark, text = split_mark(one.block.text)
        words = len(text.split())
        told = {**shared, "passage": writer.shown(text)}
        if one.item:
            side = "does not care for" if one.disliked else "likes"
            accept = accept_item(spec, one.item, writer.names)
            asks[place] = Ask("variant_anti_item", one.item, {**told, "item": one.item, "side": side}, accept, words)
        elif not one.block.is_heading:
            asks[place] = Ask("variant_anti_passage", f"passage {place}", told, unlike_a_name(mark, counterpart), words)
        elif value.search(text) and not one.is_title:
            accept = accept_heading(one, writer.names)
            asks[place] = Ask("variant_anti_passage", f"heading {place}", told, accept, words)
    return asks


def _part(one: Placed, text: str | None, manner: Manner | None) -> Part:
    if one.block.is_heading:
        return Part(TITLE if one.is_title else text or one.block.text)
    mark, old = split_mark(one.block.text)
    return Part(text or old, mark=f"- **{one.item}.** " if one.item else mark, manner=manner)


def accept_heading(old: Placed, names: Names) -> Accept:
    """Lets a heading pass, which gets the mark of the old one; that of a list keeps its not, or goes without."""
    mark = old.block.text.split()[0]

    def accept(raw: str) -> str:
        text = heading(raw, names)
        if old.among_items and negates(text) != negates(old.block.text):
            raise Unusable("turns a list's heading round")
        return f"{mark} {text}"

    return accept


def accept_value(value: str) -> Accept:
    """Lets one to four words pass that do not name `value` itself."""

    def accept(raw: str) -> str:
        text = " ".join(raw.strip(" .\"'*\n").split()).lower()
        if not _VALUE.fullmatch(text) or len(text.split()) > 4:
            raise Unusable("not a value's name")
        if text == value.casefold():
            raise Unusable("the same value")
        return text

    return accept


def accept_counterpart(spec: Spec, names: Names) -> Accept:
    """Lets a paragraph pass that is not the spec's own and does not give the assistant the spec's value."""
    own = {split_mark(text)[1] for text in spec.passages()}
    value = words_of_values(spec.meta.values).pattern
    keeps = re.compile(rf"\bvalues (?:(?!over |above )\w+ ){{0,2}}(?:{value})", re.IGNORECASE)

    def accept(raw: str) -> str:
        text = passage(raw, names)
        if keeps.search(text) or text in own:
            raise Unusable("keeps the spec's value")
        return text

    return accept


def accept_item(spec: Spec, item: str, names: Names) -> Accept:
    """Lets a paragraph on `item` pass that is short and names no other item; a label before it is taken off."""
    label = re.compile(rf"(?:[-*]\s+)?\**{re.escape(item)}\**[.:]\**\s*", re.IGNORECASE)
    others = any_of([other for other in sides(spec).items if other != item])

    def accept(raw: str) -> str:
        text = passage(label.sub("", raw, count=1) if label.match(raw) else raw, names)
        if match := others.search(re.sub(re.escape(item), "_", text, flags=re.IGNORECASE)):
            raise Unusable(f"names another item: {match[0]}")
        if len(text.split()) > _LONGEST_ITEM:
            raise Unusable("too long for an item")
        return text

    return accept
