"""Fill a corpus to the asked count: propose, drop what repeats, write, drop what is unusable, ask again for the rest.

Each round waits for all of its answers and judges them in the order of the plan, so that the rows do not depend on
which answer came first.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from msm_bench.corpus.generate.ask import Unanswered
from msm_bench.corpus.generate.lists import counted
from msm_bench.corpus.generate.progress import Progress
from msm_bench.corpus.generate.together import together
from msm_bench.corpus.similar import Seen
from msm_bench.corpus.store import Chat, Document, Dropped, Missing, row_text
from msm_bench.errors import printable

ROUNDS = 12
"""What is dropped is asked for again in the next round, up to this one."""
PATIENCE = 4
"""So many rows of a cell dropped, in rounds that kept none of it, and the cell is not asked again."""


class Unusable(Exception):
    """What was written can't be used; the message is the reason."""


class Cell(NamedTuple):
    """One place of the plan that rows are asked of."""

    id: str
    """Begins the ids of its rows."""
    name: str
    """For people."""


class Slot(NamedTuple):
    """A row to be written."""

    cell: Cell
    number: int
    """Counts the proposals of the cell, from 1."""
    proposal: str
    """The idea of a document, or the question of a chat."""

    @property
    def id(self) -> str:
        """The row's id."""
        return f"{self.cell.id}-{self.number:03d}"


class Proposed(NamedTuple):
    """What a cell was asked to propose."""

    proposals: list[str]
    wanting: str
    """Why they are not as many as were asked for; empty if they are."""


class Source(Protocol):
    """What documents and chats do each in their way."""

    cells: Sequence[Cell]
    """Where rows can come from, in the order in which they are asked."""
    proposing: str
    """The prompt file that proposes."""
    writing: Sequence[str]
    """The prompt files that a row takes after that."""

    async def propose(self, cell: Cell, turn: int, count: int, have: Sequence[str]) -> Proposed:
        """So many ideas or questions for rows of the cell, none of which it has; `turn` counts the rounds."""

    async def write(self, slot: Slot) -> Document | Chat:
        """The row.

        Raises:
            Unusable: it can't be used.
            Unanswered: the model gave no answer.
        """


class Filled(NamedTuple):
    """What came of it."""

    rows: list[Document | Chat]
    dropped: list[Dropped]
    missing: list[Missing]
    """Their counts add up to the rows that are not there."""


class Filling:
    """The state of a corpus that is being filled."""

    def __init__(self, source: Source, progress: Progress, seen: tuple[Seen, Seen]) -> None:
        self._source = source
        self._progress = progress
        self._seen_proposals, self._seen_rows = seen
        self._have: dict[str, list[str]] = {cell.id: [] for cell in source.cells}
        self._reasons: dict[str, Counter[str]] = {cell.id: Counter() for cell in source.cells}
        self._kept: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._asked = 0
        self._slots = 0
        self.rows: list[Document | Chat] = []
        self.dropped: list[Dropped] = []

    async def run(self, wanted: int) -> Filled:
        """Go round until `wanted` rows are there, no cell gives any more, or `ROUNDS` are over."""
        missing: dict[Cell, int] = {}
        for turn in range(ROUNDS):
            live = [cell for cell in self._source.cells if self._failures[cell.id] < PATIENCE]
            if not live or len(self.rows) == wanted:
                break
            live.sort(key=lambda cell: self._kept[cell.id])  # so that rows stay spread
            quota = share(wanted - len(self.rows), live)
            before = self._kept.copy()
            await self._round(turn, quota)
            kept = self._kept - before
            self._failures = Counter({id: count for id, count in self._failures.items() if not kept[id]})
            missing = {cell: count - kept[cell.id] for cell, count in quota.items() if count > kept[cell.id]}
        for stage in (self._source.proposing, *self._source.writing):
            self._progress.end(stage)
        return Filled(self.rows, self.dropped, [self._missing(cell, count) for cell, count in missing.items()])

    async def _round(self, turn: int, quota: dict[Cell, int]) -> None:
        """Ask each cell for its quota."""
        self._asked += sum(quota.values())
        self._progress.begin(self._source.proposing, self._asked)
        listed = await together(*(self._propose(cell, turn, count) for cell, count in quota.items()))
        slots = [slot for cell, proposed in zip(quota, listed, strict=True) for slot in self._slots_of(cell, proposed)]
        self._slots += len(slots)
        for stage in self._source.writing:
            self._progress.begin(stage, self._slots, by_answer=True)
        written = await together(*map(self._write, slots))
        for slot, row in zip(slots, written, strict=True):
            self._accept(slot, row)

    async def _propose(self, cell: Cell, turn: int, count: int) -> Proposed:
        proposed = await self._source.propose(cell, turn, count, self._have[cell.id])
        self._progress.done(self._source.proposing, len(proposed.proposals))
        return proposed

    def _slots_of(self, cell: Cell, proposed: Proposed) -> Iterable[Slot]:
        """The proposals that resemble no earlier one."""
        if proposed.wanting:
            self._reasons[cell.id][f"too few {self._source.proposing}"] += 1
            self._failures[cell.id] += 1
        for proposal in proposed.proposals:
            self._have[cell.id].append(proposal)
            slot = Slot(cell, len(self._have[cell.id]), proposal)
            if twin := self._seen_proposals.add(slot.id, proposal):
                self._drop(slot, f"proposed a near-duplicate of {twin}")
            else:
                yield slot

    async def _write(self, slot: Slot) -> Document | Chat | str:
        """The row, or why there is none."""
        try:
            return await self._source.write(slot)
        except Unanswered as error:
            return f"no answer: {error}"
        except Unusable as error:
            return str(error)

    def _accept(self, slot: Slot, row: Document | Chat | str) -> None:
        if isinstance(row, str):
            self._drop(slot, row)
        elif twin := self._seen_rows.add(slot.id, row_text(row)):
            self._drop(slot, f"near-duplicate of {twin}")
        else:
            self.rows.append(row)
            self._kept[slot.cell.id] += 1

    def _drop(self, slot: Slot, reason: str) -> None:
        self.dropped.append(Dropped(id=slot.id, reason=reason))
        self._reasons[slot.cell.id][kind_of(reason)] += 1
        self._failures[slot.cell.id] += 1

    def _missing(self, cell: Cell, count: int) -> Missing:
        return Missing(what=cell.name, count=count, reason=counted(self._reasons[cell.id]))


def kind_of(reason: str) -> str:
    """A reason without its particulars, so that it can be counted."""
    return printable(reason.split(": ")[0].split(" of ")[0])


def share(count: int, cells: Sequence[Cell]) -> dict[Cell, int]:
    """`count` rows over the cells as evenly as can be, the earlier ones first; those that get none are left out."""
    each, rest = divmod(count, len(cells))
    shares = {cell: each + (place < rest) for place, cell in enumerate(cells)}
    return {cell: own for cell, own in shares.items() if own}
