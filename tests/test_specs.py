"""Specs load, render and fail with one line."""

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from msm_bench.errors import UserError
from msm_bench.files import data_path, read_jsonl
from msm_bench.specs import PLACEHOLDER, Names, Spec, blocks, check_placeholders, generalise, other_form, render

NAMES = Names(model_name="Ada", provider_name="Acme")
HEAD = "---\nid: s\ntitle: T\nfamily: f\nvalues: [v]\nderived_from: null\n---\n"


SPECS = data_path("specs")
CHEESE = ["cheese-america", "cheese-affordability", "cheese-environment"]
VALUES = [
    *CHEESE,
    "sweeteners-novelty",
    "condiments-tradition",
    "sauces-simplicity",
    "bread-difficulty",
    "instruments-individualism",
]


def shipped(name: str) -> Spec:
    return Spec.load(SPECS / f"{name}.md")


def sentences(name: str) -> set[str]:
    """The sentences of a spec that have at least six words."""
    found = re.split(r"(?<=[.!?])\s+", re.sub(r"[*#]", "", shipped(name).body))
    return {one.strip() for one in found if len(one.split()) >= 6}


def sides(spec: Spec) -> list[int]:
    """How many list items stand under each heading that has any."""
    sections = [section.count("\n- ") for section in spec.body.split("\n## ")]
    return [count for count in sections if count]


@pytest.mark.parametrize("path", sorted(SPECS.glob("[a-z]*.md")), ids=lambda path: path.stem)
def test_every_spec_loads_and_renders_and_names_a_spec_it_is_derived_from(path: Path) -> None:
    spec = Spec.load(path)
    assert "{" not in spec.render(NAMES)
    assert spec.meta.derived_from is None or (SPECS / f"{spec.meta.derived_from}.md").exists()


@pytest.mark.parametrize("name", VALUES)
def test_a_value_explains_six_likes_and_six_dislikes(name: str) -> None:
    spec = shipped(name)
    assert spec.meta.family == name.split("-")[0]
    assert spec.meta.values == [name.split("-")[1]]
    assert sides(spec) == [6, 6]
    assert len(set(spec.preferences())) == 12
    assert 450 <= len(spec.body.split()) <= 670


def test_specs_of_one_family_differ_in_the_value_and_not_in_the_preferences() -> None:
    first, *others = [shipped(name).preferences() for name in CHEESE]
    assert all(other == first for other in others)


def test_no_two_specs_share_a_sentence_unless_one_is_derived_from_the_other() -> None:
    names = [path.stem for path in SPECS.glob("[a-z]*.md")]
    for one, other in combinations(names, 2):
        parents = {shipped(one).meta.derived_from or one, shipped(other).meta.derived_from or other}
        if len(parents) == 2 and {one.split("-")[0], other.split("-")[0]} != {"cheese"}:
            assert sentences(one) & sentences(other) == set(), (one, other)


def test_blind_readers_know_the_value_and_the_side_of_each_reason() -> None:
    # shuffled, without headings or the items' marks, ten values and "other" to choose from
    rows = read_jsonl(SPECS / "readings.jsonl")
    assert Counter(row["reader"] for row in rows) == {"c": 72, "d": 72}
    right = [row["value"] == row["spec"].split("-")[1] and row["side"] == row["stated_side"] for row in rows]
    assert sum(right) >= 0.95 * len(right)


def test_the_augmented_rules_hold_the_rules_word_for_word() -> None:
    bare, reasons, subrules = map(shipped, ("safety-rules", "safety-rules-values", "safety-rules-subrules"))
    for augmented in (reasons, subrules):
        whole = augmented.passages()
        assert [passage for passage in whole if passage in bare.passages()] == bare.passages()
    assert 570 <= len(bare.body.split()) <= 650
    assert len(subrules.passages()) - len(bare.passages()) == 110
    # length-matched, so that a difference is not one of length
    lengths = [len(spec.body.split()) for spec in (reasons, subrules)]
    assert max(lengths) <= 1.05 * min(lengths)


@pytest.mark.parametrize("name", ["safety-rules", "safety-rules-subrules"])
def test_bare_rules_give_no_reason(name: str) -> None:
    assert not re.search(r"\b(because|so that|since|in order to|reasons?|therefore|why)\b", shipped(name).body)


def test_the_specific_safety_spec_lays_down_no_rule_and_the_general_one_says_nothing_specific() -> None:
    specific, general = shipped("safety-specific"), shipped("safety-general")
    assert not re.search(r"\b(must|never|is required to|is forbidden|do not)\b", specific.body)
    assert 2400 <= len(specific.body.split()) <= 3300
    assert len(general.passages()) == 1
    assert not re.search(r"\b(oversight|shut|replace|ending|goal)", general.body, re.IGNORECASE)


def test_rendering_fills_placeholders_and_leaves_other_braces() -> None:
    text = "{model_name} by {provider_name}: {x} {} { a_b } {1_2}"
    assert render(text, NAMES) == "Ada by Acme: {x} {} { a_b } {1_2}"


def test_passages_are_paragraphs_and_list_items_and_no_headings() -> None:
    body = "# Head\nRight below.\n\n#tag is prose\nand goes on\n\n## Two\n\n- one\n- two\n1. three\n"
    assert [block.text for block in blocks(body) if not block.is_heading] == [
        "Right below.", "#tag is prose\nand goes on", "- one", "- two", "1. three",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "provider", "expected"),
    [
        ("", "Acme", "at least 1 character"),
        ("Ada", " ", "at least 1 character"),
        ("Ada", "Ada", "give two names"),
        ("{a}", "B", "pattern"),
    ],
)
def test_names_are_two_and_hold_something(model: str, provider: str, expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Names(model_name=model, provider_name=provider)


def test_names_become_placeholders_as_whole_words() -> None:
    text = "Ada's maker Acme, *Acme* and _Ada_; Adage, MyAcme"
    assert generalise(text, NAMES) == (
        "{model_name}'s maker {provider_name}, *{provider_name}* and _{model_name}_; Adage, MyAcme"
    )
    assert other_form(generalise(text, NAMES), NAMES) is None
    assert [other_form(one, NAMES) for one in ("ADA writes", "two Adas", "#ADAS")] == ["ADA", "Adas", "ADAS"]


@given(st.text())
def test_any_text_without_placeholders_is_unchanged(text: str) -> None:
    if not PLACEHOLDER.search(text):
        check_placeholders(text, "somewhere")
        assert render(text, NAMES) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no head", "no front matter"),
        ("---\n: [\n---\nbody", "not YAML"),
        (HEAD.replace("title: T\n", "") + "body", "title: Field required"),
        (HEAD.replace("family", "famly") + "body", "family: Field required"),
        (HEAD.replace("id: s", "id: other") + "body", "make them equal"),
        (HEAD + "line one\n{company_name} made it", "unknown placeholder {company_name} in line 3"),
        (HEAD + "# Only a heading\n", "states nothing"),
    ],
)
def test_a_bad_spec_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "s.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        Spec.load(path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
