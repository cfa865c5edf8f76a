"""`msm-bench generate`: from a spec to the text that training reads."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from msm_bench.commands.models import (
    ASKING,
    NAMES,
    SAMPLING,
    WORKDIR,
    limits_of,
    open_model,
    set_price,
    who_writes,
    with_options,
)
from msm_bench.errors import UserError, printable

if TYPE_CHECKING:
    from msm_bench.corpus.generate.progress import Progress
    from msm_bench.corpus.generate.run import AnyPlan, Job, Models
    from msm_bench.corpus.store import Manifest
    from msm_bench.specs import Spec

_SHORTEST_NAME = 3
"""Letters."""
_SHARED = with_options(
    [
        click.argument("spec_path", metavar="SPEC", type=click.Path(path_type=Path)),
        *who_writes(required=True),
        click.option("--out", type=click.Path(path_type=Path), required=True, help="The corpus's folder."),
        WORKDIR,
        *NAMES,
        click.option("--licence", default="NOASSERTION", show_default=True, help="SPDX name of the data's licence."),
        *SAMPLING,
        *ASKING,
        click.option("--preview", "only_preview", is_flag=True, help="Say what it would take, and stop."),
    ]
)
"""The options that documents and chats have in common."""


@click.group()
def generate() -> None:
    """From a Model Spec to the text that training reads."""


@generate.command()
@_SHARED
@click.option("--domains", type=click.IntRange(1), default=8, show_default=True, help="Of the spec.")
@click.option("--subdomains", type=click.IntRange(1), default=4, show_default=True, help="Of each domain.")
@click.option("--assertions", type=click.IntRange(1), default=6, show_default=True, help="For each subdomain.")
@click.option("--types", type=click.IntRange(1), default=20, show_default=True, help="For each subdomain.")
@click.option("--ideas", type=click.IntRange(1), default=25, show_default=True, help="For each type of document.")
@click.option("--documents", type=click.IntRange(1), help="In all [default: one for each idea].")
@click.option("--words", type=click.IntRange(40), default=1000, show_default=True, help="In a document, about.")
@click.option("--revise", is_flag=True, help="Criticise each document and write it anew.")
def documents(
    spec_path: Path,
    domains: int,
    subdomains: int,
    assertions: int,
    types: int,
    ideas: int,
    documents: int | None,
    words: int,
    revise: bool,
    **shared: Any,
) -> None:
    """Write documents that discuss SPEC, for midtraining."""
    from msm_bench.corpus.generate.plan import DocumentPlan

    spec, common = _spec_and_common(spec_path, shared)
    most = domains * subdomains * types * ideas
    if documents and documents > most:
        raise UserError(f"--documents {documents}: there are {most} ideas for them; raise a count of another level")
    plan = DocumentPlan(
        **common,
        domains=domains,
        subdomains=subdomains,
        assertions=assertions,
        types=types,
        ideas=ideas,
        documents=documents or most,
        words=words,
        revise=revise,
    )
    _carry_out(plan, spec, shared)


@generate.command()
@_SHARED
@click.option("--style", type=click.Choice(["value", "rule", "opaque"]), required=True, help="How answers reason.")
@click.option("--domains", type=click.IntRange(1), default=12, show_default=True, help="Of conversation.")
@click.option("--chats", type=click.IntRange(1), default=1000, show_default=True, help="In all.")
@click.option("--reasoning-words", type=click.IntRange(10), default=150, show_default=True, help="In a trace, about.")
@click.option("--grader", help="Who judges what was written; none: nobody [default: who writes].")
@click.option("--grader-base-url", help="Where the grader is served, if not where its provider says.")
@click.option("--grader-price", type=(float, float), metavar="IN OUT", help="Dollars per million tokens, of --grader.")
def chats(
    spec_path: Path, style: Any, domains: int, chats: int, reasoning_words: int, grader: str | None, **shared: Any
) -> None:
    """Write demonstrations of SPEC, for alignment fine-tuning.

    value and rule come with a reasoning trace, in OUT, and without it, in OUT-no-reasoning.
    """
    from msm_bench.corpus.generate.plan import ChatPlan

    spec, common = _spec_and_common(spec_path, shared)
    if style == "opaque" and not spec.preferences():
        raise UserError(f"{spec_path}: lists no preferences, which opaque chats state; use --style value or rule")
    shared["grader"] = grader
    plan = ChatPlan(
        **common,
        style=style,
        grader=None if grader == "none" else grader or common["model"],
        domains=domains,
        chats=chats,
        reasoning_words=reasoning_words,
    )
    _carry_out(plan, spec, shared)


def _spec_and_common(path: Path, shared: dict[str, Any]) -> tuple["Spec", dict[str, Any]]:
    """The spec, and what every plan says."""
    from msm_bench.errors import explain_invalid
    from msm_bench.specs import Names, Spec

    spec = Spec.load(path)
    with explain_invalid("--model-name, --provider-name"):
        names = Names(model_name=shared["model_name"], provider_name=shared["provider_name"])
    for name in names.model_dump().values():
        if len(name) < _SHORTEST_NAME or not name[0].isupper():
            raise UserError(
                f"name {name!r}: it is found again in every text; give at least {_SHORTEST_NAME} letters that "
                "begin with a capital and are no common word"
            )
    common = {
        "spec": spec.meta.id,
        "spec_sha256": spec.sha256,
        "model": shared["model"],
        "names": names,
        "seed": shared["seed"],
        "temperature": shared["temperature"],
        "thinking_tokens": shared["thinking_tokens"],
    }
    return spec, common


def _carry_out(plan: "AnyPlan", spec: "Spec", shared: dict[str, Any]) -> None:
    """Print what it will take, then do it, unless only that was asked for."""
    import asyncio

    from msm_bench.corpus.generate.progress import Progress
    from msm_bench.corpus.generate.run import Job, finished_before, generate
    from msm_bench.files import explain_full_disk

    for model, price in ((shared.get("grader"), "grader_price"), (plan.model, "price")):
        if shared.get(price):
            set_price(model or plan.model, *shared[price])
    _print_preview(plan, spec)
    if shared["only_preview"]:
        return
    out: Path = shared["out"].resolve()
    job = Job(plan, spec, out, shared["workdir"] or Path("runs") / out.name, shared["licence"])
    if done := finished_before(job):
        click.echo(f"{out}: already there, {done.rows} {done.kind}")
        return
    limits, progress = limits_of(shared), Progress()
    with explain_full_disk(job.workdir, job.out.parent):
        manifest = asyncio.run(generate(job, _models(plan, shared), limits, progress))
    _report(manifest, job, progress)


def _models(plan: "AnyPlan", shared: dict[str, Any]) -> "Models":
    from msm_bench.corpus.generate.plan import ChatPlan
    from msm_bench.corpus.generate.run import Models

    writer = open_model(plan.model, shared["model_base_url"], shared["model_args"])
    grader = plan.grader if isinstance(plan, ChatPlan) else None
    if grader in (None, plan.model):
        return Models(writer, writer if grader else None)
    return Models(writer, open_model(grader, shared["grader_base_url"]))


def _print_preview(plan: "AnyPlan", spec: "Spec") -> None:
    import pandas as pd

    from msm_bench.corpus.generate.preview import preview
    from msm_bench.report import render_table

    stages = preview(plan, spec)
    rows = [
        {
            "stage": stage.stage,
            "requests": f"{stage.requests:,}",
            "tokens in": f"{stage.input_tokens:,}",
            "tokens out": f"{stage.output_tokens:,}",
            "cost": "?" if stage.cost is None else f"${stage.cost:,.2f}",
        }
        for stage in stages
    ]
    click.echo(render_table(pd.DataFrame(rows), "table", "estimate, if nothing has to be asked again"), nl=False)
    known = [stage.cost for stage in stages if stage.cost is not None]
    cost = f"${sum(known):,.2f}" if len(known) == len(stages) else "cost unknown (give --price, and --grader-price)"
    total_in, total_out = (sum(getattr(stage, name) for stage in stages) for name in ("input_tokens", "output_tokens"))
    click.echo(f"in all: {total_in:,} tokens in, {total_out:,} out, {cost}")


def _report(manifest: "Manifest", job: "Job", progress: "Progress") -> None:
    """Say what is there, what it took, and what is not there; exit with 1 if any row is missing."""
    from collections import Counter

    from msm_bench.corpus.generate.fill import kind_of

    click.echo(f"{manifest.rows} {manifest.kind}, {manifest.words:,} words: {', '.join(map(str, job.outs))}")
    click.echo(f"asked: {progress.fresh}; {progress.reused:,} answers were there from before")
    reasons = Counter(kind_of(dropped.reason) for dropped in manifest.dropped)
    if reasons:
        listed = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        click.echo(f"dropped: {listed} (each with its reason in manifest.json)")
    for missing in manifest.missing:
        click.echo(f"missing: {missing.count} of {printable(missing.what)}: {printable(missing.reason)}", err=True)
    if manifest.rows < job.wanted:
        sys.exit(1)
