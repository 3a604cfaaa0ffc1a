"""Tables as CSV files, safe to open in a spreadsheet: no text of a stranger becomes a formula there."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from flask import Response, stream_with_context

#: What makes a spreadsheet read a cell as a formula, in the widths of East Asian keyboards too.
_FORMULA: Final = frozenset(
    "=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
_ROWS_A_PIECE: Final = 200


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A file for download, written while it is read. `name` is without `.csv`."""
    answer = Response(stream_with_context(_written(header, rows)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _written(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    # Without the mark Excel takes UTF-8 for something older.
    mark = "\N{ZERO WIDTH NO-BREAK SPACE}"
    for number, row in enumerate(rows, start=1):
        writer.writerow([cell(value) for value in row])
        if number % _ROWS_A_PIECE == 0:
            yield _taken(buffer, mark)
            mark = ""
    yield _taken(buffer, mark)


def _taken(buffer: io.StringIO, mark: str) -> bytes:
    text = mark + buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")


def cell(value: object) -> str:
    """The value as text; a text that a spreadsheet would calculate gets an apostrophe before it.

    Numbers stay numbers, minus included; times are ISO 8601 in UTC.
    """
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    text = str(value).replace("\0", "")
    return f"'{text}" if text[:1] in _FORMULA or text.lstrip()[:1] in _FORMULA else text
