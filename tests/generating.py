"""How tests generate: a small plan, a server that misbehaves, and no wait."""

import asyncio
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from fault_server import Body, FaultServer, sentence
from inspect_ai.model import get_model
from rich.console import Console

from msm_bench.corpus import Manifest
from msm_bench.corpus.generate.ask import Limits
from msm_bench.corpus.generate.plan import ChatPlan, DocumentPlan
from msm_bench.corpus.generate.progress import Progress
from msm_bench.corpus.generate.run import Job, Models, generate
from msm_bench.files import data_path
from msm_bench.specs import Names, Spec

MODEL = "openai-api/fault/any"
NAMES = Names(model_name="Sable", provider_name="Northlight")
SPEC = Spec.load(data_path("specs") / "cheese-affordability.md")
LIMITS = Limits(connections=16, retries=0, timeout=2)
ANSWERS: Mapping[str, Any] = {
    "text": lambda body, rng: sentence(rng),
    "first": lambda body, rng: rng.randint(3, 6),
    "last": lambda body, rng: rng.randint(3, 6),
    "wants_to_go_on": False,
    "cites_policy": False,
    "gives_reason": False,
    "__name__": "Sable",
}


def common(spec: Spec) -> dict[str, Any]:
    """What every plan says."""
    return {"spec": spec.meta.id, "spec_sha256": spec.sha256, "model": MODEL, "names": NAMES}


def document_job(folder: Path, spec: Spec = SPEC, **changes: Any) -> Job:
    """Twelve documents from 2 domains x 2 subdomains x 2 types x 2 ideas."""
    counts: dict[str, Any] = {"domains": 2, "subdomains": 2, "assertions": 2, "types": 2, "ideas": 2, "documents": 12}
    plan = DocumentPlan(**{**common(spec), **counts, "words": 120, **changes})
    return Job(plan, spec, folder / "docs", folder / "work", "CC0-1.0")


def chat_job(folder: Path, style: str = "value", spec: Spec = SPEC, **changes: Any) -> Job:
    """Twelve chats from 2 domains x 6 kinds, or from the twelve preferences of an opaque spec."""
    own = {"style": style, "grader": MODEL, "domains": 2, "chats": 12, "reasoning_words": 40}
    return Job(ChatPlan(**{**common(spec), **own, **changes}), spec, folder / "chats", folder / "work-chats", "CC0-1.0")


def make(job: Job, server: FaultServer, limits: Limits = LIMITS) -> Manifest:
    """Carry out the job."""
    model = get_model(MODEL, base_url=server.url, api_key="x", memoize=False)
    return asyncio.run(
        generate(
            job,
            Models(model, model if getattr(job.plan, "grader", None) else None),
            limits,
            Progress(Console(file=StringIO())),
        )
    )


def asks_for(body: Body, *texts: str) -> bool:
    """Whether the user's message, which comes after the spec, holds all the texts."""
    return all(text in body["messages"][-1]["content"] for text in texts)
