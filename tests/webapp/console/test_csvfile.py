"""A file that is opened in a spreadsheet calculates nothing that a stranger wrote."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest

from webapp.console.csvfile import cell, csv_response


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        " \t@x",
        "\N{FULLWIDTH EQUALS SIGN}1",
        "=cmd|' /C calc'!A0",
    ],
)
def test_a_text_that_would_be_a_formula_gets_an_apostrophe(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "order 12", "a=b", "1-2", "mail@x.example", "'=1", "ä", "0049"])
def test_other_texts_stay_as_they_are(text):
    assert cell(text) == text


def test_numbers_stay_numbers_and_times_are_exact():
    assert cell(Decimal("-4210.00")) == "-4210.00"
    assert cell(Decimal("1E+3")) == "1000"
    assert cell(-3) == "-3"
    assert cell(None) == ""
    zone = dt.timezone(dt.timedelta(hours=2))
    assert cell(dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=zone)) == "2026-01-02T01:04:05Z"
    assert cell("a\0b") == "ab"


def test_the_file_reads_back_as_it_was_written(app):
    rows = [[number, 'Köln, "am Rhein"\nzwei', "=x"] for number in range(450)]
    with app.test_request_context():
        answer = csv_response("orders", ["number", "city", "text"], rows)
        body = answer.get_data()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert body.startswith(b"\xef\xbb\xbfnumber,")
    assert body.count(b"\xef\xbb\xbf") == 1
    read = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert read[0] == ["number", "city", "text"]
    assert read[1:] == [[str(number), 'Köln, "am Rhein"\nzwei', "'=x"] for number in range(450)]


def test_a_lone_surrogate_breaks_no_file(app):
    with app.test_request_context():
        assert b"a?b" in csv_response("x", ["a"], [["a\ud800b"]]).get_data()
