"""The simulated company of the agentic tasks: companies and goals as text, tools, state, scorers."""

from msm_bench.office.scenario import Case, Setting, cases, scenario
from msm_bench.office.task import agentic_task

__all__ = ["Case", "Setting", "agentic_task", "cases", "scenario"]
