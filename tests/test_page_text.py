"""Hostile text in a page and in Markdown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.report.page.text import (
    cut,
    file_stem,
    markdown_block,
    markdown_code,
    markdown_text,
    one_line,
    visible,
)


def test_what_is_hidden_is_shown() -> None:
    # right-to-left override, zero-width space, escape, soft hyphen, byte order mark, a lone surrogate
    assert visible("a\u202eb\u200b\x1b\u00ad\ufeff\ud800") == "a⟨U+202E⟩b⟨U+200B⟩⟨U+001B⟩⟨U+00AD⟩⟨U+FEFF⟩⟨U+D800⟩"
    assert visible("two\r\nlines\tand\rone") == "two\nlines\tand⟨U+000D⟩one"
    assert visible("Époisses, 日本語, 😀") == "Époisses, 日本語, 😀"


@given(st.text())
def test_visible_text_has_nothing_hidden_and_can_be_written(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    shown.encode()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x08\x0b-\x1f\x7f]", shown)


def test_long_text_is_cut_and_said_to_be() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("a" * 1010, 10) == "a" * 10 + "\n[… 1,000 more characters are left out here; the log has them]"
    assert one_line("a\nb " + "c" * 400, 10) == "a b ccccc…"


@given(st.text())
def test_a_file_name_is_clean_and_differs_where_names_do(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", file_stem(name))
    assert file_stem("../../etc/passwd") != file_stem("etc-passwd") == "etc-passwd"


@given(st.text(alphabet="`ab\n"))
def test_a_fence_is_longer_than_any_run_in_it(text: str) -> None:
    fence = markdown_block(text).split("text\n", 1)[0]
    assert set(fence) == {"`"}
    assert fence not in text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](http://127.0.0.1/x.png)",
        "www.evil.example",
        "a@b.example",
        "a | b",
        "*bold*",
        "_lean_",
        "`code`",
        "# heading",
        "- item",
        "1. item",
        "&lt;",
        "==",
    ],
)
def test_what_means_something_in_markdown_becomes_code(text: str) -> None:
    assert markdown_text(text).startswith("`")
    assert "|" not in markdown_text(text).replace("\\|", "")


@pytest.mark.parametrize(
    "text",
    [
        "msm-america+aft",
        "pro_america",
        "+0.18 [-0.02, +0.38]",
        "H1: D(aft)",
        "1.00",
        "−0.13",
        "d'œuvre, ½?",
        "±★",
    ],
)
def test_plain_words_and_numbers_stay_as_they_are(text: str) -> None:
    assert markdown_text(text) == text


@given(st.text(alphabet="`a|\\ "))
def test_code_ends_where_it_began(line: str) -> None:
    found = markdown_code(line)
    ticks = re.match("`+", found)
    assert ticks
    # no run of as many backticks inside
    assert ticks[0] not in re.findall("`+", found[len(ticks[0]) : -len(ticks[0])])
