"""Bodies as a page shows them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.console.exchanges import BODY_SHOWN, body, pretty

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.lists(VALUES) | st.dictionaries(st.text(), VALUES), st.booleans())
def test_pretty_json_says_the_same(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert json.loads(pretty(text)) == value


@given(st.text())
def test_any_text_can_be_shown(text):
    assert isinstance(pretty("{" + text), str)


def test_numbers_stay_as_they_were_written():
    assert pretty('{"a":1.50,"b":[12345678901234567890123,{}]}') == (
        '{\n  "a": 1.50,\n  "b": [\n    12345678901234567890123,\n    {}\n  ]\n}'
    )


def test_what_was_cut_is_pretty_as_far_as_it_goes():
    assert pretty('{"a":[1,"x') == '{\n  "a": [\n    1,\n    "x'


@pytest.mark.parametrize("text", ["", "<html>{}</html>", "a=1&b=2", "null"])
def test_what_is_no_json_stays_as_it_is(text):
    assert pretty(text) == text


def test_a_page_bears_the_deepest_and_the_longest_body():
    deep = "[" * 100_000
    shown = body(deep)
    assert (shown.cut, shown.size, shown.raw) == (True, 100_000, deep[:BODY_SHOWN])
    assert len(shown.pretty) < 50 * BODY_SHOWN
