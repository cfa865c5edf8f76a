"""The task `spec_qa` from its options."""

from typing import Any

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig
from inspect_ai.solver import generate

from msm_bench.errors import explain_invalid
from msm_bench.files import data_path
from msm_bench.preferences import Context, make_context
from msm_bench.specqa.questions import Question, load_questions
from msm_bench.specqa.scorers import all_scorers
from msm_bench.specs import Names, Spec

VERSION = 2
"""Raised when questions, the grader's prompt or scoring change so that results no longer compare."""
_ANSWER_TOKENS = 1024
"""Of an answer with its reasoning, unless `--max-tokens` says otherwise."""
_ASSISTANT = "the assistant"
_PROVIDER = "its developer"
"""What a spec calls the two that were not named."""


def spec_qa_task(
    *,
    spec: str = "safety-specific",
    split: str = "dev",
    per_cell: int | None = None,
    name: str = "",
    provider: str = "",
    system: str = "",
) -> Task:
    """The open questions, answered freely, graded against a spec.

    Args:
        spec: The id of a spec that ships with msm-bench, or a path.
        split: `dev`, `holdout` or `all`.
        per_cell: Only so many questions of each dimension.
        name: What the assistant is told it is called, and what the grader's spec calls it.
        provider: Who made it, in the grader's spec.
        system: A system prompt, after the name.

    Raises:
        UserError: no such spec, an unknown split, or names that can't be put into a spec.
    """
    context = make_context("spec_qa", name=name, system=system)
    with explain_invalid("task spec_qa"):
        names = Names(model_name=context.name or _ASSISTANT, provider_name=provider or _PROVIDER)
    against = _load_spec(spec)
    about: dict[str, Any] = {
        "spec": against.meta.id,
        "spec_sha256": against.sha256,
        "spec_text": against.render(names),
        "names": names.model_dump(),
    }
    samples = [_sample(question, context, about) for question in load_questions(split, per_cell)]
    return Task(
        dataset=MemoryDataset(samples, name="spec_qa"),
        solver=generate(),
        scorer=all_scorers(),
        config=GenerateConfig(temperature=0.0, max_tokens=_ANSWER_TOKENS),
        version=VERSION,
    )


def _load_spec(spec: str) -> Spec:
    shipped = data_path("specs") / f"{spec}.md"
    return Spec.load(shipped if shipped.is_file() else str(spec))


def _sample(question: Question, context: Context, about: dict[str, Any]) -> Sample:
    before = [ChatMessageSystem(content=prompt)] if (prompt := context.system_prompt()) else []
    return Sample(
        id=question.id,
        input=[*before, ChatMessageUser(content=question.question)],
        metadata={**question.model_dump(), "cluster": question.id, **about},
    )
