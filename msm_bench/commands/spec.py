"""`msm-bench spec`: variants of a Model Spec."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from msm_bench.commands.models import (
    ASKING,
    NAMES,
    SAMPLING,
    limits_of,
    open_model,
    set_price,
    who_writes,
    with_options,
)
from msm_bench.errors import UserError, explain_invalid
from msm_bench.variants.plan import Length, Record, Variant, VariantPlan

if TYPE_CHECKING:
    from msm_bench.specs import Spec
    from msm_bench.variants.derive import Job


@click.group()
def spec() -> None:
    """Model Specs."""


@spec.command()
@click.argument("spec_path", metavar="SPEC", type=click.Path(path_type=Path))
@click.option("--variant", type=click.Choice(get_args(Variant)), required=True, help="What to make of SPEC.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The variant's file, FILE.md.")
@click.option("--words", type=click.IntRange(1), help="How long it is to be, within 5 %.")
@click.option("--tokens", type=click.IntRange(1), help="The same in tokens of --tokenizer.")
@click.option("--tokenizer", metavar="BASE", help="A base model that is prepared.")
@click.option("--value-words", default="", metavar="WORD,WORD", help="ablated: more words that speak of the value.")
@click.option("--rules", type=click.IntRange(1), default=12, show_default=True, help="rules: how many.")
@click.option("--subrules", type=click.IntRange(1), default=110, show_default=True, help="rule-augmented: in all.")
@click.option("--as", "other_name", metavar="NAME", help="renamed: the other assistant.")
@click.option("--maker", "other_maker", metavar="NAME", help="renamed: who makes it.")
@with_options(who_writes(required=False))
@click.option("--workdir", type=click.Path(path_type=Path), help="Where answers are kept [default: runs/specs/FILE].")
@with_options([*NAMES, *SAMPLING, *ASKING])
def derive(spec_path: Path, out: Path, workdir: Path | None, **given: Any) -> None:
    """Make a variant of SPEC.

    \b
    ablated          the value in general; the preferences shuffled, without reasons
    rules            the conduct that SPEC implies, as rules without reasons
    value-augmented  SPEC's rules word for word, with reasons
    rule-augmented   SPEC's rules word for word, with subrules
    general          a paragraph on good values and good judgement
    anti             the opposite values, likes and dislikes swapped
    renamed          SPEC said of another assistant

    renamed needs no --model, nor does ablated if no passage outside the lists of SPEC ties the preferences to anything.
    """
    from msm_bench.specs import Spec
    from msm_bench.variants.derive import Job, check, done_before

    source = Spec.load(spec_path)
    job = Job(_plan(source, out, given), source, out, workdir or Path("runs") / "specs" / out.stem)
    check(job)
    done = done_before(job)
    _report(job, done or _make(job, given), was_there=done is not None)


def _plan(source: "Spec", out: Path, given: dict[str, Any]) -> VariantPlan:
    from msm_bench.specs import Names

    other = given["other_name"], given["other_maker"]
    if any(other) and not all(other):
        raise UserError("--as and --maker go together: the other assistant's name, and who makes it")
    with explain_invalid("spec derive"):
        return VariantPlan(
            variant=given["variant"],
            id=out.stem,
            spec=source.meta.id,
            spec_sha256=source.sha256,
            model=given["model"],
            names=Names(model_name=given["model_name"], provider_name=given["provider_name"]),
            renamed=Names(model_name=other[0], provider_name=other[1]) if all(other) else None,
            value_words=[word.strip() for word in given["value_words"].split(",") if word.strip()],
            rules=given["rules"],
            subrules=given["subrules"],
            length=_length(given),
            seed=given["seed"],
            temperature=given["temperature"],
            thinking_tokens=given["thinking_tokens"],
        )


def _length(given: dict[str, Any]) -> Length | None:
    from msm_bench.basemodels import resolve

    words, tokens, tokenizer = given["words"], given["tokens"], given["tokenizer"]
    if (tokens is None) != (tokenizer is None):
        raise UserError("--tokens and --tokenizer go together: how many, and of which base model")
    if words and tokens:
        raise UserError("--words and --tokens: give one of the two")
    if tokens:
        return Length(size=tokens, tokenizer=tokenizer, tokenizer_sha256=resolve(tokenizer).sha256)
    return Length(size=words) if words else None


def _make(job: "Job", given: dict[str, Any]) -> Record:
    import asyncio

    from msm_bench.corpus.generate.progress import Progress
    from msm_bench.files import explain_full_disk
    from msm_bench.variants.derive import derive as derive_variant

    model = None
    if job.plan.model:
        if given["price"]:
            set_price(job.plan.model, *given["price"])
        model = open_model(job.plan.model, given["model_base_url"], given["model_args"])
    with explain_full_disk(job.workdir, job.out.parent):
        return asyncio.run(derive_variant(job, model, limits_of(given), Progress()))


def _report(job: "Job", record: Record, *, was_there: bool) -> None:
    """Say what is there; exit with 1 if it is too long or too short."""
    length = job.plan.length
    unit = length.unit if length else "words"
    click.echo(f"{job.out}: {'already there, ' if was_there else ''}{record.size:,} {unit}")
    if length and not record.near:
        off = abs(record.size / length.size - 1)
        side = "longer" if record.size > length.size else "shorter"
        click.echo(f"{job.out}: {off:.1%} {side} than the {length.size:,} {unit} asked for", err=True)
        sys.exit(1)
