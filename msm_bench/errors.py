"""The one error that a user sees: a line that says what is wrong, where, and how to mend it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from pydantic import ValidationError


class UserError(click.ClickException):
    """A mistake that the user can mend; our command and Inspect's print it as one line, and exit with code 2."""

    exit_code = 2


def missing_extra(error: ImportError, *extras: str) -> UserError:
    """What to tell whoever lacks an optional group of dependencies."""
    return UserError(f"{error.name} is missing; run `pip install 'msm-bench[{','.join(extras)}]'`")


@contextmanager
def explain_invalid(where: Path | str) -> Iterator[None]:
    """Turn a pydantic error inside the block into a one-line `UserError` that names `where`."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        message = " ".join(str(first["msg"]).removeprefix("Value error, ").split())
        raise UserError(f"{where}: {field}: {message}") from None


def printable(text: str, most: int = 120) -> str:
    """Text that a model wrote, on one line of at most `most` characters, without control characters."""
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in " ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"
