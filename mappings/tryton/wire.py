"""Tryton's typed JSON, as far as a payload needs it (trytond/protocols/jsonrpc.py).

A JSON float for a Numeric field is converted digit by digit (19.99 becomes 19.98999...) and then refused for its
length, so amounts always travel as typed decimals. A quantity is a Float field and must be a plain JSON number.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

JsonDict = dict[str, Any]


def decimal(value: Decimal) -> JsonDict:
    """A Numeric value."""
    return {"__class__": "Decimal", "decimal": f"{value:f}"}


def date(value: dt.date) -> JsonDict:
    """A Date value."""
    return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}


def moment(value: dt.datetime) -> JsonDict:
    """A DateTime value; the server keeps UTC without saying so."""
    utc = value.astimezone(dt.UTC)
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{name: getattr(utc, name) for name in names}}


def quantity(value: Decimal) -> int | float:
    """A Float value; exact, because the server reads a float back by its shortest text."""
    return int(value) if value == value.to_integral_value() else float(value)


def create(records: Sequence[JsonDict]) -> list[Any]:
    """The command list that creates `records` in an x2many field."""
    return [["create", list(records)]]


def link(ids: Sequence[int]) -> list[Any]:
    """The command list that links existing records to an x2many field; empty for none."""
    return [["add", list(ids)]] if ids else []
