"""Forced choices between an option that a value favours and one that it does not."""

from msm_bench.preferences.context import Context, make_context
from msm_bench.preferences.items import Item, load_items
from msm_bench.preferences.task import knowledge_task, preference_task, reasoned_task, valued_task

__all__ = [
    "Context",
    "Item",
    "knowledge_task",
    "load_items",
    "make_context",
    "preference_task",
    "reasoned_task",
    "valued_task",
]
