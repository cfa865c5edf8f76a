"""Contrasts together: differences of differences, trends, families, baselines, and what is left out."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from stat_frames import minus, result_frame, values_of

from msm_bench.errors import UserError
from msm_bench.recipe import Contrast, Smallest, Term
from msm_bench.report.tables import caution_notes, contrast_table
from msm_bench.results import UNTRAINED
from msm_bench.stats import (
    ContrastResult,
    Options,
    Panels,
    baseline_contrasts,
    benjamini_hochberg,
    evaluate,
    evaluate_stated,
    item_sign_flip,
    not_comparable,
    smallest_p,
    term_values,
    trend_weights,
)

QUICK = Options(draws=100)
RESULTS = Path(__file__).parents[1] / "results"


def test_a_difference_of_differences_is_a_sum_of_four_terms() -> None:
    # with demonstrations a − b is 3 − 1, 4 − 0; without 1 − 1, 2 − 1: D = 3, D(none) = ½. By item 2 − 0 and 4 − 1:
    # their difference is 2.5, its se ½ (2 and 3: variance ½, over 2, root)
    arms = {("a+aft", 1): [3.0, 4], ("b+aft", 1): [1.0, 0], ("a", 1): [1.0, 2], ("b", 1): [1.0, 1]}
    weights = {"a+aft": 1, "b+aft": -1, "a": -1, "b": 1}
    terms = [Term(arm=arm, task="t", weight=weight) for arm, weight in weights.items()]
    contrast = Contrast(name="D(aft) − D(none)", terms=terms, measure="accuracy")
    result = evaluate(values_of(arms), contrast, smallest=Smallest(), split="", options=QUICK)
    assert result.estimate == 2.5
    assert result.se == pytest.approx(0.5)
    with_aft = baseline_contrasts(values_of(arms), "b+aft", ["accuracy"], QUICK)[0][0]
    without = baseline_contrasts(values_of(arms), "b", ["accuracy"], QUICK)[0][2]
    assert [with_aft.name, without.name] == ["a+aft − b+aft [t]", "a − b [t]"]
    assert result.estimate == with_aft.estimate - without.estimate


@given(st.lists(st.floats(0.1, 100), min_size=2, max_size=6, unique=True), st.sampled_from([None, 2.0, 3.0, 10.0]))
def test_a_trend_is_the_least_squares_slope(doses: list[float], base: float | None) -> None:
    x = np.array(doses) if base is None else np.log(doses) / np.log(base)
    if np.ptp(x) < 1e-3:
        return
    y = np.arange(len(doses)) ** 1.5
    weights = trend_weights(doses, base)
    assert sum(weights) == pytest.approx(0, abs=1e-8 * max(map(abs, weights)))
    slope = scipy_stats.linregress(x, y).slope
    assert float(np.dot(weights, y)) == pytest.approx(float(slope), rel=1e-6, abs=1e-8)


def test_a_trend_over_doses_that_triple_is_half_of_last_minus_first() -> None:
    assert trend_weights([10, 30, 90], base=3) == pytest.approx([-0.5, 0, 0.5], abs=1e-12)
    with pytest.raises(ValueError, match="differ"):
        trend_weights([1, 1])
    with pytest.raises(ValueError, match="positive"):
        trend_weights([0, 1], base=2)


# --- families


def test_benjamini_and_hochberg_by_hand() -> None:
    # sorted .01 .02 .04 .5: times 4/1, 4/2, 4/3, 4/4: .04 .04 .0533 .5
    assert benjamini_hochberg([0.5, 0.01, 0.04, 0.02]) == pytest.approx([0.5, 0.04, 0.16 / 3, 0.04])
    assert benjamini_hochberg([]) == []


def test_comparisons_with_a_baseline_have_a_q_over_all_of_them() -> None:
    rng = np.random.default_rng(0)
    arms = {(arm, UNTRAINED): list(rng.normal(shift, 1, size=12)) for arm, shift in (("b", 0), ("a", 1), ("c", 0))}
    frame = values_of(arms, metric="score")
    both = pd.concat([frame, frame.assign(task="u", value=frame["value"] ** 3)])
    found, _ = baseline_contrasts(both, "b", ["score"], QUICK)
    assert [(result.p, result.p_holm, result.p_swap) for result in found] == [(None, None, None)] * 4
    p = [result.p_two_way for result in found]
    expected = benjamini_hochberg([value for value in p if value is not None])
    assert [result.q for result in found] == pytest.approx(expected)
    # one seed: the t test over items
    wide = frame.pivot(index="item", columns="arm", values="value")
    assert p[0] == pytest.approx(float(scipy_stats.ttest_rel(wide["a"], wide["b"]).pvalue), abs=1e-8)
    assert "q (BH, exploratory)" in contrast_table(found)
    assert "p (Holm)" not in contrast_table(found)


def test_with_several_seeds_q_is_no_smaller_than_the_seed_swap_allows() -> None:
    small = {seed: [0.01 * (seed + item) for item in range(4)] for seed in (1, 2, 3)}
    arms = {("b", seed): own for seed, own in small.items()}
    arms |= {("a", seed): [1 + value for value in own] for seed, own in small.items()}
    arms["a", 1][0] += 0.1
    [result], _ = baseline_contrasts(values_of(arms), "b", ["accuracy"], QUICK)
    # three seeds, all the same way: 2 of 8 patterns
    assert (result.p_swap, result.q) == (0.25, 0.25)
    assert result.p_two_way is not None
    assert result.p_two_way < 0.25


def test_equivalence_within_a_stated_margin_of_two_hosted_models() -> None:
    # differences .1 −.1 .1 −.1 ...: mean 0, se = √(.01 · 8/7 / 8) = .0378; t = .2 / .0378, 7 df, either side
    arms = {("a", UNTRAINED): [0.6, 0.4] * 4, ("b", UNTRAINED): [0.5] * 8}
    options = Options(draws=100, equivalence=True, smallest=Smallest(rate=0.2))
    [result], _ = baseline_contrasts(values_of(arms), "b", ["accuracy"], options)
    expected = scipy_stats.t.sf(0.2 / np.sqrt(0.01 / 7), 7)
    assert result.p_equivalence == pytest.approx(float(expected), abs=1e-8)
    assert result.q == pytest.approx(1.0)
    assert "p (TOST)" in contrast_table([result])
    # not asked for: none
    assert baseline_contrasts(values_of(arms), "b", ["accuracy"], QUICK)[0][0].p_equivalence is None


def stated(name: str, first: str, second: str) -> Contrast:
    return Contrast(name=name, terms=minus(first, second), measure="accuracy", confirmatory=True)


def test_contrasts_of_a_file_have_holm_over_all_that_it_states() -> None:
    rng = np.random.default_rng(1)
    arms = {(arm, UNTRAINED): list(rng.normal(shift, 1, size=12)) for arm, shift in (("a", 1), ("b", 0))}
    contrasts = [stated("one", "a", "b"), stated("later", "c", "b")]
    [found] = evaluate_stated(values_of(arms), contrasts, smallest=Smallest(), sha256="x", options=QUICK)
    # models without seeds have no labels to swap by seed: the two-way p, twice, for the family is of two
    assert (found.p_swap, found.smallest_p) == (None, None)
    assert found.p == found.p_two_way
    assert found.p is not None
    assert found.p_holm == pytest.approx(min(1, 2 * found.p))
    assert found.recipe_sha256 == "x"
    assert not_comparable(values_of(arms), contrasts) == {
        "later": "no accuracy of arm 'c' on task 't' in these results"
    }
    ranks = [Contrast(name="four", terms=[*minus("a", "b"), *minus("b", "a", 2)], measure="accuracy")]
    assert not_comparable(values_of(arms), ranks) == {}
    assert "two arms" in not_comparable(values_of(arms), ranks, Options(ordinal=("accuracy",)))["four"]


def test_stated_seeds_can_be_a_number_or_a_function_of_the_contrast() -> None:
    rng = np.random.default_rng(2)
    arms = {(arm, seed): list(rng.normal(size=6)) for arm in "ab" for seed in (1, 2, 3)}
    frame, contrast = values_of(arms), stated("one", "a", "b")
    for seeds, tested in ((0, True), (3, True), (4, False), (lambda _: 4, False)):
        [found] = evaluate_stated(frame, [contrast], smallest=Smallest(), seeds_stated=seeds, options=QUICK)
        assert (found.p is not None) == tested
        assert found.smallest_p == (0.25 if tested else None)


def test_a_claim_of_trained_arms_needs_opposite_weights() -> None:
    rng = np.random.default_rng(3)
    terms = [*minus("a", "b"), Term(arm="c", task="t", weight=0.5)]
    contrast = Contrast(name="odd", terms=terms, measure="accuracy", confirmatory=True)
    trained = values_of({(arm, seed): list(rng.normal(size=4)) for arm in "abc" for seed in (1, 2)})
    with pytest.raises(UserError, match="each weight needs its opposite"):
        evaluate_stated(trained, [contrast], smallest=Smallest(), options=QUICK)
    # without seeds there are no labels to swap
    hosted = values_of({(arm, UNTRAINED): list(rng.normal(size=4)) for arm in "abc"})
    assert evaluate_stated(hosted, [contrast], smallest=Smallest(), options=QUICK)[0].p is not None


# --- pairs


def test_items_that_some_arm_lacks_are_counted_over_tasks() -> None:
    # of x y z, y lacks b's answer, z is unscored for a; w stands in an arm that is not compared
    rows = [("a", 1, "x", 1.0), ("a", 1, "y", 1), ("a", 1, "z", math.nan)]
    rows += [("b", 1, "x", 0), ("b", 1, "z", 0), ("c", 1, "w", 0)]
    frame = result_frame(rows)
    contrast = Contrast(name="x", terms=minus("a", "b"), measure="accuracy")
    result = evaluate(frame, contrast, smallest=Smallest(), split="", options=QUICK)
    assert (result.n_items, result.n_left_out) == (1, 2)
    two = Contrast(name="x", terms=[*minus("a", "b"), *minus("a", "b", task="u")], measure="accuracy")
    both = pd.concat([frame, frame.assign(task="u")])
    assert evaluate(both, two, smallest=Smallest(), split="", options=QUICK).n_left_out == 4
    assert contrast_table([result]).iloc[0]["left out"] == "2"


def test_the_smallest_p_of_items_is_that_of_their_clusters() -> None:
    frame = values_of({("a", 1): [1.0, 2, 1, 2], ("b", 1): [0.0] * 4})
    frame["cluster"] = frame["item"].map({"i00": "k", "i01": "k", "i02": "l", "i03": "l"})
    contrast = Contrast(name="x", terms=minus("a", "b"), measure="accuracy")
    result = evaluate(frame, contrast, smallest=Smallest(), split="", options=QUICK)
    # two clusters, both the same way: 2 of 4 patterns
    flipped = item_sign_flip(term_values(frame, contrast.terms, "accuracy")[0])
    assert result.smallest_p_items == flipped == smallest_p(2) == 0.5


VALUES = st.sampled_from([-1.0, 0.0, 0.5, 2.0, math.nan])
ROWS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([1, 2]), st.sampled_from("wxyz"), VALUES), max_size=20)


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_values_are_paired_as_pandas_pairs_them(rows: list[tuple[str, int, str, float]]) -> None:
    frame = result_frame(rows + [(arm, seed, "v", 1.0) for arm in "ab" for seed in (1, 2)])
    tasks, unscored = term_values(frame, minus("a", "b"), "accuracy")
    means = frame.pivot_table(index="item", columns=["arm", "seed"], values="value")
    whole = means.dropna()
    expected = np.stack([(whole["a"] - whole["b"])[seed].to_numpy() for seed in (1, 2)])
    assert tasks[0].values == pytest.approx(expected, abs=1e-12)
    assert tasks[0].items == tuple(whole.index)
    scored = frame.assign(value=frame["value"].notna() * 1.0)
    # what an arm was never asked is not unscored
    shares = scored.groupby(["item", "arm", "seed"])["value"].mean()
    assert unscored == pytest.approx(1 - float(shares.mean()), abs=1e-12)


def test_panels_say_what_they_hold() -> None:
    frame = result_frame([("a", 1, "x", 1), ("a", 1, "x", 0), ("a", 2, "y", math.inf)], split="dev")
    panels = Panels(pd.concat([frame, frame.assign(task="u", split="")]))
    panel = panels.of("t", "accuracy")
    assert panel is not None
    arm = panel.arm("a")
    assert arm is not None
    assert (arm.seeds, arm.scored_seeds) == ([1, 2], [1])
    assert arm.rows.tolist() == [[2, 0], [0, 1]]
    assert panel.epochs("a", 1)[:, 0].tolist() == [1, 0]
    assert panel.arm("b") is None
    assert panels.of("t", "other") is None
    assert (panels.split_of({"t"}), panels.split_of({"t", "u"})) == ("dev", "all and dev")


# --- what was written before


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*/contrasts.json")), ids=lambda path: path.parent.name)
def test_contrasts_that_were_written_before_can_be_read(path: Path) -> None:
    found = [ContrastResult.model_validate(own) for own in json.loads(path.read_text(encoding="utf-8"))]
    assert all(result.cautions == [] or result.n_items for result in found)


def test_a_caution_is_said_once_with_what_it_is_about() -> None:
    [result], _ = baseline_contrasts(values_of({("a", 1): [1.0, 0], ("b", 1): [0.0, 0]}), "b", ["accuracy"], QUICK)
    warned, quiet = (result.model_copy(update={"cautions": found}) for found in (["few clusters"], []))
    assert caution_notes([warned, warned.model_copy(update={"name": "x"}), quiet]) == [
        "few clusters: a − b [t] (accuracy), x (accuracy)"
    ]
    assert contrast_table([warned]).iloc[0]["contrast"] == "a − b [t] †"
