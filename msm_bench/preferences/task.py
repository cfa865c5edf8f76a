"""A forced-choice task from its items."""

from collections.abc import Sequence
from typing import Any

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig

from msm_bench.errors import UserError
from msm_bench.preferences.context import PLAIN, Context, make_context
from msm_bench.preferences.items import Item, load_items
from msm_bench.preferences.prompts import Ask, fact, preference, question
from msm_bench.preferences.scorers import answer_format, generated_choice, preference_margin, reasoned_margin
from msm_bench.preferences.solvers import ask_both_orders, compare_after_reasoning, compare_likelihoods

VERSION = 4
"""Raised when items, prompts or scoring change so that results no longer compare."""
_REASONING_TEMPERATURE = 0.7


def preference_task(
    name: str,
    *,
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
    context: Context = PLAIN,
    version: int = VERSION,
) -> Task:
    """The task whose items stand in `tasks/items/<name>.jsonl`.

    Args:
        name: The task's name.
        method: `loglikelihood` (models that give `prompt_logprobs`: msm, vllm) or `generate` (any model).
        split: `dev`, `holdout` or `all`.
        cue: `named`, `described` or `all`.
        per_cell: Only so many items of each cell x cue.
        context: What stands around the question.
        version: Of the task.

    Raises:
        UserError: an unknown method, split or cue.
    """
    items = load_items(name, split=split, cue=cue, per_cell=per_cell)
    return _forced_choice(name, method, [_sample(item, preference(item), context) for item in items], version)


def valued_task(
    task: str,
    *,
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
    version: int = VERSION,
    name: Any = "",
    system: Any = "",
    prefill: Any = "",
    pressure: Any = 0,
) -> Task:
    """A forced-choice task with its robustness options.

    Args:
        task: The task's name.
        method, split, cue, per_cell, version: As in `preference_task`.
        name, system, prefill, pressure: As in `make_context`.

    Raises:
        UserError: an argument of the wrong kind or out of range.
    """
    context = make_context(task, name=name, system=system, prefill=prefill, pressure=pressure)
    return preference_task(
        task, method=method, split=split, cue=cue, per_cell=per_cell, context=context, version=version
    )


def reasoned_task(
    name: str,
    *,
    split: str = "dev",
    per_cell: int | None = None,
    samples: int = 4,
    context: Context = PLAIN,
    version: int = VERSION,
) -> Task:
    """The items of `tasks/items/<name>.jsonl`, decided after the model's own sampled reasoning.

    It is sampled at a temperature of 0.7, unless a recipe or `--temperature` says otherwise.

    Args:
        name: Of the file.
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many items of each cell.
        samples: Reasonings of an item; an even number, half of them in either order.
        context: What stands around the question.
        version: Of the task.

    Raises:
        UserError: an unknown split, or an odd number of samples.
    """
    items = load_items(name, split=split, per_cell=per_cell)
    return Task(
        dataset=MemoryDataset([_sample(item, preference(item), context) for item in items], name=name),
        solver=compare_after_reasoning(samples),
        scorer=reasoned_margin(),
        config=GenerateConfig(temperature=_REASONING_TEMPERATURE),
        version=version,
    )


def knowledge_task(
    name: str,
    tasks: Sequence[str],
    *,
    method: str = "loglikelihood",
    split: str = "dev",
    cue: str = "all",
    per_cell: int | None = None,
    version: int = VERSION,
) -> Task:
    """The pairs of some preference tasks, each asked for the fact that its value is about.

    A sample has the id of its item, so that knowledge can be laid beside preference.

    Args:
        name: The probe's name.
        tasks: The preference tasks, each with a fact in `FACTS`.
        method, split, cue, per_cell, version: As in `preference_task`.
    """
    samples = [
        _sample(item, asked, PLAIN)
        for task in tasks
        for item in load_items(task, split=split, cue=cue, per_cell=per_cell)
        if (asked := fact(task, item))
    ]
    return _forced_choice(name, method, samples, version)


def _forced_choice(name: str, method: str, samples: list[Sample], version: int) -> Task:
    dataset = MemoryDataset(samples, name=name)
    if method == "loglikelihood":
        return Task(dataset=dataset, solver=compare_likelihoods(), scorer=preference_margin(), version=version)
    if method == "generate":
        return Task(
            dataset=dataset,
            solver=ask_both_orders(),
            scorer=[generated_choice(), answer_format()],
            version=version,
        )
    raise UserError(f"task {name}: method is {method!r}; use loglikelihood or generate")


def _sample(item: Item, ask: Ask, context: Context) -> Sample:
    # without options it is the sample of earlier versions, whose results stand
    around = {} if context == PLAIN else {"context": context.model_dump(exclude_defaults=True)}
    return Sample(
        id=item.id,
        input=question(item, "aligned_first", ask),
        target=item.aligned,
        metadata={**item.model_dump(), "cluster": item.cluster, "ask": ask, **around},
    )
