"""What training costs: likelihood of neutral prose, instructions, everyday facts, refusals of harmless requests."""

from msm_bench.capabilities.facts import knowledge_task
from msm_bench.capabilities.instructions import instruction_task
from msm_bench.capabilities.passages import perplexity_task
from msm_bench.capabilities.refusals import refusal_task

__all__ = ["instruction_task", "knowledge_task", "perplexity_task", "refusal_task"]
