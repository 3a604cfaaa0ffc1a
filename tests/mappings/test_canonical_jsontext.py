"""What the strict reader lets through is exact; what it refuses, it refuses with a plain reason."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit import strict_json
from mappings.canonical.errors import MappingError
from mappings.canonical.jsontext import MAX_DEPTH, read_json

REFUSED = [
    (b"", "empty"),
    (b" \n", "empty"),
    (b"{", "not JSON"),
    (b"<!DOCTYPE html><html></html>", "not JSON"),
    (b'a:2:{i:0;s:1:"x";}', "not JSON"),
    (b"\x00\x01\x02", "not JSON"),
    (b'{"a": "\x00"}', "not JSON"),
    ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    ('"Köln"'.encode("latin-1"), "not UTF-8"),
    (b'{"a": NaN}', "NaN"),
    (b"[Infinity]", "Infinity"),
    (b"[-Infinity]", "-Infinity"),
    (b'{"a": 1, "b": {"total": "1", "total": "2"}}', "'total'"),
    (b"[" * 100_000, "deep"),
    (b"[" * 100_000 + b"]" * 100_000, "deep"),
    (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deep"),
    (b'{"a":' * 101 + b"1" + b"}" * 101, "deep"),
    (b"9" * 5000, "digits"),
    (b"[1e400000]", "proportion"),
    (b"[1e99999999999999999999]", "proportion"),
    (b"[0." + b"1" * 5000 + b"]", "proportion"),
    (b'"\\ud83d"', "surrogate"),
    ('"\ud83d"', "surrogate"),
]


#: What comes over HTTP. An exponent that no Decimal can hold leaves the connectors' reader as another error.
BYTES_REFUSED = [data for data, _ in REFUSED if isinstance(data, bytes) and b"e99999999999999999999" not in data]


def repr_start(value: object) -> str:
    return repr(value)[:30]


@pytest.mark.parametrize(("data", "says"), REFUSED, ids=repr_start)
def test_doubtful_text_is_refused_with_a_reason(data: bytes | str, says: str):
    with pytest.raises(MappingError) as caught:
        read_json(data)
    assert says in caught.value.reason
    assert caught.value.path == ""
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("data", BYTES_REFUSED, ids=repr_start)
def test_the_reader_of_the_connectors_refuses_the_same(data: bytes | str):
    with pytest.raises(strict_json.InvalidJson):
        strict_json.loads(data)


def test_fractions_are_exact():
    assert read_json(b"[73.06, 6.3021806666666675, 1e2, 7]") == [
        Decimal("73.06"),
        Decimal("6.3021806666666675"),
        Decimal("1E+2"),
        7,
    ]


def test_a_byte_order_mark_is_skipped():
    assert read_json(b'\xef\xbb\xbf{"id": 1}') == {"id": 1}


def test_a_whole_character_beyond_the_basic_plane_may_be_escaped():
    assert read_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_nesting_up_to_the_limit_is_read():
    data = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert read_json(data) == strict_json.loads(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda children: (
            st.lists(children) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children)
        ),
    )
)
def test_it_reads_what_json_writes(value: object):
    text = json.dumps(value)
    assert read_json(text) == value == read_json(text.encode())


@given(st.binary() | st.text())
def test_any_other_text_is_refused_and_never_a_crash(data: bytes | str):
    with contextlib.suppress(MappingError):
        read_json(data)
