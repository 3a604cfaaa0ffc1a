"""Tables as CSV files, safe to open in a spreadsheet: no text of a stranger becomes a formula there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from flask import Response, stream_with_context

from sync.desk.sheets import MARK, cell

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
    mark = MARK
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
