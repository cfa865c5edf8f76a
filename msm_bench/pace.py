"""How long training and scoring take: as measured on what is done already, else as known of the embedded model."""

import math
from collections.abc import Iterable
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

    Without any it is the embedded model's, or NaN for a model from a hub, which may have any size.
    """
    tokens = seconds = 0.0
    for path in checkpoints:
        with suppress(UserError, OSError):  # not there yet; a damaged one is reported when it is used
            record = read_manifest(path).stages[-1]
            tokens += record.steps * record.settings["batch"] * record.settings["length"]
            seconds += record.wall_seconds
    return tokens / seconds if seconds else TRAIN_TOKENS_PER_SECOND * _known(base)


def scoring_seconds(base: str, manifests: Iterable[Path], items: int) -> float:
    """Time to score an arm on `items`: the mean of the shards whose manifests there are, else a guess, or NaN."""
    measured = [read_json(path).get("wall_seconds", 0.0) for path in manifests]
    return sum(measured) / len(measured) if measured else items / (ITEMS_PER_SECOND * _known(base))


def _known(base: str) -> float:
    return 1.0 if base in EMBEDDED or Path(base).is_dir() else math.nan
