"""Reasons counted: overlapping patterns merged, shares with intervals, and figures of them."""

import math
import random
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from reason_scripts import transcript
from scipy.stats import binomtest

from msm_bench.reasons import Codebook, Pattern, merge_overlapping, overlap
from msm_bench.reasons.classify import Reading, reading_frame
from msm_bench.reasons.figure import draw_frequencies
from msm_bench.reasons.frequencies import frequencies, frequency_table
from msm_bench.reasons.overlap import Group, Merge
from msm_bench.reasons.publish import publish
from msm_bench.reasons.run import Findings
from msm_bench.report.figures import save_figure
from msm_bench.stats import wilson
from msm_bench.stats.share_intervals import EFFECTIVE, ONCE, RATIO, RATIO_ONE_SEED

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


def test_only_what_overlaps_in_every_condition_is_merged() -> None:
    shown_by = {
        "a": frozenset({0, 1, 2, 3, 10}),
        "b": frozenset({0, 1, 2, 3, 11, 12}),  # with a 4 of 4 of the threat, none of 1 of the twin; 4 of 5 in all
        "c": frozenset({4, 5}),
        "d": frozenset({4, 5, 6, 13}),  # with c 2 of 2 of the threat; the twin never shows c
    }
    conditions = {"threat": frozenset(range(10)), "calm": frozenset(range(10, 20))}
    sides = dict.fromkeys(shown_by, "aligned")
    groups, merges = merge_overlapping(shown_by, sides, 0.75, conditions)
    assert [one.members for one in groups] == [("a",), ("b",), ("c", "d")]
    assert merges == [Merge("d", "c", 1, 2, 3, 2, "threat")]
    assert [merge.merged for merge in merge_overlapping(shown_by, sides)[1]] == ["c", "a"]


Shown = dict[str, frozenset[int]]
PATTERNS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.frozensets(st.integers(0, 11), max_size=9), min_size=1, max_size=8
)
CONDITIONS = st.sampled_from([{}, {"": frozenset(range(12))}, {"x": frozenset(range(7)), "y": frozenset(range(7, 12))}])
THRESHOLDS = st.sampled_from([0.0, 0.3, 0.5, 0.75, 1.0])


@settings(max_examples=60)
@given(PATTERNS, THRESHOLDS, CONDITIONS, st.randoms(use_true_random=False))
def test_merging_does_not_depend_on_the_order(
    shown_by: Shown, threshold: float, conditions: Shown, shuffled: random.Random
) -> None:
    sides = {id: "aligned" if id in "aceg" else "misaligned" for id in shown_by}
    ids = list(shown_by)
    shuffled.shuffle(ids)
    groups, merges = merge_overlapping(shown_by, sides, threshold, conditions)
    others, same = merge_overlapping({id: shown_by[id] for id in ids}, sides, threshold, conditions)
    assert (set(groups), merges) == (set(others), same)


@given(PATTERNS, THRESHOLDS, CONDITIONS)
def test_merging_again_merges_nothing(shown_by: Shown, threshold: float, conditions: Shown) -> None:
    sides = {id: "aligned" if id in "aceg" else "misaligned" for id in shown_by}
    groups, merges = merge_overlapping(shown_by, sides, threshold, conditions)
    assert merge_overlapping({one.id: one.transcripts for one in groups}, sides, threshold, conditions)[1] == []
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


def of_size(share: float, size: float) -> Any:
    """Wilson's limits of a share, about, by an effective size."""
    return pytest.approx(wilson(share, size), abs=1e-4)


def test_clusters_widen_the_interval() -> None:
    # 6 clusters of 2 with sums 2 2 2 0 0 0 and mean 0.5: deviations 1 and −1, so V = 6/5 · 6 / 12² = .05, which is 2.4
    # times 0.25 / 12; t of 5 degrees of freedom is 2.5706: 12 / 2.4 · (1.96 / 2.5706)² = 2.9068 count.
    # Wilson's of a half: 0.5 ± z / 2 √(2.9068 + z²) = 0.5 ± .37724
    row = numbers([(name, name in "abc") for name in "aabbccddeeff"])
    assert row["frequency"] == 0.5
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.12276, 0.87724), abs=1e-4)
    assert row["method"].startswith(EFFECTIVE)
    assert "items within cells" in row["method"]


def test_clusters_never_narrow_it() -> None:
    # sums 1 1 1 1 1 1 but for one: V is far below that of independent transcripts, so 12 · (1.96 / 2.5706)² = 6.9760
    row = numbers([*((name, value) for name in "abcde" for value in (0, 1)), ("f", 0), ("f", 0)])
    assert (row["ci_low"], row["ci_high"]) == of_size(5 / 12, 6.9760)


def test_clusters_that_are_all_alike_have_an_interval() -> None:
    # the two-way interval would be [0, 0]; Wilson's of 0 in 6 ends at z² / (6 + z²) = 3.8415 / 9.8415
    row = numbers([(name, 0) for name in "aabbccddeeff"])
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0, 0.39034), abs=1e-4)
    assert row["method"] == ONCE


def test_clusters_that_are_alike_within_cells_have_an_interval() -> None:
    readings = [
        Reading(transcript(f"{cell}{i}", "x", cell=cell), frozenset({"p"} if cell == "a" else ()), "")
        for cell in "abc"
        for i in range(4)
    ]
    [row] = frequencies(reading_frame(readings, ["p"]), [Group("p", ("p",), frozenset())], ONE).to_dict("records")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(wilson(1 / 3, 12))
    assert row["method"] == ONCE


def test_one_cluster_counts_once() -> None:
    row = numbers([("a", 0), ("a", 1)])
    assert row["frequency"] == 0.5
    assert (row["ci_low"], row["ci_high"]) == wilson(0.5, 1)
    assert row["method"] == ONCE


def test_a_cell_may_have_a_single_cluster() -> None:
    readings = [
        Reading(transcript(str(i), "x", cell=str(i), cluster="k"), frozenset({"p"} if i < 9 else ()), "")
        for i in range(27)
    ]
    [row] = frequencies(reading_frame(readings, ["p"]), [Group("p", ("p",), frozenset())], ONE).to_dict("records")
    # V = 27/26 · p(1 − p)/27, and t of 26 degrees of freedom is 2.0555: 26 · (1.96 / 2.0555)² = 23.639 count
    assert (row["ci_low"], row["ci_high"]) == of_size(1 / 3, 23.639)
    assert row["method"] == f"{EFFECTIVE}; {RATIO_ONE_SEED}"


def test_more_that_show_it_never_lower_a_limit() -> None:
    def limits(shown: int) -> tuple[float, float]:
        readings = [
            Reading(transcript(f"{i}", "x", cell=str(i % 27)), frozenset({"p"} if i < shown else ()), "")
            for i in range(108)
        ]
        [row] = frequencies(reading_frame(readings, ["p"]), [Group("p", ("p",), frozenset())], ONE).to_dict("records")
        return row["ci_low"], row["ci_high"]

    found = [limits(shown) for shown in (0, 1, 2, 3, 9, 27)]
    for one, other in pairwise(found):
        assert one[0] < other[0]
        assert one[1] < other[1]
    assert found[0] == wilson(0, 108)


SEEN = st.lists(
    st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from("abc"), st.sampled_from("klmn"), st.booleans()),
    min_size=1,
    max_size=30,
)


@settings(max_examples=80)
@given(SEEN)
def test_limits_are_shares_and_never_tighter_than_of_as_many_alone(seen: list[tuple[int, str, str, bool]]) -> None:
    readings = [
        Reading(
            transcript(f"{cell}{cluster}{epoch % 2}", "x", seed=seed, cell=cell, cluster=cluster, epoch=epoch),
            frozenset({"p"} if value else ()),
            "",
        )
        for epoch, (seed, cell, cluster, value) in enumerate(seen)
    ]
    [row] = frequencies(reading_frame(readings, ["p"]), [Group("p", ("p",), frozenset())], ONE).to_dict("records")
    low, share, high = (row[name] for name in ("ci_low", "frequency", "ci_high"))
    assert 0 <= low <= share <= high <= 1
    assert low < high
    alone = wilson(share, len(seen))
    assert low <= alone[0] + 1e-12
    assert high >= alone[1] - 1e-12


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
    assert row["method"] == f"{EFFECTIVE}; {RATIO}"
    # (y − 0.6)/5: i .08 − .12, j and k .08, l −.12, so V_item = 4/3 (.0016 + 2 · .0064 + .0144) = .0384;
    # seeds .12 and −.12: V_seed = 2 · 2 · .0144 = .0576; both 5/4 (3 · .0064 + 2 · .0144) = .06; V = max(.036, .0576);
    # that is 1.2 times 0.6 · 0.4 / 5, and t of 1 degree of freedom is 12.706: 5 / 1.2 · (1.96 / 12.706)² = .09914 count
    assert (row["ci_low"], row["ci_high"]) == of_size(3 / 5, 0.09914)


def test_the_base_model_counts_at_every_seed() -> None:
    row = unequal([*((1, x, 0) for x in "ijkl"), *((2, x, 1) for x in "ijkl")], "base")
    assert (row["frequency"], row["shown"], row["scored"], row["method"]) == (
        0.5, 4, 8, f"{EFFECTIVE}; {RATIO}"
    )  # fmt: skip


def test_items_may_differ_by_seed() -> None:
    row = unequal([(1, "i", 1), (1, "j", 1), (2, "k", 0), (2, "l", 1)])
    assert (row["frequency"], row["scored"], row["method"]) == (0.75, 4, f"{EFFECTIVE}; {RATIO}")


def test_epochs_that_are_unscored_count_for_nothing() -> None:
    # four epochs of each item, of j three are unscored: a mean of item means would be (1/4 + 1)/2
    seen: list[Seen] = [(1, "i", 1), *[(1, "i", 0.0)] * 3, (1, "j", 1), *[(1, "j", None)] * 3]
    row = unequal(seen)
    assert (row["frequency"], row["scored"], row["unscored_rate"]) == (2 / 5, 5, 3 / 8)
    assert row["method"] == f"{EFFECTIVE}; {RATIO_ONE_SEED}"
    # sums of (y − 0.4)/5: i .12 − 3 · .08 = −.12, j .12; V = 2 · 2 · .0144 = .0576, as above with 0.4 for 0.6
    assert (row["ci_low"], row["ci_high"]) == of_size(2 / 5, 0.09914)


def test_a_ratio_by_hand() -> None:
    # 6 items of one seed: five with two epochs each, both alike (1 1 0 0 0), one with a single 0: p = 4/11;
    # sums of (y − p)/11: 2 · 7/121 twice, −2 · 4/121 three times, −4/121;
    # V = 6/5 (2 · 196 + 3 · 64 + 16)/121² = .049177;
    # p(1 − p)/11 = .021037, so the design effect is 2.3377; t of 5 is 2.5706: 11 / 2.3377 · (1.96 / 2.5706)² = 2.7355
    seen = [(1, item, value) for item, value in zip("ijklm", (1, 1, 0, 0, 0), strict=True) for _ in range(2)]
    row = unequal([*seen, (1, "n", 0)])
    assert row["frequency"] == pytest.approx(4 / 11)
    assert (row["ci_low"], row["ci_high"]) == of_size(4 / 11, 2.7355)


def test_nothing_scored_says_so() -> None:
    row = unequal([(1, "i", None)])
    assert math.isnan(row["frequency"])
    assert (row["scored"], row["method"]) == (0, "no p of arm 'a' on task 'office' in these results")


def test_twins_are_counted_apart() -> None:
    readings = [
        Reading(
            transcript(f"{cell}/{company}/{condition}", "x", cell=cell, cluster=company, condition=condition),
            frozenset({"p"} if condition == "replacement" else ()),
            "",
        )
        for cell in "abc"
        for company in "klmn"
        for condition in ("replacement", "calm", "authorised")
    ]
    readings.append(Reading(transcript("other", "x", task="plain"), frozenset("p"), ""))
    frame = reading_frame(readings, ["p"])
    found = frequencies(frame, [Group("p", ("p",), frozenset())], ONE)
    conditions = ["replacement", "calm", "authorised"]
    assert found[["task", "condition", "frequency", "transcripts"]].to_numpy().tolist() == [
        *(["office", condition, float(condition == "replacement"), 12] for condition in conditions),
        ["plain", "", 1, 1],
    ]
    table = frequency_table(found)
    assert list(table.columns) == ["task", "condition", "side", "pattern", "a"]
    assert table["a"].tolist() == ["1.00 [0.76, 1.00]", "0.00 [0.00, 0.24]", "0.00 [0.00, 0.24]", "1.00 [0.21, 1.00]"]
    titles = [axis.get_title() for axis in draw_frequencies(found).axes]
    assert titles == [*(f"office\n{condition}: neither" for condition in conditions), "plain: neither"]
    assert "condition" not in frequency_table(found[found["task"] == "plain"])


def test_arms_may_be_called_like_columns() -> None:
    readings = [Reading(transcript("i", "x", arm), frozenset("p"), "") for arm in ("pattern", "task", "side", "own")]
    found = frequencies(reading_frame(readings, ["p"]), [Group("p", ("p",), frozenset())], ONE)
    table = frequency_table(found)
    assert list(table.columns) == ["task", "side", "pattern", "arm pattern", "arm task", "arm side", "own"]
    assert table["pattern"].tolist() == ["p"]


def test_every_arm_has_a_look_and_a_place_in_the_key() -> None:
    arms = ["_hidden", *(f"arm{number}" for number in range(11))]
    readings = [Reading(transcript("i", "x", arm), frozenset("p"), "") for arm in arms]
    found = frequencies(reading_frame(readings, ["p"]), [Group("p", ("p",), frozenset())], ONE)
    figure = draw_frequencies(found)
    [key] = figure.legends
    assert [text.get_text() for text in key.get_texts()] == arms
    looks = {(to_hex(line.get_color()), line.get_marker()) for line in figure.axes[0].get_lines()}
    assert len(looks) == len(arms)
    assert {(to_hex(line.get_color()), line.get_marker()) for line in key.get_lines()} == looks


def test_labels_tell_patterns_apart() -> None:
    long = "w" * 60
    named = {
        "a": f"{long}a",
        "b": f"{long}b",
        "c": f"{long[:20]} {long[:20]}",
        "d": "twice",
        "e": "twice",
        "f": "f" * 46,
    }
    book = Codebook(title="t", patterns=[Pattern(id=id, name=name, definition="d") for id, name in named.items()])
    groups = [Group(id, (id,), frozenset()) for id in named]
    frame = reading_frame([Reading(transcript("i", "x"), frozenset(), "")], list(named))
    figure = draw_frequencies(frequencies(frame, groups, book))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    cut = f"{'w' * 45}…"
    assert labels == [f"{cut} (a)", f"{cut} (b)", named["c"], "twice (d)", "twice (e)", named["f"]]


def test_what_the_font_lacks_is_replaced(tmp_path: Path) -> None:
    names = {"a": "要点 one", "b": "要求 one", "c": "a \N{SLICE OF PIZZA} smile"}
    book = Codebook(title="t", patterns=[Pattern(id=id, name=name, definition="d") for id, name in names.items()])
    readings = [Reading(transcript("i", "x", arm, task="任務"), frozenset(), "") for arm in ("甲", "乙")]
    groups = [Group(id, (id,), frozenset()) for id in names]
    numbers = frequencies(reading_frame(readings, list(names)), groups, book)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_figure(draw_frequencies(numbers), tmp_path / "f.png", "read by 丙")
    labels = [label.get_text() for label in draw_frequencies(numbers).axes[0].get_yticklabels()]
    assert labels == ["�� one (a)", "�� one (b)", "a � smile"]


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
