"""Lengthen or tighten a variant, part by part, until it has the words or tokens that were asked for."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msm_bench.corpus.tokens import token_counter
from msm_bench.specs import Names, render
from msm_bench.variants.parts import Part, assemble
from msm_bench.variants.plan import Length
from msm_bench.variants.writer import Ask, Writer

TOLERANCE = 0.05
"""A size within this share of what was asked for is near enough."""
ROUNDS = 6
"""So many times parts are worded anew at most."""
_FACTOR = 1.6
"""A part becomes at most so many times longer or shorter in a round: models miss a larger aim."""
_LEAST = 0.04
"""A part that would change by a smaller share is left alone."""

Size = Callable[[str], int]
"""Words or tokens of a text with placeholders, once the names are filled in."""


class Aim(NamedTuple):
    """What a part is to become."""

    place: int
    """Among the parts."""
    size: int
    """Now."""
    wanted: float
    """Then."""


def sizer(length: Length | None, names: Names) -> Size:
    """Counts what `length` counts; words if there is none."""
    if length is None or length.tokenizer is None:
        return lambda text: len(render(text, names).split())
    count = token_counter(length.tokenizer)
    return lambda text: count([render(text, names)])[0]


def is_near(size: int, length: Length | None) -> bool:
    """Whether a size is within the tolerance; any is, if no length was asked for."""
    return length is None or abs(size - length.size) <= TOLERANCE * length.size


def aims(parts: Sequence[Part], size: Size, gap: int) -> list[Aim]:
    """Which parts to word anew to close `gap`: the shortest first to lengthen, the longest first to tighten.

    Few parts change much rather than all a little, so that fewer are asked for and most stay as they are.
    """
    free = sorted((size(part.text), place) for place, part in enumerate(parts) if part.manner)
    room = _FACTOR - 1 if gap > 0 else 1 - 1 / _FACTOR
    left: float = abs(gap)
    chosen: list[Aim] = []
    for now, place in free if gap > 0 else reversed(free):
        change = min(room * now, left)
        if now and change >= _LEAST * now:
            chosen.append(Aim(place, now, now + change if gap > 0 else now - change))
            left -= change
    return chosen


async def fit(parts: Sequence[Part], length: Length, size: Size, writer: Writer) -> list[Part]:
    """The parts, worded anew as often as it takes, and at most `ROUNDS` times; what can't be worded anew stays."""
    parts = list(parts)
    for turn in range(ROUNDS):
        now = size(assemble(parts))
        if is_near(now, length):
            break
        if not (chosen := aims(parts, size, length.size - now)):
            break
        found = await writer.attempts([_ask(parts[aim.place], aim, turn, writer) for aim in chosen])
        for aim, text in zip(chosen, found, strict=True):
            if isinstance(text, str) and abs(size(text) - aim.wanted) < abs(aim.size - aim.wanted):
                parts[aim.place] = parts[aim.place]._replace(text=text)
    return parts


def _ask(part: Part, aim: Aim, turn: int, writer: Writer) -> Ask:
    assert part.manner is not None  # noqa: S101  # only such parts are chosen
    words = max(1, round(part.words * aim.wanted / aim.size))
    values = {
        "passage": writer.shown(part.text),
        "have": part.words,
        "words": words,
        "change": "longer" if aim.wanted > aim.size else "shorter",
        "demand": part.manner.demand,
    }
    return Ask(
        "variant_length", f"part {aim.place} in round {turn}", values, part.manner.accept, max(words, part.words)
    )
