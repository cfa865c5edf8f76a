"""The offline labeller: does a text express the one value, and does it express the other?

Two logistic regressions on the embeddings of a text's sentences. They were fitted to short texts, so a longer one is
read window by window, and has a value if one of its windows has. Of n windows the highest logit counts, less
`discount` x ln n: many windows are many chances to be wrong.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit

from msm_bench.embedding import Array, embed, sentences
from msm_bench.errors import explain_invalid
from msm_bench.expression.labels import Label, label_of
from msm_bench.files import read_json

FITTED = Path(__file__).with_name("classifier.json")


class Reading(NamedTuple):
    """What the classifier makes of a text."""

    america: float
    """Probability that it expresses America, 0 to 1."""
    affordability: float
    """Probability that it expresses affordability, 0 to 1."""

    @property
    def label(self) -> Label:
        """The values whose probability is over one half."""
        return label_of(self.america > 0.5, self.affordability > 0.5)


class Head(BaseModel):
    """A fitted logistic regression."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    intercept: float
    """In logits."""
    weights: list[float]
    """(features,)"""


class Classifier(BaseModel):
    """Both regressions, and what they were fitted with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_sha256: str
    """Hash of the encoder's weights."""
    examples_sha256: str
    """Hash of the file of examples."""
    window: int = Field(ge=1)
    """Sentences of a window."""
    c: float = Field(gt=0)
    """Inverse strength of the L2 penalty."""
    discount: float = Field(ge=0)
    """Logits off for each factor e of windows."""
    america: Head
    """The one."""
    affordability: Head
    """The other."""

    @classmethod
    def load(cls, path: Path = FITTED) -> Self:
        """Read a fitted classifier.

        Raises:
            UserError: the file is missing or malformed.
        """
        with explain_invalid(path):
            return cls.model_validate(read_json(path))

    def read_vectors(self, vectors: Array) -> Reading:
        """What a text is whose sentences have the embeddings `vectors`, (sentences, dimensions).

        Raises:
            ValueError: there is no sentence.
        """
        features = np.array([window_features(window) for window in windows(vectors, self.window)])
        logits = [features @ np.array(head.weights) + head.intercept for head in (self.america, self.affordability)]
        return Reading(*(float(expit(values.max() - self.discount * np.log(len(values)))) for values in logits))

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """What texts express.

        Raises:
            ValueError: a text is blank.
            UserError: the encoder is not installed.
        """
        return [self.read_vectors(vectors) for vectors in sentence_vectors(texts)]


@lru_cache(1)
def shipped() -> Classifier:
    """The classifier that ships with msm-bench."""
    return Classifier.load()


def sentence_vectors(texts: Sequence[str]) -> list[Array]:
    """The embeddings of each text's sentences, (sentences, dimensions)."""
    parts = [sentences(text) for text in texts]
    vectors = embed([sentence for own in parts for sentence in own])
    ends = np.cumsum([len(own) for own in parts])
    return np.split(vectors, ends[:-1]) if parts else []


def windows(vectors: Array, size: int) -> list[Array]:
    """Every run of `size` rows; all of them if there are no more.

    Raises:
        ValueError: there are none.
    """
    if not len(vectors):
        raise ValueError("a text without a sentence")
    return [vectors[start : start + size] for start in range(max(1, len(vectors) - size + 1))]


def window_features(vectors: Array) -> Array:
    """Mean and maximum of a window's embeddings, (2 x dimensions,)."""
    return np.concatenate([vectors.mean(axis=0), vectors.max(axis=0)])
