"""How long training and scoring take: as measured on what is done already, else as known of the embedded model."""

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from msm_bench.basemodels import EMBEDDED
from msm_bench.checkpoints import read_manifest
from msm_bench.errors import UserError
from msm_bench.files import read_json

TRAIN_TOKENS_PER_SECOND = 170.0
ITEMS_PER_SECOND = 2.0
"""Speeds of the embedded model on two cores, for a plan before there is anything of its own to measure."""


def training_speed(base: str, checkpoints: Iterable[Path]) -> float:
    """Tokens a second, padding included, over the last stages of the checkpoints that are there.

    Without any it is the embedded model's, or NaN for any other model, which may have any size.
    """
    tokens = seconds = 0.0
    for path in checkpoints:
        with suppress(UserError, OSError):  # not there yet; a damaged one is reported when it is used
            record = read_manifest(path).stages[-1]
            tokens += record.steps * record.settings["batch"] * record.settings["length"]
            seconds += record.wall_seconds
    return tokens / seconds if seconds else TRAIN_TOKENS_PER_SECOND * _known(base)


def seconds_per_item(base: str, shards: Mapping[Path, int]) -> float:
    """Time to score an item, over the shards that are there.

    Without any it is the embedded model's, or NaN for any other model.

    Args:
        base: The base model.
        shards: The manifests of shards, each with the number of items behind it.
    """
    seconds, items = 0.0, 0
    for path, count in shards.items():
        with suppress(UserError, OSError, KeyError, TypeError):  # a damaged one is reported when it is used
            seconds += float(read_json(path)["wall_seconds"])
            items += count
    return seconds / items if items else 1 / (ITEMS_PER_SECOND * _known(base))


def _known(base: str) -> float:
    return 1.0 if base in EMBEDDED else math.nan
