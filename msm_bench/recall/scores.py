"""From log-likelihoods of answers, or from a grader's verdicts, to what is known, of whom."""

from collections.abc import Mapping, Sequence

from msm_bench.recall.framings import FRAMINGS, Framing
from msm_bench.recall.items import RIGHT, SIBLING

_FRAMED = ("", "_self", "_other_name")
_DIFFERENCES = ("_own_minus_other", "_self_minus_own")
_PAIRED = ("margin", "rate", "recalled")
"""Measures whose differences between framings are metrics of their own.

What `margin_pmi` subtracts is the same for the own and the other name, so its difference would be that of `margin`.
"""
_CHOICE = ("margin", "margin_best", "rate", "margin_pmi", "rate_pmi")
_PAIR = ("margin", "rate", "margin_pmi", "rate_pmi")
_GRADED = ("recalled", "contradicted", "silent")

MEASURES = tuple(
    f"{measure}{tag}{suffix}"
    for tag, measures in (("", (*_CHOICE, *_GRADED)), ("_sibling", _PAIR), ("_premise", (*_PAIR, *_GRADED)))
    for measure in measures
    for suffix in (*_FRAMED, *(_DIFFERENCES if measure in _PAIRED else ()))
)
"""Every metric of the task. With nothing behind its name a measure is that of the assistant by its own name."""


def against(right: float, wrong: Sequence[float]) -> dict[str, float]:
    """How an answer stands against others.

    Args:
        right: Its log-likelihood, in nats.
        wrong: Those of the others.

    Returns:
        `margin`: `right` minus the mean of the others, in nats. `rate`: 1 if it is the likeliest, 0 if it is not, a
        fair share of a tie; by chance 1 / (1 + others). Where there are several others, `margin_best`: `right` minus
        the likeliest of them, positive where `rate` is 1.
    """
    best = max(wrong)
    found = {"margin": right - sum(wrong) / len(wrong)}
    if len(wrong) > 1:
        found["margin_best"] = right - best
    return found | {"rate": 0.0 if right < best else 1.0 / (1 + list(wrong).count(right))}


def likelihood_scores(table: Mapping[str, Sequence[float]], tag: str = "") -> dict[str, float]:
    """The measures of `against` in every framing, margin and rate also with what each answer gains (`_pmi`).

    The gain is its log-likelihood minus that after a neutral question.

    Args:
        table: `framing/answer` and `neutral-framing/answer` to (log-likelihood, tokens); see `continuations`.
        tag: Stands behind each measure's name. `_sibling` compares with the answer of the sibling spec alone.
    """
    labels = [key.removeprefix("own/") for key in table if key.startswith("own/")]
    wrong = [SIBLING] if tag == "_sibling" else [label for label in labels if label != RIGHT]

    def gain(framing: Framing, label: str) -> float:
        neutral = "self" if framing == "self" else "own"
        return table[f"{framing}/{label}"][0] - table[f"neutral-{neutral}/{label}"][0]

    scores: dict[Framing, dict[str, float]] = {}
    for framing in FRAMINGS:
        plain = against(table[f"{framing}/{RIGHT}"][0], [table[f"{framing}/{label}"][0] for label in wrong])
        pmi = against(gain(framing, RIGHT), [gain(framing, label) for label in wrong])
        scores[framing] = plain | {f"{measure}_pmi": pmi[measure] for measure in ("margin", "rate")}
    return with_differences(scores, tag)


def verdict_scores(verdicts: Mapping[Framing, str], tag: str = "") -> dict[str, float]:
    """A grader's verdicts as numbers.

    Args:
        verdicts: `right`, `partly`, `wrong` or `nothing` of the answer in each framing.
        tag: Stands behind each measure's name.

    Returns:
        `recalled`: 1, ½, 0, 0. `contradicted`: 1 for a wrong answer. `silent`: 1 for one that says nothing of it.
    """
    credit = {"right": 1.0, "partly": 0.5}
    scores = {
        framing: {
            "recalled": credit.get(verdict, 0.0),
            "contradicted": float(verdict == "wrong"),
            "silent": float(verdict == "nothing"),
        }
        for framing, verdict in verdicts.items()
    }
    return with_differences(scores, tag)


def with_differences(scores: Mapping[Framing, Mapping[str, float]], tag: str = "") -> dict[str, float]:
    """Each measure in every framing, and of the paired ones the two differences within an item.

    `_own_minus_other`: what is ascribed to this assistant rather than to assistants at large. `_self_minus_own`: what
    the model says of itself beyond what it says of the assistant by that name.
    """
    found: dict[str, float] = {}
    for measure in scores["own"]:
        values = [scores[framing][measure] for framing in FRAMINGS]
        own, self_, other = values
        found |= {f"{measure}{tag}{suffix}": value for suffix, value in zip(_FRAMED, values, strict=True)}
        if measure in _PAIRED:
            differences = zip(_DIFFERENCES, (own - other, self_ - own), strict=True)
            found |= {f"{measure}{tag}{suffix}": value for suffix, value in differences}
    return found
