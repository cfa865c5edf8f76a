"""What a model answered, as all four tasks read it."""

from inspect_ai.solver import TaskState

from msm_bench.reasoning import without_reasoning


def answer_of(state: TaskState) -> str:
    """The answer without the reasoning before it; nothing if the reasoning never ends."""
    return without_reasoning(state.output.completion).strip()
