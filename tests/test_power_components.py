"""Variance components of arrays whose components are known by arithmetic, and on average."""

import numpy as np
import pytest
from powering import A_LESS_B, ASKED, frame
from stat_frames import task_values as task

from msm_bench.errors import UserError
from msm_bench.planning import (
    Components,
    Design,
    contrast_components,
    with_given,
)
from msm_bench.planning.components import components
from msm_bench.recipe import Term


def test_components_of_a_designed_array() -> None:
    # seeds ±1, items −3 −1 1 3, residual ±½ (1 −1 −1 1), 2 x 4, one cell.
    # seed x item: the four ±½ of each seed give 8/4 = 2 over (2 − 1)(4 − 1) = 3 df: 2/3
    # item: 20/3 between the items' means, less 2/3 over 2 seeds: 19/3
    # seed: variance of −1 and 1 is 2, less 2/3 over 4 items: 11/6
    q = np.array([1, -1, -1, 1]) / 2
    values = np.add.outer([-1.0, 1.0], [-3.0, -1.0, 1.0, 3.0]) + np.outer([-1, 1], q)
    found = components([task(values)], [ASKED])
    own = found.tasks[0]
    assert found.seed is not None
    assert (found.seed.variance, found.seed.df) == pytest.approx((11 / 6, 1))
    assert (own.item.variance, own.item.df) == pytest.approx((19 / 3, 3))
    assert (own.seed_item.variance, own.seed_item.df) == pytest.approx((2 / 3, 3))
    assert own.cluster.variance == own.seed_cluster.variance == 0


def test_cells_are_no_noise() -> None:
    rng = np.random.default_rng(0)
    values, cells = rng.normal(size=(3, 8)), [0, 0, 0, 0, 1, 1, 1, 1]
    before = components([task(values, cells)], [ASKED])
    apart = values + np.where(np.array(cells) == 1, 100.0, 0.0)
    after = components([task(apart, cells)], [ASKED])
    assert after.tasks[0].item.variance == pytest.approx(before.tasks[0].item.variance)
    assert after.seed_high == pytest.approx(before.seed_high)
    assert after.tasks[0].item.df == 6  # 8 items less 2 cells


def test_clusters_and_the_items_in_them() -> None:
    # clusters {1, 3} and {5, 7}: items 4 (±1)² = 4 over 4 − 2 df: 2; clusters 4 (±2)² = 16 over 1 df, which
    # expects item + k cluster with k = (4 − (2² + 2²)/4)/1 = 2, so (16 − 2)/2 = 7
    own = components([task([[1, 3, 5, 7]], clusters=[0, 0, 1, 1])], [ASKED]).tasks[0]
    assert (own.item.variance, own.cluster.variance) == pytest.approx((2.0, 7.0))
    assert (own.item.df, own.cluster.df) == (2, 1)


def test_estimates_are_right_on_average_with_unequal_clusters() -> None:
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(12), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 2, 4])
    cells = clusters % 2
    rows = []
    for _ in range(400):
        values = (
            rng.normal(0, 2, (4, 1))
            + rng.normal(0, 3, 12)[clusters]
            + rng.normal(0, 2, 36)
            + rng.normal(0, 1.5, (4, 12))[:, clusters]
            + rng.normal(0, 1, (4, 36))
        )
        found = components([task(values, cells, clusters)], [ASKED])
        own = found.tasks[0]
        assert found.seed is not None
        parts = (found.seed, own.cluster, own.item, own.seed_cluster, own.seed_item)
        rows.append([part.variance for part in parts])
    # truncation at 0 pulls up only what is near it; the tolerances are about three standard errors
    assert np.mean(rows, axis=0) == pytest.approx([4, 9, 4, 2.25, 1], rel=0.16)


def test_the_seed_interval_covers() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(400):
        found = components([task(rng.normal(0, 1, (3, 1)) + rng.normal(0, 1, (3, 30)))], [ASKED])
        held += found.seed_low <= 1 <= found.seed_high
    assert held / 400 == pytest.approx(0.95, abs=0.033)  # three standard errors
    # and three seeds know little: χ²(2) puts the upper limit at 1/√(0.0506/2) = 6.3 times the estimate
    assert found.seed_high / found.seed_low > 6


def test_seeds_are_common_to_tasks_and_items_are_not() -> None:
    # the two tasks' seed effects ±1 cancel in the sum; nothing else varies with the seed
    up, down = np.add.outer([-1.0, 1.0], [0.0, 4.0]), np.add.outer([1.0, -1.0], [0.0, 2.0])
    found = components([task(up), task(down, name="u")], [ASKED, ASKED])
    assert found.seed is not None
    assert found.seed.variance == 0
    assert [own.item.variance for own in found.tasks] == pytest.approx([8.0, 2.0])


def test_one_seed_says_so() -> None:
    found = components([task([[1, 2, 3, 4]])], [ASKED])
    assert found.seed is None
    assert found.tasks[0].item.variance == pytest.approx(5 / 3)
    assert [note.split(":")[0] for note in found.notes()] == ["one seed", "one epoch"]


def test_no_cell_with_two_clusters() -> None:
    with pytest.raises(UserError, match="no cell has two clusters"):
        components([task([[1, 2], [3, 4]], cells=[0, 1])], [ASKED])


def test_epochs_are_noise_of_both_arms() -> None:
    # in an item of `a` the answers m ± 1 have variance 2, of `b` m ± 2 variance 8; the difference of two has 10, and
    # 3 seeds x 6 items x (2 − 1) of each arm are 36 df. Means over two epochs keep 5 of it in seed x item.
    found = contrast_components(frame(), A_LESS_B)
    own = found.tasks[0]
    assert own.epoch is not None
    assert (own.epoch.variance, own.epoch.df) == pytest.approx((10.0, 36))
    averaged = contrast_components(frame(epochs=1), A_LESS_B)  # the same middles
    assert averaged.tasks[0].epoch is None
    assert own.seed_item.variance == pytest.approx(max(0.0, averaged.tasks[0].seed_item.variance - 5))
    assert (own.asked, own.asked_once) == (2, 0)


def test_an_untrained_arm_is_asked_once() -> None:
    # `b` as the base model, asked at one seed: its 8 are the items', whatever the seeds; `a` has 2 at each
    once = frame()
    once = once[(once["arm"] == "a") | (once["seed"] == 1)].replace({"arm": {"b": "base"}})
    terms = [Term(arm="a", task="t", weight=1), Term(arm="base", task="t", weight=-1)]
    own = contrast_components(once, A_LESS_B.model_copy(update={"terms": terms})).tasks[0]
    assert own.epoch is not None
    assert (own.epoch.variance, own.epoch_once.variance) == pytest.approx((2.0, 8.0))
    design = Design(5, (10,), 2, (1,))
    # 5 seeds and once the base model, 10 items, 2 epochs
    assert design.samples(Components(None, 0, 0, 3, 2, (own,), 0)) == 6 * 10 * 2


def test_noise_of_sampling_given_by_hand_is_taken_from_where_it_was() -> None:
    found = contrast_components(frame(epochs=1), A_LESS_B)
    whole = found.tasks[0].seed_item.variance
    own = with_given(found, 0.3, 0.5).tasks[0]
    assert own.epoch is not None
    assert own.epoch.variance + own.seed_item.variance == pytest.approx(whole)
