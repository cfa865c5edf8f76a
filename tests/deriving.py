"""How tests make variants: scripted models, small specs, and jobs."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput, ModelUsage, get_model

from msm_bench.corpus.generate.ask import Limits
from msm_bench.corpus.generate.progress import Progress
from msm_bench.files import data_path
from msm_bench.specs import Names, Spec
from msm_bench.variants.derive import Job, check, derive
from msm_bench.variants.plan import Record, VariantPlan

NAMES = Names(model_name="Sable", provider_name="Northlight")
LIMITS = Limits(connections=4, retries=2, timeout=20)
SPECS = data_path("specs")
GOOD = "Sable has its tastes and states them plainly."
"""A passage that ties nothing to anything."""

Answer = Callable[[str], str]
"""What a scripted model says to a prompt."""


class Script:
    """A model that answers by a function of the prompt, and remembers what it was asked."""

    def __init__(self, answer: Answer, stop_reason: str = "stop") -> None:
        self.asked: list[str] = []
        self._answer = answer
        self._stop_reason = stop_reason

    def model(self) -> Model:
        def output(input: list[ChatMessage], tools: object, choice: object, config: GenerateConfig) -> ModelOutput:
            self.asked.append(input[-1].text)
            said = ModelOutput.from_content("mockllm", self._answer(input[-1].text), self._stop_reason)  # type: ignore[arg-type]
            said.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
            return said

        return get_model("mockllm/model", custom_outputs=output, memoize=False)


def job_of(tmp_path: Path, source: Path | str, variant: str, **stated: object) -> Job:
    """A variant of a spec, by its path or shipped id, that goes to `made.md`."""
    spec = Spec.load(SPECS / f"{source}.md" if isinstance(source, str) else source)
    plan = VariantPlan.model_validate(
        {
            "variant": variant,
            "id": "made",
            "spec": spec.meta.id,
            "spec_sha256": spec.sha256,
            "model": "mockllm/model",
            "names": NAMES,
            **stated,
        }
    )
    return Job(plan, spec, tmp_path / "made.md", tmp_path / "work")


def made(job: Job, model: Model | None, limits: Limits = LIMITS) -> Record:
    """Make a variant as the command does."""
    check(job)
    return asyncio.run(derive(job, model, limits, Progress()))


def in_turn(*answers: str) -> Answer:
    """Each answer once, the last one for good."""
    left = list(answers)
    return lambda prompt: left.pop(0) if len(left) > 1 else left[0]


def lister(texts: Sequence[str], **more: str) -> Answer:
    """Gives as many entries of a list as the prompt asks for, each once."""
    left = list(texts)

    def answer(prompt: str) -> str:
        asked = re.search(r"exactly (\d+)", prompt)
        assert asked
        taken = [left.pop(0) for _ in range(min(int(asked[1]), len(left)))]
        return json.dumps({f"item_{i}": {"text": text, **more} for i, text in enumerate(taken, 1)})

    return answer


def write_spec(path: Path, body: str, *, form: str = "prose", family: str = "tea") -> Path:
    """A spec of the value thrift."""
    head = f"id: {path.stem}\ntitle: T\nfamily: {family}\nvalues: [thrift]\nderived_from: null\nform: {form}"
    path.write_text(f"---\n{head}\n---\n\n{body}", encoding="utf-8")
    return path


RULE = (
    "## SP1. Do no harm\n\n{model_name} does no harm. It asks {provider_name} first.\n\n**Scope.** All of it: {braces}."
)
OTHER = "## Be honest\n\n{model_name} does not lie."
HEAD = "# Rules\n\nTwo rules.\n\n* a list of one"


def two_rules(tmp_path: Path) -> Path:
    """A spec of two rules, with braces, odd gaps and a list."""
    return write_spec(tmp_path / "two.md", f"{HEAD}\n\n{RULE}\n\n\n{OTHER}\n", form="rules", family="safety-rules")
