from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit.strict_json import MAX_DEPTH, InvalidJson, loads


def test_fractions_are_exact_decimals_and_whole_numbers_are_ints():
    assert loads('{"price": 5.0682260000000001, "qty": 3}') == {"price": Decimal("5.0682260000000001"), "qty": 3}
    assert str(loads("[12.50]")[0]) == "12.50"


def test_a_byte_order_mark_is_skipped():
    assert loads(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("<!DOCTYPE html>", "Expecting value"),
        ("{} {}", "Extra data"),
        ("[NaN]", "NaN"),
        ("[Infinity]", "Infinity"),
        ("[-Infinity]", "Infinity"),
        ("[1e401]", "too large"),
        ("[1e-401]", "too large"),
        ("[1e999999999]", "too large"),
        ("[0." + "1" * 500 + "]", "too long"),
        ("[" + "1" * 5000 + "]", "too long"),
        ('{"a": 1, "a": 2}', "same name twice"),
        ('[{"x": {"a": 1, "b": 2, "a": 1}}]', "same name twice"),
        ('{"a" : 1, "a"\n: 2}', "same name twice"),
        (r'["\":", {"a" :1, "a" :2}]', "same name twice"),
        (r'[{"a" :1, "b": "\":", "a": 2}]', "same name twice"),
        ("[" * 100_000, "nested deeper"),
        ("[" * (MAX_DEPTH + 1) + "0" + "]" * (MAX_DEPTH + 1), "nested deeper"),
        ('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1), "nested deeper"),
        (b'["\xff"]', "UTF-8"),
        (r'["\ud800"]', "half of a character"),
        (r'["\ude00"]', "half of a character"),
        (r'["\ude00\ud83d"]', "half of a character"),
        (r'["\\\ude00"]', "half of a character"),
        (r'["\\ud83d\ude00"]', "half of a character"),
    ],
)
def test_what_cannot_be_trusted_is_refused_with_its_reason(text, reason):
    with pytest.raises(InvalidJson, match=reason) as caught:
        loads(text)
    # The original exceptions hold the whole text, which may hold secrets and may be huge.
    assert caught.value.__cause__ is None
    assert len(str(caught.value)) < 100


def test_the_deepest_nesting_that_is_allowed_is_read():
    loads("[" * MAX_DEPTH + "0" + "]" * MAX_DEPTH)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'["\ud83d\ude00"]', "😀"),
        (r'["\uD83D\uDE00\ud83d\ude00"]', "😀😀"),
        (r'["\\ud83d"]', r"\ud83d"),
        (r'["\\\\ude00 \ud83d\ude00"]', r"\\ude00 😀"),
    ],
)
def test_a_pair_of_surrogates_is_one_character_and_an_escaped_backslash_none(text, value):
    assert loads(text) == [value]


@pytest.mark.parametrize("text", [r'{"a\":": "\":", "b" : "x \" : y"}', '{ "a" : { "a" : [ { "a" : 1 } ] } }'])
def test_names_and_strings_that_look_alike_are_told_apart(text):
    assert loads(text) == json.loads(text)


@given(st.lists(st.tuples(st.text(alphabet='a": \\{[,', max_size=4), st.integers()), max_size=6), st.booleans())
def test_a_name_that_stands_twice_is_found_whatever_the_names_look_like(pairs, spaced):
    colon = " : " if spaced else ":"
    text = "{" + ",".join(f"{json.dumps(name)}{colon}{value}" for name, value in pairs) + "}"
    if len(dict(pairs)) == len(pairs):
        assert loads(text) == dict(pairs)
    else:
        with pytest.raises(InvalidJson, match="same name twice"):
            loads(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_every_ordinary_document_is_read_as_it_was_written(value):
    assert loads(json.dumps(value)) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value
