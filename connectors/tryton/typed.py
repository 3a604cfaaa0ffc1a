"""Tryton's typed JSON (trytond/protocols/jsonrpc.py): decimals, dates and the like are objects with `__class__`."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final


def decode(value: Any) -> Any:
    """Plain Python for what the server sent; datetimes become aware UTC, an unknown class stays an object."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    read = _READERS.get(value.get("__class__", ""))
    return {name: decode(item) for name, item in value.items()} if read is None else read(value)


def _datetime(value: dict[str, Any]) -> dt.datetime:
    names = ("hour", "minute", "second", "microsecond")
    time = dt.time(*(value[name] for name in names))
    return dt.datetime.combine(_date(value), time, dt.UTC)


def _date(value: dict[str, Any]) -> dt.date:
    return dt.date(value["year"], value["month"], value["day"])


_READERS: Final[Mapping[str, Callable[[dict[str, Any]], Any]]] = {
    "Decimal": lambda value: Decimal(value["decimal"]),
    "date": _date,
    "datetime": _datetime,
    "timedelta": lambda value: dt.timedelta(seconds=float(value["seconds"])),
    "bytes": lambda value: base64.decodebytes(value["base64"].encode()),
}


def encode(value: Any) -> Any:
    """JSON that the server reads; what is typed JSON already stays as it is. Datetimes must be aware."""
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {name: encode(item) for name, item in value.items()}
    return next((write(value) for kind, write in _WRITERS if isinstance(value, kind)), value)


def _written_datetime(value: dt.datetime) -> dict[str, Any]:
    utc = value.astimezone(dt.UTC)
    parts = {name: getattr(utc, name) for name in ("hour", "minute", "second", "microsecond")}
    return {"__class__": "datetime", **_day(utc), **parts}


def _day(value: dt.date) -> dict[str, Any]:
    return {"year": value.year, "month": value.month, "day": value.day}


#: A datetime is a date too, so it comes first.
_WRITERS: Final[tuple[tuple[type, Callable[[Any], dict[str, Any]]], ...]] = (
    (Decimal, lambda value: {"__class__": "Decimal", "decimal": f"{value:f}"}),
    (dt.datetime, _written_datetime),
    (dt.date, lambda value: {"__class__": "date", **_day(value)}),
    (dt.timedelta, lambda value: {"__class__": "timedelta", "seconds": value.total_seconds()}),
)
