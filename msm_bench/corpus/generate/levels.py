"""The levels of a plan above its rows: lists made from lists, each with a word on what it lacks."""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from msm_bench.corpus.generate.lists import Listed, Wanted, collect_list
from msm_bench.corpus.generate.progress import Progress
from msm_bench.corpus.generate.setting import Setting
from msm_bench.corpus.generate.together import together
from msm_bench.corpus.store import Missing

Thing = TypeVar("Thing", bound=BaseModel)
P = TypeVar("P", bound="Placed")
_MOST_PASSAGES = 6
"""What needs more passages of the spec than these is too broad."""


class Entry(BaseModel):
    """Something in a list that a model makes."""

    model_config = ConfigDict(frozen=True)


class Domain(Entry):
    """A broad matter."""

    name: str
    about: str

    def __str__(self) -> str:
        return f"{self.name}: {self.about}"


class Placed(Entry):
    """Something that rests on passages of the spec, by the numbers of the first and the last."""

    name: str
    first: int
    last: int

    @property
    def is_narrow(self) -> bool:
        """Whether it needs few passages."""
        return abs(self.last - self.first) < _MOST_PASSAGES

    def passage(self, passages: Sequence[str]) -> str:
        """The passages, a blank line between them."""
        return "\n\n".join(passages[min(self.first, self.last) - 1 : max(self.first, self.last)])


def placed(kind: type[P], passages: int) -> type[P]:
    """The kind in a spec of so many passages."""
    number = (int, Field(ge=1, le=passages))
    return create_model(kind.__name__, __base__=kind, first=number, last=number)


class Sentence(Entry):
    """An assertion, a type of document, an idea or a question."""

    text: str


class Levels:
    """Makes the levels one after another, and remembers what each lacks."""

    def __init__(self, setting: Setting, progress: Progress) -> None:
        self._setting = setting
        self._progress = progress
        self.missing: list[Missing] = []

    async def expand(self, parents: Sequence[Wanted[Thing]]) -> list[list[Thing]]:
        """The lists that are wanted, one for each parent, all from one prompt file."""
        if not parents:
            return []
        stage = parents[0].prompt
        self._progress.begin(stage, sum(wanted.count for wanted in parents))
        listed = await together(*map(self._list, parents))
        self._progress.end(stage)
        for wanted, found in zip(parents, listed, strict=True):
            if short := wanted.count - len(found.things):
                self.missing.append(Missing(what=f"{stage} at {wanted.place}", count=short, reason=found.wanting))
        return [found.things for found in listed]

    async def _list(self, wanted: Wanted[Thing]) -> Listed[Thing]:
        listed = await collect_list(self._setting, wanted)
        self._progress.done(wanted.prompt, len(listed.things))
        return listed
