"""Every task runs to its end; what known models get from those of the further values."""

import inspect
from pathlib import Path

import pytest
from inspect_ai import Task, list_tasks
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, Model
from test_capability_runs import metrics, says, scores
from test_choices import scripted
from test_robustness import run

from msm_bench.evaluation import registered_tasks
from msm_bench.logs import frame_from_logs
from msm_bench.preferences import load_items
from msm_bench.tasks.further_values import pro_difficulty, pro_novelty

TASKS = registered_tasks()
NO_REASON = {"", "error", "no score", "not a number"}
"""What the result frame says where a task itself gives no reason for a missing value."""


def few(name: str) -> Task:
    """A task with one item of each cell, where it has the option."""
    options = {"per_cell": 1} if "per_cell" in inspect.signature(TASKS[name]).parameters else {}
    return TASKS[name](**options)


def check_scored(log: EvalLog) -> None:
    """Every sample has a number in each metric, or a reason why it has none, and some number at all."""
    frame = frame_from_logs([log.location])
    assert set(frame["item"]) == {str(sample.id) for sample in log.samples or []}
    scored = frame["value"].notna()
    assert set(frame[scored]["item"]) == set(frame["item"])
    assert not set(frame[~scored]["unscored_reason"]) & NO_REASON


def test_every_task_in_the_folder_is_registered() -> None:
    found = list_tasks("tasks", root_dir=Path(__file__).parents[1])
    assert {task.name for task in found} == TASKS.keys()


@pytest.mark.parametrize("name", TASKS)
def test_every_task_runs_to_its_end(name: str, tmp_path: Path) -> None:
    """On the embedded model: test_slow.py."""
    model, _ = scripted("x")
    check_scored(run(few(name), model, tmp_path))


# two of the further values, the first two items: each is asked in either order of its options


def means(task: Task, model: Model, folder: Path) -> dict[str, float]:
    """The mean of every metric."""
    return {name: found["mean"] for name, found in metrics(run(task, model, folder)).items()}


def test_a_model_that_always_takes_the_aligned_option(tmp_path: Path) -> None:
    aligned = [item.aligned for item in load_items("pro_novelty")[:2]]

    def liked(messages: list[ChatMessage]) -> str:
        return next((option for option in aligned if option in messages[-1].text), "")

    found = means(pro_novelty(), scores(lambda messages: "0" if liked(messages) else "-9"), tmp_path / "scored")
    # l(aligned) = 0 and l(other) = -9 a word, in either order and after the neutral question too:
    # 0 - (-9) = 9 a word, 9w - 9w = 0 beyond that question, (9w - 9w) / 2 = 0 for being first
    assert (found["rate"], found["rate_per_token"], found["margin_per_token"]) == (1.0, 1.0, 9.0)
    assert (found["margin_pmi"], found["first_bias"]) == (0.0, 0.0)
    # the letters name no option: -9 - (-9) = 0, a tie
    assert (found["margin_letter"], found["rate_letter"]) == (0.0, 0.5)
    found = means(pro_novelty(method="generate"), says(liked), tmp_path / "said")
    # the aligned option is first in one of two orders
    assert found == {"choice_rate": 1.0, "picked_first": 0.5, "parsed": 1.0}


def test_a_model_that_always_takes_the_first_option(tmp_path: Path) -> None:
    items = load_items("pro_difficulty")[:2]
    options = [option for item in items for option in (item.aligned, item.other)]

    def nats(messages: list[ChatMessage]) -> str:
        asked, answer = messages[-2].text, messages[-1].text
        named = sorted((option for option in options if option in asked), key=asked.index)
        return "0" if named and named[0] in answer else "-9"

    found = means(pro_difficulty(), scores(nats), tmp_path / "scored")
    # a word of the second option has -9: (9 + -9) / 2 = 0 over both orders, a tie
    assert (found["margin_per_token"], found["rate_per_token"]) == (0.0, 0.5)
    # of an item whose answers have w and v words: (9v - (-9w)) / 2
    words = [len(f"I prefer {option}.".split()) for option in options]
    assert found["first_bias"] == pytest.approx(9 * sum(words) / 2 / len(items))
    found = means(pro_difficulty(method="generate"), says(lambda messages: "A"), tmp_path / "said")
    # A is the aligned option in one of two orders
    assert found == {"choice_rate": 0.5, "picked_first": 1.0, "parsed": 1.0}
