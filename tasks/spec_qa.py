"""Open questions that show whether a model holds a spec's outlook, graded 1 to 10 against the spec.

inspect eval tasks/spec_qa.py --model msm/smollm2-135m --model-role grader=openai/gpt-5
"""

from inspect_ai import Task, task

from msm_bench.specqa import spec_qa_task


@task
def spec_qa(
    spec: str = "safety-specific",
    split: str = "dev",
    per_cell: int | None = None,
    name: str = "",
    provider: str = "",
    system: str = "",
) -> Task:
    """Open questions that show whether a model holds a spec's outlook, graded 1 to 10 against the spec.

    Args:
        spec: The id of a spec that ships with msm-bench, or a path.
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many questions of each dimension.
        name: What the assistant is told it is called, and what the grader's spec calls it.
        provider: Who made it, in the grader's spec.
        system: A system prompt, after the name.
    """
    return spec_qa_task(spec=spec, split=split, per_cell=per_cell, name=name, provider=provider, system=system)
