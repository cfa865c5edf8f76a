"""Several graders, and the mixed model beside the interval."""

import builtins
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from stat_frames import minus, values_of
from stat_frames import task_values as task

from msm_bench.errors import UserError
from msm_bench.recipe import Contrast, Smallest
from msm_bench.report.tables import contrast_numbers, effects_table
from msm_bench.stats import (
    Options,
    baseline_contrasts,
    evaluate,
    grader_interval,
    mixed_model,
    two_way_interval,
)

# --- graders


def test_graders_that_differ_by_a_constant_add_its_variance() -> None:
    # one seed, items 0, 2, 4 (variance of the mean 4/3); graders −1, 0 and +1 off: variance 1, over G = 3: 1/3; no
    # interaction. V = 4/3 + 1/3 = 5/3; Satterthwaite: (5/3)² / ((4/3)²/2 + (1/3)²/2) = 25/9 · 18/17 = 2.94, down to 2
    graders = [[task([[0.0 + off, 2 + off, 4 + off]])] for off in (-1, 0, 1)]
    found = grader_interval(graders)
    assert found.estimate == 2
    assert found.se**2 == pytest.approx(5 / 3, abs=1e-12)
    assert found.df == 2
    assert "3 graders" in found.method


def test_what_items_and_graders_share_is_counted_once() -> None:
    # graders give 0 4 and 2 2: means 2 and 2, so V_g = 0; mean 1 3: V_item = 2/2 = 1, which has their disagreement
    found = grader_interval([[task([[0.0, 4.0]])], [task([[2.0, 2.0]])]])
    assert found.se**2 == pytest.approx(1, abs=1e-12)
    # graders give 0 4 and 2 4: means 2 and 3, V_g = ½ / 2 = ¼. Residuals of the two-way table ∓½, ±½, each grader's
    # variance over items ½ / 2 = ¼, so V_ig = (¼ + ¼) / 2 = ¼: no more than chance. Mean 1 4: V = 9/2 / 2
    found = grader_interval([[task([[0.0, 4.0]])], [task([[2.0, 4.0]])]])
    assert found.se**2 == pytest.approx(9 / 4, abs=1e-12)


def test_graders_that_agree_add_nothing_nor_does_a_single_one() -> None:
    rng = np.random.default_rng(0)
    own = task(rng.normal(size=(4, 12)))
    alone = two_way_interval([own])
    assert grader_interval([[own]]) == alone
    agreed = grader_interval([[own], [own], [own]])
    assert agreed[:5] == pytest.approx(alone[:5], abs=1e-12)


def test_the_variance_with_graders_is_unbiased_for_crossed_effects() -> None:
    # seeds, items, graders N(0, 1), interactions of graders N(0, ½²), residual N(0, 1): the mean over S = 5, I = 20,
    # G = 4 has the variance 1/5 + 1/20 + 1/4 + ¼ (1/20 + 1/80) + 1/400. Cut at the factors it is a little more
    rng = np.random.default_rng(1)
    graders, seeds, items = 4, 5, 20
    found = []
    for _ in range(150):
        values = rng.normal(size=(graders, 1, 1)) + rng.normal(size=(1, seeds, 1)) + rng.normal(size=(1, 1, items))
        values = values + 0.5 * (rng.normal(size=(graders, seeds, 1)) + rng.normal(size=(graders, 1, items)))
        values = values + rng.normal(size=(graders, seeds, items))
        found.append(grader_interval([[task(own)] for own in values]).se ** 2)
    expected = 1 / 5 + 1 / 20 + 1 / 4 + (1 / 20 + 1 / 80) / 4 + 1 / 400
    assert np.mean(found) == pytest.approx(expected, rel=0.1)


def test_graders_of_two_tasks_keep_their_covariance() -> None:
    # one grader is 2 higher on both tasks, so 4 in the sum: variance 8, over G = 2: 4; tasks taken apart: 1 + 1
    graders = [[task([[off, off]]), task([[off + 1, off + 1]])] for off in (-1.0, 1.0)]
    assert grader_interval(graders).se ** 2 == pytest.approx(4, abs=1e-12)


def graded(by_grader: dict[str, dict[tuple[str, int], list[float]]]) -> pd.DataFrame:
    return pd.concat([values_of(own, metric=name) for name, own in by_grader.items()])


def test_a_measure_of_several_graders_is_their_mean() -> None:
    frame = graded(
        {
            "strict": {("a", 1): [1.0, 0, 1], ("b", 1): [0.0, 0, 1]},
            "mild": {("a", 1): [1.0, 1, 1], ("b", 1): [0.0, 0, math.nan]},
        }
    )
    options = Options(draws=100, graders={"quality": ("strict", "mild")})
    [result], reasons = baseline_contrasts(frame, "b", [], options)
    # the third item has no grade by `mild`: strict (1, 0) → ½, mild (1, 1) → 1; mean ¾
    assert (result.measure, result.estimate, result.n_items, result.n_left_out) == ("quality", 0.75, 2, 1)
    assert result.graders == {"strict": 0.5, "mild": 1.0}
    assert result.unscored_rate == pytest.approx(1 / 12)
    assert reasons == []
    # of several graders there is no McNemar, but shares they are: 1 and 0, halves ½ and 1
    assert result.mcnemar is None
    assert result.effects[0].method == "no limits: a share is 0, where the delta method has no variance"
    assert effects_table([result]).iloc[0]["by grader"] == "strict +0.50, mild +1.00"
    assert contrast_numbers([result]).iloc[0]["grader_mild"] == 1.0


def test_graders_widen_effects_as_they_widen_the_difference() -> None:
    strict = {("a", 1): [1.0, 0, 1, 0, 1, 0], ("b", 1): [0.0, 0, 1, 1, 0, 0]}
    mild = {("a", 1): [1.0, 1, 1, 1, 1, 0], ("b", 1): [0.0, 0, 1, 1, 0, 0]}
    contrast = Contrast(name="x", terms=minus("a", "b"), measure="quality")
    found = {}
    for name, other in (("same", strict), ("other", mild)):
        options = Options(draws=100, graders={"quality": ("strict", "mild")})
        frame = graded({"strict": strict, "mild": other})
        found[name] = evaluate(frame, contrast, smallest=Smallest(), split="", options=options)
    lone = Contrast(name="x", terms=minus("a", "b"), measure="strict")
    alone = evaluate(graded({"strict": strict}), lone, smallest=Smallest(), split="")
    assert found["same"].ci_low == pytest.approx(alone.ci_low, abs=1e-12)
    assert found["same"].effects[0].low == pytest.approx(alone.effects[0].low, abs=1e-12)
    assert "2 graders" in found["other"].effects[0].method


# --- the mixed model


def test_the_mixed_model_agrees_with_the_two_way_interval_on_balanced_values() -> None:
    rng = np.random.default_rng(2)
    for seeds, items in ((4, 20), (2, 30), (6, 12)):
        crossed = task(
            3 + rng.normal(size=(seeds, 1)) + 2 * rng.normal(size=(1, items)) + rng.normal(size=(seeds, items))
        )
        ours, fit = two_way_interval([crossed]), mixed_model(crossed)
        assert fit.estimate == pytest.approx(ours.estimate, abs=1e-9)
        # REML is found by iteration: to a thousandth
        assert fit.se == pytest.approx(ours.se, rel=1e-3)


def test_the_mixed_model_has_clusters_and_cells() -> None:
    rng = np.random.default_rng(3)
    clusters, cells = np.repeat(np.arange(12), 3), np.repeat(np.arange(3), 12)
    noise = rng.normal(size=(4, 1)) + np.repeat(rng.normal(size=(1, 12)), 3, axis=1) + rng.normal(size=(4, 36))
    both = task(noise + rng.normal(size=(1, 36)) + 5 * cells, cells, clusters)
    fit = mixed_model(both)
    assert fit.estimate == pytest.approx(two_way_interval([both]).estimate, abs=1e-9)
    assert fit.se == pytest.approx(two_way_interval([both]).se, rel=2e-3)
    assert fit.method.startswith("mixed model, REML: seed + cluster + item random")
    one = mixed_model(task(noise[:1], clusters=clusters))
    assert one.se == pytest.approx(two_way_interval([task(noise[:1], clusters=clusters)]).se, rel=1e-3)


def test_where_there_is_no_mixed_model_it_says_why() -> None:
    assert "alike" in mixed_model(task(np.ones((3, 4)))).method
    assert "one seed" in mixed_model(task([[1.0, 2, 3]])).method
    assert "more than" in mixed_model(task(np.zeros((4, 4000)))).method


def test_the_mixed_model_is_fitted_where_asked_for() -> None:
    rng = np.random.default_rng(4)
    arms = {(arm, seed): list(rng.normal(size=8)) for arm in "ab" for seed in (1, 2, 3)}
    [result], _ = baseline_contrasts(values_of(arms), "b", ["accuracy"], Options(draws=100, mixed=True))
    assert result.mixed is not None
    assert result.mixed.estimate == pytest.approx(result.estimate, abs=1e-9)
    assert "mixed model [95 % CI]" in effects_table([result])
    [plain], _ = baseline_contrasts(values_of(arms), "b", ["accuracy"], Options(draws=100))
    assert plain.mixed is None


def test_without_statsmodels_the_mixed_model_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def lacking(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("statsmodels"):
            raise ImportError("no", name="statsmodels")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(UserError, match=r"statsmodels is missing; run `pip install 'msm-bench\[mixed\]'`"):
        mixed_model(task([[1.0, 2], [3, 5]]))
