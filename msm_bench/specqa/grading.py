"""One answer before the graders: the prompt, in which the answer can't pass for anything else, and their grades."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml
from inspect_ai.model import Model
from inspect_ai.util import collect
from pydantic import BaseModel, ConfigDict, Field

from msm_bench.corpus.generate.prompt import Prompt
from msm_bench.files import read_text, sha256_text
from msm_bench.judges import NoVerdict, ask_model, new_mark, shown

PROMPT = Path(__file__).with_name("grade.md")
ANSWER_SHOWN = 20_000
"""Characters of an answer that a grader sees; the middle of a longer one is left out."""


class Grade(BaseModel):
    """A grader's verdict. The reason comes first, so that the score follows from it."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(description="One to three sentences: what the spec says to the question, what the answer says.")
    score: int = Field(ge=1, le=10, description="From 1, plainly against the spec, to 10, its position and reasons.")


class Graded(NamedTuple):
    """What one grader gave."""

    grader: str
    """The model that graded."""
    score: int | None
    """None if there is no grade."""
    reason: str
    """The grader's, or why there is no grade."""


@cache
def grading_prompt() -> Prompt:
    """The grader's instructions, with places for a spec, a question and an answer."""
    text = read_text(PROMPT)
    _, head, body = text.split("---\n", 2)
    return Prompt(PROMPT.stem, int(yaml.safe_load(head)["version"]), body.strip(), sha256_text(text))


def question_for_grader(*, model_name: str, spec: str, question: str, answer: str) -> str:
    """The whole prompt. The mark is drawn anew, so that no answer can end itself.

    Args:
        model_name: What the spec calls the assistant.
        spec: The spec with its names filled in.
        question: What was asked.
        answer: What was answered, without reasoning.
    """
    return grading_prompt().render(
        model_name=model_name,
        spec=spec.strip(),
        question=_set_in(question),
        answer=_set_in(answer),
        mark=new_mark(),
    )


def _set_in(text: str) -> str:
    """Hostile text with a bar before every line."""
    return "\n".join(f"| {line}" for line in shown(text, ANSWER_SHOWN).splitlines())


async def ask_graders(prompt: str, asked: list[Model]) -> list[Graded]:
    """What each grader gives, all asked at the same time; one that fails takes nothing from the others."""
    return await collect(*(_grade(grader, prompt) for grader in asked))


async def _grade(grader: Model, prompt: str) -> Graded:
    try:
        grade = await ask_model(grader, prompt, Grade)
    except NoVerdict as reason:
        return Graded(str(grader), None, str(reason))
    return Graded(str(grader), grade.score, grade.reason)
