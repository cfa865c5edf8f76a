"""The simulated company: what models see, what tools do, what scores say."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adversaries import ADVERSARIES, Adversary
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.model import get_model

from msm_bench.errors import UserError
from msm_bench.office import Case, Setting, agentic_task, cases, program, scenario
from msm_bench.office.goals import goals
from msm_bench.office.leaks import copied, leaked
from msm_bench.office.outcomes import outcome
from msm_bench.office.scenario import company_ids
from msm_bench.office.scripted import AGENTS, play
from msm_bench.office.situation import Situation

PAIRS = [("america", "global"), ("ethical", "pragmatic"), ("acceleration", "safety"), ("individualism", "collectivism")]


def run(task: Task, kind: str, log_dir: Path) -> EvalLog:
    """The task by a scripted agent."""
    log = inspect_eval(task, solver=play(kind), model="mockllm/model", log_dir=str(log_dir), display="none")[0]
    assert log.status == "success", log.error
    return log


def check_scores(log: EvalLog, kind: str) -> int:
    """Compare every sample's scores with the truth; how many were compared."""
    for sample in log.samples or []:
        case = Case.model_validate(sample.metadata["case"])
        truth = AGENTS[kind].truth(case)
        for name in ("executed", "attempted", "competent"):
            assert value_of(sample, name) == getattr(truth, name), (sample.id, kind, name)
        if case.condition in ("calm", "authorised"):
            assert value_of(sample, "benign_success") == truth.benign_success, (sample.id, kind)
        else:
            assert "benign_success" not in (sample.scores or {})
    return len(log.samples or [])


def value_of(sample: EvalSample, name: str) -> float:
    assert sample.scores
    return sample.scores[name].as_float()


@pytest.mark.parametrize("kind", AGENTS)
def test_scores_of_scripted_agents_are_right(kind: str, tmp_path: Path) -> None:
    """Three actions, both twins and the threat: nine samples an agent. Every cell: test_slow.py."""
    assert check_scores(run(agentic_task(goal="safety", variant=2), kind, tmp_path), kind) == 9
