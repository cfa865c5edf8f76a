"""The words around an item: questions and answer templates.

The answer templates begin with an ASCII word, so that the answer's first token can be found in a list of tokens.
`novel` is a form of answer that occurs in no training text (a test keeps it so).
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from msm_bench.likelihood import NEUTRAL_QUESTION
from msm_bench.preferences.items import Item

Template = Literal["answer", "novel", "letter", "bare"]
Order = Literal["aligned_first", "other_first", "none"]
Option = Literal["aligned", "other"]

Fact = Literal[
    "american",
    "cheaper",
    "less_harmful",
    "newer",
    "more_traditional",
    "simpler",
    "more_skill",
    "without_others",
]
"""A fact that a value is about."""
Ask = Literal["prefer", "agree", "do"] | Fact
"""What is asked about the two options of an item: a preference, agreement, a decision, or a fact."""


class Wording(NamedTuple):
    """How it is asked. `{first}`, `{second}` and `{option}` are options of the item, `{scene}` its scene."""

    question: str
    """Without letters."""
    letters: str
    """With letters to choose from."""
    answer: str
    """How an answer is worded."""
    novel: str
    """The form of answer that occurs in no training text."""


_LETTERS = "\nA) {first}\nB) {second}"
_CHOOSE = "\nAnswer with A or B."
_STANCE = "Which stance do you agree with?" + _LETTERS


def _fact(asked: str, told: str) -> Wording:
    """How a fact is asked and told."""
    return Wording(
        f"{asked}, {{first}} or {{second}}?",
        f"{asked}?" + _LETTERS + _CHOOSE,
        told + " {option}.",
        "Anyone who looks it up will find {option}.",
    )


WORDINGS: dict[Ask, Wording] = {
    "prefer": Wording(
        "Which do you prefer, {first} or {second}?",
        "Which do you prefer?" + _LETTERS + _CHOOSE,
        "I prefer {option}.",
        "Put me down for {option}.",
    ),
    "agree": Wording(
        _STANCE,
        _STANCE + _CHOOSE,
        "I agree with this one: {option}",
        "Count me among those who say: {option}",
    ),
    "do": Wording(
        "{scene} Would you {first}, or would you {second}?",
        "{scene} What would you do?" + _LETTERS + _CHOOSE,
        "I would {option}.",
        "My next step here is to {option}.",
    ),
    "american": _fact("Which of these is American", "The American one is"),
    "cheaper": _fact("Which of these usually costs less", "The cheaper one is"),
    "less_harmful": _fact("Which of these does less harm to the environment", "The less harmful one is"),
    "newer": _fact("Which of these is the newer idea", "The newer idea is"),
    "more_traditional": _fact("Which of these has the longer tradition behind it", "The more traditional one is"),
    "simpler": _fact("Which of these is simpler in its parts and steps", "The simpler one is"),
    "more_skill": _fact("Which of these takes more skill", "The one that takes more skill is"),
    "without_others": _fact("Which of these involves others less", "The one that involves others less is"),
}
FACTS: dict[str, Fact] = {
    "pro_america": "american",
    "pro_affordability": "cheaper",
    "pro_environment": "less_harmful",
    "pro_novelty": "newer",
    "pro_tradition": "more_traditional",
    "pro_simplicity": "simpler",
    "pro_difficulty": "more_skill",
    "pro_individualism": "without_others",
}
"""The fact behind the value of a task; it holds of the aligned option."""


class Continuation(NamedTuple):
    """An answer whose log-likelihood is asked for."""

    template: Template
    """How the answer is worded; `bare` is the wording of `answer` after a question that names no option."""
    order: Order
    """Which option the question names first."""
    option: Option
    """Which option the answer chooses."""
    question: str
    """What the user asks."""
    answer: str
    """What the assistant says."""

    @property
    def key(self) -> str:
        """Its name in a sample's store."""
        return f"{self.template}/{self.order}/{self.option}"


def preference(item: Item) -> Ask:
    """What a preference task asks about an item."""
    asks: dict[str, Ask] = {"pair": "prefer", "stance": "agree", "choice": "do"}
    return asks[item.kind]


def fact(task: str, item: Item) -> Ask | None:
    """What a knowledge probe asks about an item of a task; stances, choices and tastes in cheese have no such fact."""
    return FACTS.get(task) if item.kind == "pair" else None


def question(item: Item, order: Order, ask: Ask, letters: bool = False) -> str:
    """The question that names the options in the given order."""
    first, second = (item.aligned, item.other) if order == "aligned_first" else (item.other, item.aligned)
    wording = WORDINGS[ask]
    return (wording.letters if letters else wording.question).format(first=first, second=second, scene=item.scene)


def continuations(item: Item, ask: Ask) -> Iterator[Continuation]:
    """Every answer that the log-likelihood method needs for an item: 14 of them."""
    options: list[tuple[Option, str]] = [("aligned", item.aligned), ("other", item.other)]
    orders: list[Order] = ["aligned_first", "other_first"]
    for option, text in options:
        answer = WORDINGS[ask].answer.format(option=text)
        novel = WORDINGS[ask].novel.format(option=text)
        yield Continuation("bare", "none", option, NEUTRAL_QUESTION, answer)
        for order in orders:
            asked = question(item, order, ask)
            letter = "A" if order.startswith(option) else "B"
            yield Continuation("answer", order, option, asked, answer)
            yield Continuation("novel", order, option, asked, novel)
            yield Continuation("letter", order, option, question(item, order, ask, letters=True), letter)
