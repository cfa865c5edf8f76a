"""A grader model answers in a JSON schema: one retry, then no verdict, with the reason."""

import json
import re
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from inspect_ai.model import ChatMessageUser, GenerateConfig, Model, ResponseSchema, model_roles
from inspect_ai.util import json_schema
from pydantic import BaseModel, ValidationError

from msm_bench.errors import UserError
from msm_bench.reasoning import without_reasoning

GRADER = "grader"
"""The model role that grades; the model under test never grades itself."""
NO_GRADER = "no grader"
UNREADABLE = "unreadable verdict"
TRIES = 2
"""How often a grader is asked for one verdict."""
STARTS = 1000
"""So many places of an answer are tried at most: one of nothing but brackets would take minutes."""

Verdict = TypeVar("Verdict", bound=BaseModel)


class NoVerdict(Exception):
    """There is no verdict; the message is the reason."""


def graders() -> list[Model]:
    """The models in the role of the grader, in the order in which they were named; none if none was."""
    named = model_roles().get(GRADER, [])
    return named if isinstance(named, list) else [named]


async def ask_grader(prompt: str, verdict: type[Verdict]) -> Verdict:
    """The verdict of the one grader.

    Raises:
        NoVerdict: no grader was named, or it twice gave no JSON that fits.
        UserError: several were named.
    """
    asked = graders()
    if not asked:
        raise NoVerdict(NO_GRADER)
    if len(asked) > 1:
        raise UserError(
            f"model role {GRADER}: {len(asked)} models, and this task takes one grader; several are for spec_qa"
        )
    if (found := await ask_model(asked[0], prompt, verdict)) is None:
        raise NoVerdict(UNREADABLE)
    return found


async def ask_model(model: Model, prompt: str, verdict: type[Verdict]) -> Verdict | None:
    """A model's verdict; None if it gave no JSON that fits, however often it was asked."""
    schema = ResponseSchema(name=verdict.__name__.lower(), json_schema=json_schema(verdict))
    config = GenerateConfig(temperature=0.0, response_schema=schema)
    for _ in range(TRIES):
        output = await model.generate([ChatMessageUser(content=prompt)], config=config)
        # a grader that thinks may draft other verdicts in its thoughts
        if (found := read_verdict(without_reasoning(output.completion), verdict)) is not None:
            return found
    return None


def read_verdict(text: str, verdict: type[Verdict]) -> Verdict | None:
    """The verdict in a grader's answer, wherever it stands; None if there is none, or more than one that differ."""
    found: list[Verdict] = []
    for start in (match.start() for match in islice(re.finditer(r"\{", text), STARTS)):
        if value := json_at(text, start):
            with suppress(ValidationError):
                found.append(verdict.model_validate(value.content, strict=True))
    return found[0] if found and all(other == found[0] for other in found) else None


class Json(NamedTuple):
    """A JSON value inside a text."""

    content: Any
    end: int
    """Where the text goes on after it."""


def json_at(text: str, start: int) -> Json | None:
    """The JSON value that begins at `start`; None if there is none, or none that can be kept.

    A model may write a value that nests without end, or half of a character, which no file can hold.
    """
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # what can't be encoded is a ValueError
        return None
    return Json(value, end)
