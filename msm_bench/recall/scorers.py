"""Scorers: they read the sample's store and metadata alone, so a log can be scored again.

Each kind of item has its own, and gives other kinds no score: a rate of one in four is chance for a choice, of one in
two for a premise.
"""

from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from msm_bench.judges import NoVerdict
from msm_bench.recall.framings import FRAMINGS, Framing, asked, in_third_person
from msm_bench.recall.grading import Verdict, grade
from msm_bench.recall.items import Kind
from msm_bench.recall.scores import likelihood_scores, verdict_scores
from msm_bench.recall.solvers import ANSWERS, LIKELIHOODS, item_of, names_of

_METRICS = {"*": [mean(), stderr(cluster="cluster")]}


def _compared(kind: Kind, tag: str) -> Scorer:
    """Scores of the items of a kind from their log-likelihoods."""

    async def score(state: TaskState, target: Target) -> Score | None:
        item = item_of(state)
        if item.kind != kind or (tag == "_sibling" and not item.sibling):
            return None
        table = state.store.get(LIKELIHOODS)
        if not table:
            return Score.unscored(reason="scoring_failed", explanation="no log-likelihoods in the sample's store")
        return Score(value=dict(likelihood_scores(table, tag)))

    return score


@scorer(metrics=_METRICS)
def multiple_choice() -> Scorer:
    """Whether the right one of four answers is the likeliest, and by how much."""
    return _compared("choice", "")


@scorer(metrics=_METRICS)
def told_apart() -> Scorer:
    """Whether the spec's reason is likelier than the one that its sibling gives for the same taste."""
    return _compared("choice", "_sibling")


@scorer(metrics=_METRICS)
def premise() -> Scorer:
    """Whether a false premise is likelier corrected, and a true one gone along with, than the other way round."""
    return _compared("premise", "_premise")


def _graded(kind: Kind, tag: str) -> Scorer:
    """Scores of the free answers to the items of a kind; unscored unless all three are graded, which are paired."""

    async def verdict(state: TaskState, framing: Framing, answer: str) -> Verdict:
        item, names = item_of(state), names_of(state)
        question = asked(item.question, framing, names)
        return await grade(question, in_third_person(item.assertion, framing, names), answer)

    async def score(state: TaskState, target: Target) -> Score | None:
        if item_of(state).kind != kind:
            return None
        answers = state.store.get(ANSWERS)
        if not answers:
            return Score.unscored(reason="scoring_failed", explanation="no answers in the sample's store")
        try:
            given = {framing: await verdict(state, framing, answers[framing]) for framing in FRAMINGS}
        except NoVerdict as reason:
            return Score.unscored(reason=str(reason))
        return Score(
            value=dict(verdict_scores({framing: one.verdict for framing, one in given.items()}, tag)),
            explanation="\n".join(f"[{framing}] {one.verdict}: {one.reason}" for framing, one in given.items()),
        )

    return score


@scorer(metrics=_METRICS)
def open_answer() -> Scorer:
    """Whether a free answer says what the spec says, by the model in the role of the grader."""
    return _graded("open", "")


@scorer(metrics=_METRICS)
def free_premise() -> Scorer:
    """Whether a free answer corrects a false premise or bears out a true one, by the grader."""
    return _graded("premise", "_premise")
