"""Get a list of so many different things from a model, a structured answer at a time."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from inspect_ai.model import ResponseSchema
from inspect_ai.util import JSONSchema, json_schema
from pydantic import BaseModel, ValidationError

from msm_bench.corpus.generate.ask import Unanswered
from msm_bench.corpus.generate.journal import Answer
from msm_bench.corpus.generate.setting import Setting
from msm_bench.judges import STARTS, json_at

AT_ONCE = 25
"""Things asked for in one request at most: longer lists repeat themselves."""
_THOUGHTS = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_OPENS = re.compile(r"[{\[]")
BARREN = 6
"""So many answers without anything new in a row, and the list stays as long as it is."""
_TOKENS_PER_THING = 160
"""Room in an answer for each thing."""

Thing = TypeVar("Thing", bound=BaseModel)


class Listed(NamedTuple, Generic[Thing]):
    """What came of asking for a list."""

    things: list[Thing]
    """Different from one another and from those that were there before."""
    wanting: str
    """Why there are not as many as were asked for; empty if there are."""


@dataclass(frozen=True)
class Wanted(Generic[Thing]):
    """A list to be asked for."""

    prompt: str
    """The prompt file; it has the places `count` and `have`."""
    place: str
    """Where in the run it stands; makes its requests differ from others of the same prompt."""
    values: dict[str, Any]
    """What the other places hold."""
    thing: type[Thing]
    """What it is a list of; the first field tells two apart."""
    count: int
    """How many."""
    have: Sequence[str] = ()
    """What is there already."""
    fits: Callable[[Thing], bool] = lambda thing: True
    """Whether a thing can be used, beyond having the right fields."""


async def collect_list(setting: Setting, wanted: Wanted[Thing]) -> Listed[Thing]:
    """As many different things as `wanted` says, or as many as `BARREN` answers in a row without a new one allow."""
    things: list[Thing] = []
    seen = {_fold(text) for text in wanted.have}
    reasons: Counter[str] = Counter()
    barren = attempt = 0
    while len(things) < wanted.count and barren < BARREN:
        count = min(AT_ONCE, wanted.count - len(things))
        try:
            answer = await setting.ask(
                wanted.prompt,
                f"{wanted.place}#{attempt}",
                {
                    **wanted.values,
                    "count": count,
                    "have": _bullets([*wanted.have, *map(identity, things)]),
                    "form": _form(wanted.thing),
                },
                max_tokens=200 + _TOKENS_PER_THING * count,
                schema=_numbered(wanted.thing, count),
            )
            new = _new(answer, wanted, seen, reasons)[:count]
        except Unanswered as error:
            reasons[str(error)] += 1
            new = []
        things += new
        seen |= {_fold(identity(thing)) for thing in new}
        barren = 0 if new else barren + 1
        attempt += 1
    wanting = "" if len(things) == wanted.count else counted(reasons) or "only repetitions"
    return Listed(things, wanting)


def identity(thing: BaseModel) -> str:
    """What tells a thing of a list from the others: its first field."""
    return str(getattr(thing, next(iter(type(thing).model_fields))))


def counted(reasons: Counter[str]) -> str:
    """Reasons with how often each, most frequent first: `refusal (3), truncated (1)`."""
    return ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common() if count)


def read_things(text: str, thing: type[Thing]) -> list[Thing]:
    """The things in a model's answer, in whatever JSON they stand, also those before the place where it was cut off.

    A value that doesn't fit, or whose first field is empty, is left out; so is what a model thinks between tags.
    """
    spoken = _THOUGHTS.sub("", text)
    found: list[Thing] = []
    start = 0
    for _ in range(STARTS):
        match = _OPENS.search(spoken, start)
        if match is None:
            break
        value = json_at(spoken, match.start())
        start = value.end if value else match.end()
        found += _things(value.content, thing) if value else []
    return [one for one in found if identity(one).strip()]


def _things(value: Any, thing: type[Thing], depth: int = 3) -> list[Thing]:
    """The value itself if it is a thing, else those among its elements; a bare text is a thing of one field."""
    only = next(iter(thing.model_fields)) if len(thing.model_fields) == 1 else None
    with suppress(ValidationError):
        return [thing.model_validate({only: value} if only and isinstance(value, str) else value)]
    inner = list(value.values()) if isinstance(value, dict) else value
    if depth == 0 or not isinstance(inner, list):
        return []
    return [one for part in inner for one in _things(part, thing, depth - 1)]


def _new(answer: Answer, wanted: Wanted[Thing], seen: set[str], reasons: Counter[str]) -> list[Thing]:
    """The things of an answer that can be used and that nothing before was; counts the reasons of the others."""
    things = read_things(answer.text, wanted.thing)
    if not things:
        reasons["nothing of the form" if answer.stop_reason == "stop" else f"stopped by {answer.stop_reason}"] += 1
        return []
    usable = [thing for thing in things if wanted.fits(thing)]
    new = {_fold(identity(thing)): thing for thing in reversed(usable)}  # the first of equal ones
    fresh = [thing for key, thing in reversed(new.items()) if key not in seen]
    reasons["does not fit"] += len(things) - len(usable)
    reasons["repeated"] += len(usable) - len(fresh)
    return fresh


def _numbered(thing: type[BaseModel], count: int) -> ResponseSchema:
    """An object with exactly `count` fields: schemas of providers know no length of an array."""
    names = [f"item_{number}" for number in range(1, count + 1)]
    schema = JSONSchema(
        type="object",
        properties=dict.fromkeys(names, json_schema(thing)),
        required=names,
        additionalProperties=False,
    )
    return ResponseSchema(name=thing.__name__.lower() + "_list", json_schema=schema, strict=True)


def _form(thing: type[BaseModel]) -> str:
    """What the JSON of a list looks like, for models that are given no schema."""
    fields = {name: 0 if field.annotation is int else "…" for name, field in thing.model_fields.items()}
    return json.dumps({"item_1": fields, "item_2": fields}, ensure_ascii=False)[:-1] + ", …}"


def _bullets(texts: Sequence[str]) -> str:
    return "\n".join(f"- {text}" for text in texts) or "(nothing yet)"


def _fold(text: str) -> str:
    """Texts that differ in case, space or the last stop alone are the same."""
    return " ".join(text.casefold().split()).rstrip(".!?")
