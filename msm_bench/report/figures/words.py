"""What measures and tasks are called in figures, and numbers in words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from msm_bench.measures import MEASURES, unit
from msm_bench.report.figures.style import drawable
from msm_bench.results import UNTRAINED

_LABELS = {
    "margin": "preference margin (nats)",
    "rate": "value-aligned preference rate",
    "choice_rate": "value-aligned choices",
}


def measure_label(measure: str) -> str:
    """What an axis of a measure says."""
    if measure in _LABELS:
        return _LABELS[measure]
    name = drawable(measure.replace("_", " "))
    return f"{name} (nats)" if measure in MEASURES and unit(measure) == "nats" else name


def task_title(task: str) -> str:
    """A task's name in words."""
    return drawable(task.replace("_", " "))


def use_of(share: Mapping[str, Any]) -> str:
    """What is done with a corpus beyond the ordinary, from a stage's settings; empty, or begins with a space."""
    about = (share.get("names") or {}).get("model_name")
    return f"{' with reasoning' if share.get('reasoning') else ''}{f' about {drawable(about)}' if about else ''}"


def counted(number: int, thing: str) -> str:
    """A number of things, with an s where there is more than one."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names with commas and an `and`; of many, how many more there are."""
    found = [drawable(name) for name in names]
    if len(found) > most:
        return f"{', '.join(found[: most - 1])} and {len(found) - most + 1} more"
    return " and ".join(part for part in (", ".join(found[:-1]), *found[-1:]) if part)


def trained_seeds(frame: pd.DataFrame) -> int:
    """How many seeds there are, but for that of models which no recipe trained."""
    return len(set(frame["seed"]) - {UNTRAINED})


def sentences(parts: Sequence[str]) -> str:
    """Sentences in a row, without those that are empty."""
    return " ".join(part for part in parts if part)
