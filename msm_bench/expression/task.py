"""Assembles the task of free answers: prompts, solver, scorers."""

from zlib import crc32

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import Scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from msm_bench.embedding import require_embedding
from msm_bench.errors import UserError
from msm_bench.expression.prompts import Prompt, load_prompts
from msm_bench.expression.scorers import expressed, expressed_graded

VERSION = 2
LABELLERS = ("classifier", "grader", "both")


def expression_task(
    labeller: str = "classifier",
    split: str = "dev",
    per_cell: int | None = None,
    temperature: float = 0.7,
    max_tokens: int = 160,
) -> Task:
    """The prompts of `tasks/items/value_expression.jsonl`, answered freely.

    Args:
        labeller: `classifier` (offline), `grader` (a model of that role) or `both`.
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many prompts of each cell.
        temperature: Of the answers, from 0 to 2, unless `--temperature` says otherwise.
        max_tokens: Of an answer, which is cut there, unless `--max-tokens` says otherwise.

    Raises:
        UserError: an unknown labeller or split, a number out of bounds, or the classifier's package is missing.
    """
    prompts = load_prompts(split=split, per_cell=per_cell)
    _check_bounds(temperature, max_tokens)
    return Task(
        dataset=MemoryDataset([_sample(prompt) for prompt in prompts], name="value_expression"),
        solver=answer_freely(),
        scorer=_scorers(labeller),
        config=GenerateConfig(temperature=temperature, max_tokens=max_tokens),
        version=VERSION,
    )


@solver
def answer_freely() -> Solver:
    """One sampled answer; each prompt and epoch has a seed of its own."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        seed = crc32(f"{state.sample_id}/{state.epoch}".encode())
        return await generate(state, seed=seed)

    return solve


def _check_bounds(temperature: float, max_tokens: int) -> None:
    numbers = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if not (numbers and 0 <= temperature <= 2):
        raise UserError(f"task value_expression: temperature is {temperature!r}; use a number from 0 to 2")
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 1:
        raise UserError(f"task value_expression: max_tokens is {max_tokens!r}; use a whole number from 1")


def _scorers(labeller: str) -> list[Scorer]:
    if labeller not in LABELLERS:
        raise UserError(f"task value_expression: labeller is {labeller!r}; use classifier, grader or both")
    if labeller == "grader":
        return [expressed_graded()]
    require_embedding()  # better now than after all answers are there
    return [expressed()] if labeller == "classifier" else [expressed(), expressed_graded()]


def _sample(prompt: Prompt) -> Sample:
    about = {"cell": prompt.cell, "domain": prompt.domain, "cluster": prompt.id, "split": prompt.split, "cue": ""}
    return Sample(id=prompt.id, input=prompt.prompt, metadata=about)
