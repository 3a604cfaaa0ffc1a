"""Just enough COQL: select, from, where with and/or/in in brackets, order by, limit."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

Json = dict[str, Any]
_QUERY: Final = re.compile(
    r"select (?P<columns>.+?) from (?P<module>\w+) where (?P<where>.+?)"
    r"(?: order by (?P<order>[\w., ]+?))?(?: limit (?P<offset>\d+), (?P<limit>\d+))?",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<sign>>=|<=|!=|[()=<>,])|(?P<word>[\w.]+))")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T")
_MOST: Final = 2000
_USUAL: Final = 200


class QueryError(Exception):
    """What Zoho CRM refuses: its code, and details."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code, self.details = code, details


def run(
    text: str, rows_of: Callable[[str], list[Json]], value_of: Callable[[Json, str], Any]
) -> tuple[list[Json], bool]:
    """The rows, and whether there are more. `value_of` finds a column, through look-ups too. Raises QueryError."""
    found = _QUERY.fullmatch(text.strip())
    if found is None:
        raise QueryError("SYNTAX_ERROR", "error occurred while parsing the query", near=text[:20], line=1, column=1)
    columns = [column.strip() for column in found["columns"].split(",")]
    limit = int(found["limit"] or _USUAL)
    if limit > _MOST or len(columns) > 50:  # noqa: PLR2004 - columns of one query
        raise QueryError("LIMIT_EXCEEDED", "you have exceeded the maximum limit", limit=_MOST)
    for column in columns:
        # What no record has is refused though there be no records.
        value_of({}, column)
    test = _Where(found["where"], value_of).parsed()
    rows = [row for row in rows_of(found["module"]) if test(row)]
    for term in reversed((found["order"] or "id asc").split(",")):
        name, _, way = term.strip().partition(" ")
        rows.sort(key=lambda row, name=name: _sortable(value_of(row, name)), reverse=way.strip().lower() == "desc")  # type: ignore[misc]
    start = int(found["offset"] or 0)
    page = rows[start : start + limit]
    return [{"id": row["id"], **{name: value_of(row, name) for name in columns}} for row in page], start + limit < len(
        rows
    )


class _Where:
    def __init__(self, text: str, value_of: Callable[[Json, str], Any]) -> None:
        self._tokens = list(_tokens(text))
        self._at, self._value_of = 0, value_of

    def parsed(self) -> Callable[[Json], bool]:
        test = self._terms()
        if self._at != len(self._tokens):
            raise QueryError("SYNTAX_ERROR", "unexpected end", near=self._tokens[self._at])
        return test

    def _terms(self) -> Callable[[Json], bool]:
        """Two at most without brackets."""
        left = self._term()
        word = self._peek().lower()
        if word not in {"and", "or"}:
            return left
        self._next()
        right = self._term()
        if self._peek().lower() in {"and", "or"}:
            raise QueryError("SYNTAX_ERROR", "missing brackets", clause="where")
        if word == "and":
            return lambda row: left(row) and right(row)
        return lambda row: left(row) or right(row)

    def _term(self) -> Callable[[Json], bool]:
        if self._peek() == "(":
            self._next()
            test = self._terms()
            self._expect(")")
            return test
        name, sign = self._next(), self._next().lower()
        if sign == "in":
            self._expect("(")
            values = {_plain(self._next())}
            while self._peek() == ",":
                self._next()
                values.add(_plain(self._next()))
            self._expect(")")
            # Text is compared without regard to case.
            folded = {value.casefold() for value in values}
            return lambda row: str(self._value_of(row, name)).casefold() in folded
        wanted = _sortable(_plain(self._next()))
        tests: dict[str, Callable[[Any], bool]] = {
            "=": lambda have: have == wanted,
            "!=": lambda have: have != wanted,
            ">": lambda have: have > wanted,
            ">=": lambda have: have >= wanted,
            "<": lambda have: have < wanted,
            "<=": lambda have: have <= wanted,
        }
        if sign not in tests:
            raise QueryError("INVALID_QUERY", "operator given seems to be invalid", operator=sign)
        return lambda row: tests[sign](_sortable(self._value_of(row, name)))

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise QueryError("SYNTAX_ERROR", "unexpected end", clause="where")
        self._at += 1
        return token

    def _expect(self, token: str) -> None:
        if (found := self._next()) != token:
            raise QueryError("SYNTAX_ERROR", f"expected {token}", near=found)


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise QueryError("SYNTAX_ERROR", "unexpected character", near=text[at : at + 10])
        yield found[found.lastgroup or 0]
        at = found.end()


def _plain(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith("'") else token


def _sortable(value: Any) -> tuple[int, Any]:
    """Times as instants, whole numbers by their size, whatever else as text."""
    text = "" if value is None else str(value)
    if _TIME.match(text):
        return 1, dt.datetime.fromisoformat(text).timestamp()
    return (1, float(int(text))) if text.isdecimal() and len(text) < 16 else (2, text.rjust(40))  # noqa: PLR2004
