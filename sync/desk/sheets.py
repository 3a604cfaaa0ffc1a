"""Cells of files that a spreadsheet opens: no text of a stranger becomes a formula there, and ours comes back whole."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final

#: Without the mark Excel takes UTF-8 for something older.
MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
#: What makes a spreadsheet read a cell as a formula, in the widths of East Asian keyboards too.
_FORMULA: Final = frozenset(
    "=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)


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
    return f"'{text}" if _calculates(text) else text


def kept_text(text: str) -> str:
    """A text as a cell from which `text_of` gets the very same text again."""
    return f"'{text}" if _calculates(text.lstrip("'")) else text


def text_of(cell_text: str) -> str:
    """The text that `kept_text` was given: an apostrophe that only keeps a spreadsheet from calculating goes."""
    inside = cell_text[1:]
    return inside if cell_text[:1] == "'" and _calculates(inside.lstrip("'")) else cell_text


def _calculates(text: str) -> bool:
    return text[:1] in _FORMULA or text.lstrip()[:1] in _FORMULA
