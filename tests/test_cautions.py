"""Each caution fires where it should, and is silent beside it."""

import itertools

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.recipe import Contrast, Smallest, Term
from msm_bench.results import COLUMNS
from msm_bench.stats import Options, TaskValues, evaluate
from msm_bench.stats.cautions import FEW_CLUSTERS, MAX_UNSCORED, MIN_GRADERS, MIXED_SEEDS, cautions, find_cautions


def normal_task(seeds: int = 12, cells: int = 3, clusters: int = 20, size: int = 1, name: str = "cheese") -> TaskValues:
    """Quiet data: enough seeds and clusters, equal sizes, normal values."""
    items = cells * clusters * size
    values = np.random.default_rng(0).normal(size=(seeds, items))
    return TaskValues(name, values, np.arange(items) // (clusters * size), np.arange(items) // size)


def said(task: TaskValues, share: bool = False, unscored: float = 0.0) -> list[str]:
    return cautions([task], share=share, unscored=unscored)


def test_nothing_is_said_of_quiet_data() -> None:
    assert said(normal_task()) == []
    assert cautions([normal_task(), normal_task()], share=False, unscored=MAX_UNSCORED) == []


def test_one_seed_says_nothing_of_training_again() -> None:
    (text,) = said(normal_task(seeds=1))
    assert text.startswith("one seed")
    assert "training again" in text


def test_models_that_were_not_trained_have_no_seeds_to_warn_of() -> None:
    assert cautions([normal_task(seeds=1)], share=False, unscored=0, trained=False) == []


def test_few_seeds_are_about_a_mixed_model_alone() -> None:
    few = [normal_task(seeds=MIXED_SEEDS - 1)]
    assert cautions(few, share=False, unscored=0) == []
    (found,) = find_cautions(few, share=False, unscored=0, mixed=True)
    assert found.about == {"mixed_model"}
    assert found.text.startswith("11 seeds")


def test_few_clusters_are_named_with_their_task() -> None:
    (text,) = said(normal_task(cells=1, clusters=FEW_CLUSTERS - 1))
    assert text.startswith("cheese: 14 clusters")


def test_cells_of_one_cluster_have_no_interval() -> None:
    (text,) = said(normal_task(cells=20, clusters=1))
    assert "no two-way interval" in text


def task_of(items: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64] | None = None) -> TaskValues:
    """Twelve seeds that are alike on given items, in one cell."""
    count = len(items)
    groups = np.arange(count) if clusters is None else clusters
    return TaskValues("t", np.tile(items, (12, 1)), np.zeros(count, dtype=np.int64), groups)


def test_skewed_clusters_are_too_few() -> None:
    # 29 items at 0 and one at 1: deviations −1/30 (29 times) and 29/30; skewness (1 − 2p)/√(pq) with p = 1/30:
    # (28/30)/√(29/900) = 5.2, of a sample √(30 · 29)/28 = 1.05 times as much, 5.5; and 35 · 5.5² = 1060 > 30
    (text,) = said(task_of(np.array([1.0] + [0.0] * 29)))
    assert "skewness 5.5 of 30 clusters" in text
    (found,) = find_cautions([task_of(np.array([1.0] + [0.0] * 29))], share=False, unscored=0)
    assert {"item_sign_flip", "tost", "two_way_interval"} <= found.about


def test_symmetric_values_are_not_skewed() -> None:
    assert said(task_of(np.resize([-1.0, 1.0], 30))) == []


def test_a_cell_with_nearly_all_variance_is_said() -> None:
    task = normal_task(cells=8, clusters=3)
    task.values[:, :3] *= 100
    assert any("a few cells have most of the variance" in text for text in said(task))


def test_a_cluster_with_most_items_is_said() -> None:
    # sizes 29 and 29 times 1: Kish's number is 58² / (29² + 29) = 3364 / 870 = 3.9 of 30
    clusters = np.array([0] * 29 + list(range(1, 30)))
    texts = said(task_of(np.resize([-1.0, 1.0], 58), clusters))
    assert any("30 are worth 4 equal ones" in text for text in texts)


def test_rates_at_the_end_of_the_scale_are_rough() -> None:
    # 96 items right and 4 wrong
    texts = said(task_of(np.array([1.0] * 96 + [0.0] * 4)), share=True)
    assert any("only 4 of 100 clusters differ" in text for text in texts)
    assert not any("differ" in text for text in said(task_of(np.resize([0.0, 1.0], 100)), share=True))


def test_mcnemar_is_warned_of_where_clusters_hold_several_items() -> None:
    found = find_cautions([normal_task(size=2)], share=True, unscored=0)
    assert ["mcnemar" in caution.about for caution in found] == [True]
    # beside the test itself, not among what is to know of the interval
    assert not any("McNemar" in text for text in said(normal_task(seeds=2), share=True))


def test_an_arm_at_the_end_of_the_scale_makes_ratios_rough() -> None:
    # one seed: the first arm has half of 50 items, the second 4 of them; so 4 clusters are not all 0
    arms = np.stack([np.resize([0.0, 1.0], (1, 50)), (np.arange(50) < 4).astype(float)[None]])
    own = task_of(np.zeros(50))._replace(values=arms[0] - arms[1])

    def about(shares: npt.NDArray[np.float64]) -> list[str]:
        found = find_cautions([own], share=True, unscored=0, trained=False, arms=shares)
        return [caution.text for caution in found if "odds" in caution.text]

    assert about(arms) == ["t: only 4 of 50 clusters keep an arm from all 0, or all 1: ratio, odds ratio, h are rough"]
    assert about(1 - arms) == about(arms)
    arms[1, 0, 4] = 1.0  # five
    assert about(arms) == []


def test_items_of_two_tasks_with_the_same_names_are_said() -> None:
    names = tuple(f"i{number}" for number in range(60))
    first, second = (
        normal_task()._replace(items=names),
        normal_task(name="bread")._replace(items=(*names[:58], "x", "y")),
    )
    (text,) = cautions([first, second], share=False, unscored=0)
    assert text.startswith("58 items of several tasks have the same names")
    assert said(first) == []


def test_single_answers_to_few_items_are_coarse() -> None:
    few, enough = (np.resize([[[0.0, 1.0]], [[1.0, 0.0]]], (2, 1, count)) for count in (58, 60))
    for arms, expected in ((few, 1), (enough, 0), (few / 2, 0)):
        own = TaskValues("t", arms[0] - arms[1], np.zeros(arms.shape[2], dtype=np.int64), np.arange(arms.shape[2]))
        found = cautions([own], share=True, unscored=0, trained=False, arms=arms)
        assert len([text for text in found if "single answers" in text]) == expected


def test_cells_of_one_large_cluster_do_not_vary_in_the_bootstrap() -> None:
    # cells 0 to 4: four single items each; cells 5 to 9: one cluster of 8: 5 · 64 of 5 · 64 + 20 is 0.94 of the squares
    clusters = np.concatenate([np.arange(20), np.repeat(np.arange(20, 25), 8)])
    cells = np.concatenate([np.repeat(np.arange(5), 4), np.repeat(np.arange(5, 10), 8)])
    values = np.random.default_rng(0).normal(size=(12, 60))
    found = find_cautions([TaskValues("t", values, cells, clusters)], share=False, unscored=0)
    (own,) = [caution for caution in found if caution.about == {"crossed_bootstrap"}]
    assert own.text.startswith("t: 5 cells have a single cluster")


def test_a_contrast_of_shares_is_warned_of_an_arm_at_the_end() -> None:
    frame = frame_of(seeds=2).fillna({"value": 0.0})
    frame["metric"] = "accuracy"
    frame["value"] = (frame["arm"] == "a") & (frame.index % 2 == 0)
    frame["value"] = frame["value"].astype(float)
    frame.loc[frame["arm"].eq("b") & frame["item"].eq("i3"), "value"] = 1.0
    terms = [Term(arm="a", task="t", weight=1), Term(arm="b", task="t", weight=-1)]
    found = evaluate(frame, Contrast(name="a − b", terms=terms, measure="accuracy"), smallest=Smallest(), split="all")
    assert [text for text in found.cautions if "ratio" in text] == [
        "t: only 1 of 40 clusters keep an arm from all 0, or all 1: ratio, odds ratio, h are rough"
    ]


def test_ranks_that_hardly_ever_differ_are_rough() -> None:
    frame = frame_of(seeds=2)
    frame["metric"] = "mark"
    frame["value"] = 5.0
    frame.loc[frame["arm"].eq("b") & frame["item"].isin(["i3", "i4"]), "value"] = 4.0
    terms = [Term(arm="a", task="t", weight=1), Term(arm="b", task="t", weight=-1)]
    contrast = Contrast(name="a − b", terms=terms, measure="mark")
    options = Options(ordinal=("mark",), draws=100)
    found = evaluate(frame, contrast, smallest=Smallest(), split="all", options=options)
    assert any("only 2 of 40 clusters differ" in text for text in found.cautions)


def test_two_graders_are_few() -> None:
    (text,) = cautions([normal_task()], share=False, unscored=0, graders=MIN_GRADERS - 1)
    assert text.startswith("2 graders")
    assert cautions([normal_task()], share=False, unscored=0, graders=MIN_GRADERS) == []


def test_unscored_values_are_said() -> None:
    (text,) = said(normal_task(), unscored=0.123)
    assert text.startswith("12.3% of the values are unscored")


def test_the_more_items_the_fewer_may_be_unscored() -> None:
    # one seed, items of sd 1: the standard error is about 1/√n, and a tenth of it 0.0032 of 1000 items, 0.013 of 60
    many = normal_task(seeds=1, cells=1, clusters=1000)
    found = [cautions([own], share=False, unscored=0.005, trained=False) for own in (many, normal_task(seeds=1))]
    assert [len(texts) for texts in found] == [1, 0]
    assert cautions([many], share=False, unscored=0.002, trained=False) == []


def frame_of(seeds: int, items: int = 40) -> pd.DataFrame:
    """Two arms with every item at every seed; one value of the second is unscored."""
    rng = np.random.default_rng(1)
    places = itertools.product(["a", "b"], range(seeds), range(items))
    rows = [
        {"arm": arm, "seed": seed, "task": "t", "item": f"i{item}", "cell": "c", "cluster": f"i{item}"}
        | {"split": "", "epoch": 1, "metric": "margin", "value": rng.normal()}
        for arm, seed, item in places
    ]
    rows[-1]["value"] = np.nan
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


def test_a_contrast_carries_its_cautions() -> None:
    terms = [Term(arm="a", task="t", weight=1), Term(arm="b", task="t", weight=-1)]
    contrast = Contrast(name="a − b", terms=terms, measure="margin")
    found = evaluate(frame_of(seeds=1), contrast, smallest=Smallest(), split="all").cautions
    # 1 of 2 · 1 · 40 values is unscored: 1.25 %
    assert [text.split(":")[0] for text in found] == ["one seed", "1.2% of the values are unscored"]


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from([0.0, 1.0]),
)
def test_any_shape_and_constant_values_are_taken(
    seeds: int, cells: int, clusters: int, size: int, share: bool, scale: float
) -> None:
    task = normal_task(seeds, cells, clusters, size)
    task.values[:] *= scale
    before = task.values.copy()
    with np.errstate(all="raise"):
        texts = cautions([task], share=share, unscored=0.0)
    assert len(texts) == len(set(texts))
    assert all("\n" not in text for text in texts)
    assert (task.values == before).all()


@pytest.mark.parametrize("factor", [-3.0, 0.01, 100.0])
def test_cautions_do_not_depend_on_the_scale_or_sign(factor: float) -> None:
    task = normal_task(seeds=3, cells=1, clusters=16)
    scaled = task._replace(values=5 + factor * task.values)
    assert len(said(task)) == len(said(scaled))
