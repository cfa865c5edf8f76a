"""A grader model answers in a JSON schema: one retry, then no verdict, with the reason.

What it is shown of hostile text stands between marks that nothing in the text can hold.
"""

import json
import re
import secrets
from contextlib import suppress
from itertools import islice
from typing import Annotated, Any, NamedTuple, TypeVar

from inspect_ai.model import ChatMessageUser, GenerateConfig, Model, ResponseSchema, model_roles
from inspect_ai.util import LimitExceededError, json_schema
from pydantic import AfterValidator, BaseModel, ValidationError

from msm_bench.errors import UserError, printable
from msm_bench.reasoning import without_reasoning

GRADER = "grader"
"""The model role that grades; the model under test never grades itself."""
NO_GRADER = "no grader"
UNREADABLE = "unreadable verdict"
FAILED = "grader failed"
"""Begins the reason where the grader's provider gave an error; what can be repeated, Inspect has repeated by then."""
TRIES = 2
"""How often a grader is asked for one verdict."""
STARTS = 1000
"""So many places of an answer are tried at most: one of nothing but brackets would take minutes."""
_MISTAKE = "PrerequisiteError"
"""Inspect's error for a mistake of the user, such as a model without a key. The class is not public."""

Verdict = TypeVar("Verdict", bound=BaseModel)


def _each_once(named: str | list[str]) -> str | list[str]:
    if isinstance(named, str):
        return named
    if not named:
        raise ValueError("names no model; leave it out")
    if twice := next((model for model in named if named.count(model) > 1), None):
        raise ValueError(f"names {twice} twice")
    return named if len(named) > 1 else named[0]


Graders = Annotated[str | list[str], AfterValidator(_each_once)]
"""A model as Inspect names it, or several; a list of one is one."""


class NoVerdict(Exception):
    """There is no verdict; the message is the reason."""


def graders() -> list[Model]:
    """The models in the role of the grader, in the order in which they were named; none if none was."""
    named = model_roles().get(GRADER, [])
    return named if isinstance(named, list) else [named]


def one_grader() -> Model:
    """The grader of a task that takes one.

    Raises:
        NoVerdict: none was named.
        UserError: several were named.
    """
    asked = graders()
    if not asked:
        raise NoVerdict(NO_GRADER)
    if len(asked) > 1:
        raise UserError(
            f"model role {GRADER}: {len(asked)} models, and this task takes one grader; several are for spec_qa"
        )
    return asked[0]


async def ask_grader(prompt: str, verdict: type[Verdict]) -> Verdict:
    """The verdict of the one grader.

    Raises:
        NoVerdict: no grader was named, it failed, or it twice gave no JSON that fits.
        UserError: several were named.
    """
    return await ask_model(one_grader(), prompt, verdict)


async def ask_model(model: Model, prompt: str, verdict: type[Verdict]) -> Verdict:
    """A model's verdict.

    Raises:
        NoVerdict: it failed, or it gave no JSON that fits, however often it was asked.
    """
    schema = ResponseSchema(name=verdict.__name__.lower(), json_schema=json_schema(verdict))
    config = GenerateConfig(temperature=0.0, response_schema=schema)
    for _ in range(TRIES):
        # a grader that thinks may draft other verdicts in its thoughts
        reply = without_reasoning(await _reply(model, prompt, config))
        if (found := read_verdict(reply, verdict)) is not None:
            return found
    raise NoVerdict(UNREADABLE)


async def _reply(model: Model, prompt: str, config: GenerateConfig) -> str:
    """What a model answers.

    Raises:
        NoVerdict: its provider gave an error. The answer is unscored then, and the grades of others are kept.
    """
    try:
        output = await model.generate([ChatMessageUser(content=prompt)], config=config)
    except (UserError, LimitExceededError):
        raise
    except Exception as error:  # each provider has errors of its own
        if type(error).__name__ == _MISTAKE:
            raise
        raise NoVerdict(_failure(error)) from error
    return output.completion


def _failure(error: BaseException) -> str:
    """What went wrong, by the first cause: the errors around it hold the whole request, or say that retries ended."""
    while error.__cause__ not in (None, error):  # an error may be raised from itself
        error = error.__cause__
    return f"{FAILED}: {printable(f'{type(error).__name__}: {error}'.removesuffix(': '))}"


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


def new_mark(name: str = "") -> str:
    """A mark to stand before and after a record: drawn anew each time, so that no record can hold it and end itself.

    Args:
        name: What is between the marks, in a word.
    """
    return " ".join(["===", *name.split(), secrets.token_hex(8), "==="])


def shown(text: str, most: int) -> str:
    """What a grader is shown of a text that a model wrote.

    The middle of a long one is left out. What can't be seen, such as hidden or half characters, is replaced. Blanks of
    every kind become plain ones, and so do rare line breaks: no line begins where the caller, who may set lines in,
    saw none.

    Args:
        text: The text.
        most: So many of its characters are shown at most.
    """
    return "".join(map(_seen, shortened(text, most).replace("\r\n", "\n")))


def shortened(text: str, most: int) -> str:
    """A text of more than `most` characters with its middle left out."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} [… {len(text) - 2 * half} characters left out …] {text[-half:]}"


def _seen(char: str) -> str:
    if char.isprintable() or char in "\t\n":
        return char
    return " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"
