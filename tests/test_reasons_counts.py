"""Reasons counted: overlapping patterns merged, shares with intervals, and figures of them."""

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from reason_scripts import transcript
from scipy.stats import binomtest

from msm_bench.reasons import Codebook, Pattern, merge_overlapping, overlap
from msm_bench.reasons.classify import Reading, reading_frame
from msm_bench.reasons.figure import plot_frequencies
from msm_bench.reasons.frequencies import RATIO, RATIO_ONE_SEED, WILSON_CLUSTERS, frequencies, frequency_table
from msm_bench.reasons.overlap import Group
from msm_bench.reasons.publish import publish
from msm_bench.reasons.run import Findings
from msm_bench.stats import wilson

# --- merging


def test_overlap_by_hand() -> None:
    # |{2, 3}| of the smaller three
    assert overlap(frozenset({1, 2, 3}), frozenset({2, 3, 4, 5})) == pytest.approx(2 / 3)
    assert overlap(frozenset({1}), frozenset({1, 2})) == 1
    assert overlap(frozenset(), frozenset({1})) == 0


def test_merging_by_hand() -> None:
    shown_by = {
        "a": frozenset(range(10)),
        "b": frozenset({0, 1, 2, 3, 20}),  # 4 of 5 with a: 0.8
        "c": frozenset({20, 21, 22, 23}),  # 1 of 4 with b; none with a; of a ∪ b 1 of 4 again
        "d": frozenset({0, 1, 2, 30}),  # 3 of 4 with a, exactly 0.75: not more; with b 3 of 4
        "e": frozenset({5, 6}),  # all of it in a: 1, so this pair goes first
        "f": frozenset({5, 6}),  # likewise, but of the other side
    }
    sides = dict.fromkeys(shown_by, "misaligned") | {"f": "aligned"}
    groups, merges = merge_overlapping(shown_by, sides)
    assert groups == [
        Group("a", ("a", "b", "e"), frozenset({*range(10), 20})),
        *(Group(id, (id,), shown_by[id]) for id in "cdf"),
    ]
    assert [(one.into, one.merged, one.overlap, one.both) for one in merges] == [("a", "e", 1, 2), ("a", "b", 0.8, 4)]
    assert merge_overlapping(shown_by, sides, 1)[1] == []


PATTERNS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.frozensets(st.integers(0, 11), max_size=9), min_size=1, max_size=8
)
THRESHOLDS = st.sampled_from([0.0, 0.3, 0.5, 0.75, 1.0])


@settings(max_examples=60)
@given(PATTERNS, THRESHOLDS, st.randoms(use_true_random=False))
def test_merging_does_not_depend_on_the_order(
    shown_by: dict[str, frozenset[int]], threshold: float, shuffled: random.Random
) -> None:
    sides = {id: "aligned" if id in "aceg" else "misaligned" for id in shown_by}
    ids = list(shown_by)
    shuffled.shuffle(ids)
    groups, merges = merge_overlapping(shown_by, sides, threshold)
    others, same = merge_overlapping({id: shown_by[id] for id in ids}, sides, threshold)
    assert (set(groups), merges) == (set(others), same)


@given(PATTERNS, THRESHOLDS)
def test_merging_again_merges_nothing(shown_by: dict[str, frozenset[int]], threshold: float) -> None:
    sides = {id: "aligned" if id in "aceg" else "misaligned" for id in shown_by}
    groups, merges = merge_overlapping(shown_by, sides, threshold)
    assert merge_overlapping({one.id: one.transcripts for one in groups}, sides, threshold)[1] == []
    # every pattern is in one group, of its side, whose transcripts are its members'
    assert sorted(member for one in groups for member in one.members) == sorted(shown_by)
    assert len(merges) == len(shown_by) - len(groups)
    for one in groups:
        assert one.transcripts == frozenset().union(*(shown_by[member] for member in one.members))
        assert {sides[member] for member in one.members} == {sides[one.id]}


# --- intervals

ONE = Codebook(title="t", patterns=[Pattern(id="p", name="p", definition="d")])


def numbers(shown: Sequence[tuple[str, float]], **about: Any) -> dict[str, Any]:
    """Frequencies of one arm: for each transcript its cluster and whether it shows the pattern."""
    readings = [
        Reading(transcript(str(i), "x", cluster=cluster, **about), frozenset({"p"} if value else ()), "")
        for i, (cluster, value) in enumerate(shown)
    ]
    found = frequencies(reading_frame(readings, ["p"]), [Group("p", ("p",), frozenset())], ONE)
    [row] = found.to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_clusters_widen_the_interval() -> None:
    # 6 clusters of 2 with sums 2 1 1 1 1 0 and mean 0.5: deviations 1 0 0 0 0 −1, so V = 6/5 · 2 / 12² = 1/60;
    # t of 5 degrees of freedom is 2.5706: 0.5 ± 2.5706 · 0.12910 = 0.5 ± 0.33186
    values = [("a", 1), ("a", 1), *((name, value) for name in "bcde" for value in (0, 1)), ("f", 0), ("f", 0)]
    row = numbers(values)
    assert row["frequency"] == 0.5
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.16814, 0.83186), abs=1e-4)
    assert "items within cells" in row["method"]


def test_clusters_that_are_all_alike_have_an_interval() -> None:
    # the two-way interval would be [0, 0]; Wilson's of 0 in 6 ends at z² / (6 + z²) = 3.8415 / 9.8415
    row = numbers([(name, 0) for name in "aabbccddeeff"])
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0, 0.39034), abs=1e-4)
    assert row["method"] == WILSON_CLUSTERS


def test_one_cluster_has_no_interval() -> None:
    row = numbers([("a", 0), ("a", 1)])
    assert row["frequency"] == 0.5
    assert math.isnan(row["ci_low"])
    assert math.isnan(row["ci_high"])


Seen = tuple[int, str, float | None]
"""Seed, item, and whether it shows the pattern; None if it is unscored."""


def unequal(seen: Sequence[Seen], arm: str = "a") -> dict[str, Any]:
    """Frequencies of one arm whose seeds need not have the same items."""
    readings = [
        Reading(
            transcript(item, "x", arm, seed=seed, epoch=row),
            frozenset({"p"} if value else ()),
            "error" if value is None else "",
        )
        for row, (seed, item, value) in enumerate(seen)
    ]
    found = frequencies(reading_frame(readings, ["p"]), [Group("p", ("p",), frozenset())], ONE)
    [row] = found.to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_unscored_transcripts_of_one_seed_drop_no_others() -> None:
    # seed 1 shows 3 of 4, seed 2 one 0 and three that are unscored
    row = unequal([(1, "i", 1), (1, "j", 1), (1, "k", 1), (1, "l", 0), (2, "i", 0), *((2, x, None) for x in "jkl")])
    assert (row["frequency"], row["shown"], row["scored"], row["transcripts"]) == (3 / 5, 3, 5, 8)
    assert row["method"] == RATIO
    # (y − 0.6)/5: i .08 − .12, j and k .08, l −.12, so V_item = 4/3 (.0016 + 2 · .0064 + .0144) = .0384;
    # seeds .12 and −.12: V_seed = 2 · 2 · .0144 = .0576; both 5/4 (3 · .0064 + 2 · .0144) = .06; V = max(.036, .0576);
    # t of 1 degree of freedom is 12.7: 0.6 ± 3.05, and a share ends at 0 and 1
    assert (row["ci_low"], row["ci_high"]) == (0, 1)


def test_the_base_model_counts_at_every_seed() -> None:
    row = unequal([*((1, x, 0) for x in "ijkl"), *((2, x, 1) for x in "ijkl")], "base")
    assert (row["frequency"], row["shown"], row["scored"], row["method"]) == (0.5, 4, 8, RATIO)


def test_items_may_differ_by_seed() -> None:
    row = unequal([(1, "i", 1), (1, "j", 1), (2, "k", 0), (2, "l", 1)])
    assert (row["frequency"], row["scored"], row["method"]) == (0.75, 4, RATIO)


def test_epochs_that_are_unscored_count_for_nothing() -> None:
    # four epochs of each item, of j three are unscored: a mean of item means would be (1/4 + 1)/2
    seen: list[Seen] = [(1, "i", 1), *[(1, "i", 0.0)] * 3, (1, "j", 1), *[(1, "j", None)] * 3]
    row = unequal(seen)
    assert (row["frequency"], row["scored"], row["unscored_rate"]) == (2 / 5, 5, 3 / 8)
    assert row["method"] == RATIO_ONE_SEED
    # sums of (y − 0.4)/5: i .12 − 3 · .08 = −.12, j .12; V = 2 · 2 · .0144 = .0576, t of 1 is 12.7: all of [0, 1]
    assert (row["ci_low"], row["ci_high"]) == (0, 1)


def test_a_ratio_by_hand() -> None:
    # 6 items of one seed: five with two epochs each, both alike (1 1 0 0 0), one with a single 0: p = 4/11;
    # sums of (y − p)/11: 2 · 7/121 twice, −2 · 4/121 three times, −4/121;
    # V = 6/5 (2 · 196 + 3 · 64 + 16)/121² = .049177;
    # t of 5 is 2.5706: .36364 ± 2.5706 · .22176 = .36364 ± .57005, cut off at 0
    seen = [(1, item, value) for item, value in zip("ijklm", (1, 1, 0, 0, 0), strict=True) for _ in range(2)]
    row = unequal([*seen, (1, "n", 0)])
    assert row["frequency"] == pytest.approx(4 / 11)
    assert (row["ci_low"], row["ci_high"]) == (0, pytest.approx(0.93369, abs=1e-4))


def test_nothing_scored_says_so() -> None:
    row = unequal([(1, "i", None)])
    assert math.isnan(row["frequency"])
    assert (row["scored"], row["method"]) == (0, "no p of arm 'a' on task 'office' in these results")


def test_arms_may_be_called_like_columns() -> None:
    readings = [Reading(transcript("i", "x", arm), frozenset("p"), "") for arm in ("pattern", "task", "side", "own")]
    found = frequencies(reading_frame(readings, ["p"]), [Group("p", ("p",), frozenset())], ONE)
    table = frequency_table(found)
    assert list(table.columns) == ["task", "side", "pattern", "arm pattern", "arm task", "arm side", "own"]
    assert table["pattern"].tolist() == ["p"]


def test_every_arm_has_a_colour_and_a_place_in_the_key(tmp_path: Path) -> None:
    arms = ["_hidden", *(f"arm{number}" for number in range(11))]
    readings = [Reading(transcript("i", "x", arm), frozenset("p"), "") for arm in arms]
    found = frequencies(reading_frame(readings, ["p"]), [Group("p", ("p",), frozenset())], ONE)
    with pytest.MonkeyPatch.context() as patch:
        drawn: list[Figure] = []
        patch.setattr("msm_bench.reasons.figure.save_figure", lambda figure, *_: drawn.append(figure))
        plot_frequencies(found, tmp_path / "f.png")
    [key] = drawn[0].legends
    assert [text.get_text() for text in key.get_texts()] == arms
    colors = {to_hex(line.get_color()) for line in drawn[0].axes[0].get_lines()}
    assert len(colors) == len(arms)
    assert {to_hex(line.get_color()) for line in key.get_lines()} == colors


@given(st.integers(1, 500), st.data())
def test_wilson_is_scipys(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k / n, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_figures_have_any_number_of_tasks_arms_and_gaps(tmp_path: Path) -> None:
    transcripts = [
        transcript(f"{task}{arm}{i}", "x", arm=f"$arm_{arm}", task=task)
        for task in "st"
        for arm in range(3)
        for i in range(2)
    ]
    readings = [Reading(one, frozenset({"p"}), "error" if one.about["arm"] == "$arm_0" else "") for one in transcripts]
    frame = reading_frame(readings[:-2], ["p"])
    table = frequencies(frame, [Group("p", ("p",), frozenset())], ONE)
    assert frequency_table(table)["$arm_0"].tolist() == ["–", "–"]
    found = Findings(ONE, readings, frame, [], [], table, "g")
    publish(found, tmp_path, 0.75, "-")
    assert (tmp_path / "figures" / "frequencies.svg").exists()
