"""Inspect logs of a small task, made by Inspect itself; nothing is asked of a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

Values = Mapping[str, Any]
"""By item: a value, or a list of values, one for each epoch, or a `Score`."""


@solver
def nothing(failing: Sequence[str] = ()) -> Solver:
    """Leaves a sample as it is, but for those that fail."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id in failing:
            raise ValueError("no")
        return state

    return solve


def gives(name: str, values: Values) -> Scorer:
    """A scorer of this name that gives each item its value."""

    @scorer(metrics=[], name=name)
    def given() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            value = values[str(state.sample_id)]
            value = value[state.epoch - 1] if isinstance(value, list) else value
            return value if isinstance(value, Score) else Score(value=value)

        return score

    return given()


def make_log(
    folder: Path,
    model: str,
    values: Values | Mapping[str, Values],
    *,
    task: str = "quiz",
    about: Mapping[str, dict[str, Any]] | None = None,
    asked: Mapping[str, str] | None = None,
    several: bool = False,
    failing: Sequence[str] = (),
    before: Solver | None = None,
    version: int = 0,
    choices: list[str] | None = None,
    **options: Any,
) -> EvalLog:
    """Run a task on a model.

    Args:
        folder: For the log.
        model: Its name.
        values: What the scorer `grade` gives; or, with `several`, what each scorer gives.
        task: Its name.
        about: The metadata of each item.
        asked: The input of each item, where it is not its name.
        several: Whether `values` are by scorer.
        failing: Items that end with an error.
        before: A solver before that.
        version: Of the task.
        choices: Of each item.
        **options: For Inspect's `eval`.
    """
    scorers: dict[str, Any] = dict(values) if several else {"grade": values}
    samples = [
        Sample(id=item, input=(asked or {}).get(item, f"{item}?"), choices=choices, metadata=(about or {}).get(item))
        for item in next(iter(scorers.values()))
    ]
    given = Task(
        dataset=samples,
        solver=[*([before] if before else []), nothing(failing)],
        scorer=[gives(name, own) for name, own in scorers.items()],
        name=task,
        version=version,
        fail_on_error=False,
    )
    [log] = eval(given, model=f"mockllm/{model}", log_dir=str(folder), display="none", **options)
    assert log.status == "success", log.error
    return log
