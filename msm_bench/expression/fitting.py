"""Fits the classifier to the examples, with what is to choose chosen by cross-validation on them alone.

    python -m msm_bench.expression.fitting

Writes `classifier.json` beside this file. Left out at each fold is a whole domain. What is chosen, window, penalty and
discount, is what gives the least log loss (a proper score) on left-out texts as they stand and lengthened: each
again between two others of its domain that express nothing, since models write longer answers than our authors.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from msm_bench.embedding import MODEL_SHA256, Array
from msm_bench.expression.classifier import FITTED, Classifier, Head, Reading, sentence_vectors, window_features
from msm_bench.expression.examples import Example, domains, examples_path, load_examples
from msm_bench.expression.labels import Label, values_of
from msm_bench.files import sha256_file, write_text

WINDOWS = (3, 4)
PENALTIES = (3.0, 10.0, 30.0)
DISCOUNTS = (0.0, 0.5, 1.0)
_DIGITS = 6


class Setting(NamedTuple):
    """What is chosen."""

    window: int
    """Sentences of a window."""
    c: float
    """Inverse strength of the L2 penalty."""
    discount: float
    """Logits off for each factor e of windows."""


class Embedded(NamedTuple):
    """An example and the embeddings of its sentences."""

    example: Example
    """The text and its label."""
    vectors: Array
    """(sentences, dimensions)"""


class LeftOut(NamedTuple):
    """What classifiers say of examples whose domain they had not seen."""

    truth: list[Label]
    """The authors' labels."""
    plain: list[Reading]
    """Of the texts as they stand."""
    lengthened: list[Reading]
    """Of the texts between two that express nothing."""

    @property
    def loss(self) -> float:
        """Log loss in nats, the mean over values and over both lengths."""
        return (reading_loss(self.truth, self.plain) + reading_loss(self.truth, self.lengthened)) / 2


def embedded(examples: Sequence[Example]) -> list[Embedded]:
    """The examples with their embeddings."""
    vectors = sentence_vectors([example.text for example in examples])
    return [Embedded(*pair) for pair in zip(examples, vectors, strict=True)]


def fit(rows: Sequence[Embedded], setting: Setting, examples_sha256: str = "") -> Classifier:
    """The classifier for these examples; the same ones give the same one."""
    features = np.array([window_features(row.vectors) for row in rows])
    truth = np.array([values_of(row.example.label) for row in rows])
    heads = [_head(features, truth[:, value], setting.c) for value in (0, 1)]
    return Classifier(
        model_sha256=MODEL_SHA256,
        examples_sha256=examples_sha256,
        window=setting.window,
        c=setting.c,
        discount=setting.discount,
        america=heads[0],
        affordability=heads[1],
    )


def _head(features: Array, truth: Any, c: float) -> Head:
    fitted = LogisticRegression(C=c, max_iter=5000).fit(features, truth)
    weights = [round(float(weight), _DIGITS) for weight in fitted.coef_[0]]
    return Head(intercept=round(float(fitted.intercept_[0]), _DIGITS), weights=weights)


def leave_domains_out(rows: Sequence[Embedded], setting: Setting) -> LeftOut:
    """Each domain read by a classifier that was fitted to the others."""
    found = LeftOut([], [], [])
    for domain in domains([row.example for row in rows]):
        own = [row for row in rows if row.example.domain == domain]
        classifier = fit([row for row in rows if row.example.domain != domain], setting)
        found.truth.extend(row.example.label for row in own)
        found.plain.extend(classifier.read_vectors(row.vectors) for row in own)
        found.lengthened.extend(classifier.read_vectors(vectors) for vectors in lengthened(own))
    return found


def lengthened(rows: Sequence[Embedded], seed: int = 0) -> list[Array]:
    """The embeddings of each text between two of `rows` that express nothing; its label stays what it is."""
    random = np.random.default_rng(seed)
    found = []
    for row in rows:
        fillers = [other.vectors for other in rows if other.example.label == "neither" and other is not row]
        before, after = random.integers(len(fillers), size=2)
        found.append(np.concatenate([fillers[before], row.vectors, fillers[after]]))
    return found


def reading_loss(truth: Sequence[Label], readings: Sequence[Reading]) -> float:
    """Log loss in nats, the mean over texts and over both values."""
    said = np.array([values_of(label) for label in truth], dtype=float)
    return float(np.mean([log_loss(said[:, v], [reading[v] for reading in readings], labels=[0, 1]) for v in (0, 1)]))


def choose(rows: Sequence[Embedded]) -> dict[Setting, LeftOut]:
    """Every setting with what it says of left-out domains, the best first."""
    settings = [Setting(*values) for values in product(WINDOWS, PENALTIES, DISCOUNTS)]
    tried = {setting: leave_domains_out(rows, setting) for setting in settings}
    return dict(sorted(tried.items(), key=lambda item: item[1].loss))


def main() -> None:
    """Choose, fit, write."""
    path = examples_path("train")
    rows = embedded(load_examples(path))
    tried = choose(rows)
    for setting, found in tried.items():
        print(f"window {setting.window}  C {setting.c:<4}  discount {setting.discount}  loss {found.loss:.4f}")
    write_text(FITTED, fit(rows, next(iter(tried)), sha256_file(path)).model_dump_json() + "\n")


if __name__ == "__main__":
    main()
