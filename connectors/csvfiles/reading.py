"""From the bytes of a file to orders with their rows, or to what is wrong with each row.

The rows of one order may stand anywhere, so all of a file is held; as texts, and an order becomes objects only while
somebody looks at it.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from connectors.kit.base import Envelope
from connectors.kit.words import say

MAX_BYTES: Final = 50 * 1024 * 1024
MAX_ROWS: Final = 200_000
MAX_COLUMNS: Final = 500
#: Of the text that tells orders apart: what the database holds.
MAX_ID: Final = 255
#: What is tried, and what may be said; cp1252 leaves five bytes undefined, latin-1 none.
ENCODINGS: Final = ("utf-8", "utf-16", "cp1252", "latin-1")
DELIMITERS: Final = (",", ";", "\t", "|")
_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PIECE: Final = 1024 * 1024
#: Characters in which the first line must end.
_HEAD: Final = 128 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class BadRow:
    """What is wrong in one place of a file."""

    #: From 1, as an editor counts them; of a row of several lines its first.
    line: int
    #: Empty where it is the whole row.
    column: str
    found: str
    expected: str
    #: The order that it keeps from being taken; empty where nobody knows.
    order: str = ""


class FileRefused(Exception):
    """Nothing of a file can be read."""

    def __init__(self, bad: BadRow) -> None:
        """What is wrong, with its place."""
        super().__init__(
            say(
                "line %(line)s: found %(found)s, expected %(expected)s",
                line=bad.line,
                found=bad.found,
                expected=bad.expected,
            )
        )
        self.bad = bad


@dataclasses.dataclass(slots=True)
class _Rows:
    """One order: the line of each of its rows, and its cells as a JSON list."""

    lines: list[int] = dataclasses.field(default_factory=list)
    cells: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Sheet:
    """A file that was read."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    #: Hex of SHA-256 of its bytes.
    sha256: str
    rows: int = 0
    #: Rows that cannot be read, by line; the orders that they are of must not be taken without them.
    bad: list[BadRow] = dataclasses.field(default_factory=list)
    _orders: dict[str, _Rows] = dataclasses.field(default_factory=dict, repr=False)

    def envelopes(self) -> Iterator[Envelope]:
        """Every order that can be read whole, as `{"rows": [...]}`, in the order of their first rows."""
        broken = {each.order for each in self.bad}
        for order, rows in self._orders.items():
            if order not in broken:
                made = [dict(zip(self.columns, json.loads(cells), strict=True)) for cells in rows.cells]
                yield Envelope(external_id=order, version="", payload={"rows": made})

    def lines(self, order: str) -> Sequence[int]:
        """In which lines the rows of an order stand."""
        return self._orders[order].lines

    def add(self, line: int, order: str, cells: Sequence[str]) -> None:
        """One more row."""
        rows = self._orders.setdefault(order, _Rows())
        rows.lines.append(line)
        rows.cells.append(json.dumps(cells, ensure_ascii=False))


def read_sheet(file: BinaryIO, order_column: str, *, encoding: str = "", delimiter: str = "") -> Sheet:
    """Read all of it. What is not said is found out. Raises FileRefused."""
    sha256 = _digest(file)
    known = encoding or _encoding(file)
    file.seek(0)
    text = io.TextIOWrapper(file, "utf-8-sig" if known == "utf-8" else known, newline="")
    try:
        return _read(text, order_column, known, delimiter, sha256)
    finally:
        # The file is the caller's, and stays open.
        text.detach()


def _read(text: io.TextIOWrapper, order_column: str, encoding: str, delimiter: str, sha256: str) -> Sheet:
    line = 1
    try:
        sign = delimiter or _delimiter(text.read(_HEAD), order_column)
        text.seek(0)
        reader = csv.reader(text, delimiter=sign, strict=True)
        columns = _columns(next(reader, []), order_column)
        sheet = Sheet(encoding, sign, columns, sha256)
        key = columns.index(order_column)
        line = reader.line_num + 1
        for cells in reader:
            _take(sheet, line, cells, key)
            line = reader.line_num + 1
    except UnicodeError as error:
        found = say("bytes that are no %(encoding)s", encoding=encoding)
        raise _refused(line, found, say("one encoding in all of the file; say which it is")) from error
    except csv.Error as error:
        found = say("no CSV (%(error)s)", error=error)
        raise _refused(line, found, say("cells between delimiters, and quotes in quotes doubled")) from error
    return sheet


def _take(sheet: Sheet, line: int, cells: Sequence[str], key: int) -> None:
    """One row; an empty one is none."""
    if not any(cell.strip() for cell in cells):
        return
    sheet.rows += 1
    if sheet.rows > MAX_ROWS:
        raise _refused(line, say("more than %(most)s rows", most=MAX_ROWS), say("a smaller file; divide it"))
    width = len(sheet.columns)
    order = cells[key].strip() if key < len(cells) else ""
    if (bad := _bad_id(order)) is not None:
        sheet.bad.append(BadRow(line, sheet.columns[key], *bad))
        return
    if any(cell.strip() for cell in cells[width:]):
        found = say("%(count)s cells", count=len(cells))
        expected = say("%(count)s, as the first line has names", count=width)
        sheet.bad.append(BadRow(line, "", found, expected, order))
    sheet.add(line, order, [*cells[:width], *[""] * (width - len(cells))])


def _bad_id(order: str) -> tuple[str, str] | None:
    """What is found and expected instead of a text that tells an order apart."""
    if not order:
        return say("nothing"), say("the text that says which order the row is of")
    if len(order) > MAX_ID or not order.isprintable():
        return repr(order[:60]), say("at most %(most)s printable characters", most=MAX_ID)
    return None


def _columns(names: Sequence[str], order_column: str) -> tuple[str, ...]:
    """The names of the first line, spaces around them left out. Raises FileRefused."""
    columns = [name.strip() for name in names]
    while columns and not columns[-1]:
        columns.pop()
    if order_column not in columns:
        shown = ", ".join(columns)[:300] or say("nothing")
        raise _refused(1, shown, say("names of columns, %(column)s among them", column=repr(order_column)))
    if len(columns) > MAX_COLUMNS:
        raise _refused(1, say("%(count)s columns", count=len(columns)), say("at most %(most)s", most=MAX_COLUMNS))
    for index, name in enumerate(columns):
        if not name:
            found = say("no name for column %(number)s", number=index + 1)
            raise _refused(1, found, say("a name for each column that has cells"))
        if name in columns[:index]:
            found = say("the name %(name)s twice", name=repr(name))
            raise _refused(1, found, say("each name once"))
    return tuple(columns)


def _delimiter(head: str, order_column: str) -> str:
    """By which the first line has the column that orders are told apart by; of several, by which it has most names."""

    def names(sign: str) -> list[str]:
        try:
            return [name.strip() for name in next(csv.reader(io.StringIO(head, newline=""), delimiter=sign), [])]
        except csv.Error:
            return []

    found = {sign: names(sign) for sign in DELIMITERS}
    return max(DELIMITERS, key=lambda sign: (order_column in found[sign], len(found[sign])))


def _encoding(file: BinaryIO) -> str:
    """By its mark, or the first in which every byte means something."""
    file.seek(0)
    head = file.read(_PIECE)
    if head.startswith(_MARKS):
        return "utf-16"
    if b"\0" in head:
        raise _refused(1, say("NUL bytes"), say("text; of UTF-16 with its mark"))
    return next(name for name in ("utf-8", "cp1252", "latin-1") if _is_valid(file, name))


def _is_valid(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while piece := file.read(_PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _digest(file: BinaryIO) -> str:
    """Raises FileRefused for a file that is too large."""
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := file.read(_PIECE):
        digest.update(piece)
        size += len(piece)
        if size > MAX_BYTES:
            megabytes = MAX_BYTES // 1024 // 1024
            raise _refused(1, say("more than %(most)s MB", most=megabytes), say("a smaller file; divide it"))
    if not size:
        raise _refused(1, say("an empty file"), say("a first line with the names of the columns"))
    return digest.hexdigest()


def _refused(line: int, found: str, expected: str) -> FileRefused:
    return FileRefused(BadRow(line, "", found, expected))
