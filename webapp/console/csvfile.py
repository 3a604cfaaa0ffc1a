"""Tables as CSV files, safe to open in a spreadsheet: no text of a stranger becomes a formula there."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from flask import Response, request, stream_with_context

from sync.desk.sheets import MARK, cell
from sync.store.audit import record_audit
from webapp.console.access import current_actor
from webapp.parts import parts

_ROWS_A_PIECE: Final = 200
#: What stands in no file's name; how many values of filters do, and how much of each.
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.]+")
_WORDS: Final = 6
_WORD: Final = 24


def export_response(
    name: str, filters: Mapping[str, str], header: Sequence[str], rows: Iterable[Sequence[object]]
) -> Response:
    """A list as a file whose name says what was asked for and when; who took it away is audited."""
    told = ", ".join(f"{key}={value}" for key, value in sorted(filters.items()))
    parts().store.write(lambda c: record_audit(c, current_actor(), "export", f"list:{name}", after=told))
    words = [_UNSAFE.sub("-", value).strip("-")[:_WORD] for _, value in sorted(filters.items())]
    moment = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
    return csv_response("_".join([name, *[word for word in words if word][:_WORDS], moment]), header, rows)


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A file for download, written while it is read. `name` is without `.csv`; `bom=no` leaves the mark out."""
    mark = "" if request.args.get("bom") == "no" else MARK
    answer = Response(stream_with_context(_written(header, rows, mark)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _written(header: Sequence[str], rows: Iterable[Sequence[object]], mark: str) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
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
