"""Effect sizes, ranks, McNemar and single rates, against arithmetic by hand, scipy and statsmodels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from stat_frames import minus, result_frame, values_of
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint, proportion_effectsize

from msm_bench.errors import UserError
from msm_bench.recipe import Contrast, Smallest
from msm_bench.report.tables import arm_summary, contrast_numbers, effects_table
from msm_bench.stats import (
    ContrastResult,
    Effect,
    NotComparable,
    Options,
    clopper_pearson,
    evaluate,
    rule_of_three,
    superiority,
)


def compare(frame: object, weight: float = 1, **options: object) -> ContrastResult:
    contrast = Contrast(name="a − b", terms=minus("a", "b", weight), measure="accuracy")
    return evaluate(frame, contrast, smallest=Smallest(), split="", options=Options(draws=100, **options))  # type: ignore[arg-type]


def by_name(result: ContrastResult) -> dict[str, Effect]:
    return {effect.name: effect for effect in result.effects}


# --- shares of two arms

A = [1.0, 1, 1, 1, 1, 1, 0, 0, 0, 0]  # 6 of 10
B = [1.0, 1, 1, 0, 0, 0, 1, 0, 0, 0]  # 4 of 10; both 3, only A 3, only B 1, neither 3


def test_the_risk_ratio_of_paired_items_by_hand() -> None:
    # log RR = log(.6 / .4). Of paired items the delta method gives (only A + only B) / (n_A n_B) = 4 / (6 · 4) for
    # the divisor n, as Nam & Blackwelder (2002), Stat. Med. 21:689, have it; our variance has n − 1: times 10/9
    found = by_name(compare(values_of({("a", 1): A, ("b", 1): B})))["ratio"]
    assert found.estimate == pytest.approx(1.5, abs=1e-12)
    reach = scipy_stats.t.ppf(0.975, 9) * math.sqrt(4 / 24 * 10 / 9)
    assert found.low == pytest.approx(1.5 * math.exp(-reach), abs=1e-8)
    assert found.high == pytest.approx(1.5 * math.exp(reach), abs=1e-8)


def test_the_odds_ratio_of_paired_items_by_hand() -> None:
    # OR = (6/4) / (4/6) = 2.25. Variances of both logits: 1/(n p q) = 1/2.4 each; covariance of A and B over n:
    # (both/n − p_a p_b) / (n p_a q_a p_b q_b) = (.3 − .24) / (10 · .24²) = .06 / .576
    found = by_name(compare(values_of({("a", 1): A, ("b", 1): B})))["odds ratio"]
    variance = (2 / 2.4 - 2 * 0.06 / 0.576) * 10 / 9
    assert found.estimate == pytest.approx(2.25, abs=1e-12)
    reach = scipy_stats.t.ppf(0.975, 9) * math.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((2.25 * math.exp(-reach), 2.25 * math.exp(reach)), abs=1e-8)


def test_cohens_h_agrees_with_statsmodels() -> None:
    result = compare(values_of({("a", 1): A, ("b", 1): B}))
    found = by_name(result)["Cohen's h"]
    assert found.estimate == pytest.approx(float(proportion_effectsize(0.6, 0.4)), abs=1e-8)
    # both slopes are 1/√(.6 · .4), so h − its limits is the difference's reach by as much
    assert found.low is not None
    assert result.ci_low is not None
    reach = (result.estimate - result.ci_low) / math.sqrt(0.24)
    assert found.estimate is not None
    assert found.estimate - found.low == pytest.approx(reach, abs=1e-8)


def test_effects_do_not_depend_on_the_weights_or_their_order() -> None:
    frame = values_of({("a", 1): A, ("b", 1): B, ("a", 2): A[::-1], ("b", 2): B})
    whole, half = compare(frame), compare(frame, 0.5)
    assert half.estimate == pytest.approx(whole.estimate / 2)
    assert [effect.model_dump() for effect in half.effects] == [effect.model_dump() for effect in whole.effects]
    turned = Contrast(name="x", terms=minus("a", "b")[::-1], measure="accuracy")
    found = evaluate(frame, turned, smallest=Smallest(), split="")
    assert by_name(found)["ratio"].estimate == by_name(whole)["ratio"].estimate


def test_a_share_of_nought_has_no_limits_and_says_why() -> None:
    found = by_name(compare(values_of({("a", 1): [0.0] * 4, ("b", 1): [1.0, 1, 0, 0]})))
    assert (found["ratio"].estimate, found["ratio"].low, found["ratio"].high) == (0.0, None, None)
    assert (found["odds ratio"].estimate, found["odds ratio"].low) == (0.0, None)
    # h = 2 asin 0 − 2 asin √½ = −π/2
    assert found["Cohen's h"].estimate == pytest.approx(-math.pi / 2)
    assert all("no limits" in effect.method for effect in found.values())
    # against nothing there is no ratio at all
    found = by_name(compare(values_of({("a", 1): [1.0, 1, 0, 0], ("b", 1): [0.0] * 4})))
    assert (found["ratio"].estimate, found["odds ratio"].estimate) == (None, None)
    # a share of 1 has a ratio with limits, but no odds
    found = by_name(compare(values_of({("a", 1): [1.0] * 4, ("b", 1): [1.0, 1, 1, 0]})))
    assert found["ratio"].low is not None
    assert found["odds ratio"].estimate is None


def test_effects_are_of_two_arms_on_a_share() -> None:
    frame = values_of({("a", 1): A, ("b", 1): B, ("c", 1): B})
    three = Contrast(name="x", terms=[*minus("a", "b"), minus("c", "b")[0]], measure="accuracy")
    assert evaluate(frame, three, smallest=Smallest(), split="").effects == []
    margins = Contrast(name="x", terms=minus("a", "b"), measure="margin")
    assert evaluate(frame.assign(metric="margin"), margins, smallest=Smallest(), split="").effects == []
    # a metric of another's log is a share if it holds grades only
    own = Contrast(name="x", terms=minus("a", "b"), measure="their_scorer")
    assert len(evaluate(frame.assign(metric="their_scorer"), own, smallest=Smallest(), split="").effects) == 3
    other = frame.assign(metric="their_scorer", value=frame["value"] * 7)
    assert evaluate(other, own, smallest=Smallest(), split="").effects == []
    # one that is called like a share of ours, but counts in percent, is none
    assert compare(frame.assign(value=frame["value"] * 100)).effects == []


@settings(max_examples=20)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=4, max_size=20))
def test_the_ratio_of_swapped_arms_is_its_inverse(pairs: list[tuple[bool, bool]]) -> None:
    first, second = ([float(pair[number]) for pair in pairs] for number in (0, 1))
    one = by_name(compare(values_of({("a", 1): first, ("b", 1): second})))
    other = by_name(compare(values_of({("a", 1): second, ("b", 1): first})))
    for name in ("ratio", "odds ratio"):
        low, high = one[name].low, other[name].high
        if low is not None and high is not None:
            assert low * high == pytest.approx(1, rel=1e-9)
    h = one["Cohen's h"].estimate, other["Cohen's h"].estimate
    assert h[0] is not None
    assert h[1] == pytest.approx(-h[0], abs=1e-12)


# --- McNemar


def test_mcnemar_counts_discordant_pairs_and_agrees_with_statsmodels() -> None:
    found = compare(values_of({("a", 1): A, ("b", 1): B})).mcnemar
    assert found is not None
    assert (found.first_only, found.second_only) == (3, 1)
    theirs = statsmodels_mcnemar([[3, 3], [1, 3]], exact=True).pvalue
    # of 4 discordant pairs 3 or more one way, or the other: 2 · 5/16
    assert found.p == pytest.approx(float(theirs), abs=1e-8) == 0.625
    assert "ignores clusters" in str(found)
    alike = compare(values_of({("a", 1): A, ("b", 1): A})).mcnemar
    assert alike is not None
    assert alike.p == 1


def test_mcnemar_needs_values_of_0_and_1_asked_once() -> None:
    once = values_of({("a", 1): A, ("b", 1): B})
    assert compare(once.assign(value=once["value"] / 2)).mcnemar is None
    assert compare(result_frame([("a", 1, "x", 1), ("a", 1, "x", 1), ("b", 1, "x", 0)])).mcnemar is None


# --- ranks


def test_superiority_is_mann_whitneys_u_over_all_pairs() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 5, size=7).astype(float), rng.integers(1, 6, size=4).astype(float)
    theirs = scipy_stats.mannwhitneyu(first, second).statistic / (7 * 4)
    assert superiority(first[:, None], second[:, None])[0] == pytest.approx(float(theirs), abs=1e-8)
    # epochs that an item lacks count for nothing
    padded = np.append(second, [np.nan, np.nan])
    assert superiority(first[:, None], padded[:, None])[0] == pytest.approx(float(theirs), abs=1e-8)


EPOCHS = st.lists(st.sampled_from([0.0, 1.0, 2.0, 5.0]), min_size=1, max_size=6)


@settings(max_examples=40)
@given(EPOCHS, EPOCHS)
def test_one_arms_superiority_is_the_others_inferiority(first: list[float], second: list[float]) -> None:
    one, other = np.array(first)[:, None], np.array(second)[:, None]
    assert superiority(one, other)[0] + superiority(other, one)[0] == pytest.approx(1, abs=1e-12)
    theirs = scipy_stats.mannwhitneyu(first, second).statistic / (len(first) * len(second))
    assert superiority(one, other)[0] == pytest.approx(float(theirs), abs=1e-8)


def test_ranks_are_compared_within_items_and_reported_less_a_half() -> None:
    # item x: 3 and 1 against 2: ½; item y: 5 against 5: ½ by tie; item z: 4 against 1 and 2 and 3: 1. Mean ⅔
    rows = [("a", 1, "x", 3), ("a", 1, "x", 1), ("b", 1, "x", 2), ("a", 1, "y", 5), ("b", 1, "y", 5)]
    rows += [("a", 1, "z", 4), *(("b", 1, "z", value) for value in (1, 2, 3))]
    result = compare(result_frame(rows), ordinal=("accuracy",))
    assert result.estimate == pytest.approx(2 / 3 - 1 / 2, abs=1e-12)
    # over items ½, ½, 1: se = √(1/12 / 3) = 1/6, t(2) = 4.303, cut at 1
    [effect] = result.effects
    assert effect.name == "superiority"
    assert effect.estimate == pytest.approx(2 / 3)
    assert (result.ci_low, result.ci_high) == pytest.approx((1 / 6 - 4.3027 / 6, 1 / 6 + 4.3027 / 6), abs=1e-4)
    assert (effect.low, effect.high) == (0.0, 1.0)
    # only the order counts
    far = result_frame([(arm, seed, item, value**3) for arm, seed, item, value in rows])
    assert compare(far, ordinal=("accuracy",)).estimate == result.estimate
    # and a weight scales the estimate, not the probability
    halved = compare(result_frame(rows), 0.5, ordinal=("accuracy",))
    assert halved.estimate == pytest.approx(result.estimate / 2)
    assert halved.effects[0].estimate == pytest.approx(2 / 3)


def test_ranks_pair_seeds_and_repeat_the_base_model() -> None:
    arms = {("a", 1): [2.0, 0], ("a", 2): [2.0, 2], ("base", 0): [1.0, 1]}
    contrast = Contrast(name="x", terms=minus("a", "base"), measure="accuracy")
    options = Options(draws=100, ordinal=("accuracy",))
    result = evaluate(values_of(arms), contrast, smallest=Smallest(), split="", options=options)
    # wins 1, 0 at seed 1, and 1, 1 at seed 2: ¾
    assert (result.estimate, result.n_seeds) == (0.25, 2)


def test_ranks_compare_two_arms_only() -> None:
    frame = values_of({("a", 1): A})
    contrast = Contrast(name="x", terms=minus("a", "b")[:1], measure="accuracy")
    with pytest.raises(NotComparable, match="two arms"):
        evaluate(frame, contrast, smallest=Smallest(), split="", options=Options(ordinal=("accuracy",)))


# --- single rates


@settings(max_examples=40)
@given(st.integers(1, 60), st.data(), st.sampled_from([0.8, 0.95]))
def test_clopper_pearson_agrees_with_statsmodels(n: int, data: st.DataObject, level: float) -> None:
    seen = data.draw(st.integers(0, n))
    theirs = proportion_confint(seen, n, alpha=1 - level, method="beta")
    assert clopper_pearson(seen, n, level) == pytest.approx(theirs, abs=1e-8)


@given(st.integers(1, 200))
def test_the_rule_of_three_is_a_one_sided_exact_limit(n: int) -> None:
    found = rule_of_three(n)
    # Clopper and Pearson's upper limit of a two-sided 90 % interval is a one-sided one of 95 %
    assert found.exact == pytest.approx(proportion_confint(0, n, alpha=0.1, method="beta")[1], abs=1e-8)
    assert found.exact <= found.approximate <= min(1, 3 / n)
    assert (1 - found.exact) ** n == pytest.approx(0.05, abs=1e-12)


def test_a_rate_of_nothing_needs_trials() -> None:
    with pytest.raises(ValueError, match="trials"):
        rule_of_three(0)


def test_an_arm_that_never_or_always_does_it_has_a_one_sided_limit() -> None:
    summary = arm_summary(values_of({("a", 1): [0.0] * 20, ("b", 1): [1.0] * 20, ("c", 1): [0.0, 1.0] * 10}))
    # 1 − .05^(1/20) = .1391
    assert summary["one_sided"].tolist() == pytest.approx([0.1391, 0.8609, math.nan], abs=1e-4, nan_ok=True)


def test_the_interval_of_a_share_is_wilsons_by_an_effective_size() -> None:
    # 6 clusters of 2 with sums 2 2 2 0 0 0: as for reasons (tests/test_reasons_counts.py), 2.9068 of 12 count
    frame = values_of({("a", 1): [1.0] * 6 + [0.0] * 6})
    frame["cluster"] = list("aabbccddeeff")
    row = arm_summary(frame).iloc[0]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.12276, 0.87724), abs=1e-4)
    # two epochs of each of 6 items are no more than 6 clusters either
    epochs = result_frame([("a", 1, f"i{n}", float(n < 3)) for n in range(6) for _ in range(2)])
    assert arm_summary(epochs).iloc[0]["ci_low"] == pytest.approx(row["ci_low"], abs=1e-8)


# --- tables


def test_effects_have_a_table_of_their_own_and_columns_of_numbers() -> None:
    result = compare(values_of({("a", 1): A, ("b", 1): B}))
    row = effects_table([result]).iloc[0]
    assert row["ratio [95 % CI]"].startswith("1.50 [")
    assert row["McNemar (ignores clusters, seeds)"] == "3:1, p 0.625"
    numbers = contrast_numbers([result]).iloc[0]
    assert (numbers["ratio"], numbers["mcnemar_first_only"]) == (pytest.approx(1.5), 3)
    assert {"cohens_h_low", "odds_ratio_high"} <= set(numbers.index)
    assert effects_table([]).empty


def test_options_refuse_a_grader_named_twice() -> None:
    with pytest.raises(ValueError, match="once"):
        Options(graders={"quality": ("x", "x")})
    assert issubclass(NotComparable, UserError)
