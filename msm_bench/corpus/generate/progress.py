"""What a generation run shows while it works: for each stage what is done, tokens, cost, and time left."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from msm_bench.corpus.generate.journal import Answer


class Spending:
    """Tokens and dollars of the answers of a stage."""

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
    """Bars on standard error, a line for each stage; without a terminal a line is printed as a stage ends."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stderr)
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
        self.spending: dict[str, Spending] = {}
        self.reused = 0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bars until the block ends."""
        with self._bars:
            yield

    def begin(self, stage: str, total: int) -> None:
        """A stage of `total` pieces begins, or a stage that has begun has so many in all."""
        if stage in self._stages:
            self._bars.update(self._stages[stage], total=total)
        else:
            self._stages[stage] = self._bars.add_task(stage, total=total, spending="")

    def done(self, stage: str, pieces: int = 1) -> None:
        """`pieces` of a stage are done."""
        self._bars.advance(self._stages[stage], pieces)

    def end(self, stage: str) -> None:
        """A stage is over."""
        if not self._console.is_terminal:
            task = self._bars.tasks[self._bars.task_ids.index(self._stages[stage])]
            spent = self.spending.get(stage, Spending())
            self._console.print(f"{stage}: {task.completed:.0f} of {task.total or 0:.0f}  {spent}", highlight=False)

    def spent(self, stage: str, answer: Answer, *, fresh: bool) -> None:
        """An answer came in, or was found in the journal."""
        spending = self.spending.setdefault(stage, Spending())
        spending.add(answer)
        self.reused += not fresh
        if stage in self._stages:
            self._bars.update(self._stages[stage], spending=str(spending))
