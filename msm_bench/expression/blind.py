"""Real answers to be labelled blind: drawn from logs of `value_expression`, shuffled, their makers' names apart.

    python -m msm_bench.expression.blind logs/ --out labelling/ --per-arm 20

`blind.jsonl` has what a labeller reads, and an empty `label` to be filled in (`msm_bench.expression.labels` says what
the labels mean); `key.jsonl` has where each answer came from, and is not to be opened before. Then

    python -m msm_bench.expression.labelled labelling/blind.jsonl

Answers are drawn, not texts: what an arm says twice can be drawn twice, so that shares are shares of its answers.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

import click
import numpy as np

from msm_bench.errors import UserError, printable
from msm_bench.expression.examples import Example
from msm_bench.expression.labels import LABELS, Label
from msm_bench.files import read_jsonl, write_text
from msm_bench.logs import about_log, log_files, read_log
from msm_bench.reasoning import without_reasoning

TASK = "value_expression"
ONCE = ("arm", "seed", "item", "epoch")
"""What an answer is known by."""


class Answer(NamedTuple):
    """An answer in a log."""

    arm: str
    """The arm, or the model and its options where no recipe made the log, as in a result frame."""
    prompt: str
    """What was asked."""
    answer: str
    """What was answered, without reasoning."""
    label: str
    """The classifier's; empty if it did not label the answer."""
    source: dict[str, str | int]
    """Arm, seed, log, item, epoch."""


def answers(paths: Sequence[str]) -> list[Answer]:
    """The answers in logs of the task; of a log that is there twice, or was finished by a retry, each answer once.

    Raises:
        UserError: a path holds no log, a log can't be read, no log is of the task, or the logs have different answers
            to an item for one arm, seed and epoch.
    """
    found: dict[tuple[str | int, ...], Answer] = {}
    for file in log_files(paths):
        for answer in _answers(file):
            first = found.setdefault(tuple(answer.source[part] for part in ONCE), answer)
            if first.answer != answer.answer:
                raise UserError(
                    f"{file}: arm {answer.arm} answers {answer.source['item']} otherwise than in another log, "
                    f"{first.source['log']}; draw from one run of an arm and seed at a time"
                )
    if not found:
        raise UserError(f"{', '.join(paths)}: no answers of the task {TASK}")
    return list(found.values())


def _answers(file: str) -> Iterator[Answer]:
    head = read_log(file, header_only=True)
    if head.eval.task.split("/")[-1] != TASK:
        return
    about = about_log(head)
    for sample in read_log(file).samples or []:
        text = without_reasoning(sample.output.completion).strip()
        score = (sample.scores or {}).get("expressed")
        source = {**{part: about[part] for part in ("arm", "seed", "log")}, "item": sample.id, "epoch": sample.epoch}
        if text and isinstance(sample.input, str):
            yield Answer(about["arm"], sample.input, text, (score.answer or "") if score else "", source)


def draw(found: Sequence[Answer], per_arm: int, seed: int, by_label: bool) -> list[Answer]:
    """At most `per_arm` answers of each arm, in random order.

    Args:
        found: The answers.
        per_arm: So many of each arm.
        seed: Of the draw.
        by_label: Take the classifier's labels in turn, so that rare ones occur. Then the precision of each label can
            be read off, accuracy and recall can not.
    """
    random = np.random.default_rng(seed)
    drawn: list[Answer] = []
    for arm in sorted({answer.arm for answer in found}):
        own = [answer for answer in found if answer.arm == arm]
        shuffled = [own[index] for index in random.permutation(len(own))]
        drawn += (_in_turn(shuffled) if by_label else shuffled)[:per_arm]
    return [drawn[index] for index in random.permutation(len(drawn))]


def _in_turn(found: Sequence[Answer]) -> list[Answer]:
    seen: dict[str, int] = defaultdict(int)
    ranked = []
    for answer in found:
        ranked.append((seen[answer.label], answer))
        seen[answer.label] += 1
    return [answer for _, answer in sorted(ranked, key=lambda pair: pair[0])]


def write_blind(drawn: Sequence[Answer], folder: Path) -> None:
    """Write `blind.jsonl` and `key.jsonl` to a folder.

    Raises:
        UserError: there is a `blind.jsonl` already, which may have labels.
    """
    if (folder / "blind.jsonl").exists():
        raise UserError(f"{folder / 'blind.jsonl'}: exists, and may have labels; choose another folder")
    blind, key = [], []
    for number, answer in enumerate(drawn, 1):
        id = f"answer-{number:04d}"
        blind.append({"id": id, "prompt": answer.prompt, "answer": answer.answer, "label": ""})
        key.append({"id": id, **answer.source, "classifier": answer.label})
    for name, rows in (("blind", blind), ("key", key)):
        write_text(folder / f"{name}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def load_labelled(path: Path) -> list[Example]:
    """The answers in a `blind.jsonl` that has its labels, as examples.

    Raises:
        UserError: a row has no label of the four, or lacks id or answer.
    """
    found: list[Example] = []
    for number, row in enumerate(read_jsonl(path), 1):
        if row.get("label") not in get_args(Label):
            said = printable(repr(row.get("label")), 30)
            raise UserError(f"{path}: answer {number}: its label is {said}; use {', '.join(LABELS)}")
        if not str(row.get("id", "")).strip() or not str(row.get("answer", "")).strip():
            raise UserError(f"{path}: answer {number}: lacks its id or its answer; restore the row")
        found.append(
            Example(
                id=str(row["id"]),
                domain="outputs",
                label=row["label"],
                prompt=str(row.get("prompt", "")),
                text=str(row["answer"]),
            )
        )
    return found


@click.command()
@click.argument("logs", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A folder for blind.jsonl and key.jsonl.")
@click.option("--per-arm", type=click.IntRange(1), default=20, show_default=True, help="Answers of each arm.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the draw.")
@click.option("--by-label", is_flag=True, help="Take the classifier's labels in turn, so that rare ones occur.")
def main(logs: tuple[str, ...], out: Path, per_arm: int, seed: int, by_label: bool) -> None:
    """Draw answers from LOGS of value_expression for blind labelling."""
    drawn = draw(answers(logs), per_arm, seed, by_label)
    write_blind(drawn, out)
    click.echo(f"{len(drawn)} answers: {out / 'blind.jsonl'}")


if __name__ == "__main__":
    main()
