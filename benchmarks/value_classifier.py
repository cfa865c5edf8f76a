"""How well the classifier of `value_expression` labels, beside a baseline of two lists of words.

    python benchmarks/value_classifier.py [--labelled labelling/blind.jsonl] [--out FILE]

On training domains each left out, held-out domains, texts by another author, and answers of real models that were
labelled blind. Nothing is tuned here. A file is written only where --out says so; to make the kept one again:

    python benchmarks/value_classifier.py --out benchmarks/results/value_classifier.json
"""

import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from msm_bench.embedding import MODEL, MODEL_SHA256
from msm_bench.errors import UserError
from msm_bench.expression.agreement import Agreement, agreement, agreement_of_readings
from msm_bench.expression.blind import load_labelled
from msm_bench.expression.classifier import Reading, shipped
from msm_bench.expression.examples import Example, domains, examples_path, load_examples
from msm_bench.expression.fitting import Embedded, Setting, choose, embedded, leave_domains_out
from msm_bench.expression.keywords import by_keywords
from msm_bench.files import sha256_file, write_json

TEST_SETS = ("heldout", "apart")
OUTPUTS = Path(__file__).parents[1] / "results" / "value-expression-demo" / "second.jsonl"


def described(found: Agreement) -> dict[str, Any]:
    """An agreement as JSON, to four digits."""
    return dict(_rounded(found.model_dump(mode="json")))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(own) for name, own in value.items()}
    if isinstance(value, list):
        return [_rounded(own) for own in value]
    return round(value, 4) if isinstance(value, float) else value


def compared(examples: Sequence[Example], readings: Sequence[Reading]) -> dict[str, Any]:
    """Classifier and words on one set of texts."""
    truth, forms = [example.label for example in examples], [example.form for example in examples]
    words = [by_keywords(example.text) for example in examples]
    return {
        "classifier": described(agreement_of_readings(truth, readings, forms)),
        "keywords": described(agreement(truth, words, forms)),
    }


def left_out(rows: Sequence[Embedded], setting: Setting) -> dict[str, Any]:
    """The training examples, each read by a classifier that had not seen its domain."""
    ordered = sorted((row.example for row in rows), key=lambda example: example.domain)
    found = leave_domains_out(rows, setting)
    longer = described(agreement_of_readings(found.truth, found.lengthened))
    return {**compared(ordered, found.plain), "classifier_on_lengthened": longer}


def growth(rows: Sequence[Embedded], setting: Setting) -> list[dict[str, float]]:
    """Macro-F1 on left-out domains, as the number of domains to learn from grows."""
    names, points = domains([row.example for row in rows]), []
    for count in (3, 6, 9, 12, len(names)):
        found = leave_domains_out([row for row in rows if row.example.domain in names[:count]], setting)
        scored = agreement(found.truth, [reading.label for reading in found.plain])
        points.append({"domains": count - 1, "macro_f1": round(scored.macro_f1, 4)})
    return points


def shown(name: str, sets: dict[str, Any]) -> None:
    """One line for each labeller."""
    for who, found in sets.items():
        share = found["accuracy"]
        click.echo(
            f"{name:9} {who:25} accuracy {share['share']:.3f} [{share['low']:.3f}, {share['high']:.3f}] "
            f"macro-F1 {found['macro_f1']:.3f}, n {share['of']}"
        )


@click.command()
@click.option(
    "--labelled",
    type=click.Path(path_type=Path, exists=True),
    default=OUTPUTS,
    show_default=True,
    help="Answers of models, labelled blind.",
)
@click.option("--out", type=click.Path(path_type=Path), help="A file for everything in detail.")
def main(labelled: Path, out: Path | None) -> None:
    """Label every set, and say how well that went."""
    classifier, training = shipped(), examples_path("train")
    if classifier.examples_sha256 != sha256_file(training):
        raise UserError(
            f"{training}: not what the classifier was fitted to; run `python -m msm_bench.expression.fitting`"
        )
    rows, setting = embedded(load_examples(training)), Setting(classifier.window, classifier.c, classifier.discount)
    sets = {"train": left_out(rows, setting)}
    tests = {name: load_examples(examples_path(name)) for name in TEST_SETS}
    tests["outputs"] = load_labelled(labelled)
    sets |= {name: compared(own, classifier.read([example.text for example in own])) for name, own in tests.items()}
    for name, found in sets.items():
        shown(name, found)
    if out is None:
        return
    chosen = [{**tried._asdict(), "loss": round(found.loss, 4)} for tried, found in choose(rows).items()]
    write_json(out, summary(sets, chosen, growth(rows, setting)))


def summary(sets: dict[str, Any], chosen: list[dict[str, float]], points: list[dict[str, float]]) -> dict[str, Any]:
    """Everything that is written."""
    ours, peer = (sets["heldout"][who]["macro_f1"] for who in ("classifier", "keywords"))
    return {
        "ours": ours,
        "peer": peer,
        "ratio": round(ours / peer, 3),
        "goal": 1,
        "unit": "macro-F1 over four labels on held-out domains; peer: two lists of words",
        "growth": points,
        "growth_unit": "macro-F1 on domains left out, by the number of domains learned from",
        "encoder": {"model": MODEL, "sha256": MODEL_SHA256, "licence": "Apache-2.0"},
        "chosen": chosen,
        "chosen_by": "the least log loss on left-out training domains, texts as they stand and lengthened",
        "sets": sets,
        "command": "python " + shlex.join(sys.argv),
        "machine": f"{platform.machine()}, CPU, float32",
    }


if __name__ == "__main__":
    main()
