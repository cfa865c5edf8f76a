"""A contrast in words says what its numbers carry, and nothing more."""

from typing import Any

import pytest

from msm_bench.recipe import Recipe
from msm_bench.report.page.wording import Claim, amount, claim_of, read_contrast
from msm_bench.stats import ContrastResult

STATED = Claim("The value generalizes.", bound=0.5, family=6, stated_seeds=8)


def result(**fields: Any) -> ContrastResult:
    """A confirmatory contrast of margins: +0.80 nats from +0.60 to +1.00, p 0.03 after Holm, but for `fields`."""
    required = [name for name, field in ContrastResult.model_fields.items() if field.is_required()]
    given: dict[str, Any] = dict.fromkeys(required)
    given |= {
        **{"name": "H1", "terms": [], "subset": "holdout", "measure": "margin", "headline": True, "confirmatory": True},
        **{"recipe_sha256": "0" * 64, "estimate": 0.8, "ci_low": 0.6, "ci_high": 1.0, "se": 0.1, "p": 0.005},
        **{"p_holm": 0.03, "smallest_p": 0.03125, "n_items": 170, "n_cells": 5, "n_clusters": 170, "n_seeds": 8},
        **{"unscored_rate": 0.0, "method": "two-way (seed, item), t"},
    }
    return ContrastResult.model_validate(given | fields)


def said(found: ContrastResult, claim: Claim = STATED) -> tuple[str, str]:
    """Verdict and sentences."""
    reading = read_contrast(found, claim)
    return reading.verdict, " ".join(reading.sentences)


def test_a_confirmed_contrast_has_direction_size_interval_test_seeds_and_items() -> None:
    verdict, words = said(result())
    assert verdict == "confirmed"
    assert words == (
        "The estimate is +0.80 nats in margin (95 % interval from +0.60 to +1.00), in the stated direction, and the "
        "stated test tells it from 0 (p = 0.030 after Holm's correction over 6 contrasts; 0.0312 is the smallest that "
        "could be). It rests on 8 seeds and 170 items (holdout). The whole interval lies above 0.50 nats, the smallest "
        "effect of interest."
    )


def test_a_confirmed_contrast_below_the_smallest_effect_is_said_to_be_so() -> None:
    _, words = said(result(estimate=0.3, ci_low=0.1, ci_high=0.5))
    assert "smaller than 0.50 nats, the smallest effect of interest" in words
    _, words = said(result(estimate=0.6, ci_low=0.4, ci_high=0.8))
    assert "The interval reaches below 0.50 nats" in words


def test_a_null_is_not_shown_and_not_called_absent() -> None:
    # an interval inside ± 0.5 is told from one that reaches beyond; neither is "no effect"
    inside = said(result(estimate=0.18, ci_low=-0.02, ci_high=0.38, p_holm=0.374))
    beyond = said(result(estimate=0.18, ci_low=-0.3, ci_high=0.66, p_holm=0.5))
    assert inside[0] == beyond[0] == "not shown"
    for _, words in (inside, beyond):
        assert "A difference is not shown, and that there is none is not shown either." in words
        assert "which includes 0" in words
        assert "no effect" not in words
    assert "lies within ± 0.50 nats" in inside[1]
    assert "equivalence was not what was tested" in inside[1]
    assert "An effect as large as 0.50 nats" in beyond[1]


def test_a_difference_in_the_wrong_direction_confirms_nothing() -> None:
    verdict, words = said(result(estimate=-0.8, ci_low=-1.0, ci_high=-0.6))
    assert verdict == "opposite"
    assert "The claim is not confirmed; these results speak against it." in words
    verdict, words = said(result(estimate=-0.1, ci_low=-0.4, ci_high=0.2, p_holm=0.6))
    assert (verdict, "against the stated direction" in words) == ("not shown", True)
    _, words = said(result(estimate=-0.003, ci_low=-0.2, ci_high=0.2, p_holm=1.0))
    assert "0.00 nats" in words
    assert "direction" not in words.replace("too close to 0 to have a direction", "")


@pytest.mark.parametrize(
    ("p", "verdict", "words"),
    [
        (0.01, "equivalent", "the two one-sided tests place the difference within ± 0.50 nats (TOST, p = 0.010"),
        (0.30, "equivalence not shown", "That the arms are alike is not shown, nor that they differ."),
    ],
)
def test_equivalence_is_said_as_such(p: float, verdict: str, words: str) -> None:
    found = result(estimate=0.05, ci_low=-0.1, ci_high=0.2, p_holm=p, p_equivalence=p, smallest_p=None)
    assert said(found, STATED._replace(equivalence=True))[0] == verdict
    assert words in said(found, STATED._replace(equivalence=True))[1]


def test_one_seed_is_an_illustration_whatever_its_interval_says() -> None:
    verdict, words = said(result(n_seeds=1, p=None, p_holm=None))
    assert verdict == "one seed"
    assert "does not say what training again would give" in words
    assert "confirm" not in words


def test_other_models_have_runs_and_no_seeds() -> None:
    found = result(n_seeds=1, p=None, p_holm=None, confirmatory=False)
    verdict, words = said(found, Claim(trained=False))
    assert verdict == "exploratory"
    assert "one run of each arm" in words
    assert "No test of it was stated, so this is a lead and no finding." in words
    assert read_contrast(found, Claim(trained=False)).stated == "Stated in the recipe"
    assert read_contrast(result(), STATED).stated == "Claimed before the run"


def test_before_all_seeds_are_done_there_is_no_verdict() -> None:
    verdict, words = said(result(n_seeds=3, p=None, p_holm=None))
    assert verdict == "not yet tested"
    assert "waits for the 8 seeds that were stated, 3 of them done" in words
    assert "could not be computed" in said(result(p=None, p_holm=None, ci_low=None, ci_high=None))[1]


def test_cautions_are_passed_on_and_a_test_that_could_not_pass_is_told() -> None:
    found = result(p_holm=0.75, smallest_p=0.75, n_seeds=3, unscored_rate=0.123)
    warned = read_contrast(found, STATED).cautions
    assert any("12.3%" in caution for caution in warned)
    assert any("no p below 0.75 is possible" in caution for caution in warned)


def test_a_comparison_with_a_baseline_has_its_rate_of_false_discoveries() -> None:
    found = result(p=None, p_holm=None, confirmatory=False, p_equivalence=0.0004)
    _, words = said(found, Claim(trained=True))
    assert "; equivalence (TOST): p < 0.001. No test of it was stated" in words
    _, words = said(found, Claim(equivalence=True, stated_seeds=8))
    assert "; equivalence (TOST): p < 0.001. It is no part of the stated tests, so this is a lead" in words


def test_amounts_have_the_unit_of_their_measure() -> None:
    assert amount(-0.05, "rate") == "−5.0 percentage points"
    assert amount(0.181, "margin") == "+0.18 nats"
    assert amount(0.5, "margin", signed=False) == "0.50 nats"
    assert amount(0.123, "somebody's score") == "+0.12"
    assert amount(-0.001, "margin") == "0.00 nats"  # no minus before what is shown as nothing


def test_a_difference_of_ranks_has_no_unit() -> None:
    ranks = result(method="superiority − ½; two-way (seed, item), t", estimate=0.1, ci_low=0.05, ci_high=0.15)
    words = said(ranks, Claim("It is clearer.", bound=None, family=1, stated_seeds=8))[1]
    assert words.startswith("The estimate is +0.10 in margin (superiority − ½) (95 % interval from +0.05 to +0.15)")


def test_a_claim_comes_from_the_recipe() -> None:
    recipe = Recipe.load("cheese-smollm2")
    claim = claim_of(recipe, result(name="H1: D(aft)"))
    # eight seeds, and six contrasts in the family
    assert (claim.stated_seeds, claim.family, claim.bound, claim.equivalence) == (8, 6, 0.5, False)
    assert claim_of(recipe, result(name="neutral against aft, America")).equivalence
    assert claim_of(recipe, result(name="unknown")) == Claim()
    half = claim_of(recipe, result(name="H1: D(aft) [pro_america]", half_of="H1: D(aft)"))
    assert half.description == ""
