"""Collects requests that arrive together and answers them in one call of a slow function, on a thread."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import anyio
import anyio.to_thread

Request = TypeVar("Request")
Answer = TypeVar("Answer")

_QUIET_SECONDS = 0.02
"""A batch is full when no request has come for so long: the requests of one item arrive within a millisecond."""


class Batcher(Generic[Request, Answer]):
    """Turns `run(list of requests) -> list of answers` into `await ask(request)`; works on any async backend."""

    def __init__(self, run: Callable[[Sequence[Request]], Sequence[Answer]], limit: int) -> None:
        self._run = run
        self._limit = limit
        self._waiting: list[_Slot[Request, Answer]] = []
        self._lock = anyio.Lock()

    async def ask(self, request: Request) -> Answer:
        """The answer to `request`, computed together with those of others that wait.

        Raises:
            Exception: whatever `run` raised; everyone in the batch gets it.
        """
        slot: _Slot[Request, Answer] = _Slot(request)
        self._waiting.append(slot)
        try:
            async with self._lock:  # whoever gets it first answers for all that wait
                while not slot.done:  # more may wait than a batch holds
                    await self._settle()
                    batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                    await self._answer(batch)
        finally:
            if slot in self._waiting:  # cancelled before its turn
                self._waiting.remove(slot)
        if slot.error:
            raise slot.error
        return slot.answer[0]

    async def _settle(self) -> None:
        """Wait until requests stop coming or the batch is full."""
        count = 0
        while count < len(self._waiting) < self._limit:
            count = len(self._waiting)
            await anyio.sleep(_QUIET_SECONDS)

    async def _answer(self, batch: "list[_Slot[Request, Answer]]") -> None:
        try:
            answers = await anyio.to_thread.run_sync(self._run, [slot.request for slot in batch])
            for slot, answer in zip(batch, answers, strict=True):
                slot.answer.append(answer)
        except Exception as error:
            for slot in batch:
                slot.error = error
        finally:  # when this caller was cancelled, the others of its batch wait again
            self._waiting = [slot for slot in batch if not slot.done] + self._waiting


class _Slot(Generic[Request, Answer]):
    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: list[Answer] = []
        self.error: Exception | None = None

    @property
    def done(self) -> bool:
        return bool(self.answer) or self.error is not None
