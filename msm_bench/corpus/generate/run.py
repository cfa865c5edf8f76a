"""Carry out a plan: ask, fill, and write the corpus with its manifest."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from inspect_ai.model import Model

from msm_bench.corpus.generate.ask import Asker, Limits
from msm_bench.corpus.generate.chats import plan_chats, without_reasoning
from msm_bench.corpus.generate.documents import plan_documents
from msm_bench.corpus.generate.fill import Filled, Filling, Source
from msm_bench.corpus.generate.journal import Journal
from msm_bench.corpus.generate.levels import Levels
from msm_bench.corpus.generate.plan import ChatPlan, DocumentPlan
from msm_bench.corpus.generate.progress import Progress
from msm_bench.corpus.generate.setting import Setting
from msm_bench.corpus.similar import Seen
from msm_bench.corpus.store import Chat, Manifest, existing_manifest, write_corpus
from msm_bench.errors import UserError, printable
from msm_bench.files import only_one, refuse_other_plan
from msm_bench.specs import Spec

AnyPlan = DocumentPlan | ChatPlan


class Job(NamedTuple):
    """A plan, what it needs, and where it goes."""

    plan: AnyPlan
    spec: Spec
    out: Path
    """Where the corpus goes; chats without their reasoning go to a folder beside it."""
    workdir: Path
    """Where the journal lies."""
    licence: str
    """SPDX name of the data's licence."""

    @property
    def wanted(self) -> int:
        """How many rows are asked for."""
        return self.plan.documents if isinstance(self.plan, DocumentPlan) else self.plan.chats

    @property
    def without_reasoning(self) -> Path:
        """Where the same chats without their reasoning go."""
        return self.out.with_name(f"{self.out.name}-no-reasoning")

    @property
    def outs(self) -> list[Path]:
        """Every folder that is written."""
        both = isinstance(self.plan, ChatPlan) and self.plan.style != "opaque"
        return [self.out, self.without_reasoning] if both else [self.out]


class Models(NamedTuple):
    """Who writes, and who judges."""

    writer: Model
    grader: Model | None
    """None: nobody judges."""


def finished_before(job: Job) -> Manifest | None:
    """The manifest, if this very plan was carried out in full before.

    Raises:
        UserError: another corpus lies where this one should go.
    """
    found = [existing_manifest(out) for out in job.outs]
    for out, manifest in zip(job.outs, found, strict=True):
        if manifest:
            refuse_other_plan(out, job.plan.model_dump(mode="json"), manifest.plan)
    whole = all(manifest and manifest.rows == job.wanted for manifest in found)
    return found[0] if whole else None


async def generate(job: Job, models: Models, limits: Limits, progress: Progress) -> Manifest:
    """Make the corpus of `job`; what its journal holds is not asked again.

    Raises:
        UserError: the model is out of reach, it gave nothing that can be used, or another run writes there.
    """
    with only_one(job.workdir), Journal(job.workdir / "answers.jsonl") as journal, progress.shown():
        askers = {model: Asker(model, journal, progress, limits) for model in models if model}
        writer, grader = askers[models.writer], askers[models.grader] if models.grader else None
        setting = Setting(job.spec, job.plan.names, writer, job.plan)
        levels = Levels(setting, progress)
        source = await _source(job.plan, setting, grader, levels)
        # questions and ideas are short: character 4-grams; rows are long: nearly a sentence must agree
        seen = Seen(threshold=0.7, n=4), Seen(threshold=0.6, n=12)
        filled = await Filling(source, progress, seen).run(job.wanted) if source.cells else Filled([], [], [])
        for asker in askers.values():
            asker.settle()
    lacking = levels.missing + filled.missing
    if not filled.rows:
        first = lacking[0]
        raise UserError(
            f"{setting.asker.name}: wrote nothing that can be used; {printable(first.what)}: {printable(first.reason)} "
            f"(the answers lie in {job.workdir / 'answers.jsonl'}); try a stronger model"
        )
    finished_before(job)  # hours may have passed since the folder was looked at
    return _write(job, setting, filled, [missing.model_dump() for missing in lacking])


async def _source(plan: AnyPlan, setting: Setting, grader: Asker | None, levels: Levels) -> Source:
    if isinstance(plan, DocumentPlan):
        return await plan_documents(setting, plan, levels)
    return await plan_chats(setting, plan, grader, levels)


def _write(job: Job, setting: Setting, filled: Filled, lacking: Sequence[dict[str, Any]]) -> Manifest:
    about = {
        "spec": job.spec.meta.id,
        "spec_sha256": job.spec.sha256,
        "generator": f"msm-bench generate, {job.plan.model}",
        "prompts": setting.prompts,
        "seed": job.plan.seed,
        "licence": job.licence,
        "dropped": [dropped.model_dump() for dropped in filled.dropped],
        "missing": lacking,
        "plan": job.plan.model_dump(mode="json"),
    }
    manifest = write_corpus(job.out, filled.rows, about)
    if job.without_reasoning in job.outs:
        write_corpus(
            job.without_reasoning, without_reasoning([row for row in filled.rows if isinstance(row, Chat)]), about
        )
    return manifest
