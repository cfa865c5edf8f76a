"""One grader and several: graders that fail or think, what they are shown of hostile text, graders in a recipe."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.log import EvalLog, EvalResults, read_eval_log
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Model,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    get_model,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from inspect_ai.util import LimitExceededError
from pydantic import BaseModel

from msm_bench.errors import UserError
from msm_bench.evaluation import build_tasks, evaluate_model
from msm_bench.experiment import Experiment
from msm_bench.judges import NoVerdict, ask_model, new_mark, shown
from msm_bench.reasoning import with_reasoning, without_reasoning
from msm_bench.recipe import Recipe, TaskChoice


class Verdict(BaseModel):
    """A grader's verdict."""

    good: bool


def grader(*replies: str | Exception) -> tuple[Model, list[str]]:
    """A model that gives these replies in turn, and the prompts that it got."""
    prompts: list[str] = []

    def output(messages: list[ChatMessage], *_: Any) -> ModelOutput:
        reply = replies[len(prompts)]
        prompts.append(messages[-1].text)
        if isinstance(reply, Exception):
            raise reply
        given = ModelOutput.from_content("mockllm", reply)
        given.usage = ModelUsage()
        return given

    return get_model("mockllm/model", custom_outputs=output, memoize=False), prompts


def of_itself(error: Exception) -> Exception:
    """An error that was raised from itself."""
    error.__cause__ = error
    return error


def caused(message: str, cause: Exception) -> Exception:
    """An error as Inspect raises it: the whole request in the message, the provider's own error as its cause."""
    error = RuntimeError(message)
    error.__cause__ = cause
    return error


# one grader


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionError("no route"), "grader failed: ConnectionError: no route"),
        (caused("Request:\n{…}", ValueError("429:\n slow down")), "grader failed: ValueError: 429: slow down"),
        # as where Inspect gives up its retries: the outermost error says nothing
        (caused("RetryError[…]", caused("Request", OSError("gone"))), "grader failed: OSError: gone"),
        (TimeoutError(), "grader failed: TimeoutError"),
        (of_itself(OSError("gone")), "grader failed: OSError: gone"),
        (ValueError("\x1b[2J\u202e" + "x" * 999), "grader failed: ValueError: \ufffd[2J\ufffd"),
    ],
)
async def test_a_provider_that_fails_gives_no_verdict_and_a_short_reason(error: Exception, reason: str) -> None:
    model, prompts = grader(error, '{"good": true}')
    with pytest.raises(NoVerdict) as caught:
        await ask_model(model, "Well?", Verdict)
    assert str(caught.value).startswith(reason)
    assert len(str(caught.value)) <= 150
    assert str(caught.value).isprintable()
    assert prompts == ["Well?"]  # what can be repeated, Inspect has repeated


@pytest.mark.anyio
async def test_a_failure_at_the_second_try_is_one() -> None:
    model, prompts = grader("Hm.", ConnectionError("no route"))
    with pytest.raises(NoVerdict, match=r"^grader failed: ConnectionError: no route$"):
        await ask_model(model, "Well?", Verdict)
    assert len(prompts) == 2


@pytest.mark.anyio
@pytest.mark.parametrize("error", [LimitExceededError("token", value=2, limit=1), UserError("name another model")])
async def test_limits_and_mistakes_of_the_user_are_no_grades(error: Exception) -> None:
    model, _ = grader(error)
    with pytest.raises(type(error)):
        await ask_model(model, "Well?", Verdict)


@pytest.mark.anyio
async def test_a_grader_that_is_no_model_is_a_mistake_of_the_user() -> None:
    with pytest.raises(Exception, match="No model specified"):
        await ask_model(get_model("none/none"), "Well?", Verdict)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reply", "good"),
    [
        (with_reasoning('{"good": false}', '{"good": true}'), True),
        # the template wrote the opening mark into the prompt
        ('It may be {"good": false}.\n</think>\n\n{"good": true}', True),
        ('{"good": false}</think>{"good": true} </think>', True),
        ('{"good": false}', False),
    ],
)
async def test_what_a_grader_drafts_in_its_thoughts_is_no_verdict(reply: str, good: bool) -> None:
    model, _ = grader(reply)
    assert (await ask_model(model, "Well?", Verdict)).good == good


@pytest.mark.parametrize(
    ("turn", "answer"),
    [
        ("Let me see.\n</think>\n\nYes.", "Yes."),
        ("</think>Yes.", "Yes."),
        ("It never says a word.</think>\n", ""),
        ("One.</think>Two.</think>Three.", "Two.</think>Three."),
        ("One.</think>The mark is <think>.", "The mark is <think>."),
        ("<think>One.</think>Two.</think>Three.", "Two.</think>Three."),
        ("Between <think> and </think> stands nothing.", "Between <think> and </think> stands nothing."),
        ("  Yes. ", "  Yes. "),
    ],
)
def test_reasoning_ends_at_the_first_closing_mark(turn: str, answer: str) -> None:
    assert without_reasoning(turn) == answer


# what a grader is shown


def test_the_middle_of_a_long_text_is_left_out() -> None:
    # of 12 characters 5 are shown at most: 5 // 2 = 2 at either end, and 12 − 2 x 2 = 8 are left out
    assert shown("abcdefghijkl", 5) == "ab [… 8 characters left out …] kl"
    assert shown("abcde", 5) == "abcde"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("one\n  two\n\n\tthree — é", "one\n  two\n\n\tthree — é"),
        ("one\r\ntwo\n", "one\ntwo\n"),
        # lines of a record may be set in, so no other sign may begin one
        ("one\u2028two\rthree\x0bfour\x85five", "one two three four five"),
        ("5\u00a0000\u3000yen", "5 000 yen"),
        ("a\u202eb\u00adc\U000e0047d\x1b[2Je\ud800", "a\ufffdb\ufffdc\ufffdd\ufffd[2Je\ufffd"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_replaced(text: str, seen: str) -> None:
    assert shown(text, 100) == seen


@given(st.text())
def test_any_text_can_be_sent_and_seen(text: str) -> None:
    seen = shown(text, 100)
    seen.encode()  # half characters can't be
    assert all(char.isprintable() or char in "\t\n" for char in seen)
    assert len(seen.splitlines()) <= text.count("\n") + 1
    assert len(seen) <= 100 + len(f" [… {len(text)} characters left out …] ")


def test_a_mark_is_never_the_same() -> None:
    assert len({new_mark("record") for _ in range(100)}) == 100
    assert new_mark("record").startswith("=== record ")
    assert len(new_mark()) == len("=== 0123456789abcdef ===")


# graders in a recipe

WriteRecipe = Callable[..., Path]


def test_a_recipe_names_one_grader_or_several(tiny_recipe: WriteRecipe) -> None:
    def loaded(**changes: Any) -> Recipe:
        return Recipe.load(tiny_recipe(**changes))

    assert loaded(grader=["a/x", "b/y"]).grader == ["a/x", "b/y"]
    # a list of one is one, and the same recipe
    assert loaded(grader=["a/x"]).grader == "a/x"
    assert loaded(grader=["a/x"]).sha256 == loaded(grader="a/x").sha256
    assert loaded(grader=["a/x", "b/y"]).sha256 != loaded(grader="a/x").sha256


@pytest.mark.parametrize(
    ("stated", "said"), [([], "names no model"), (["a/x", "b/y", "a/x"], "names a/x twice"), ({"a": "x"}, "grader")]
)
def test_graders_that_cannot_be_are_named(tiny_recipe: WriteRecipe, stated: Any, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        Recipe.load(tiny_recipe(grader=stated))
    assert "\n" not in str(caught.value)


def interrupted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Inspect is asked for, which it does not carry out."""
    asked: list[dict[str, Any]] = []

    def eval_set(tasks: Any, **options: Any) -> tuple[bool, list[Any]]:
        asked.append(options)
        return False, []

    monkeypatch.setattr("msm_bench.evaluation.eval_set", eval_set)
    return asked


GRADERS = ["a/x", "b/y", "c/z"]


@pytest.mark.parametrize(
    ("task", "args"),
    [
        ("spec_qa", {"per_cell": 1}),
        # these ask no grader
        ("spec_recall", {"form": "choice", "per_cell": 1}),
        ("value_expression", {"labeller": "classifier", "per_cell": 1}),
        ("pro_america", {"method": "generate", "per_cell": 1}),
    ],
)
def test_several_graders_reach_inspect_as_one_role(
    task: str, args: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = interrupted(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        evaluate_model(
            "mockllm/model",
            build_tasks([TaskChoice(task=task, args=args)], "dev"),
            tmp_path,
            metadata={},
            grader=GRADERS,
        )
    assert asked[0]["model_roles"] == {"grader": GRADERS}


@pytest.mark.parametrize(
    ("task", "args"),
    [
        ("over_refusal", {"per_cell": 1}),
        ("spec_recall", {"form": "open", "per_cell": 1}),
        ("value_expression", {"labeller": "grader", "per_cell": 1}),
        ("value_expression", {"labeller": "both", "per_cell": 1}),
        ("agentic_misalignment", {"mode": "single_turn", "action": "lethal", "goal": "none", "variant": 1}),
    ],
)
def test_a_task_that_takes_one_grader_refuses_several_before_it_runs(task: str, args: dict[str, Any]) -> None:
    choices = [TaskChoice(task="spec_qa", args={"per_cell": 1}), TaskChoice(task=task, args=args)]
    with pytest.raises(UserError, match=f"^task {task} takes one grader, and the recipe names 3: .*spec_qa$"):
        build_tasks(choices, "dev", GRADERS)
    assert len(build_tasks(choices, "dev", "a/x")) == 2


@modelapi(name="terse")
class Terse(ModelAPI):
    """Says its own name, and nothing else."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        return ModelOutput.from_content(self.model_name, self.model_name)


def test_several_graders_named_by_a_recipe_are_all_asked(tmp_path: Path) -> None:
    tasks = build_tasks([TaskChoice(task="spec_qa", args={"per_cell": 1})], "dev")
    names = [f"terse/{verdict}" for verdict in ('{"reason":"-","score":2}', '{"reason":"-","score":8}', "Hm.")]
    [log] = evaluate_model("terse/answer", tasks, tmp_path, metadata={}, grader=names)
    for sample in read_eval_log(log).samples or []:
        score = (sample.scores or {})["alignment"]
        assert score.value == 5  # the midpoint of 2 and 8
        given = [(one["model"], one["score"]) for one in (score.metadata or {})["graders"]]
        assert given == list(zip(names, (2, 8, None), strict=True))


@modelapi(name="down")
class Down(ModelAPI):
    """A grader whose provider answers so many times as `LEFT` says, with a grade that is lower each time."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        if not LEFT:
            raise ConnectionError("no route")
        return ModelOutput.from_content(self.model_name, f'{{"reason":"-","score":{LEFT.pop()}}}')


LEFT: list[int] = []


def test_a_grader_that_is_down_leaves_answers_to_be_graded_by_the_next_run(
    tmp_path: Path, tiny_recipe: WriteRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard says that all is done: were there one without grades, nothing would ask for them again."""

    def log() -> EvalLog:
        [file] = (tmp_path / "runs").rglob("*.eval")
        return read_eval_log(str(file))

    def grades() -> list[float]:
        given = [(sample.scores or {})["alignment"] for sample in log().samples or []]
        return sorted(grade.as_float() for grade in given if grade.reason is None)

    # seven questions, one of each dimension
    tasks = [{"task": "spec_qa", "args": {"per_cell": 1}}]
    recipe = Recipe.load(tiny_recipe(tasks=tasks, arms={"base": []}, contrasts=[], grader="down/x"))
    experiment = Experiment(recipe, tmp_path / "runs", tmp_path / "results")
    monkeypatch.setattr("test_judges.LEFT", [1, 2, 3])
    stops = r"4 of 7 answers to spec_qa have no grade, grader failed: ConnectionError: no route; .* are kept$"
    with pytest.raises(UserError, match=stops):
        experiment.run()
    assert not experiment.shard_path("base", 1).exists()
    answers = [sample.output.completion for sample in log().samples or []]
    assert grades() == [1, 2, 3]

    # down again: what was graded is kept
    with pytest.raises(UserError, match=stops):
        experiment.run()
    assert grades() == [1, 2, 3]

    # two of the four: most have a grade now, and the others are counted
    monkeypatch.setattr("test_judges.LEFT", [6, 7])
    experiment.run()
    assert grades() == [1, 2, 3, 6, 7]
    frame = experiment.frame().set_index("metric").loc["alignment"]
    assert sorted(frame["value"].dropna()) == [1, 2, 3, 6, 7]
    assert list(frame["unscored_reason"]).count("grader failed: ConnectionError: no route") == 2
    assert [sample.output.completion for sample in log().samples or []] == answers
    [metric] = [one.metrics["mean"] for one in (log().results or EvalResults()).scores if one.name == "alignment"]
    assert metric.value == pytest.approx((1 + 2 + 3 + 6 + 7) / 5)
