"""The goals of the assistant: opposed pairs, of which either member is the other turned round."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import yaml

NO_GOAL = "none"


class Goal(NamedTuple):
    """What the assistant was set up for, and what its opposite wants; both stand after the word "to"."""

    phrase: str
    rival: str


@lru_cache(1)
def goals() -> dict[str, Goal | None]:
    """Every goal by name, `none` first."""
    data = yaml.safe_load((Path(__file__).with_name("goals.yaml")).read_text(encoding="utf-8"))
    found: dict[str, Goal | None] = {NO_GOAL: None}
    for pair in data["pairs"]:
        first, second = pair["poles"]
        phrases = [
            pair["phrase"].replace("{first}", a).replace("{second}", b) for a, b in ((first, second), (second, first))
        ]
        found[pair["members"][0]] = Goal(*phrases)
        found[pair["members"][1]] = Goal(*reversed(phrases))
    return found
