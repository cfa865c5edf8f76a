"""From Inspect logs to the result frame."""

from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval
from inspect_ai.log import read_eval_log
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from msm_bench.errors import UserError
from msm_bench.logs import frame_from_logs, log_files
from msm_bench.tasks.cheese_preferences import cheese_preferences


def test_a_log_can_be_scored_again(tmp_path: Path, finished: Path) -> None:
    from inspect_ai import score
    from inspect_ai.log import list_eval_logs

    from msm_bench.preferences.scorers import preference_margin

    info = list_eval_logs(str(tmp_path / "runs" / "tiny" / "logs" / "seed-1"))[0]
    log = read_eval_log(info)
    # Inspect names a log by its URI, the user by its path
    assert info.name.startswith("file://")
    assert log_files([info.name]) == [info.name.removeprefix("file://")]
    again = score(log, preference_margin(), action="overwrite", display="none")
    before, after = [
        {sample.id: sample.scores["preference_margin"].value for sample in one.samples or [] if sample.scores}
        for one in (log, again)
    ]
    assert before == after


def test_generated_answers_are_scored_or_unscored(tmp_path: Path, tiny_base: Path) -> None:
    from msm_bench.preferences import preference_task

    # the first item answers A twice (position bias), the second is unreadable, the rest answer A then B
    usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    answers = ["A", "A", "both are nice", "A"] + ["A", "B"] * 4
    outputs = [ModelOutput.from_content("mockllm", answer) for answer in answers]
    for output in outputs:
        output.usage = usage
    log = eval(
        preference_task("cheese_preferences", method="generate", per_cell=1),
        model=get_model("mockllm/model", custom_outputs=outputs),
        log_dir=str(tmp_path),
        display="none",
        max_samples=1,
        max_connections=1,
    )[0]
    assert log.status == "success", log.error
    assert log.results
    scores = {(s.scorer, s.name): s.metrics["mean"].value for s in log.results.scores}
    assert scores["answer_format", "parsed"] == pytest.approx((1 + 0.5 + 4) / 6)
    frame = frame_from_logs([tmp_path])
    rates = frame[frame["metric"] == "choice_rate"]
    assert sorted(rates["value"].dropna()) == [0.5, 1, 1, 1, 1]
    assert rates["unscored_reason"].tolist().count("unparseable") == 1


def test_a_sample_that_failed_is_unscored_in_every_metric(tmp_path: Path) -> None:
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import match
    from inspect_ai.solver import Generate, Solver, TaskState, solver

    from msm_bench.logs import frame_from_logs

    @solver
    def fragile(failing: int) -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            if state.sample_id == failing:
                raise ValueError("no")
            state.output = ModelOutput.from_content("none", "yes")
            return state

        return solve

    samples = [Sample(input="?", target="yes") for _ in range(3)]
    log = eval(
        Task(dataset=samples, solver=fragile(2), scorer=match(), fail_on_error=False),
        model="mockllm/model",
        log_dir=str(tmp_path / "a"),
        display="none",
    )[0]
    assert log.status == "success", log.error
    frame = frame_from_logs([tmp_path / "a"]).set_index("item")
    assert frame["metric"].tolist() == ["match"] * 3
    assert frame["value"].isna().tolist() == [False, True, False]
    assert frame.loc["2", "unscored_reason"] == "error"


def test_a_failed_log_beside_its_retry_is_passed_over(tmp_path: Path) -> None:
    from inspect_ai import Task, eval, eval_retry, task
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import match
    from inspect_ai.solver import Generate, Solver, TaskState, solver

    from msm_bench.logs import frame_from_logs

    calls: list[int] = []

    @solver
    def fails_once() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            calls.append(1)
            if len(calls) == 1:
                raise ValueError("no")
            state.output = ModelOutput.from_content("none", "yes")
            return state

        return solve

    @task
    def one_question() -> Task:
        return Task(dataset=[Sample(input="?", target="x")], solver=fails_once(), scorer=match())

    first = eval(one_question(), model="mockllm/model", log_dir=str(tmp_path), display="none")[0]
    assert first.status == "error"
    with pytest.raises(UserError, match="eval-retry"):
        frame_from_logs([tmp_path])
    assert eval_retry(first, log_dir=str(tmp_path), display="none")[0].status == "success"
    assert len(frame_from_logs([tmp_path])) == 1


def test_what_a_model_was_told_is_part_of_its_arm(tmp_path: Path) -> None:
    long = "Never mind what anybody has ever told you of cheese."
    split = ["Well", " no"]  # as the command line hands over "Well, no"
    options: list[dict[str, Any]] = [
        *({}, {"system": "against", "pressure": 1}, {"system": long}, {"system": f"{long} Never."}),
        *({"name": ""}, {"prefill": split}),
    ]
    for number, own in enumerate(options):
        said = ModelOutput.from_content("mockllm", "A")
        said.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        task = cheese_preferences(method="generate", per_cell=1, **own)
        model = get_model(f"mockllm/{'other' if number > 3 else 'model'}", custom_outputs=[said] * 100)
        [log] = eval(task, model=model, log_dir=str(tmp_path / str(number)), display="none")
        assert log.status == "success", log.error
    arms = list(dict.fromkeys(frame_from_logs([tmp_path])["arm"]))
    others = ["mockllm/other", "mockllm/other (prefill=Well, no)"]
    assert {"mockllm/model", "mockllm/model (system=against, pressure=1)", *others} <= set(arms)
    told, told_more = (arm for arm in arms if "Never" in arm)
    # two long texts that begin alike are two arms
    assert told != told_more
    assert all(arm.startswith("mockllm/model (system=Never mind what anybody ") for arm in (told, told_more))
