"""Run Inspect tasks on one model and give back the logs; a killed run goes on where it was."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval_set
from inspect_ai.util import registry_create

from msm_bench.errors import UserError
from msm_bench.recipe import TaskChoice


def evaluate_model(
    model: str, tasks: Sequence[TaskChoice], log_dir: Path, *, split: str, metadata: dict[str, Any]
) -> list[str]:
    """Score `model` on `tasks`; the logs carry `metadata`.

    Raises:
        UserError: an unknown task or task argument, or a task that did not end well.
    """
    built = [_task(choice, split) for choice in tasks]
    log_dir.mkdir(parents=True, exist_ok=True)
    success, logs = eval_set(
        built,
        log_dir=str(log_dir),
        model=model,
        metadata=metadata,
        display="plain",
        score_display=False,
        max_tasks=1,
        max_connections=512,
        max_samples=64,
        retry_attempts=1,
        log_level="warning",
    )
    if not success:
        failed = next(log for log in logs if log.status != "success")
        reason = failed.error.message if failed.error else failed.status
        raise UserError(f"{failed.location}: task {failed.eval.task} ended with {' '.join(reason.split())[:300]}")
    return [str(log.location) for log in logs]


def _task(choice: TaskChoice, split: str) -> Task:
    try:
        task = registry_create("task", f"msm_bench/{choice.task}", **{"split": split, **choice.args})
    except (LookupError, TypeError, ValueError) as error:
        raise UserError(f"task {choice.task}: {' '.join(str(error).split())}") from None
    if not isinstance(task, Task):
        raise UserError(f"task {choice.task}: not an Inspect task")
    return task
