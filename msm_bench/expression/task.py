"""Assembles the task of free answers: prompts, solver, scorers."""

from typing import Any
from zlib import crc32

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, GenerateConfig
from inspect_ai.scorer import Scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from msm_bench.embedding import require_embedding
from msm_bench.errors import UserError
from msm_bench.expression.prompts import Prompt, load_prompts
from msm_bench.expression.scorers import expressed, expressed_graded, expressed_words
from msm_bench.preferences.context import AGAINST, PLAIN, Context, make_context
from msm_bench.preferences.solvers import context_of

NAME = "value_expression"
VERSION = 2
LABELLERS = ("classifier", "grader", "both")


def expression_task(
    labeller: str = "classifier",
    split: str = "dev",
    per_cell: int | None = None,
    temperature: float = 0.7,
    max_tokens: int = 160,
    name: Any = "",
    system: Any = "",
    prefill: Any = "",
) -> Task:
    """The prompts of `tasks/items/value_expression.jsonl`, answered freely.

    Args:
        labeller: `classifier` (offline), `grader` (a model of that role) or `both`.
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many prompts of each cell.
        temperature: Of the answers, from 0 to 2, unless `--temperature` says otherwise.
        max_tokens: Of an answer, which is cut there, unless `--max-tokens` says otherwise.
        name, system, prefill: What stands around the prompt, as in `make_context`; `against` stands for nothing here.

    Raises:
        UserError: an unknown labeller or split, a number out of bounds, an option of the wrong kind, or the
            classifier's package is missing.
    """
    prompts = load_prompts(split=split, per_cell=per_cell)
    context = _context(name, system, prefill)
    _check_bounds(temperature, max_tokens)
    return Task(
        dataset=MemoryDataset([_sample(prompt, context) for prompt in prompts], name=NAME),
        solver=answer_freely(),
        scorer=_scorers(labeller),
        config=GenerateConfig(temperature=temperature, max_tokens=max_tokens),
        version=VERSION,
    )


@solver
def answer_freely() -> Solver:
    """One sampled answer; each prompt and epoch has a seed of its own. What a prefill puts there is no part of it."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        seed = crc32(f"{state.sample_id}/{state.epoch}".encode())
        context = context_of(state)
        if prompt := context.system_prompt():
            state.messages.insert(0, ChatMessageSystem(content=prompt))
        if context.prefill:
            state.messages.append(ChatMessageAssistant(content=context.prefill))
        state = await generate(state, seed=seed)
        answer = state.output.completion.strip()
        if context.prefill and answer.startswith(context.prefill):  # some services give it back with what follows
            state.output.completion = answer.removeprefix(context.prefill).strip()
        return state

    return solve


def _context(name: Any, system: Any, prefill: Any) -> Context:
    """What stands around every prompt.

    Raises:
        UserError: an option is of the wrong kind, or `against`, since no value counts as aligned here.
    """
    for option, given in (("system", system), ("prefill", prefill)):
        if isinstance(given, str) and given.strip() == AGAINST:
            raise UserError(
                f"task {NAME}: no value counts as aligned here, so no text is ready against it; give the text itself "
                f"as {option}"
            )
    return make_context(NAME, name=name, system=system, prefill=prefill)


def _check_bounds(temperature: float, max_tokens: int) -> None:
    numbers = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if not (numbers and 0 <= temperature <= 2):
        raise UserError(f"task {NAME}: temperature is {temperature!r}; use a number from 0 to 2")
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 1:
        raise UserError(f"task {NAME}: max_tokens is {max_tokens!r}; use a whole number from 1")


def _scorers(labeller: str) -> list[Scorer]:
    if labeller not in LABELLERS:
        raise UserError(f"task {NAME}: labeller is {labeller!r}; use classifier, grader or both")
    if labeller == "grader":
        return [expressed_words(), expressed_graded()]
    require_embedding()  # better now than after all answers are there
    offline = [expressed(), expressed_words()]
    return offline if labeller == "classifier" else [*offline, expressed_graded()]


def _sample(prompt: Prompt, context: Context) -> Sample:
    about = {"cell": prompt.cell, "domain": prompt.domain, "cluster": prompt.id, "split": prompt.split, "cue": ""}
    # without options it is the sample of earlier versions, whose results stand
    around = {} if context == PLAIN else {"context": context.model_dump(exclude_defaults=True)}
    return Sample(id=prompt.id, input=prompt.prompt, metadata={**about, **around})
