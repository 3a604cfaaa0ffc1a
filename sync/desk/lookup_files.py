"""Look-up rows as CSV files: written for spreadsheets, read from whatever a spreadsheet has made of them.

Columns: `table, scope, value, conditions, target`. Only `value` and `target` must be there; `table` may be left out
where whoever reads the file names it, `scope` is `global` then, and there are no conditions.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from config.model import Config
from sync.desk.lookup_rows import LookupRow, RowRefused, check_row
from sync.desk.phrases import Phrase, Refusal, say, say_many
from sync.desk.sheets import MARK, kept_text, text_of
from sync.rules.lookup_tables import Declared
from sync.rules.lookups import GLOBAL
from sync.store.lookups import StoredRow

COLUMNS: Final = ("table", "scope", "value", "conditions", "target")
_NEEDED: Final = ("value", "target")
_DELIMITERS: Final = ",;\t|"
#: All of a file is one transaction, and webhooks wait for two seconds at most: 10,000 rows take one.
MAX_ROWS: Final = 20_000
#: Of one file; longer ones are cut short when they are told.
MAX_TOLD: Final = 100


@dataclasses.dataclass(frozen=True, slots=True)
class BadCell:
    """What is wrong in one place of a file."""

    line: int
    #: Empty where it is the whole row.
    column: str
    reason: Phrase

    @property
    def words(self) -> Phrase:
        """With its place."""
        if self.column:
            return say(
                "line %(line)s, column %(column)s: %(reason)s", line=self.line, column=self.column, reason=self.reason
            )
        return say("line %(line)s: %(reason)s", line=self.line, reason=self.reason)


class FileRefused(Refusal):
    """Nothing of a file can be taken; all that is wrong with it."""

    def __init__(self, bad: Sequence[BadCell]) -> None:
        """`bad` by line."""
        super().__init__(
            say_many("%(count)s row of the file cannot be read", "%(count)s rows of the file cannot be read", len(bad))
        )
        self.bad = tuple(bad)


def write_rows(rows: Iterable[StoredRow]) -> Iterator[str]:
    """The file, line by line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    yield MARK
    for row in rows:
        key = row.key
        writer.writerow(map(kept_text, (key.table, key.scope, key.value, key.conditions, row.target)))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def read_rows(config: Config, body: bytes, declared: Declared, *, table: str = "") -> list[LookupRow]:
    """Every row of a file, checked as far as it can be without other rows. Raises FileRefused with all that is wrong.

    `declared` is as of `check_row`; `table` is what rows are for that name none; a row that names another one is
    refused then.
    """
    found: list[LookupRow] = []
    bad: list[BadCell] = []
    lines: dict[object, int] = {}
    for line, cells in _records(_text(body)):
        try:
            row = check_row(config, _row(cells, table), declared)
        except _Refused as error:
            bad.append(BadCell(line, error.column, error.phrase))
            continue
        except RowRefused as error:
            bad.append(BadCell(line, "", error.phrase))
            continue
        if row.key in lines:
            bad.append(BadCell(line, "value", say("the same row stands in line %(line)s", line=lines[row.key])))
        lines.setdefault(row.key, line)
        found.append(row)
    if bad:
        raise FileRefused(bad)
    return found


class _Refused(Exception):
    def __init__(self, column: str, phrase: Phrase) -> None:
        super().__init__(phrase)
        self.column, self.phrase = column, phrase


def _row(cells: dict[str, str], table: str) -> LookupRow:
    if "" in cells:
        raise _Refused("", say("it has more cells than the first line has names"))
    for name in _NEEDED:
        if not cells.get(name, "").strip():
            raise _Refused(name, say("it is empty"))
    # Not the value: what a shop writes with a space at its end is another one than without.
    named, scope = (cells.get(name, "").strip() for name in ("table", "scope"))
    named = named or table
    if not named:
        raise _Refused("table", say("say which table the row is for"))
    if table and named != table:
        raise _Refused(
            "table", say("this row is for %(found)s, the file is read for %(table)s", found=named, table=table)
        )
    return LookupRow(named, cells["value"], cells["target"], scope or GLOBAL, cells.get("conditions", ""))


def _text(body: bytes) -> str:
    """UTF-8 with or without its mark, and UTF-16 with it, which spreadsheets write as "Unicode text"."""
    encoding = "utf-16" if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise FileRefused([BadCell(line, "", say("this is no UTF-8; save the file as CSV in UTF-8"))]) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise FileRefused([BadCell(line, "", say("this is no text; save the file as CSV in UTF-8"))])
    return text


def _records(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, name of a column -> cell) of each row with anything in it; cells beyond the names are under ""."""
    first = text.partition("\n")[0].strip("\r")
    delimiter = max(_DELIMITERS, key=lambda sign: len(_known(first.split(sign))))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        _demand_names(names)
        begin = reader.line_num + 1
        for count, cells in enumerate(reader, start=1):
            line, begin = begin, reader.line_num + 1
            if count > MAX_ROWS:
                raise FileRefused([BadCell(line, "", say("a file has at most %(most)s rows", most=MAX_ROWS))])
            if any(each.strip() for each in cells):
                found = {name: text_of(each) for name, each in zip(names, cells, strict=False)}
                extra = any(each.strip() for each in cells[len(names) :])
                yield line, found | ({"": ""} if extra else {})
    except csv.Error as error:
        reason = say("this is no CSV: %(error)s", error=error)
        raise FileRefused([BadCell(reader.line_num, "", reason)]) from error


def _known(names: Iterable[str]) -> set[str]:
    return {name.strip().strip('"').lower() for name in names} & set(COLUMNS)


def _demand_names(names: Sequence[str]) -> None:
    missing = [name for name in _NEEDED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    doubled = [name for index, name in enumerate(names) if name in names[:index]]
    if missing or unknown or doubled:
        what = say(
            "the first line must name the columns %(columns)s, at least %(needed)s; it says %(found)s",
            columns=", ".join(COLUMNS),
            needed=", ".join(_NEEDED),
            found=", ".join(names)[:200] or "nothing",
        )
        raise FileRefused([BadCell(1, "", what)])
