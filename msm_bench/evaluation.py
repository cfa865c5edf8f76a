"""Run Inspect tasks on one model and give back the logs; a killed run goes on where it was."""

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from inspect import signature
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval_set, score, task_with
from inspect_ai.log import EvalSample, list_eval_logs, recompute_metrics, write_eval_log
from inspect_ai.model import GenerateConfig
from inspect_ai.util import registry_info

from msm_bench.errors import UserError
from msm_bench.files import canonical_json, sha256_text
from msm_bench.judges import FAILED, GRADER, Graders
from msm_bench.logs import read_log
from msm_bench.recipe import TaskChoice

_LIKELIHOOD_SOLVERS = {"compare_likelihoods", "compare_answers", "weigh_answers", "read_passage"}
"""Solvers that ask for log-likelihoods alone: whatever the run's temperature, they score at none."""
_ONE_GRADER = {"decided", "expressed_graded", "free_premise", "graded_refusal", "open_answer"}
"""Scorers that take one grader. They refuse several themselves, but only when answers are there."""


def build_tasks(choices: Sequence[TaskChoice], split: str, grader: Graders | None = None) -> list[Task]:
    """The tasks of a recipe on one split, or on their own where they state one; not every task's items are split.

    Raises:
        UserError: an unknown task or task argument, a temperature for a task that would ignore it, or several graders
            for one that takes one.
    """
    tasks = [_task(choice, split) for choice in choices]
    _check_graders(tasks, grader)
    return tasks


def _task(choice: TaskChoice, split: str) -> Task:
    function = _registered(choice.task)
    takes = signature(function).parameters
    splits = {"split": choice.split or split} if choice.split or "split" in takes else {}
    try:
        task = function(**{**splits, **choice.args})
    except (TypeError, ValueError) as error:
        raise UserError(f"task {choice.task}: {' '.join(str(error).split())}") from None
    if choice.epochs is not None:
        task = task_with(task, epochs=choice.epochs)
    if choice.temperature is not None:
        if registry_info(task.solver).name.split("/")[-1] in _LIKELIHOOD_SOLVERS:
            raise UserError(f"task {choice.task} fixes its own temperature: log-likelihoods are not sampled")
        task = task_with(task, config=task.config.merge(GenerateConfig(temperature=choice.temperature)))
    return task


def _check_graders(tasks: Sequence[Task], grader: Graders | None) -> None:
    if grader is None or isinstance(grader, str):
        return
    for task in tasks:
        if any(registry_info(scorer).name.split("/")[-1] in _ONE_GRADER for scorer in task.scorer or []):
            raise UserError(
                f"task {task.name.split('/')[-1]} takes one grader, and the recipe names {len(grader)}: give it a "
                "recipe of its own; several are for spec_qa"
            )


def registered_tasks() -> dict[str, Callable[..., Task]]:
    """Our tasks by the names that Inspect knows them by.

    Inspect's `registry_create` can't be given an argument called `name`, and its registry does not tell what a task
    takes, so it is the functions themselves.
    """
    modules = (entry.load() for entry in entry_points(group="inspect_ai", name="msm_bench"))
    found = {name: getattr(module, name) for module in modules for name in module.__all__}
    return {name: value for name, value in found.items() if registry_info(value).type == "task"}


def _registered(name: str) -> Callable[..., Task]:
    if name not in (tasks := registered_tasks()):
        raise UserError(f"task {name}: msm_bench/{name} was not found in the registry")
    return tasks[name]


def dataset_sha256(task: Task) -> str:
    """Hash of what the samples ask and how they are judged."""
    samples = [
        {
            "id": sample.id,
            "input": sample.input if isinstance(sample.input, str) else [[m.role, m.text] for m in sample.input],
            "target": sample.target,
            "metadata": sample.metadata,
        }
        for sample in task.dataset
    ]
    return sha256_text(canonical_json(samples))


def evaluate_model(
    model: str,
    tasks: list[Task],
    log_dir: Path,
    *,
    metadata: dict[str, Any],
    grader: Graders | None = None,
) -> list[str]:
    """Score `model` on `tasks`, graded by `grader` where a task needs that; the logs carry `metadata`.

    Raises:
        UserError: a task did not end well, or the folder holds a log that is damaged or of something else.
        KeyboardInterrupt: the user interrupted it; what is finished is kept.
    """
    log_dir.mkdir(parents=True, exist_ok=True)
    by_name = {task.name: task for task in tasks}
    for file in list_eval_logs(str(log_dir)):
        path = file.name.removeprefix("file://")
        head = read_log(path, header_only=True)
        if head.eval.metadata != metadata:
            raise UserError(f"{file.name}: a log of another run; move it out of this folder")
        if grader and head.status == "success" and head.eval.task in by_name:
            _grade_again(path, by_name[head.eval.task])
    success, logs = eval_set(
        tasks,
        log_dir=str(log_dir),
        model=model,
        model_roles={GRADER: grader} if grader else None,
        metadata=metadata,
        display="plain",
        score_display=False,
        max_tasks=1,
        max_connections=512,
        max_samples=64,
        retry_attempts=1,
        log_level="warning",
    )
    # Inspect takes an interruption for the end of a run and gives back what is finished
    if len(logs) < len(tasks) or any(log.status == "cancelled" for log in logs):
        raise KeyboardInterrupt
    if not success:
        failed = next(log for log in logs if log.status != "success")
        reason = failed.error.message if failed.error else failed.status
        raise UserError(f"{failed.location}: task {failed.eval.task} ended with {' '.join(reason.split())[:300]}")
    return [str(log.location) for log in logs]


def _grade_again(path: str, task: Task) -> None:
    """Have the answers in a finished log graded on which the grader failed; other grades are left as they are."""
    log = read_log(path)
    samples = log.samples or []
    ungraded = [sample for sample in samples if _grader_failed(sample)]
    if task.scorer is None or not ungraded:
        return
    # the model under test has answered: nothing is asked of it
    graded = score(
        log.model_copy(update={"samples": ungraded}),
        task.scorer,
        model="none/none",
        action="overwrite",
        display="plain",
    )
    by_uuid = {sample.uuid: sample for sample in graded.samples or []}
    log.samples = [by_uuid.get(sample.uuid, sample) for sample in samples]
    recompute_metrics(log)
    write_eval_log(log)


def _grader_failed(sample: EvalSample) -> bool:
    return any(FAILED in (given.reason or "") for given in (sample.scores or {}).values())
