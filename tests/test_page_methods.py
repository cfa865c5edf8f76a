"""The methods paragraph says what was done, clause by clause, and nothing that was not."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from msm_bench.recipe import Contrast, Term
from msm_bench.report.page import Material, from_results
from msm_bench.report.page.methods import listed, methods, task_versions
from msm_bench.results import COLUMNS, UNTRAINED
from msm_bench.stats import baseline_contrasts

RESULTS = Path(__file__).parent.parent / "results"


def frame(arms: Sequence[str], *, seeds: Sequence[int] = (UNTRAINED,), epochs: int = 1, **columns: Any) -> pd.DataFrame:
    """Six items of one task, in two cells, scored for every arm, seed and epoch; values differ by arm and item."""
    rows = [
        {
            **dict.fromkeys(COLUMNS, ""),
            **{"model": f"provider/{arm}", "arm": arm, "seed": seed, "task": "letters", "item": f"i{item}"},
            **{"cell": f"c{item % 2}", "cluster": f"i{item}", "epoch": epoch, "metric": "accuracy"},
            "value": float((item + 2 * len(arm)) % 4 > 0),
            **columns,
        }
        for arm in arms
        for seed in seeds
        for epoch in range(1, epochs + 1)
        for item in range(6)
    ]
    return pd.DataFrame(rows)


def told(material: Material) -> str:
    return " ".join(sentence for paragraph in methods(material) for sentence in paragraph)


@pytest.fixture(scope="module")
def cheese() -> Material:
    return from_results(RESULTS / "cheese-smollm2")


def test_a_recipe_has_models_stages_seeds_tests_and_family(cheese: Material) -> None:
    text = told(cheese)
    for clause in (
        "The base model is smollm2-135m, sha256 d0dd72e9afca.",
        "LoRA, rank 64, alpha 128",
        "msm-america on cheese-america; ",
        "88 steps of 4 × 256 tokens at a peak learning rate of 0.0005, on the 75% of the text that a seed draws.",
        "it-and-aft on instruct and cheese-demos; it on instruct: loss on the assistant's turns",
        "Each trained arm has 3 to 8 seeds; a seed fixes adapter initialisation, data order and which text is drawn.",
        "pro_america version 4 (82 items in 14 cells, holdout)",
        "value_knowledge version 4 (143 items in 11 cells, holdout; base alone)",
        "A margin is the log-likelihood of the aligned answer",
        "two-way variance over seeds and items",
        "whose smallest value is 0.00781 with 8 seeds",  # 2 / 2^8
        "TOST",
        "Holm's correction is over the 6 confirmatory contrasts, all stated before the run.",
        "smallest effect of interest is the default, 0.50 nats and 5.0 percentage points.",
    ):
        assert clause in text
    for absent in ("could not be scored", "repetitions", "temperature", "graded", "one seed only", "baseline"):
        assert absent not in text


def test_dose_has_no_test_and_safety_has_a_family_of_three() -> None:
    dose, safety = (told(from_results(RESULTS / name)) for name in ("science-dose-smollm2", "safety-smollm2"))
    assert "Holm" not in dose
    assert "swapped by seed" not in dose
    assert "exploratory, with intervals and no p" in dose
    assert "Holm's correction is over the 3 confirmatory contrasts" in safety
    assert "0.0156 with 7 seeds" in safety  # 2 / 2^7
    assert "TOST" not in dose
    assert "it-and-aft-cot on instruct and safety-demos with reasoning; it-and-aft on instruct and safety-de" in safety
    assert "safety_choice_reasoned version 1 (80 items in 10 cells, holdout; samples 2; 3 of the arms)" in safety
    assert "no p, but for an uncorrected one of equivalence" in safety  # neutral against aft-cot
    assert "is the default" in safety


def test_logs_of_other_models_have_no_training() -> None:
    own = frame(["a", "bb"])
    contrasts, _ = baseline_contrasts(own, "a", ["accuracy"])
    material = Material("logs", own, contrasts, baseline="a", stated=False)
    text = told(material)
    assert text.startswith("The 2 arms are of provider/a and provider/bb.")
    assert "Every other arm was compared with a; no comparison was stated before the run." in text
    assert "conditional on this very model" in text
    assert "letters (6 items in 2 cells)" in text
    for absent in ("base model", "LoRA", "Stage", "Holm", "margin", "seed fixes", "stated as"):
        assert absent not in text


def test_means_alone_have_no_test() -> None:
    assert "There is one arm, of provider/a." in told(Material("logs", frame(["a"])))
    assert "No contrast was stated and no baseline was chosen, so there is no test." in told(
        Material("logs", frame(["a"]))
    )


def test_repetitions_temperature_and_unscored_values_are_told_where_there_are_any() -> None:
    own = frame(["a", "bb"], epochs=3)
    own.loc[own.index[:9], "value"] = float("nan")  # 9 of 2 × 3 × 6 = 36, a quarter
    own.loc[own.index[:9], "unscored_reason"] = "no\ngrader"
    run = {"task": "pkg/letters", "task_version": 7, "generation": {"temperature": 0.7}}
    text = told(Material("logs", own, runs=[run]))
    assert "Each item was asked 3 times, and the repetitions were averaged" in text
    assert "Answers were sampled at temperature 0.7." in text
    assert "25.0% of the values could not be scored (most often: no grader)" in text
    assert "letters version 7" in text


def test_clusters_are_told_where_items_share_them() -> None:
    assert "6 items in 2 cells and 2 clusters" in told(Material("logs", frame(["a"], cluster="same")))


def test_seed_0_and_a_grader_are_told(cheese: Material) -> None:
    tuned = frame(["a"], seeds=(0, 1))
    assert cheese.recipe is not None
    graded = replace(
        cheese, frame=tuned, contrasts=(), recipe=cheese.recipe.model_copy(update={"grader": "openai/gpt-4o"})
    )
    text = told(graded)
    assert "Free answers were graded by openai/gpt-4o." in text
    assert "Seed 0, which served for tuning, is among them." in text


def test_contrasts_that_were_chosen_afterwards_are_not_called_stated(cheese: Material) -> None:
    one = Contrast(name="new", terms=[Term(arm="aft", task="pro_america", weight=1)])
    assert one.name not in told(cheese)
    later = replace(cheese, contrasts=cheese.contrasts[:1], stated=False)
    assert "stated before the run" not in told(later).split("Holm")[-1]
    assert "smallest effect" not in told(later)
    assert [reading.claim for reading in later.readings()] == [""]


def test_versions_come_from_shards_and_logs(cheese: Material) -> None:
    assert task_versions(cheese)["pro_america"] == 4
    assert listed([]) == "nothing"
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]
