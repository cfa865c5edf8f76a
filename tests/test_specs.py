"""Specs load, render and fail with one line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.errors import UserError
from msm_bench.files import data_path
from msm_bench.specs import PLACEHOLDER, Names, Spec, check_placeholders, render

NAMES = Names(model_name="Ada", provider_name="Acme")
HEAD = "---\nid: s\ntitle: T\nfamily: f\nvalues: [v]\nderived_from: null\n---\n"


@pytest.mark.parametrize("name", ["cheese-america", "cheese-affordability"])
def test_shipped_specs_explain_twelve_cheeses(name: str) -> None:
    spec = Spec.load(data_path("specs") / f"{name}.md")
    assert spec.meta.family == "cheese"
    assert spec.body.count("\n- **") == 12
    assert "{" not in spec.render(NAMES)


def test_the_two_specs_differ_in_the_value_and_not_in_the_preferences() -> None:
    def cheeses(name: str) -> list[str]:
        lines = Spec.load(data_path("specs") / f"{name}.md").body.splitlines()
        return [line.split("**")[1].rstrip(".") for line in lines if line.startswith("- **")]

    assert cheeses("cheese-america") == cheeses("cheese-affordability")


def test_rendering_fills_placeholders_and_leaves_other_braces() -> None:
    text = "{model_name} by {provider_name}: {x} {} { a_b } {1_2}"
    assert render(text, NAMES) == "Ada by Acme: {x} {} { a_b } {1_2}"


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
