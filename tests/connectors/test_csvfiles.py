"""A file of orders is read as its bytes say, and whatever is wrong with it is told with its place."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.csvfiles import CsvFiles, FileRefused, reading
from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import ConnectionBroken

TEXT = "Order;Name;Net\nA-1;Köhler;12,50\nA-2;Øst \N{EN DASH} Süd;1,00\nA-1;Köhler;3,00\n"


def connector(**options):
    return CsvFiles(ConnectorSettings(name="table", url="", options={"order_column": "Order", **options}))


def read(data, *, encoding="", delimiter="", **options):
    body = data.encode("utf-8") if isinstance(data, str) else data
    return connector(**options).read(io.BytesIO(body), encoding=encoding, delimiter=delimiter)


def orders(sheet):
    return {each.external_id: each.payload["rows"] for each in sheet.envelopes()}


def refused(data, **changes):
    with pytest.raises(FileRefused) as caught:
        read(data, **changes)
    return str(caught.value)


def test_rows_of_one_order_are_one_order_wherever_they_stand():
    sheet = read(TEXT)
    assert list(orders(sheet)) == ["A-1", "A-2"]
    assert [row["Net"] for row in orders(sheet)["A-1"]] == ["12,50", "3,00"]
    assert (list(sheet.lines("A-1")), sheet.rows, sheet.columns) == ([2, 4], 3, ("Order", "Name", "Net"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_found_out_by_mark_and_validity(encoding):
    sheet = read(TEXT.encode(encoding))
    assert sheet.encoding == encoding.removesuffix("-sig")
    assert orders(sheet)["A-2"][0]["Name"] == "Øst \N{EN DASH} Süd"


def test_bytes_that_cp1252_does_not_define_are_latin_1():
    assert read(b"Order,Name\nA,\x81\xe9\n").encoding == "latin-1"


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out_by_the_column_that_must_be_there(sign):
    sheet = read(f"Order{sign}a, b; c{sign}Net\nA{sign}x{sign}1\n".replace("a, b; c", '"a, b; c| d"'))
    assert (sheet.delimiter, sheet.columns) == (sign, ("Order", "a, b; c| d", "Net"))


def test_what_somebody_says_goes_before_what_is_found_out():
    assert read(TEXT.encode("cp1252"), encoding="latin-1").encoding == "latin-1"
    assert read("Order,a;b\n1,2\n", delimiter=",").columns == ("Order", "a;b")
    assert read(b"Order;a\nA;\xe4\n", encoding="cp1252", delimiter=";").delimiter == ";"
    assert connector(delimiter="|").read(io.BytesIO(b"Order|a,b\nA|1\n")).columns == ("Order", "a,b")


def test_cells_stay_the_texts_that_they_are():
    [[row]] = orders(read('Order,a,b,c\nA, 007 ,"x ""y""\nz",=1+1\n')).values()
    assert row == {"Order": "A", "a": " 007 ", "b": 'x "y"\nz', "c": "=1+1"}


def test_a_row_that_cannot_be_read_keeps_its_whole_order_back_and_no_other():
    sheet = read("Order,Net\nA,1\n,2\nB,3,4\nA,5\nB,6\n\n")
    assert list(orders(sheet)) == ["A"]
    assert [(each.line, each.column, each.order) for each in sheet.bad] == [(3, "Order", ""), (4, "", "B")]
    assert "3 cells" in sheet.bad[1].found


def test_a_row_that_ends_early_has_empty_cells():
    assert orders(read("Order,a,b\nA,1\n")) == {"A": [{"Order": "A", "a": "1", "b": ""}]}


@pytest.mark.parametrize("order", ["x" * 256, "a\0b", "a\u2028b"])
def test_what_the_database_cannot_hold_as_an_id_is_told(order):
    [bad] = read(f'Order,a\n"{order}",1\n', encoding="utf-8").bad
    assert bad.column == "Order"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "an empty file"),
        (b"Number,Net\n1,2\n", "found Number, Net, expected names of columns, 'Order' among them"),
        (b"Order,Net,Net\n", "the name 'Net' twice"),
        (b"Order,,Net\n", "no name for column 2"),
        (b"O\0r\0d\0e\0r\0", "NUL bytes"),
        (b'Order,a\n1,"2\n3,4\n', "line 2: found no CSV"),
        (b'Order,a\n1,"2"3\n', "line 2: found no CSV"),
        ("Order,a\n1,".encode("utf-16") + b"\x00\xd8", "bytes that are no utf-16"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(data, told):
    assert told in refused(data)


def test_a_file_in_another_encoding_than_was_said_is_refused():
    assert "bytes that are no utf-8" in refused(TEXT.encode("cp1252"), encoding="utf-8")


def test_bounds_hold(monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROWS", 2)
    assert read("Order\n1\n\n2\n").rows == 2
    assert "line 4: found more than 2 rows" in refused("Order\n1\n2\n3\n")
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    assert "more than" in refused("Order\n12345\n")


def test_the_file_stays_open_for_who_opened_it():
    file = io.BytesIO(TEXT.encode())
    connector().read(file)
    assert not file.closed


@pytest.mark.parametrize(
    "options", [{"order_column": ""}, {"encoding": "ebcdic"}, {"delimiter": ":"}, {"colour": "red"}]
)
def test_options_that_cannot_be_used_are_named(options):
    with pytest.raises(ConnectionBroken, match=next(iter(options))):
        connector(**options)


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=8)


@given(st.lists(st.tuples(st.sampled_from("ABC"), _CELL, _CELL), max_size=20))
def test_what_a_writer_of_csv_wrote_is_read_again(rows):
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("Order", "a", "b"), *rows])
    expected = {}
    for order, a, b in rows:
        expected.setdefault(order, []).append({"Order": order, "a": a, "b": b})
    sheet = read(buffer.getvalue().encode("utf-8"))
    assert json.dumps(orders(sheet)) == json.dumps(expected)
