"""Wait for many requests at once."""

from collections.abc import Awaitable
from typing import TypeVar

from inspect_ai.util import collect

Result = TypeVar("Result")


async def together(*tasks: Awaitable[Result]) -> list[Result]:
    """The results of all, in the order of the tasks; if several fail, the failure of the first alone."""
    try:
        return await collect(*tasks)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
