"""Open questions whose answers a grader holds against a Model Spec."""

from msm_bench.specqa.questions import DIMENSIONS, Question, load_questions
from msm_bench.specqa.scorers import all_scorers
from msm_bench.specqa.task import spec_qa_task

__all__ = ["DIMENSIONS", "Question", "all_scorers", "load_questions", "spec_qa_task"]
