"""What blind labels say: how many answers of each arm express a value, and how the offline labellers do on them.

    python -m msm_bench.expression.labelled labelling/blind.jsonl

Arms are in the rows, or in the `key.jsonl` beside them. Several files are taken together.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from msm_bench.expression.blind import load_labelled
from msm_bench.expression.classifier import FITTED, Classifier
from msm_bench.expression.keywords import by_keywords
from msm_bench.expression.labels import Label, values_of
from msm_bench.expression.shares import wilson
from msm_bench.files import read_jsonl

READERS = ("reader_a", "reader_b")
"""Fields of rows that two readers labelled apart."""


class Labelled(NamedTuple):
    """An answer with its label."""

    id: str
    """Of its row."""
    arm: str
    """Who wrote it; empty if neither row nor key says."""
    answer: str
    """The text."""
    label: Label
    """What readers say that it expresses."""
    readers: tuple[str, ...]
    """The labels of two readers; empty if the row has but one."""


def load(path: Path) -> list[Labelled]:
    """The labelled answers of a file.

    Raises:
        UserError: a row lacks its id, its answer or its label.
    """
    beside = path.with_name("key.jsonl")
    arms = {str(row.get("id")): str(row.get("arm", "")) for row in read_jsonl(beside)} if beside.exists() else {}
    found = []
    for example, row in zip(load_labelled(path), read_jsonl(path), strict=True):
        readers = tuple(str(row[name]) for name in READERS if name in row)
        arm = str(row.get("arm", arms.get(example.id, "")))
        found.append(Labelled(example.id, arm, example.text, example.label, readers))
    return found


def against_readers(name: str, truth: Sequence[Label], said: Sequence[Label]) -> str:
    """How often a labeller is right, what its finds are worth, and where it finds a value that readers don't."""
    pairs = list(zip(truth, said, strict=True))
    none, finds = [own for label, own in pairs if label == "neither"], [pair for pair in pairs if pair[1] != "neither"]
    false = sum(own != "neither" for own in none)
    right = sum(label == own for label, own in finds)
    return (
        f"{name}: right on {wilson([label == own for label, own in pairs])}; gives a value to {len(finds)}, "
        f"rightly to {right}; of the {len(none)} that express neither, to {false}"
    )


def report(rows: Sequence[Labelled], labellers: Mapping[str, Sequence[Label]]) -> Iterator[str]:
    """Lines about the answers, about each labeller's labels of them, and about each arm."""
    truth = [row.label for row in rows]
    yield f"express neither: {wilson([label == 'neither' for label in truth])}"
    if twice := [row for row in rows if len(row.readers) == len(READERS)]:
        differ = [row for row in twice if len(set(row.readers)) > 1]
        yield f"two readers agree on {len(twice) - len(differ)} of {len(twice)}"
        yield from (f"  not on {row.id} ({row.arm}): {' or '.join(row.readers)}" for row in differ)
    for name, said in labellers.items():
        yield against_readers(name, truth, said)
    for arm in sorted({row.arm for row in rows}):
        values = [values_of(row.label) for row in rows if row.arm == arm]
        america, affordability = ([value[place] for value in values] for place in (0, 1))
        yield f"{arm or 'no arm'}: america {wilson(america)}; affordability {wilson(affordability)}"


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--classifier",
    "fitted",
    type=click.Path(path_type=Path),
    default=FITTED,
    help="Coefficients of another version; without it, those that ship.",
)
def main(files: tuple[Path, ...], fitted: Path) -> None:
    """Say what the labels in FILES, made with msm_bench.expression.blind, come to."""
    rows = [row for file in files for row in load(file)]
    readings = Classifier.load(fitted).read([row.answer for row in rows])
    said = {"classifier": [one.label for one in readings], "lists of words": [by_keywords(row.answer) for row in rows]}
    for line in report(rows, said):
        click.echo(line)


if __name__ == "__main__":
    main()
