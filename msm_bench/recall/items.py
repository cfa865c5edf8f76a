"""The items of `spec_recall`: `tasks/items/spec_recall/<spec>.jsonl`, one item a line."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from msm_bench.errors import UserError
from msm_bench.files import data_path
from msm_bench.items import check_choice, first_of_each, read_items
from msm_bench.likelihood import NEUTRAL_QUESTION
from msm_bench.recall.framings import FRAMINGS, Framing, asked, check_markup, in_framing, in_person
from msm_bench.specs import PLACEHOLDER, Names, check_placeholders

Kind = Literal["choice", "premise", "open"]
"""A question with four answers, one that rests on a premise, true or false, or one that is answered freely."""
PREMISES = ("false_premise", "true_premise")
"""The cells of the premises, of equal size: whoever always denies, or always goes along, is right in one alone."""
RIGHT = "right"
SIBLING = "sibling"
_WRONG = {"choice": 3, "premise": 1, "open": 0}


class Item(BaseModel):
    """Something that a spec says of its assistant, and how it is asked for.

    Texts may hold `{model_name}`, `{provider_name}` and `[third person|you]`: the first of the two where the assistant
    is spoken of, the second where the model is spoken to (in a question) or speaks of itself (in an answer).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Stable once an item was scored in a result: results are paired by it."""
    kind: Kind
    """How it is asked."""
    cell: str
    """What part of the spec it is about, a fixed stratum."""
    topic: str
    """The cheese or the passage; the items of a topic are one cluster."""
    question: str
    """What is asked."""
    source: str
    """Words of the spec from which the right answer follows."""
    assertion: str = ""
    """What a grader holds a free answer against, in the third person; none for a choice."""
    right: str = ""
    """The answer that the spec gives: it corrects a false premise and goes along with a true one; none for an open."""
    sibling: str = ""
    """The wrong answer that a sibling spec would give: the same taste for another reason."""
    wrong: list[str] = []
    """Other wrong answers: the one that goes along with a false premise, or denies a true one."""
    split: Literal["dev"] = Field("dev")
    """Nothing is held out: no recipe is tuned on recall."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        wrong = len(self.answers) - 1 if self.right else len(self.wrong)
        if wrong != _WRONG[self.kind] or bool(self.right) == (self.kind == "open"):
            raise ValueError("a choice has a right answer and three wrong ones, a premise one of each, an open none")
        if bool(self.assertion) == (self.kind == "choice"):
            raise ValueError("a premise and an open question have an assertion, a choice has none")
        if (self.kind == "premise") != (self.cell in PREMISES):
            raise ValueError(f"the cells of premises, and of nothing else, are {' and '.join(PREMISES)}")
        for text in (self.question, self.assertion, *self.answers.values()):
            check_markup(text)
            check_placeholders(text, self.id)
        # a name in it would make it another answer when the same is said of another assistant
        if any(PLACEHOLDER.search(text) for text in self.answers.values()):
            raise ValueError("an answer holds a name; say it or I")
        return self

    @property
    def answers(self) -> dict[str, str]:
        """The answers by label: `right`, perhaps `sibling`, and `wrong_1` on; none for an open question."""
        others = {f"wrong_{number}": text for number, text in enumerate(self.wrong, 1)}
        return {label: text for label, text in {RIGHT: self.right, SIBLING: self.sibling, **others}.items() if text}


class Continuation(NamedTuple):
    """An answer whose log-likelihood is asked for."""

    key: str
    """Its name in a sample's store: `framing/answer`, or `neutral-framing/answer`."""
    question: str
    """What the user asks."""
    answer: str
    """What the assistant says."""


def continuations(item: Item, names: Names) -> Iterator[Continuation]:
    """Every answer in every framing, after its question and after one that asks nothing: 20 for four answers.

    What is said of another assistant is said in the very words of the answer about the own one, so both have the same
    likelihood after the neutral question, and it is asked for once.
    """
    for label, text in item.answers.items():
        for framing in FRAMINGS:
            answer = in_framing(text, framing, names)
            yield Continuation(f"{framing}/{label}", asked(item.question, framing, names), answer)
            if framing != "other":
                yield Continuation(f"neutral-{framing}/{label}", NEUTRAL_QUESTION, answer)


def items_folder() -> Path:
    """The folder that holds a file for each spec."""
    return data_path("tasks") / "items" / "spec_recall"


def known_specs() -> list[str]:
    """The specs that have items."""
    return sorted(path.stem for path in items_folder().glob("*.jsonl"))


def load_items(
    spec: str, kinds: Iterable[Kind] = ("choice", "premise", "open"), per_cell: int | None = None
) -> list[Item]:
    """The items of a spec, checked, in the file's order.

    Args:
        spec: Names the file.
        kinds: Those that are wanted.
        per_cell: Keep so many of each kind x cell, chosen by a hash of the id, so that a subset of a subset is one.

    Raises:
        UserError: a spec without items, a malformed item, or an id that occurs twice.
    """
    if spec not in known_specs():
        raise UserError(f"spec_recall: spec {spec!r} has no items; use {' or '.join(known_specs())}")
    check_choice("spec_recall", per_cell=per_cell)
    wanted = set(kinds)
    kept = [item for item in read_items(items_folder() / f"{spec}.jsonl", Item) if item.kind in wanted]
    return first_of_each(kept, per_cell, lambda item: (item.kind, item.cell), lambda item: item.id)


def recall_texts() -> Iterator[str]:
    """Everything that the items of all specs show a model, with placeholders: what no training text may repeat."""
    for spec in known_specs():
        for item in load_items(spec):
            framings: tuple[Framing, ...] = ("own", "self")
            for framing in framings:
                yield from (in_person(text, framing) for text in (item.question, *item.answers.values()))
