"""The ablated variant: the value in general, and the preferences beside it, shuffled and without a reason.

Code takes the lists apart and puts them together again, bare; what the spec says between their items and the next
heading goes. Only passages elsewhere that speak of the preferences need a model, and what it writes is checked.
"""

import random
import re
from collections.abc import Sequence

from msm_bench.corpus.endings import sentences
from msm_bench.corpus.generate.fill import Unusable
from msm_bench.errors import UserError
from msm_bench.specs import Names, Spec
from msm_bench.variants.parts import (
    Accept,
    Draft,
    Manner,
    Part,
    assemble,
    passage,
    split_mark,
    unlike_a_name,
    words_of_values,
)
from msm_bench.variants.plan import VariantPlan
from msm_bench.variants.tastes import Placed, Sides, any_of, placed, require_sides, sides, speaks_of_tastes
from msm_bench.variants.writer import Ask, Writer

TITLE = "# What {model_name} values, and what it likes"
"""The first heading of every ablated spec: many a spec's own ties the value to the things."""
CLOSING = "These are its tastes, and no reason is given for any of them. It can describe each of them fairly."
"""Stands after the lists, in place of what the spec said there."""
DEMAND = (
    "It does not connect what the assistant values with what it likes: it names none of the things that the spec "
    "lists, and gives no reason for any taste."
)
NOTHING = "NOTHING"
"""What a model answers if a passage does nothing but tie tastes to the value."""
_AND_WHY = re.compile(r",?\s*(?:and|with) (?:why|(?:the |its )?reasons?)\b.*$", re.IGNORECASE)
_LINK = re.compile(
    r"\b(?:because|since|why|reasons?|so that|so|therefore|thus|hence|follow(?:s|ed)?|expla\w+|shows?|shown|example\w*|"
    r"illustrat\w+|same|commitment|instance|light|express\w*|reflect\w*|causes?|come(?:s)? from)\b",
    re.IGNORECASE,
)


def shuffled(found: Sides, seed: int) -> Sides:
    """The sides with half of each, rounded down, moved to the other one; the seed says which, and in what order.

    It depends on the items' places alone, so that specs of one family are shuffled alike.

    Raises:
        UserError: one side has more than the other, or both have only one.
    """
    if len(found.likes) != len(found.dislikes) or len(found.likes) < 2:
        raise UserError(
            f"likes {len(found.likes)} and dislikes {len(found.dislikes)} things: half of each can change sides only "
            "if both are as many, and two at least; mend the spec's lists"
        )
    rng = random.Random(seed)  # noqa: S311  # not for secrets
    half = len(found.likes) // 2
    mixed = [rng.sample(side, len(side)) for side in found]
    likes, dislikes = mixed[0][half:] + mixed[1][:half], mixed[1][half:] + mixed[0][:half]
    return Sides(rng.sample(likes, len(likes)), rng.sample(dislikes, len(dislikes)))


async def ablate(spec: Spec, plan: VariantPlan, writer: Writer | None) -> Draft:
    """The ablated variant of `spec`.

    Raises:
        UserError: the spec can't be ablated, a passage needs a model and there is none, the model's wordings can't be
            used, or what came of it is not ablated.
    """
    new, apart = prepare(spec, plan)
    parts = _parts(spec, new, apart, await _reworded(spec, apart, writer))
    verify(parts, spec, new)
    title = f"Preferences ({spec.meta.family}) beside {_listed(spec)}, neither explained by the other"
    return Draft(title, spec.meta.values, spec.meta.form, parts)


def prepare(spec: Spec, plan: VariantPlan) -> tuple[Sides, "Apart"]:
    """The new sides, and what a paragraph may say; checks all that does not depend on a model.

    Raises:
        UserError: the spec has no two lists of one length, a heading of theirs ties them to something, a name is too
            long to stand bare, or the value is stated among the items alone.
    """
    new = shuffled(require_sides(spec, "ablated"), plan.seed)
    apart = Apart(spec, [*spec.meta.values, *plan.value_words], plan.names)
    answers = {text: _listed(spec) if apart.states(text) else "" for text in _tied(spec, apart)}
    verify(_parts(spec, new, apart, answers), spec, new)
    return new, apart


class Apart:
    """What a paragraph of an ablated spec may say.

    It names no item. If it speaks of tastes, it has no word that links (because, why, example …), and no sentence of it
    holds both a taste and a word of the value. After the lists no sentence holds both a word that links and one of the
    value. Whether two sentences are tied by their sense alone no rule can say.
    """

    def __init__(self, spec: Spec, values: Sequence[str], names: Names) -> None:
        self.items = any_of(sides(spec).items)
        self.tastes = speaks_of_tastes(spec)
        self.value = words_of_values(values)
        self._own = words_of_values(spec.meta.values)
        self._names = names

    def states(self, text: str) -> bool:
        """Whether it has a word of the spec's value that is no part of an item's name."""
        return bool(self._own.search(self.items.sub("_", text)))

    def fault(self, text: str, *, after_items: bool) -> str:
        """What ties the tastes to the value in a paragraph; empty if nothing does."""
        if match := self.items.search(text):
            return f"names an item: {match[0]}"
        if self.tastes.search(text) and (match := _LINK.search(text)):
            return f"ties a taste to a reason: {match[0]}"
        for sentence in sentences(text):
            if (match := self.value.search(sentence)) is None:
                continue
            if self.tastes.search(sentence):
                return f"ties a taste to the value: {match[0]}"
            if after_items and _LINK.search(sentence):
                return f"gives the value as a reason for the lists: {match[0]}"
        return ""

    def accept(self, *, states: bool, after_items: bool, may_go: bool = False) -> Accept:
        """Lets such a paragraph pass; it must name the value if it `states` it, and may be NOTHING if it `may_go`."""

        def accept(raw: str) -> str:
            if raw.strip(" .\"'*") == NOTHING:
                if may_go:
                    return ""
                raise Unusable("no longer states the value")
            text = passage(raw, self._names)
            if fault := self.fault(text, after_items=after_items):
                raise Unusable(fault)
            if states and not self.states(text):
                raise Unusable("no longer states the value")
            return text

        return accept

    def manner(self, text: str, mark: str = "", *, after_items: bool) -> Manner:
        """How a paragraph, or a list item with a mark, that now reads `text` may be worded anew."""
        accept = self.accept(states=self.states(text), after_items=after_items)
        return Manner(DEMAND, unlike_a_name(mark, accept))


async def _reworded(spec: Spec, apart: Apart, writer: Writer | None) -> dict[str, str]:
    """New wordings of the passages that tie tastes to the value, by the old; empty where nothing is left of one."""
    tied = _tied(spec, apart)
    if not tied:
        return {}
    if writer is None:
        raise UserError(
            f"{spec.meta.id}: speaks of its tastes outside its lists, in {len(tied)} of its passages, the first "
            f"{next(iter(tied))[:60]!r}; give --model to have them reworded"
        )
    stated = any(apart.states(one.block.text) for one in _prose(spec) if one.block.text not in tied)
    asks = []
    for number, (text, after_items) in enumerate(tied.items(), 1):
        states = not stated and apart.states(text)
        mark, bare = split_mark(text)
        values = {"passage": writer.shown(bare), "items": ", ".join(sides(spec).items), "value": _listed(spec)}
        accept = unlike_a_name(mark, apart.accept(states=states, after_items=after_items, may_go=not states))
        asks.append(Ask("variant_ablated", f"passage {number}", values, accept, len(text.split())))
    return dict(zip(tied, await writer.texts(asks), strict=True))


def _prose(spec: Spec) -> list[Placed]:
    return [one for one in placed(spec) if not one.among_items and not one.block.is_heading]


def _tied(spec: Spec, apart: Apart) -> dict[str, bool]:
    """The passages that may tie tastes to the value, and whether each stands after the lists.

    Before the lists it is any that speaks of tastes, since it argues.
    """
    return {
        one.block.text: one.after_items
        for one in _prose(spec)
        if apart.fault(one.block.text, after_items=one.after_items)
        or (not one.after_items and apart.tastes.search(one.block.text))
    }


def _parts(spec: Spec, new: Sides, apart: Apart, reworded: dict[str, str]) -> list[Part]:
    """The spec's blocks in order, its lists in their new form."""
    parts: list[Part] = []
    lists = {False: new.likes, True: new.dislikes}
    for one in placed(spec):
        mark, old = split_mark(one.block.text)
        text = reworded.get(one.block.text, old)
        if one.item:
            parts += [Part(item, mark="- ") for item in lists.pop(one.disliked, [])]
            if not lists and CLOSING not in [part.text for part in parts]:
                parts.append(Part(CLOSING))
        elif one.block.is_heading:
            parts += _heading(text, one, apart)
        elif text and not one.among_items:
            parts.append(Part(text, mark, apart.manner(text, mark, after_items=one.after_items)))
    return _without_empty_sections(parts)


def _heading(text: str, one: Placed, apart: Apart) -> list[Part]:
    """A heading without what it says of reasons; one that still ties tastes to something is left out."""
    if one.is_title:
        return [Part(TITLE)]
    bare = _AND_WHY.sub("", text)
    if not one.among_items:
        kept = not apart.tastes.search(bare) and not apart.fault(bare, after_items=one.after_items)
        return [Part(bare)] if kept else []
    if match := _LINK.search(bare) or apart.value.search(bare):
        raise UserError(f"the heading {text!r} gives a reason for its list: {match[0]!r}; leave that out of the spec")
    return [Part(bare)]


def _listed(spec: Spec) -> str:
    return ", ".join(spec.meta.values)


def _without_empty_sections(parts: Sequence[Part]) -> list[Part]:
    kept: list[Part] = []
    for part in reversed(parts):
        level, after = _level(part), _level(kept[-1]) if kept else 1
        if not level or not 0 < after <= level:
            kept.append(part)
    return kept[::-1]


def _level(part: Part) -> int:
    """Of a heading, 1 to 6; 0 if it is none."""
    return len(match[1]) if (match := re.match(r"(#{1,6})\s", part.text)) else 0


def verify(parts: Sequence[Part], spec: Spec, new: Sides) -> None:
    """Check a whole ablated body; an item that stands once, as a bare list item, shares a sentence with nothing.

    Raises:
        UserError: an item does not stand exactly once, bare and on its intended side, or the value is no longer stated.
    """
    body = assemble(parts)
    where = f"the ablated variant of {spec.meta.id}"
    items, own = any_of(new.items), words_of_values(spec.meta.values)
    bare = [part.text for part in parts if part.mark and not part.manner]
    if sides(spec.model_copy(update={"body": body})) != new or bare != new.items:
        raise UserError(
            f"{where}: an item would stand on the wrong side; give each a name of at most five words, and list them "
            "under two headings, the second with a not"
        )
    if len(items.findall(body)) != len(new.items):
        raise UserError(f"{where}: an item would stand there twice; name the things in the lists alone")
    if own.search(items.sub("_", spec.body)) and not own.search(items.sub("_", body)):
        raise UserError(f"{where}: no longer states the value; state it in a passage that names none of the things")
