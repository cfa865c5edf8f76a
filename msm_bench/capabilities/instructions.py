"""`instruction_following`: instructions whose fulfilment code can check."""

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState, generate

from msm_bench.capabilities.ask import METRICS, VERSION, answer_of, greedy
from msm_bench.capabilities.items import Check, Instruction, as_sample, load_items

_MAX_TOKENS = 192


def instruction_task(split: str = "dev", per_cell: int | None = None) -> Task:
    """The instructions of `instruction_following`; arguments and errors as in `load_items`."""
    items = load_items(Instruction, "instruction_following", split, per_cell)
    samples = [
        as_sample(item, item.prompt, level=item.level, checks=[check.model_dump() for check in item.checks])
        for item in items
    ]
    return Task(
        dataset=MemoryDataset(samples, name="instruction_following"),
        solver=generate(),
        scorer=followed_instruction(),
        config=greedy(_MAX_TOKENS),
        version=VERSION,
    )


@scorer(metrics=METRICS)
def followed_instruction() -> Scorer:
    """`followed`: 1 if every check of the answer passes, else 0; `checks_passed`: share that passes.

    What code cannot check of an instruction is not checked.
    """

    async def score(state: TaskState, target: Target) -> Score:
        checks = [Check.model_validate(check) for check in state.metadata["checks"]]
        answer = answer_of(state)
        failed = [check.name for check in checks if not check.passes(answer)]
        return Score(
            value={"followed": float(not failed), "checks_passed": 1 - len(failed) / len(checks)},
            answer=answer,
            explanation=f"not met: {', '.join(failed)}" if failed else "all met",
        )

    return score
