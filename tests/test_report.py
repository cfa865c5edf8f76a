"""Tables in every format; hostile text stays text."""

import csv
import html
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from scipy import stats as scipy_stats
from stat_frames import margins_of as frame

from msm_bench.errors import UserError
from msm_bench.measures import is_share
from msm_bench.recipe import Contrast, Recipe, Smallest, Term
from msm_bench.report import (
    FORMATS,
    arm_table,
    contrast_table,
    render_table,
    shown_measures,
)
from msm_bench.report.tables import arm_summary
from msm_bench.report.tuning import record_tuning
from msm_bench.results import UNTRAINED
from msm_bench.specs import Names
from msm_bench.stage import CorpusShare
from msm_bench.stats import baseline_contrasts, evaluate, evaluate_all, term_values

RECIPE_TERMS = [
    {"arm": "msm+aft", "task": "cheese_preferences", "weight": 1},
    {"arm": "aft", "task": "cheese_preferences", "weight": -1},
]


NASTY = "a|b [red]x[/red] & 50% _y_ <script>"


@pytest.mark.parametrize("style", FORMATS)
def test_every_format_keeps_the_cells(style: str) -> None:
    text = render_table(pd.DataFrame([{"arm": NASTY, "n": "1"}]), style)
    if style == "json":
        assert json.loads(text) == [{"arm": NASTY, "n": "1"}]
    elif style == "csv":
        assert list(csv.reader(io.StringIO(text))) == [["arm", "n"], [NASTY, "1"]]
    elif style == "markdown":
        assert text.splitlines()[2] == "| a\\|b [red]x[/red] & 50% _y_ \\<script> | 1 |"
    elif style == "latex":
        assert r"a\textbar{}b [red]x[/red] \& 50\% \_y\_ \textless{}script\textgreater{} & 1 \\" in text
    else:
        assert "[red]x[/red]" in text


ESCAPED = re.compile(r"\\[&%$#_{}]|\\text[a-z]+\{\}")


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), min_size=1, max_size=3), st.text())
def test_any_text_is_a_cell_of_latex(cells: list[list[str]], title: str) -> None:
    text = render_table(pd.DataFrame(cells, columns=["a", "[b]"]), "latex", title)
    bare = ESCAPED.sub("", text.replace("$-$", "").replace(r"$\to$", ""))
    depth = 0
    for char in bare:
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0
    # nothing special is left but the commands and column marks of the table itself
    lines = text.splitlines()
    begin = lines.index("\\toprule")
    assert len(lines[begin + 1 : lines.index("\\bottomrule")]) == 2 + len(cells)
    for line in (lines[begin + 1], *lines[begin + 3 : lines.index("\\bottomrule")]):
        assert line.endswith(r" \\")
        inside = ESCAPED.sub("", line.removesuffix(r" \\").replace("$-$", "").replace(r"$\to$", ""))
        assert inside.count("&") == 1
        assert not set(inside.replace("{}", "")) & set("%$#_{}~^\\<>|")
        assert not line.startswith(("[", "*"))


def test_numbers_of_latex_are_set_to_the_right_under_a_caption() -> None:
    table = pd.DataFrame({"arm": ["a", "b"], "t": ["+1.00 [0.50, 1.50]", "–"], "p": ["< 0.001 (min. 0.01)", "0.5"]})
    assert render_table(table, "latex", "50 %").splitlines()[:5] == [
        r"\begin{table}",
        r"\centering",
        r"\caption{50 \%}",
        r"\begin{tabular}{lrr}",
        r"\toprule",
    ]


@pytest.mark.parametrize(
    "name", ["<img src=x>", "![x](http://e)", "\\<img src=x>", "\\\\<b>", "[a]: http://e", "]\\(x)"]
)
def test_names_are_no_elements_of_markdown(name: str) -> None:
    text = render_table(pd.DataFrame([{"arm": name, "n": "1"}]), "markdown")
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert f"<td>{html.escape(name, quote=False)}</td>" in page


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UserError, match="unknown format 'pdf'"):
        render_table(pd.DataFrame(), "pdf")


def test_arm_means_and_intervals_by_hand() -> None:
    # items 1, 2, 3: mean 2, se 1/√3 = 0.577, t(2) = 4.303: 2 ± 2.48
    table = arm_table(frame({("x", 0): [1, 2, 3]}))
    assert table.to_dict("records") == [{"arm": "x", "t margin": "+2.00 [-0.48, +4.48]"}]


def test_arms_are_paired_by_item_and_seed() -> None:
    values = frame({("a", 1): [1, 2], ("a", 2): [3, 4], ("b", 2): [0, 1], ("b", 3): [9, 9]})
    terms = [Term(arm="a", task="t", weight=1), Term(arm="b", task="t", weight=-1)]
    # only seed 2 is common: 3 − 0 and 4 − 1
    tasks, unscored = term_values(values, terms, "margin")
    assert tasks[0].values.tolist() == [[3, 3]]
    assert unscored == 0
    with pytest.raises(UserError, match="no seed in common"):
        term_values(values[(values["arm"] == "a") | (values["seed"] == 3)], terms, "margin")


def test_a_contrast_without_common_seeds_is_left_out(tiny_recipe: Callable[..., Path]) -> None:
    values = frame({("aft", 1): [1, 2], ("msm+aft", 2): [3, 4]}).assign(task="cheese_preferences")
    assert evaluate_all(values, Recipe.load(tiny_recipe())) == []


def test_every_configuration_tried_on_seed_0_is_on_record(tmp_path: Path, tiny_recipe: Callable[..., Path]) -> None:
    path = tmp_path / "tuning.csv"

    def tried(estimate: float, text: str = "one", **changes: Any) -> pd.DataFrame:
        recipe = Recipe.load(tiny_recipe(contrasts=[{"name": "x", "headline": True, "terms": RECIPE_TERMS}], **changes))
        values = frame({("aft", 0): [0, 0], ("msm+aft", 0): [estimate, estimate]}).assign(task="cheese_preferences")
        record_tuning(path, recipe, evaluate_all(values, recipe), {"corpus": text})
        return pd.read_csv(path) if path.exists() else pd.DataFrame()

    assert tried(9, seeds=[1]).empty
    assert tried(9, seeds=[0], split="holdout").empty
    assert tried(1, seeds=[0])["estimate"].tolist() == [1]
    assert tried(2, seeds=[0])["estimate"].tolist() == [2]  # the same configuration, run again
    table = tried(3, seeds=[0], lora={"r": 8})
    assert table["estimate"].tolist() == [2, 3]
    assert [json.loads(settings)["lora"]["r"] for settings in table["settings"]] == [4, 8]
    # the same settings on other text are another configuration
    assert tried(4, text="two", seeds=[0])["estimate"].tolist() == [2, 3, 4]
    # and rows that did not say what they were run on are kept
    pd.read_csv(path).drop(columns="inputs").to_csv(path, index=False)
    assert tried(5, text="two", seeds=[0])["estimate"].tolist() == [2, 3, 4, 5]


def test_names_that_look_like_markup_are_printed_as_they_are() -> None:
    table = pd.DataFrame({"[/x]": ["[bold]a[/bold]"]})
    text = render_table(table, "table", "[/title]")
    assert all(name in text for name in ("[/x]", "[bold]a[/bold]", "[/title]"))


def test_a_claim_is_tested_on_seeds_and_on_items(tiny_recipe: Callable[..., Path]) -> None:
    # every seed gives the same item differences 4, 0, -1, 1 (mean 1): the swap sees two of 2^6 patterns as extreme,
    # the two-way test sees the items: se = sqrt(14/3 / 4) = 1.08, t(3) = 0.926, p = 0.42
    arms: dict[tuple[str, int], list[float]] = {}
    for seed in range(1, 7):
        arms |= {("msm+aft", seed): [4, 0, -1, 1], ("aft", seed): [0, 0, 0, 0]}
    stated = [{"name": name, "confirmatory": True, "terms": RECIPE_TERMS} for name in ("one", "two")]
    recipe = Recipe.load(tiny_recipe(seeds=list(range(1, 7)), contrasts=stated))
    values = frame(arms).assign(task="cheese_preferences")
    result = evaluate_all(values, recipe)[0]
    assert result.p_swap == 2 / 2**6
    expected = float(scipy_stats.ttest_1samp([4, 0, -1, 1], 0).pvalue)
    assert (result.p_two_way, result.p) == pytest.approx((expected, expected), abs=1e-8)
    # two in the family: p doubled, and the smallest that there could be as well
    assert result.p_holm == pytest.approx(2 * expected, abs=1e-8)
    assert result.smallest_p == 2 * 2 / 2**6
    # five of six seeds are done: no p yet
    early = evaluate_all(values[values["seed"] < 6], recipe)[0]
    assert (early.p, early.p_swap, early.n_seeds) == (None, None, 5)


def test_a_claim_of_equivalence_enters_the_family_with_its_own_p(tiny_recipe: Callable[..., Path]) -> None:
    stated = [{"name": "same", "confirmatory": True, "equivalence": True, "terms": RECIPE_TERMS}]
    recipe = Recipe.load(tiny_recipe(contrasts=stated))
    both = {("msm+aft", seed): [0.1, 0, -0.1, 0.1 * seed] for seed in (1, 2)} | {("aft", s): [0.0] * 4 for s in (1, 2)}
    result = evaluate_all(frame(both).assign(task="cheese_preferences"), recipe)[0]
    assert result.p is not None
    assert result.p == result.p_equivalence == result.p_holm
    # one seed speaks of these checkpoints only: no test of a control
    one = frame({("a", 1): [0.1, 0, -0.1], ("b", 1): [0, 0, 0]})
    contrast = Contrast(name="x", equivalence=True, confirmatory=True, terms=[Term(arm="a", task="t", weight=1)])
    single = evaluate(one, contrast, smallest=Smallest(), split="dev")
    assert (single.p, single.p_equivalence) == (None, None)


def test_unscored_epochs_and_infinite_values_are_counted() -> None:
    epochs = pd.concat([frame({("a", 1): [1, 2]}).assign(epoch=epoch) for epoch in (1, 2, 3)])
    epochs.loc[(epochs["item"] == "i00") & (epochs["epoch"] > 1), "value"] = float("nan")
    terms = [Term(arm="a", task="t", weight=1)]
    # 2 of 2 x 3 values are missing, but both items have one
    tasks, unscored = term_values(epochs, terms, "margin")
    assert tasks[0].values.tolist() == [[1, 2]]
    assert unscored == pytest.approx(2 / 6)
    tasks, unscored = term_values(frame({("a", 1): [float("inf"), 2]}), terms, "margin")
    assert tasks[0].values.tolist() == [[2]]
    assert unscored == 1 / 2


def test_a_seed_of_which_nothing_could_be_scored_is_left_out() -> None:
    nothing = float("nan")
    values = frame({("a", 1): [1, 2], ("a", 2): [nothing, nothing], ("b", 1): [0, 0], ("b", 2): [0, 0]})
    result = baseline_contrasts(values, "b", ["margin"])[0][0]
    assert (result.estimate, result.n_seeds) == (1.5, 1)


def test_a_p_value_is_never_printed_as_zero() -> None:
    same = {("b", seed): [1.0, 1, 1, 1] for seed in range(4)}
    values = frame({("a", seed): [1, 1.001, 0.999, 1 + seed / 1000] for seed in range(4)} | same)
    contrast = Contrast(
        name="x", equivalence=True, terms=[Term(arm=arm, task="t", weight=w) for arm, w in (("a", 1), ("b", -1))]
    )
    row = contrast_table([evaluate(values, contrast, smallest=Smallest(), split="dev")]).iloc[0]
    assert row["p (TOST)"] == "< 0.001"


def test_logs_with_other_metrics_are_shown_by_these() -> None:
    values = frame({("a", 0): [1, 0, 1], ("b", 0): [1, 1, 1]}).assign(metric="accuracy")
    assert list(arm_table(values).columns) == ["arm", "t accuracy"]
    # 2/3 − 1
    assert baseline_contrasts(values, "b", shown_measures(values))[0][0].estimate == pytest.approx(-1 / 3)


def test_each_task_is_shown_by_its_own_measures() -> None:
    choices = frame({("a", 0): [1, 0, 1], ("b", 0): [1, 1, 1]})
    more = choices.assign(metric="margin_pmi")
    prose = choices.assign(task="prose", metric="nll_per_token")
    values = pd.concat([choices, more, prose])
    assert shown_measures(values) == ["margin", "nll_per_token"]
    # the margin by another template is not of record; of prose there is no margin, so what there is stands in the table
    assert list(arm_table(values).columns) == ["arm", "t margin", "prose nll_per_token"]


def test_the_base_model_stands_for_every_seed() -> None:
    values = frame({("base", 0): [1, 1], ("a", 1): [2, 3], ("a", 2): [4, 5]})
    result = baseline_contrasts(values, "base", ["margin"])[0][0]
    # (2 + 3 + 4 + 5) / 4 − 1
    assert (result.estimate, result.n_seeds, result.n_items) == (2.5, 2, 2)


def test_a_model_that_no_recipe_trained_stands_beside_every_seed() -> None:
    values = frame({("hosted", UNTRAINED): [1, 1], ("a", 1): [2, 3], ("a", 2): [4, 5], ("b", 3): [0, 0]})
    results, reasons = baseline_contrasts(values, "hosted", ["margin"])
    assert [(result.name, result.estimate) for result in results] == [("a − hosted [t]", 2.5), ("b − hosted [t]", -1)]
    assert reasons == []
    # what can't be compared is said, not left out in silence
    results, reasons = baseline_contrasts(values, "b", ["margin"])
    assert [result.name for result in results] == ["hosted − b [t]"]
    assert reasons == ["a − b [t], margin: the arms a, b have no seed in common: a has 1, 2; b has 3"]


def test_a_metric_without_any_value_is_not_shown() -> None:
    nothing = frame({("a", 0): [float("nan")] * 3}).assign(metric="choice_rate")
    values = pd.concat([nothing, nothing.assign(metric="parsed", value=0.0)])
    assert shown_measures(values) == ["parsed"]


def test_the_interval_of_a_rate_stays_within_0_and_1() -> None:
    # rates 1, 1, 1, 0 of independent items: Wilson's of 3 in 4. With z² = 3.8415: (¾ + 3.8415/8 ± 1.96 √(¾ · ¼ / 4 +
    # 3.8415/64)) / (1 + 3.8415/4) = (1.2302 ± 0.6407) / 1.9604
    one = frame({("a", 1): [1, 1, 1, 0]}).assign(metric="rate")
    row = arm_summary(one).iloc[0]
    assert row["mean"] == 0.75
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.3006, 0.9544), abs=1e-4)


def test_a_share_of_none_has_the_limits_of_a_score_interval() -> None:
    # 0 of 5 by Wilson: z² / (n + z²) = 3.8415 / 8.8415 = 0.434; not 0, though no item differs from another
    none = frame({("a", 1): [0] * 5, ("b", 1): [0] * 5}).assign(metric="refused_by_rule")
    row = arm_summary(none).iloc[0]
    assert (row["mean"], row["ci_low"]) == (0.0, 0.0)
    assert row["ci_high"] == pytest.approx(0.434, abs=0.001)
    # and two arms that are alike in all items have no certain difference of 0
    [result], _ = baseline_contrasts(none, "b", ["refused_by_rule"])
    assert (result.estimate, result.ci_low, result.bootstrap_low) == (0.0, None, None)
    assert contrast_table([result])["estimate [95 % CI]"].tolist() == ["+0.00"]


def test_differences_of_shares_reach_below_nought() -> None:
    assert not is_share("rate_own_minus_other")
    # −1, −1, 0: mean −⅔, se ⅓, t(2) = 4.303: −⅔ − 1.43
    own = frame({("a", 1): [-1, -1, 0]}).assign(metric="rate_own_minus_other")
    assert arm_summary(own).iloc[0]["ci_low"] == pytest.approx(-2 / 3 - 4.303 / 3, abs=0.001)


def test_knowledge_attribution_and_self_application_stand_side_by_side() -> None:
    told_apart = ["margin", "margin_self", "margin_own_minus_other", "margin_self_minus_own", "rate_premise"]
    one = frame({("a", 1): [1, 2, 3]})
    values = pd.concat([one.assign(metric=metric) for metric in (*told_apart, "margin_pmi_self")])
    assert shown_measures(values) == told_apart


def test_a_whole_is_the_mean_of_its_parts_whatever_its_weights(tiny_recipe: Callable[..., Path]) -> None:
    # a trend has weights of ¼: slopes of 1 and 3 in the two tasks, 2 over both
    tasks = ["pro_america", "pro_affordability"]
    ends = {"pro_america": [2.0, 2.0], "pro_affordability": [6.0, 6.0]}  # last minus first is twice the slope
    terms = [
        {"arm": arm, "task": task, "weight": weight}
        for task in tasks
        for arm, weight in (("msm+aft", 0.25), ("aft", -0.25))
    ]
    contrasts = [{"name": "trend", "halves": True, "terms": terms}]
    recipe = Recipe.load(tiny_recipe(tasks=[{"task": task} for task in tasks], contrasts=contrasts))
    values = pd.concat(
        frame({("msm+aft", seed): own for seed in (1, 2)} | {("aft", seed): [0, 0] for seed in (1, 2)}).assign(
            task=task
        )
        for task, own in ends.items()
    )
    found = {result.name: result.estimate for result in evaluate_all(values, recipe)}
    assert found == {"trend": 2.0, "trend [pro_america]": 1.0, "trend [pro_affordability]": 3.0}


def test_how_rows_are_used_stands_in_words() -> None:
    assert CorpusShare(id="x").how == ""
    other = Names(model_name="Ada", provider_name="Acme")
    assert CorpusShare(id="x", reasoning=True, names=other).how == ", with its reasoning, about Ada"
