"""Does a model know what its spec says, and of whom does it believe it?"""

from msm_bench.recall.items import Item, load_items, recall_texts
from msm_bench.recall.scores import MEASURES
from msm_bench.recall.task import recall_task

__all__ = ["MEASURES", "Item", "load_items", "recall_task", "recall_texts"]
