"""What a look-up row fits: stars, ranges and conditions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.rules.patterns import Conditions, Glob, Kind, PatternRefused, Range, escaped

FACTS = {"rate": Kind.NUMBER}
TEXTS = st.text("ab*", max_size=6)
PATTERNS = st.text(r"ab*", max_size=5)


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        ("19-*", ["19-", "19-A"], ["19", "x19-A"]),
        ("*-L", ["-L", "TEE-L"], ["TEE-L2"]),
        ("T*-L", ["T-L", "TEE-L"], ["T-", "-L"]),
        ("a*b*c", ["abc", "axbxc"], ["acb", "ab"]),
        ("aba*aba", ["abaaba"], ["aba", "ababa"]),
        ("*", ["", "anything"], []),
        (r"A\*B", ["A*B"], ["AxB", r"A\*B"]),
        ("A.B", ["A.B"], ["AxB"]),
        ("mwst*", ["mwst 19"], ["MwSt 19"]),
    ],
)
def test_a_star_stands_for_anything_and_the_pattern_for_the_whole_value(pattern, fitting, others):
    glob = Glob.read(pattern)
    assert [text for text in fitting + others if glob.fits(text)] == fitting


@given(TEXTS)
def test_an_escaped_value_fits_itself_alone(text):
    glob = Glob.read(escaped(text))
    assert glob.is_exact
    assert glob.pieces == (text,)


@given(PATTERNS, PATTERNS, TEXTS)
def test_two_patterns_that_fit_one_text_are_known_to_meet(one, other, text):
    if Glob.read(one).fits(text) and Glob.read(other).fits(text):
        assert Glob.read(one).meets(Glob.read(other))


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("A*", "*B", True),
        ("A*", "B*", False),
        ("*A", "*B", False),
        ("A*", "AB", True),
        ("A*", "B", False),
        ("*", "*", True),
    ],
)
def test_patterns_that_no_text_fits_together_do_not_meet(one, other, meet):
    assert Glob.read(one).meets(Glob.read(other)) is meet
    assert Glob.read(other).meets(Glob.read(one)) is meet


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("19", ["19", "19.0"], ["19.01", "", "x"]),
        ("19..19.5", ["19", "19.5", "19.25"], ["18.99", "19.51"]),
        ("19..", ["19", "100"], ["18"]),
        ("..7", ["0", "7"], ["7.1"]),
        ("-1..1", ["0"], ["2"]),
    ],
)
def test_both_ends_of_a_range_are_in_it(text, inside, outside):
    found = Range.read(text)
    assert [number for number in inside + outside if found.fits(number)] == inside


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate=x", "no number"),
        ("rate=20..19", "ends before it begins"),
        ("rate=1e999999", "no number"),
        ("rate=NaN", "no number"),
        ("country", "name=value"),
        ("country=", "name=value"),
        ("country=DE; country=AT", "two conditions on country"),
    ],
)
def test_a_condition_that_cannot_be_read_is_refused_in_plain_words(text, said):
    with pytest.raises(PatternRefused, match=said):
        Conditions.read(text, FACTS)


def test_conditions_have_one_spelling():
    texts = ["title=MwSt*; rate = 19.0 .. 19.50;country=DE", "country=DE; rate=19..19.5; title=MwSt*"]
    assert {Conditions.read(text, FACTS).text for text in texts} == {texts[1]}
    assert Conditions.read("").text == ""


def test_all_conditions_must_be_true_and_what_is_not_known_fits_nothing_but_a_star():
    conditions = Conditions.read("country=DE; rate=19..19.5; title=*", FACTS)
    assert conditions.fit({"country": "DE", "rate": "19"})
    assert not conditions.fit({"country": "AT", "rate": "19"})
    assert not conditions.fit({"country": "DE"})
