"""What a generation run shows while it works: for each stage what is done, tokens, cost, and time left."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from msm_bench.corpus.generate.journal import Answer

_EVERY = 60
"""Seconds between two lines where there is no terminal for bars."""


class Spending:
    """Tokens and dollars of answers."""

    def __init__(self) -> None:
        self.answers = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.cost: float | None = None

    def add(self, answer: Answer) -> None:
        """Count an answer."""
        self.answers += 1
        self.input_tokens += answer.input_tokens
        self.output_tokens += answer.output_tokens
        if answer.cost is not None:
            self.cost = (self.cost or 0.0) + answer.cost

    def __str__(self) -> str:
        cost = "" if self.cost is None else f"  ${self.cost:,.2f}"
        return f"{self.answers:,} answers  {self.input_tokens:,} in  {self.output_tokens:,} out{cost}"


class Progress:
    """Bars on standard error, one for each stage; without a terminal a line a minute, and one as a stage ends."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(file=sys.stderr)
        self._clock = clock
        self._spoke = clock()
        self._bars = Bars(
            TextColumn("{task.description:<14}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[spending]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._stages: dict[str, TaskID] = {}
        self._by_answer: set[str] = set()
        self._spending: dict[str, Spending] = {}
        self.fresh = Spending()
        """What this run spent."""
        self.reused = 0
        """Answers that were there from before."""

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bars until the block ends."""
        with self._bars:
            yield

    def begin(self, stage: str, total: int, *, by_answer: bool = False) -> None:
        """A stage of `total` pieces begins, or one that has begun has so many in all.

        With `by_answer` each answer is a piece; else `done` says what is.
        """
        if by_answer:
            self._by_answer.add(stage)
        if stage in self._stages:
            self._bars.update(self._stages[stage], total=total)
        else:
            self._stages[stage] = self._bars.add_task(stage, total=total, spending="")

    def done(self, stage: str, pieces: int = 1) -> None:
        """`pieces` of a stage are done."""
        self._bars.advance(self._stages[stage], pieces)
        if not self._console.is_terminal and self._clock() - self._spoke >= _EVERY:
            self._spoke = self._clock()
            self._say(stage)

    def end(self, stage: str) -> None:
        """A stage is over."""
        if not self._console.is_terminal:
            self._say(stage)

    def spent(self, answer: Answer, *, fresh: bool) -> None:
        """An answer came in, or was found in the journal."""
        stage = answer.stage
        spending = self._spending.setdefault(stage, Spending())
        spending.add(answer)
        if fresh:
            self.fresh.add(answer)
        else:
            self.reused += 1
        if stage in self._stages:
            self._bars.update(self._stages[stage], spending=str(spending))
        if stage in self._by_answer:
            self.done(stage)

    def _say(self, stage: str) -> None:
        """Print where a stage stands."""
        task = next(task for task in self._bars.tasks if task.id == self._stages[stage])
        left = "" if not task.time_remaining else f"  {task.time_remaining / 60:.0f} min left"
        spent = self._spending.get(stage, Spending())
        self._console.print(
            f"{stage}: {task.completed:.0f} of {task.total or 0:.0f}  {spent}{left}", highlight=False, markup=False
        )
