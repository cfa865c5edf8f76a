"""Samples side by side: the same item as every arm answered it, chosen by a stated rule and read from the logs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from inspect_ai.log import EvalSample, read_eval_log_sample

from msm_bench.report.page.material import Material
from msm_bench.report.page.text import cut, visible
from msm_bench.report.tables import shown_measures
from msm_bench.stats import ContrastResult, NotComparable, restrict, term_values

EACH = 3
"""Items at either end, and as many at random."""
SEED = 0
"""Of the draw."""
_MOST_QUESTION, _MOST_ANSWER, _MOST_EXPLANATION = 4000, 4000, 2000
"""Characters shown."""


class Chosen(NamedTuple):
    """An item, and why it is here."""

    task: str
    """Its task."""
    item: str
    """Its id."""
    why: str
    """The part of the rule that chose it."""
    value: float | None
    """What it was chosen by."""


class Answer(NamedTuple):
    """What an arm made of an item."""

    arm: str
    """The arm."""
    about: str
    """Seed and repetition, in words."""
    scores: tuple[tuple[str, str], ...]
    """Measures with their values, or why there is none."""
    text: str | None
    """What it wrote; empty where nothing was generated, None where the log is not at hand."""
    explanation: str
    """What the scorers say of it."""
    question: str
    """What it was asked, if that is not what the first arm was asked."""
    log: str
    """Name of its log."""
    sample_id: str
    """Inspect's id of the sample."""
    epoch: int
    """Inspect's epoch of the sample."""

    def score(self, measure: str) -> str:
        """Its value of a measure, `–` where it has none."""
        return dict(self.scores).get(measure, "–")


class SideBySide(NamedTuple):
    """An item with the answers of every arm."""

    chosen: Chosen
    """The item."""
    cell: str
    """Its cell."""
    question: str
    """What was asked; empty where no log is at hand."""
    answers: tuple[Answer, ...]
    """One for each arm that was scored on it; those of the headline contrast first."""

    @property
    def has_text(self) -> bool:
        """Whether there is more of the answers to show than their scores."""
        return any(answer.text or answer.explanation or answer.question for answer in self.answers)

    @property
    def measures(self) -> list[str]:
        """Everything that an answer was scored on."""
        return list(dict.fromkeys(measure for answer in self.answers for measure, _ in answer.scores))


def choose(material: Material) -> tuple[str, list[Chosen]]:
    """The rule in words, and the items that it chooses: the ends of the headline contrast, and some at random."""
    lead = _lead(material)
    found = _effects(material, lead) if lead else pd.DataFrame()
    if lead is not None and len(found):
        rule = f"the contrast “{lead.name}” ({lead.measure}) is largest and smallest"
        scored = found.dropna()
        largest = scored.nlargest(EACH, "value")
        ends = [(largest, "largest"), (scored.drop(largest.index).nsmallest(EACH, "value"), "smallest")]
    else:
        found, measure = _spread(material.frame)
        rule = f"the arms' means of {measure} lie farthest apart"
        ends = [(found.dropna().nlargest(2 * EACH, "value"), "farthest apart")] if len(material.arms) > 1 else []
    chosen: dict[tuple[str, str], Chosen] = {}
    for rows, why in ends:
        for row in rows.to_dict("records"):
            key = (str(row["task"]), str(row["item"]))
            chosen.setdefault(key, Chosen(*key, why, float(row["value"])))
    rest = [row for row in found.to_dict("records") if (row["task"], row["item"]) not in chosen]
    rng = np.random.default_rng(SEED)
    picked = sorted(rng.choice(len(rest), size=min(EACH, len(rest)), replace=False)) if rest else []
    for row in (rest[int(place)] for place in picked):
        key = (str(row["task"]), str(row["item"]))
        chosen[key] = Chosen(*key, "at random", None if row["value"] != row["value"] else float(row["value"]))
    over = "as a mean over seeds, " if len(material.seeds) > 1 else ""
    single = "each arm's lowest seed" if len(material.seeds) > 1 else "each arm's first run"
    told = f"items on which {rule} ({EACH} each)" if ends else "no ends, as there is one arm"
    if ends and ends[0][1] == "farthest apart":
        told = f"the {2 * EACH} items on which {rule}"
    what = f"the contrast {over}on that item" if lead is not None and len(found) else "how far apart the means lie"
    return (
        f"Chosen by rule: {told}, and {EACH} drawn at random among the others (seed {SEED}). In brackets: {what}. "
        f"{'Scores and answers' if material.logs else 'Scores'} are those of {single}.",
        list(chosen.values()),
    )


def _lead(material: Material) -> ContrastResult | None:
    """The headline contrast, or the first where none leads."""
    first = next(iter(material.contrasts), None)
    return next((result for result in material.contrasts if result.headline), first)


def _effects(material: Material, result: ContrastResult) -> pd.DataFrame:
    """`task, item, value`: the contrast on each item, a mean over seeds; NaN where an arm was not scored on it.

    Empty where the contrast can't be computed.
    """
    stated = (
        next((own for own in material.recipe.contrasts if own.name == result.name), None) if material.recipe else None
    )
    terms = result.terms or (stated.terms if stated else [])
    if not terms:
        return pd.DataFrame()
    try:
        frame = restrict(material.frame, stated) if stated else material.frame
        values, _ = term_values(frame, terms, result.measure)
    except NotComparable:
        return pd.DataFrame()
    parts = [
        pd.DataFrame({"task": task.task, "item": list(task.items), "value": task.values.mean(axis=0)})
        for task in values
    ]
    tasks = {term.task for term in terms}
    every = frame[frame["task"].isin(tasks)][["task", "item"]].drop_duplicates()
    return every.merge(pd.concat(parts), on=["task", "item"], how="left")


def _spread(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """`task, item, value`: how far apart the arms' means of the first shown measure lie; and that measure."""
    measures = shown_measures(frame)
    if not measures:
        items = frame[["task", "item"]].drop_duplicates()
        return items.assign(value=float("nan")), "nothing"
    own = frame[frame["metric"] == measures[0]]
    means = own.groupby(["task", "item", "arm"], sort=False)["value"].mean()
    groups = means.groupby(["task", "item"], sort=False)
    spread = (groups.max() - groups.min()).rename("value").reset_index()
    return spread, measures[0]


def side_by_side(material: Material, chosen: Sequence[Chosen]) -> list[SideBySide]:
    """The chosen items with every arm's answer at its lowest seed and first repetition."""
    found = []
    lead = _lead(material)
    leading = [term.arm for term in lead.terms] if lead else []
    for item in chosen:
        own = material.frame[(material.frame["task"] == item.task) & (material.frame["item"] == item.item)]
        question, answers = "", []
        for arm in sorted(dict.fromkeys(own["arm"]), key=lambda arm: arm not in leading):
            rows = own[own["arm"] == arm].sort_values(["seed", "epoch"], kind="stable")
            first = rows.iloc[0]
            rows = rows[(rows["seed"] == first["seed"]) & (rows["epoch"] == first["epoch"])]
            answer, asked = _answer(material, rows)
            question = question or asked
            answers.append(answer._replace(question=asked if asked != question else ""))
        found.append(SideBySide(item, str(own["cell"].iloc[0]) if len(own) else "", question, tuple(answers)))
    return found


def _answer(material: Material, rows: pd.DataFrame) -> tuple[Answer, str]:
    """An arm's answer, and what it was asked."""
    first = rows.iloc[0]
    seed, epoch, log = int(first["seed"]), int(first["epoch"]), str(first["log"])
    about = ", ".join(
        [f"seed {seed}"] * (seed >= 0) + [f"repetition {epoch}"] * (material.frame["epoch"].nunique() > 1)
    )
    measures = shown_measures(rows) or list(dict.fromkeys(rows["metric"]))
    scores = [_score(row) for row in rows.to_dict("records") if row["metric"] in measures]
    sample = _read(material.logs.get(log), str(first["sample_uuid"]), str(first["item"]), epoch)
    answer = Answer(
        arm=str(first["arm"]),
        about=about,
        scores=tuple(scores),
        text=cut(visible(_said(sample)), _MOST_ANSWER) if sample else None,
        explanation=cut(visible(_explained(sample)), _MOST_EXPLANATION) if sample else "",
        question="",
        log=log,
        sample_id=str(sample.id) if sample else str(first["item"]),
        epoch=int(sample.epoch) if sample else epoch,
    )
    return answer, cut(visible(_asked(sample)), _MOST_QUESTION) if sample else ""


def _score(row: Mapping[Any, Any]) -> tuple[str, str]:
    value = float(row["value"])
    if value != value:
        return str(row["metric"]), f"unscored ({row['unscored_reason'] or 'no reason given'})"
    return str(row["metric"]), f"{value:.2f}".replace("-", "−")


def _read(file: str | None, uuid: str, item: str, epoch: int) -> EvalSample | None:
    """A sample, if its log is at hand and has it."""
    if file is None:
        return None
    try:
        if uuid:
            return read_eval_log_sample(file, uuid=uuid, resolve_attachments="core")
        return read_eval_log_sample(file, id=item, epoch=epoch, resolve_attachments="core")
    except (IndexError, KeyError, ValueError, OSError):  # another log of the same name, or a damaged one
        return None


def _asked(sample: EvalSample) -> str:
    """The sample's input as text; of a conversation, each turn under its role."""
    if isinstance(sample.input, str):
        return sample.input
    return "\n\n".join(f"[{message.role}]\n{message.text}" for message in sample.input)


def _said(sample: EvalSample) -> str:
    """What the model wrote last, with its tool calls."""
    calls = [call for choice in sample.output.choices for call in choice.message.tool_calls or []]
    written = [sample.output.completion, *(f"[calls {call.function} {call.arguments}]" for call in calls)]
    return "\n".join(written).strip()


def _explained(sample: EvalSample) -> str:
    """What the scorers say, where that is more than the answer again."""
    answer = sample.output.completion.strip()
    found = {name: score.explanation for name, score in (sample.scores or {}).items()}
    parts = [f"{name}: {said}" for name, said in found.items() if said and said.strip() != answer]
    error = [f"error: {sample.error.message}"] if sample.error else []
    return "\n\n".join([*parts, *error])
