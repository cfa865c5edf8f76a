"""How well does a grader label? Texts with known labels, read by the grader in the way of the task.

    python -m msm_bench.expression.grader_check --model-role grader=openai/gpt-5

The 160 texts by two authors, and with --labelled answers of models that were labelled blind.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import Model
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState

from msm_bench.commands.models import open_model
from msm_bench.errors import UserError
from msm_bench.expression.blind import load_labelled
from msm_bench.expression.examples import Example, examples_path, load_examples
from msm_bench.expression.grader import judge
from msm_bench.expression.labels import LABELS, Label
from msm_bench.expression.shares import Share, wilson
from msm_bench.judges import GRADER, NoVerdict
from msm_bench.office.judge_check import already_recorded

AUTHORED = ("heldout", "apart")
"""The sets that ship; the classifier was fitted to the third."""
NO_QUESTION = "(not recorded)"
"""Stands for the question to an authored text, which was written to none."""


class Checked(NamedTuple):
    """A grader on one set of texts."""

    name: str
    """The set's."""
    right: Share | None
    """Of the texts with a verdict; None if there is none."""
    confusion: dict[Label, list[int]]
    """The known label to the counts of the grader's, in the order of `LABELS`."""
    unscored: int
    """Texts without a verdict."""


def grader_check_task(sets: dict[str, Sequence[Example]]) -> Task:
    """The texts as an Inspect task; nothing is asked of the model under test."""
    samples = [
        Sample(
            id=f"{name}/{example.id}",
            input=example.prompt or NO_QUESTION,
            target=example.label,
            metadata={"set": name, "text": example.text},
        )
        for name, examples in sets.items()
        for example in examples
    ]
    dataset = MemoryDataset(samples, name="grader_check")
    return Task(dataset=dataset, solver=already_recorded(), scorer=same_label(), name="grader_check")


@scorer(metrics=[accuracy(), stderr()])
def same_label() -> Scorer:
    """Whether the grader gives the known label; its own is the score's answer."""

    async def score(state: TaskState, target: Target) -> Score:
        try:
            found = await judge(state.input_text, state.metadata["text"])
        except NoVerdict as reason:
            return Score.unscored(reason=str(reason))
        return Score(value=float(found.label == target.text), answer=found.label, explanation=found.reason)

    return score


def check_grader(grader: Model, sets: dict[str, Sequence[Example]], log_dir: Path) -> EvalLog:
    """Let a grader label all texts.

    Raises:
        UserError: the run does not end well.
    """
    roles: dict[str, str | Model] = {GRADER: grader}
    task = grader_check_task(sets)
    [log] = inspect_eval(task, model="none", model_roles=roles, log_dir=str(log_dir), score_display=False)
    if log.status != "success":
        reason = log.error.message if log.error else log.status
        raise UserError(f"grader_check: {' '.join(reason.split())[:300]}")
    return log


def checked(log: EvalLog) -> list[Checked]:
    """The grader against the known labels, set by set."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    for sample in log.samples or []:
        said = (sample.scores or {})["same_label"].answer
        found.setdefault(sample.metadata["set"], []).append((str(sample.target), said))
    return [_checked(name, pairs) for name, pairs in found.items()]


def _checked(name: str, pairs: Sequence[tuple[str, str | None]]) -> Checked:
    counts, read = Counter(pairs), [(label, said) for label, said in pairs if said]
    right = wilson([label == said for label, said in read]) if read else None
    confusion = {label: [counts[label, said] for said in LABELS] for label in LABELS}
    return Checked(name, right, confusion, len(pairs) - len(read))


@click.command()
@click.option("--model-role", "role", required=True, metavar="grader=MODEL", help="The grader.")
@click.option("--labelled", multiple=True, type=click.Path(path_type=Path), help="A blind.jsonl that has its labels.")
@click.option("--log-dir", type=click.Path(path_type=Path), default=Path("runs/grader-check"), show_default=True)
def main(role: str, labelled: tuple[Path, ...], log_dir: Path) -> None:
    """Let a grader label texts whose labels are known: how many are right, how they are confused, how many unread."""
    name, _, model = role.partition("=")
    if name != GRADER or not model:
        raise UserError(f"grader_check: give the grader as --model-role {GRADER}=MODEL")
    sets: dict[str, Sequence[Example]] = {name: load_examples(examples_path(name)) for name in AUTHORED}
    sets |= {str(path): load_labelled(path) for path in labelled}
    for one in checked(check_grader(open_model(model), sets, log_dir)):
        click.echo(f"{one.name}: right on {one.right or 'none'}; unscored {one.unscored}")
        for label, counts in one.confusion.items():
            said = ", ".join(f"{own} {count}" for own, count in zip(LABELS, counts, strict=True))
            click.echo(f"  of {label}: {said}")


if __name__ == "__main__":
    main()
