"""Each field lets through exactly one thing; everything else is refused with what was found."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import EXCLUDE, Schema, ValidationError

from mappings.canonical import fields
from mappings.canonical.errors import Problem
from mappings.canonical.fields import (
    Amount,
    Choice,
    CountryCode,
    CurrencyCode,
    Day,
    Flag,
    Id,
    JsonObject,
    LocalDay,
    Nested,
    Number,
    Text,
    UtcTime,
    plain_number,
    shown,
)
from mappings.canonical.validation import load_strictly

#: Python itself refuses to write its digits.
ENORMOUS = pytest.param(10**5000, id="enormous")

NOT_AMOUNTS = [
    *(1.5, 0.1 + 0.2, float("nan"), float("inf"), True, False, None, [], {}, b"1.00"),
    *("", " ", " 1.00", "1.00 ", "1.00\n", "\n1.00", "+1.00", ".5", "5.", "-", "--1", "1.2.3", "1,00", "1.234,56"),
    *(
        "1,234.56",
        "1_000",
        "1e2",
        "1E400",
        "1e-2",
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "0x10",
        "١٢",
        "१२",
        "\uff11\uff12",
    ),
    *("12\x00", "€5", "5 EUR", "1" * 16, "1." + "1" * 21, pytest.param("9" * 100_000, id="digits")),
]
#: More that are no JSON numbers for an amount that takes numbers.
NOT_NUMBERS = [
    Decimal("NaN"),
    Decimal("Infinity"),
    Decimal("1E+2"),
    Decimal("1e400"),
    10**15,
    ENORMOUS,
    Decimal(10**16),
]


@pytest.mark.parametrize("value", [*NOT_AMOUNTS, Decimal("1.00"), 1])
def test_an_amount_is_plain_digits_as_text(value: object):
    with pytest.raises(ValidationError):
        Amount().deserialize(value)


@pytest.mark.parametrize("value", [*NOT_AMOUNTS, *NOT_NUMBERS])
def test_an_amount_that_takes_numbers_takes_exact_ones_only(value: object):
    with pytest.raises(ValidationError):
        Amount(numbers=True).deserialize(value)


@pytest.mark.parametrize("text", ["0", "73.06", "-10.00", "-0.00", "3.36", "18000", "18.906542", "999999999999999.99"])
def test_an_amount_keeps_the_scale_in_which_it_is_written(text: str):
    assert f"{Amount().deserialize(text):f}" == text
    assert Amount().write(Amount().deserialize(text)) == text


@pytest.mark.parametrize(
    ("number", "meant"), [(70, "70"), (Decimal("73.1"), "73.1"), (Decimal("73.060000000000002"), "73.06"), (-3, "-3")]
)
def test_a_number_as_amount_loses_its_binary_noise(number: object, meant: str):
    assert f"{Amount(numbers=True).deserialize(number):f}" == meant


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**14), max_value=10**14, places=6))
def test_every_amount_is_read_as_it_was_written(amount: Decimal):
    read = Amount().deserialize(f"{amount:f}")
    assert read.as_tuple() == amount.as_tuple()


@given(st.text() | st.floats() | st.decimals() | st.integers() | st.none() | st.booleans())
def test_what_passes_as_an_amount_is_finite_and_bounded(value: object):
    try:
        amount = Amount(numbers=True).deserialize(value)
    except ValidationError:
        return
    assert amount.is_finite()
    assert abs(amount) < 10**15
    assert -20 <= amount.as_tuple().exponent <= 0


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (3, "3"),
        ("3", "3"),
        ("2.50", "2.5"),
        (Decimal("1.5"), "1.5"),
        (Decimal("2.6000000000000001"), "2.6"),
        (20, "20"),
    ],
)
def test_a_number_is_normal(value: object, meant: str):
    assert f"{Number().deserialize(value):f}" == meant


@pytest.mark.parametrize("value", [*NOT_AMOUNTS, *NOT_NUMBERS, "two"])
def test_a_number_is_nothing_else(value: object):
    with pytest.raises(ValidationError):
        Number().deserialize(value)


@pytest.mark.parametrize(("number", "meant"), [("2E+1", "20"), ("20.00", "20"), ("0.00", "0"), ("-1.50", "-1.5")])
def test_plain_numbers_have_no_exponent(number: str, meant: str):
    assert str(plain_number(Decimal(number))) == meant


@pytest.mark.parametrize(
    "value",
    ["", " ABC ", "00123", "1E5", "🍵 山田", "a\nb", "\u00e9", "e\u0301", pytest.param("x" * 65_535, id="longest")],
)
def test_text_is_kept_as_it_is(value: str):
    assert Text().deserialize(value) == value


@pytest.mark.parametrize(
    "value", ["a\x00b", "\ud83d", pytest.param("x" * 65_536, id="too long"), 1, Decimal(1), True, None, [], {}, b"a"]
)
def test_text_is_refused_where_no_database_would_keep_it(value: object):
    with pytest.raises(ValidationError):
        Text().deserialize(value)


@pytest.mark.parametrize(("value", "text"), [(50667, "50667"), (Decimal("1.50"), "1.50"), ("007", "007")])
def test_a_text_that_takes_numbers_writes_them_out(value: object, text: str):
    assert Text(numbers=True).deserialize(value) == text


@pytest.mark.parametrize("value", [True, 1.5, Decimal("1e999999999"), Decimal("NaN"), ENORMOUS, None])
def test_a_text_that_takes_numbers_takes_no_other(value: object):
    with pytest.raises(ValidationError):
        Text(numbers=True).deserialize(value)


def test_null_may_stand_for_empty_text():
    assert Text(null_is_empty=True).deserialize(None) == ""


@pytest.mark.parametrize(
    ("value", "text"), [(7, "7"), (0, "0"), ("7", "7"), ("007", "007"), ("WC-1018-ZZ", "WC-1018-ZZ")]
)
def test_an_id_is_text(value: object, text: str):
    assert Id().deserialize(value) == text


@pytest.mark.parametrize(
    "value", [-1, True, 1.0, Decimal(1), "", "  ", None, pytest.param("x" * 256, id="too long"), "a\x00", [], ENORMOUS]
)
def test_an_id_is_nothing_else(value: object):
    with pytest.raises(ValidationError):
        Id().deserialize(value)


@pytest.mark.fault("D6")
@pytest.mark.parametrize(
    "text", ["2026-11-21T23:01:55Z", "2026-11-22T00:01:55+01:00", "2026-11-21T23:01:55.000000+00:00"]
)
def test_a_time_comes_in_utc(text: str):
    assert UtcTime().deserialize(text) == dt.datetime(2026, 11, 21, 23, 1, 55, tzinfo=dt.UTC)
    assert UtcTime().deserialize(text).tzinfo is dt.UTC


@pytest.mark.fault("D7")
def test_a_time_without_zone_needs_a_vendor_who_says_utc():
    with pytest.raises(ValidationError, match="zone"):
        UtcTime().deserialize("2026-11-21T23:01:55")
    assert UtcTime(naive_is_utc=True).deserialize("2026-11-21T23:01:55").tzinfo is dt.UTC


@pytest.mark.parametrize(
    "value",
    [
        *("0000-00-00T00:00:00", "-0001-11-30T00:00:00", "2026-02-30T00:00:00", "2026-11-21", "20261121T230155"),
        *("2026-11-21 23:01:55", "2026-W47-6T00:00:00", "٢٠٢٦-11-21T23:01:55", "2026-11-21T24:00:00", "now"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", 1700000000, None, True, dt.datetime.now(dt.UTC)),
    ],
)
def test_no_other_time_is_guessed(value: object):
    with pytest.raises(ValidationError):
        UtcTime(naive_is_utc=True).deserialize(value)


@pytest.mark.fault("D6")
def test_a_local_time_gives_its_own_day():
    assert LocalDay().deserialize("2026-11-22T00:01:55") == dt.date(2026, 11, 22)


@pytest.mark.parametrize("value", ["2026-11-22T00:00:00", "20261122", "2026-13-01", "٢٠٢٦-11-22", None, 1])
def test_a_day_is_a_day(value: object):
    assert Day().deserialize("2026-11-22") == dt.date(2026, 11, 22)
    with pytest.raises(ValidationError):
        Day().deserialize(value)


@pytest.mark.parametrize("value", ["eur", "EURO", "EU", "", "EUR\n", "\u0415UR", 978, None])
def test_a_currency_is_three_capital_letters(value: object):
    assert CurrencyCode().deserialize("EUR") == "EUR"
    with pytest.raises(ValidationError):
        CurrencyCode().deserialize(value)


@pytest.mark.parametrize("value", ["de", "Germany", "DEU", "D", "DE ", 49, None, False])
def test_a_country_is_two_capital_letters_or_nothing(value: object):
    assert [CountryCode().deserialize(code) for code in ("DE", "NO", "")] == ["DE", "NO", ""]
    with pytest.raises(ValidationError):
        CountryCode().deserialize(value)


@pytest.mark.parametrize("value", [0, 1, "true", "", None])
def test_a_flag_is_true_or_false(value: object):
    assert Flag().deserialize(True) is True  # noqa: FBT003 - the value under test
    with pytest.raises(ValidationError):
        Flag().deserialize(value)


def test_an_unknown_word_is_named():
    with pytest.raises(ValidationError, match="'three', expected one of one, two"):
        Choice({"one": 1, "two": 2}).deserialize("three")


@pytest.mark.parametrize(
    "value", [{"a": 1.5}, {"a": Decimal(1)}, {"a": ["\x00"]}, {"\ud800": 1}, {1: 2}, [], None, "{}"]
)
def test_an_object_holds_what_json_keeps_exactly(value: object):
    if value == {1: 2}:
        value = {"a": {"b": object()}}
    with pytest.raises(ValidationError):
        JsonObject().deserialize(value)


def test_validators_and_processors_still_work():
    def short(value: str) -> None:
        if len(value) > 3:
            raise ValidationError("too long")

    with pytest.raises(ValidationError, match="too long"):
        Text(validate=short).deserialize("four")
    assert Text(pre_load=str.strip, post_load=str.upper).deserialize(" abc ") == "ABC"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 50, f"'{'x' * 40}...'"),
        (None, "null"),
        (True, "true"),
        ({"a": 1}, "an object"),
        ([1], "a list"),
        (1.5, "1.5"),
        pytest.param(10**5000, "an enormous number", id="enormous"),
    ],
)
def test_a_found_value_is_shown_shortly(value: object, text: str):
    assert shown(value) == text


class _Leaf(Schema):
    class Meta:
        unknown = EXCLUDE

    total = Amount(required=True)


class _Tree(Schema):
    leaves = Nested(_Leaf, many=True, required=True)
    root = Nested(_Leaf, required=True)


def problems(payload: Any) -> list[tuple[str, str]]:
    _, found = load_strictly(_Tree(), payload)
    assert all(isinstance(problem, Problem) and problem.cause == "mapping" for problem in found)
    return [(problem.path, problem.reason) for problem in found]


def test_every_problem_has_its_json_path():
    payload = {"leaves": [{"total": "1"}, {"total": "x"}, {}, 5], "root": {"total": None}}
    assert problems(payload) == [
        ("leaves[1].total", "found 'x', expected an amount such as 12.50"),
        ("leaves[2].total", "is missing"),
        ("leaves[3]", "Invalid input type."),
        ("root.total", "found null, expected a value"),
    ]


def test_what_could_be_read_comes_with_the_problems():
    data, found = load_strictly(_Tree(), {"leaves": [], "root": {"total": "x"}})
    assert data["leaves"] == []
    assert len(found) == 1


@pytest.mark.parametrize("payload", [None, 1, "text", [], [1]])
def test_what_is_no_object_is_one_problem_without_path(payload: object):
    assert [path for path, _ in problems(payload)] == [""]


def test_no_field_of_ours_goes_without_its_own_reading():
    own = [each for each in vars(fields).values() if isinstance(each, type) and issubclass(each, fields.Strict)]
    assert len(own) > 10
    assert all(each.read is not fields.Strict.read for each in own if each is not fields.Strict)
