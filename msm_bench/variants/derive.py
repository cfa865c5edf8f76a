"""Make a variant of a spec, check it, and write it down beside a record of how it was made."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import yaml
from inspect_ai.model import Model

from msm_bench.corpus.generate.ask import Asker, Limits
from msm_bench.corpus.generate.journal import Journal
from msm_bench.corpus.generate.progress import Progress
from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import difference, only_one, read_json, read_text, sha256_text, write_json, write_text
from msm_bench.specs import FrontMatter, Spec, check_placeholders
from msm_bench.variants.ablate import ablate, prepare
from msm_bench.variants.lengths import Size, fit, is_near, sizer
from msm_bench.variants.opposite import check_harmless, opposite
from msm_bench.variants.parts import Draft, assemble
from msm_bench.variants.plan import Record, VariantPlan
from msm_bench.variants.rules import as_rules, sections, with_reasons, with_subrules
from msm_bench.variants.simple import general, renamed
from msm_bench.variants.writer import Writer

RECORD = "variant.json"
"""The record's file in the working folder."""
WITHOUT_MODEL = ("renamed", "ablated")
"""Variants that code can make alone, if the spec allows it."""


class Job(NamedTuple):
    """A plan, the spec that it starts from, and where the variant goes."""

    plan: VariantPlan
    spec: Spec
    out: Path
    """The file."""
    workdir: Path
    """Where the journal and the record lie."""

    @property
    def journal(self) -> Path:
        """Every answer that was given."""
        return self.workdir / "answers.jsonl"


def check(job: Job) -> None:
    """Refuse what can be known to fail before anyone is asked.

    Raises:
        UserError: the plan lacks something, the file would have no fitting name, or the spec does not suit the variant.
    """
    plan = job.plan
    if job.out.suffix != ".md" or job.out.is_dir():
        raise UserError(f"{job.out}: a spec is a file that ends in .md; give such a name to --out")
    if plan.variant == "anti":
        check_harmless(job.spec)
    if plan.variant == "ablated":
        prepare(job.spec, plan)
    if plan.variant in ("value-augmented", "rule-augmented"):
        sections(job.spec, plan.variant)
    if (plan.variant == "renamed") != (plan.renamed is not None):
        raise UserError("--as and --maker give the names of `--variant renamed`: both are needed there, and only there")
    if plan.variant == "renamed" and plan.length:
        raise UserError("--variant renamed: keeps the spec word for word; leave out --words and --tokens")
    if plan.model is None and (plan.variant not in WITHOUT_MODEL or plan.length):
        raise UserError(f"--variant {plan.variant}{' of a given length' if plan.length else ''}: needs a --model")


def done_before(job: Job) -> Record | None:
    """The record, if this very variant was written before.

    Raises:
        UserError: another file lies where it should go.
    """
    if not job.out.exists():
        return None
    path = job.workdir / RECORD
    if not path.exists():
        if job.plan.model is None:
            return None  # made in a moment, and compared before it is written
        raise UserError(
            f"{job.out}: is there, with no record in {path.parent} of how; choose another file or move it away"
        )
    with explain_invalid(path):
        record = Record.model_validate(read_json(path))
    if record.sha256 != sha256_text(read_text(job.out)):
        raise UserError(f"{job.out}: is there, and not as this command wrote it; choose another file or move it away")
    if changed := difference(job.plan.model_dump(mode="json"), record.plan.model_dump(mode="json")):
        raise UserError(f"{job.out}: holds a variant of another plan ({changed}); choose another file and --workdir")
    return record


async def derive(job: Job, model: Model | None, limits: Limits, progress: Progress) -> Record:
    """Make the variant; what the journal holds is not asked again.

    Raises:
        UserError: the spec does not suit the variant, the model's texts can't be used or it is out of reach, another
            file lies there, or another run writes there.
    """
    size = sizer(job.plan.length, job.plan.names)
    with only_one(job.workdir):
        job.out.parent.mkdir(parents=True, exist_ok=True)  # fails now, and not after all was asked
        if model is None:
            return _write(job, await _draft(job, None, size), {}, size)
        with Journal(job.journal) as journal, progress.shown():
            writer = Writer(job.spec, job.plan, Asker(model, journal, progress, limits), progress)
            draft = await _draft(job, writer, size)
            if job.plan.length:
                draft = draft._replace(parts=await fit(draft.parts, job.plan.length, size, writer))
            return _write(job, draft, writer.prompts, size)


async def _draft(job: Job, writer: Writer | None, size: Size) -> Draft:
    spec, plan = job.spec, job.plan
    if plan.renamed:
        return renamed(spec, plan.renamed)
    if plan.variant == "ablated":
        return await ablate(spec, plan, writer)
    if writer is None:
        raise UserError(f"--variant {plan.variant}: needs a --model")
    match plan.variant:
        case "rules":
            return await as_rules(spec, plan, writer)
        case "value-augmented":
            return await with_reasons(spec, plan, writer, _room(job, size))
        case "rule-augmented":
            return await with_subrules(spec, plan, writer, _room(job, size))
        case "general":
            return await general(spec, plan, writer, _words(job, plan.length.size, size) if plan.length else None)
        case _:
            return await opposite(spec, plan, writer)


def _room(job: Job, size: Size) -> int | None:
    """Words that there are for what is added to the spec, by the plan's length."""
    length = job.plan.length
    return max(1, _words(job, length.size - size(job.spec.body), size)) if length else None


def _words(job: Job, amount: int, size: Size) -> int:
    """How many words an amount of words or tokens is, at the rate of the source spec."""
    return round(amount * len(job.spec.body.split()) / max(1, size(job.spec.body)))


def _write(job: Job, draft: Draft, prompts: Mapping[str, str], size: Size) -> Record:
    body = assemble(draft.parts)
    text = _text(job, draft, body)
    if job.out.exists() and read_text(job.out) != text:
        raise UserError(f"{job.out}: is there with another text; choose another file or move it away")
    count = size(body)
    record = Record(
        plan=job.plan,
        prompts=dict(prompts),
        sha256=sha256_text(text),
        size=count,
        near=is_near(count, job.plan.length),
    )
    write_json(job.workdir / RECORD, record.model_dump(mode="json"))  # first: a file without one would be refused
    write_text(job.out, text)
    return record


def _text(job: Job, draft: Draft, body: str) -> str:
    """The whole file, as `Spec.load` takes it."""
    with explain_invalid(job.out):
        meta = FrontMatter.model_validate(
            {
                "id": job.plan.id,
                "title": draft.title,
                "family": job.spec.meta.family,
                "values": draft.values,
                "derived_from": job.spec.meta.id,
                "form": draft.form,
            }
        )
    check_placeholders(body, job.out)
    head = meta.model_dump(exclude={"form"} if meta.form == "prose" else None)
    listed = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, default_flow_style=None, width=10**6)
    return f"---\n{listed}---\n\n{body}"
