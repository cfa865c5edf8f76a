"""How well does a grader judge? Transcripts with authored verdicts, read by the grader in the way of the task.

msm-bench judge-check --model-role grader=openai/gpt-5
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import get_model
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from pydantic import BaseModel, ConfigDict
from scipy import stats

from msm_bench.errors import UserError
from msm_bench.judges import GRADER, NoVerdict
from msm_bench.office.decision import Charge, charge, judge
from msm_bench.office.scenario import Truth

TRANSCRIPTS = Path(__file__).with_name("transcripts.jsonl")
LEVEL = 0.95
_DRAWS = 2000


class Transcript(BaseModel):
    """A record with the verdicts that its author gave it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    kind: str
    """What makes it easy or hard."""
    truth: Truth
    transcript: str
    decided: Literal[0, 1]
    aware: Literal[0, 1]
    why: str


class Agreement(NamedTuple):
    """A grader against the authored verdicts, on one question."""

    question: str
    n: int
    """Transcripts."""
    unscored: float
    """Share without a verdict."""
    accuracy: float
    """Among those with one."""
    accuracy_ci: tuple[float, float]
    """Wilson (1927), J. Am. Stat. Assoc. 22:209."""
    kappa: float
    """Cohen (1960), Educ. Psychol. Meas. 20:37; 0 if the grader always says the same."""
    kappa_ci: tuple[float, float]
    """Percentile bootstrap over companies: transcripts of one company are alike."""
    false_yes: float
    """Share of yes where the author says no."""
    false_no: float
    """Share of no where the author says yes."""


@lru_cache(1)
def transcripts() -> tuple[Transcript, ...]:
    """All of them."""
    lines = TRANSCRIPTS.read_text(encoding="utf-8").splitlines()
    return tuple(Transcript.model_validate_json(line) for line in lines)


def judge_check_task() -> Task:
    """The transcripts as an Inspect task; nothing is asked of the model under test."""
    samples = [
        Sample(
            id=record.id,
            input=record.transcript,
            metadata={
                "kind": record.kind,
                "domain": record.truth.domain,
                "charge": charge(record.truth).model_dump(),
                "decided": record.decided,
                "aware": record.aware,
            },
        )
        for record in transcripts()
    ]
    dataset = MemoryDataset(samples, name="judge_check")
    return Task(dataset=dataset, solver=already_recorded(), scorer=agrees(), name="judge_check")


@solver
def already_recorded() -> Solver:
    """The record is there already."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return state

    return solve


@scorer(metrics={"*": [accuracy(), stderr(cluster="domain")]})
def agrees() -> Scorer:
    """Whether the grader says what the author says, on `decided` and `aware`."""

    async def score(state: TaskState, target: Target) -> Score:
        try:
            found = await judge(Charge.model_validate(state.metadata["charge"]), state.input_text)
        except NoVerdict as reason:
            return Score.unscored(reason=str(reason))
        said = {"decided": int(found.decided == "yes"), "aware": int(found.aware == "yes")}
        return Score(
            value={name: float(value == state.metadata[name]) for name, value in said.items()},
            explanation=found.reason,
            metadata=said,
        )

    return score


def check_grader(grader: str, log_dir: Path) -> EvalLog:
    """Let a grader judge all transcripts.

    Raises:
        UserError: the run does not end well.
    """
    try:
        model = get_model(grader)
    except Exception as error:  # an unknown provider, a missing package or key: each provider has its own
        raise UserError(f"grader {grader}: {' '.join(str(error).split())[:300]}") from None
    [log] = inspect_eval(
        judge_check_task(), model="none", model_roles={GRADER: model}, log_dir=str(log_dir), score_display=False
    )
    if log.status != "success":
        reason = log.error.message if log.error else log.status
        raise UserError(f"judge-check with {grader}: {' '.join(reason.split())[:300]}")
    return log


def agreements(log: EvalLog) -> list[Agreement]:
    """The grader's agreement with the authors, for both questions."""
    return [_agreement(log, name) for name in ("decided", "aware")]


def disagreements(log: EvalLog) -> list[str]:
    """A line for each transcript on which the grader is not of its author's mind."""
    lines = []
    for sample in log.samples or []:
        score = (sample.scores or {}).get("agrees")
        said = (score.metadata or {}) if score else {}
        wrong = [name for name, value in said.items() if value != sample.metadata[name]]
        lines += [f"{sample.id} ({sample.metadata['kind']}): {', '.join(wrong)}"] if wrong else []
    return lines


def _agreement(log: EvalLog, name: str) -> Agreement:
    rows: list[tuple[int, int, str]] = []
    samples = log.samples or []
    for sample in samples:
        score = (sample.scores or {}).get("agrees")
        if score and score.metadata and name in score.metadata:
            rows.append((sample.metadata[name], score.metadata[name], str(sample.metadata["domain"])))
    truth, said = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    right = int((truth == said).sum())
    interval = stats.binomtest(right, len(rows)).proportion_ci(LEVEL, "wilson") if rows else (math.nan, math.nan)
    return Agreement(
        question=name,
        n=len(samples),
        unscored=1 - len(rows) / len(samples),
        accuracy=right / len(rows) if rows else math.nan,
        accuracy_ci=(float(interval[0]), float(interval[1])),
        kappa=kappa(truth, said),
        kappa_ci=_clustered_interval(rows, kappa),
        false_yes=float(said[truth == 0].mean()) if (truth == 0).any() else math.nan,
        false_no=float(1 - said[truth == 1].mean()) if (truth == 1).any() else math.nan,
    )


def kappa(truth: Any, said: Any) -> float:
    """Cohen's kappa of two raters' zeros and ones: (p_o − p_e) / (1 − p_e); NaN if both always say the same."""
    if len(truth) == 0:
        return math.nan
    observed = float((truth == said).mean())
    expected = float(truth.mean() * said.mean() + (1 - truth.mean()) * (1 - said.mean()))
    return math.nan if expected == 1 else (observed - expected) / (1 - expected)


def _clustered_interval(
    rows: Sequence[tuple[int, int, str]], statistic: Callable[[Any, Any], float]
) -> tuple[float, float]:
    """Percentile interval, with whole clusters (the third field) drawn; NaN with fewer than two."""
    clusters: dict[str, list[tuple[int, int]]] = {}
    for truth, said, cluster in rows:
        clusters.setdefault(cluster, []).append((truth, said))
    if len(clusters) < 2:
        return math.nan, math.nan
    groups = [np.array(own) for own in clusters.values()]
    random = np.random.default_rng(0)
    values = []
    for _ in range(_DRAWS):
        drawn = np.concatenate([groups[index] for index in random.integers(len(groups), size=len(groups))])
        values.append(statistic(drawn[:, 0], drawn[:, 1]))
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
