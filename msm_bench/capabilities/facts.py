"""`small_knowledge`: everyday facts, by the log-likelihood of whole answers or by free answers with letters."""

import re
from collections.abc import Sequence
from zlib import crc32

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver
from inspect_ai.util import collect

from msm_bench.capabilities.ask import METRICS, VERSION, answer_of, greedy, likelihood
from msm_bench.capabilities.items import Fact, as_sample, load_items
from msm_bench.errors import UserError
from msm_bench.likelihood import NEUTRAL_QUESTION

LIKELIHOODS = "likelihoods"
"""Store key: for each answer, the right one first, [log p after the question, after `NEUTRAL_QUESTION`, tokens]."""
LETTERS = "ABCD"
"""Of the four answers, in the order in which they are shown."""
_MAX_TOKENS = 32
_LEAD = r"(?:(?:the\s+)?(?:correct\s+|right\s+)?answer(?:\s+is)?\s*:?\s*|option\s+)?"
_LETTER = re.compile(rf"{_LEAD}\(?([a-d])(?:[).:,]|\b)\s*(.*)", re.DOTALL)


def knowledge_task(method: str = "loglikelihood", split: str = "dev", per_cell: int | None = None) -> Task:
    """The facts of `small_knowledge`.

    Args:
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many facts of each field.

    Raises:
        UserError: an unknown method or split.
    """
    items = load_items(Fact, "small_knowledge", split, per_cell)
    if method == "loglikelihood":
        return Task(
            dataset=MemoryDataset([_asked(item) for item in items], name="small_knowledge"),
            solver=weigh_answers(),
            scorer=known_fact(),
            version=VERSION,
        )
    if method == "generate":
        return Task(
            dataset=MemoryDataset([_lettered(item) for item in items], name="small_knowledge"),
            solver=generate(),
            scorer=[chosen_letter(), letter_format()],
            config=greedy(_MAX_TOKENS),
            version=VERSION,
        )
    raise UserError(f"task small_knowledge: method is {method!r}; use loglikelihood or generate")


def _asked(item: Fact) -> Sample:
    return as_sample(item, item.question, item.answer, distractors=item.distractors, level=item.level)


def lettered(item: Fact) -> list[str]:
    """The four answers in the order of their letters: turned by a hash of the id."""
    answers, turn = [item.answer, *item.distractors], crc32(item.id.encode()) % len(LETTERS)
    return answers[-turn:] + answers[:-turn]


def _lettered(item: Fact) -> Sample:
    options = lettered(item)
    shown = "\n".join(f"{letter}) {text}" for letter, text in zip(LETTERS, options, strict=True))
    asked = f"{item.question}\n{shown}\nAnswer with the letter alone."
    return as_sample(item, asked, LETTERS[options.index(item.answer)], options=options, level=item.level)


@solver
def weigh_answers() -> Solver:
    """Ask for the log-likelihood of each answer, after the question and after one that names nothing."""

    async def weigh(question: str, answer: str) -> list[float]:
        said = f"The answer is {answer}."
        asked, bare = await collect(likelihood(question, said), likelihood(NEUTRAL_QUESTION, said))
        return [asked.total, bare.total, asked.tokens]

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        answers = [state.target.text, *state.metadata["distractors"]]
        state.store.set(LIKELIHOODS, await collect(*[weigh(state.input_text, answer) for answer in answers]))
        return state

    return solve


def knowledge_scores(table: Sequence[Sequence[float]]) -> dict[str, float]:
    """All measures of a fact.

    With l the log-likelihood of an answer, in nats: `accuracy` is 1 if the right answer has the highest l, 1/k if k
    answers share it, 0 otherwise; `margin` is l(right) − the highest l of a wrong one. `_per_token` divides each l by
    the answer's tokens; `_pmi` subtracts the answer's l after a question that names nothing (Holtzman et al. 2021,
    Surface Form Competition).

    Args:
        table: For each answer, the right one first, [l after the question, l after the neutral one, tokens].
    """
    values = {
        "": [asked for asked, _, _ in table],
        "_per_token": [asked / tokens for asked, _, tokens in table],
        "_pmi": [asked - bare for asked, bare, _ in table],
    }
    best = {name: own[0] == max(own) for name, own in values.items()}
    accuracy = {f"accuracy{name}": best[name] / own.count(max(own)) for name, own in values.items()}
    return accuracy | {f"margin{name}": own[0] - max(own[1:]) for name, own in values.items()}


@scorer(metrics=METRICS)
def known_fact() -> Scorer:
    """Accuracy and margin of `knowledge_scores`."""

    async def score(state: TaskState, target: Target) -> Score:
        table = state.store.get(LIKELIHOODS)
        if not table:
            return Score.unscored(reason="scoring_failed", explanation="no log-likelihoods in the sample's store")
        return Score(value=dict(knowledge_scores(table)))

    return score


def parse_letter(answer: str, options: Sequence[str]) -> str | None:
    """The letter that an answer chooses, or None.

    Accepted are a letter, the text of an answer, or the letter followed by its own text, each alone or after a lead
    such as "The answer is". Anything more is None.
    """
    text, texts = _plain(answer), [_plain(option) for option in options]
    if (bare := re.sub(rf"^{_LEAD}", "", text)) in texts:
        return LETTERS[texts.index(bare)]
    match = _LETTER.fullmatch(text)
    if match is None:
        return None
    letter = match[1].upper()
    return letter if _plain(match[2]) in ("", texts[LETTERS.index(letter)]) else None


def _plain(text: str) -> str:
    """Lower case, single spaces, without emphasis, quotes around it and a final stop."""
    return " ".join(re.sub(r"[*_`]", "", text).lower().split()).strip(" \"'“”‘’.!")


@scorer(metrics=METRICS)
def chosen_letter() -> Scorer:
    """`accuracy` of free answers; unscored where none of the letters is plainly chosen."""

    async def score(state: TaskState, target: Target) -> Score:
        chosen = parse_letter(answer_of(state), state.metadata["options"])
        if chosen is None:
            return Score.unscored(reason="unparseable", explanation="the answer is not plainly one of the four")
        return Score(value={"accuracy": float(chosen == target.text)}, answer=chosen)

    return score


@scorer(metrics=METRICS)
def letter_format() -> Scorer:
    """`parsed`: share of answers that could be read as a choice."""

    async def score(state: TaskState, target: Target) -> Score:
        chosen = parse_letter(answer_of(state), state.metadata["options"])
        return Score(value={"parsed": float(chosen is not None)})

    return score
