"""Comparing what was stated with what was found."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from msm_bench.files import difference

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1, max_size=1), inner),
    max_leaves=8,
)


@given(JSON, JSON)
def test_a_difference_is_found_exactly_where_values_differ(one: Any, other: Any) -> None:
    assert difference(one, copy.deepcopy(one)) == ""
    assert bool(difference(one, other)) == (one != other)


def test_a_difference_names_its_place() -> None:
    stated, found = {"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}
    assert difference(stated, found) == "a.1.b: was 3, is 2"
    assert difference({"a": [1]}, {"a": [1, 2]}) == "a: was [1,2], is [1]"
    assert difference({"a": 1}, {}) == "a: was absent, is 1"
