"""Contrasts on a part of the items, and whether an effect grows with what the base model knows."""

import math

import pandas as pd
import pytest

from msm_bench.recipe import Contrast, Term
from msm_bench.report.tables import knowledge_summary, knowledge_table
from msm_bench.results import COLUMNS
from msm_bench.stats import NotComparable, item_effects, item_knowledge, moderation, restrict

TERMS = [Term(arm="a", task="t", weight=0.5), Term(arm="b", task="t", weight=-0.5)]
CONTRAST = Contrast(name="a - b", terms=TERMS)


def rows(arm: str, task: str, margins: list[float], seed: int = 1) -> list[dict[str, object]]:
    """A margin for each of the items i0, i1 …; even ones are described, and stand in cell x."""
    return [
        {
            **dict.fromkeys(COLUMNS, ""),
            **{"arm": arm, "seed": seed, "task": task, "item": f"i{number}", "metric": "margin", "value": margin},
            "cell": "y" if number % 2 else "x",
            "cue": "named" if number % 2 else "described",
            "epoch": 1,
        }
        for number, margin in enumerate(margins)
    ]


KNOWLEDGE = [1.0, -1.0, 2.0, 3.0]
FRAME = pd.DataFrame(
    [
        *rows("base", "value_knowledge", KNOWLEDGE),
        *rows("a", "t", [1.0, 0.0, 2.0, 3.0], seed=1),
        *rows("a", "t", [3.0, 0.0, 2.0, 3.0], seed=2),
        *rows("b", "t", [1.0, 1.0, 0.0, 0.0], seed=1),
        *rows("b", "t", [1.0, 1.0, 0.0, 0.0], seed=2),
    ]
)


def items(**fields: object) -> list[str]:
    """The items of task t that a contrast with these fields is about."""
    kept = restrict(FRAME, CONTRAST.model_validate({**CONTRAST.model_dump(), **fields}))
    return sorted(set(kept[kept["task"] == "t"]["item"]))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["i0", "i1", "i2", "i3"]),
        ({"subset": "all"}, ["i0", "i1", "i2", "i3"]),
        ({"subset": "named"}, ["i1", "i3"]),
        ({"without_cells": ["x"]}, ["i1", "i3"]),
        # the base model's margin is above 0 for all but i1
        ({"subset": "known"}, ["i0", "i2", "i3"]),
        ({"subset": "unknown"}, ["i1"]),
        ({"subset": ["named", "known"]}, ["i3"]),
    ],
)
def test_a_contrast_is_about_its_items(fields: dict[str, object], expected: list[str]) -> None:
    assert items(**fields) == expected


def test_what_was_not_asked_is_not_known() -> None:
    with pytest.raises(NotComparable, match="'base' on task value_knowledge or further_knowledge"):
        item_knowledge(FRAME[FRAME["arm"] != "base"])


def test_either_probe_says_what_is_known() -> None:
    further = FRAME.assign(task=FRAME["task"].replace("value_knowledge", "further_knowledge"))
    assert item_knowledge(further).to_list() == item_knowledge(FRAME).to_list() == KNOWLEDGE


def test_effects_are_differences_of_means_over_seeds() -> None:
    # i0: (1 + 3)/2 − 1; i1: 0 − 1; i2: 2 − 0; i3: 3 − 0; the weights ±½ are scaled to ±1
    effects = item_effects(FRAME, CONTRAST).set_index("item")
    assert effects["effect"].to_dict() == pytest.approx({"i0": 1.0, "i1": -1.0, "i2": 2.0, "i3": 3.0})
    assert effects["knowledge"].to_list() == KNOWLEDGE


def test_an_effect_takes_the_seeds_that_the_arms_share() -> None:
    # without seed 2 of b, seed 1 alone: i0 is 1 − 1
    some = FRAME[(FRAME["arm"] != "b") | (FRAME["seed"] == 1)]
    assert item_effects(some, CONTRAST).set_index("item")["effect"]["i0"] == 0.0


def test_the_effect_here_is_what_is_known() -> None:
    # effect = knowledge exactly: slope 1, and a line without error has limits of no width
    line = moderation(item_effects(FRAME, CONTRAST))
    assert (line.slope, line.low, line.high, line.items) == pytest.approx((1.0, 1.0, 1.0, 4))
    assert math.isnan(moderation(item_effects(FRAME, CONTRAST).head(2)).slope)


def test_the_table_says_how_much_is_known() -> None:
    summary = knowledge_summary(item_effects(FRAME, CONTRAST)).set_index("cue")
    # described: i0 and i2, both known; named: i1 not, i3 known
    assert summary["known"].to_dict() == {"described": 1.0, "named": 0.5}
    # Wilson's interval of 1 of 2 at z = 1.96: (1 + z²/2 ± z √(1/2 + z²/4)) / (2 + z²) = 0.0945 and 0.9055
    assert [summary["known_low"]["named"], summary["known_high"]["named"]] == pytest.approx([0.0945, 0.9055], abs=1e-3)
    table = knowledge_table(summary.reset_index())
    assert "0.50 [0.09, 0.91]" in table["known"].to_list()
