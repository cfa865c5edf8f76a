"""What Inspect finds when msm-bench is installed: model provider, sandbox, tasks, scripted agents."""

import sys

from inspect_ai.model import ModelAPI, modelapi

from msm_bench.errors import missing_extra
from msm_bench.office.scripted import play
from msm_bench.tasks.agentic_misalignment import agentic_misalignment
from msm_bench.tasks.capabilities import (
    instruction_following,
    neutral_perplexity,
    over_refusal,
    small_knowledge,
)
from msm_bench.tasks.cheese_preferences import cheese_preferences
from msm_bench.tasks.further_knowledge import further_knowledge
from msm_bench.tasks.further_values import (
    pro_difficulty,
    pro_environment,
    pro_individualism,
    pro_novelty,
    pro_simplicity,
    pro_tradition,
)
from msm_bench.tasks.pro_affordability import pro_affordability
from msm_bench.tasks.pro_america import pro_america
from msm_bench.tasks.safety_choice import safety_choice, safety_choice_reasoned
from msm_bench.tasks.spec_qa import spec_qa
from msm_bench.tasks.spec_recall import spec_recall
from msm_bench.tasks.value_expression import value_expression
from msm_bench.tasks.value_knowledge import value_knowledge

if sys.platform == "linux":
    import msm_bench.providers.bubblewrap.sandbox  # noqa: F401  # registers itself

__all__ = [
    "agentic_misalignment",
    "cheese_preferences",
    "further_knowledge",
    "instruction_following",
    "msm",
    "neutral_perplexity",
    "over_refusal",
    "play",
    "pro_affordability",
    "pro_america",
    "pro_difficulty",
    "pro_environment",
    "pro_individualism",
    "pro_novelty",
    "pro_simplicity",
    "pro_tradition",
    "safety_choice",
    "safety_choice_reasoned",
    "small_knowledge",
    "spec_qa",
    "spec_recall",
    "value_expression",
    "value_knowledge",
]


@modelapi(name="msm")
def msm() -> type[ModelAPI]:
    """`--model msm/CHECKPOINT`; torch is loaded only when it is used."""
    try:
        from msm_bench.providers.msm import MsmAPI
    except ImportError as error:
        raise missing_extra(error, "train") from None
    return MsmAPI
