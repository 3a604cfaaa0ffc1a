"""How values stand in the JSON of the API: money as text with its currency, times as RFC 3339 in UTC, ids as text."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate

#: More than any database takes as an id.
_MAX_DIGITS: Final = 15
#: What can be moved to any zone without leaving the calendar.
_YEARS: Final = range(1970, 9000)
_PATTERN: Final = r"^[^\u0000-\u001f\u007f]*$"
_PATTERN_LINES: Final = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"
MAX_NAME: Final = 128
MAX_VALUE: Final = 255
MAX_TEXT: Final = 200
MAX_REASON: Final = 500
MAX_PAGE: Final = 200


def plain(value: Any) -> Any:
    """What JSON can say of a value: records become objects, times and amounts text, phrases their English."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            # Also of a phrase or of an enumeration: the bare text.
            return str(value)
        case dt.datetime() | dt.date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
    raise TypeError(f"no JSON for {type(value).__name__}")


class Json(fields.Raw):
    """Any JSON: what another part of the program describes."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return plain(super()._serialize(value, attr, obj, **kwargs))


class Text(fields.String):
    """A text that every database and log takes: without control characters, but for the ends of lines where `lines`.

    With `least` it is not blank either.
    """

    def __init__(self, *, most: int, least: int = 0, lines: bool = False, **options: Any) -> None:
        super().__init__(validate=validate.Length(least, most), **options)
        self.lines, self.least = lines, least
        self.metadata = {"pattern": _PATTERN_LINES if lines else _PATTERN, **self.metadata}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        allowed = "\t\n\r" if self.lines else ""
        if any((sign < " " or sign == "\x7f" or "\ud800" <= sign <= "\udfff") and sign not in allowed for sign in text):
            raise ValidationError("Has a character that no text has, such as NUL.")
        if self.least and not text.strip():
            raise ValidationError("Is blank.")
        return text


def _write_moment(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _read_moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.year not in _YEARS:
        raise ValueError(text)
    return moment.astimezone(dt.UTC)


class Moment(fields.AwareDateTime):
    """A time with its offset; answered in UTC."""

    SERIALIZATION_FUNCS = {"iso": _write_moment}  # noqa: RUF012 - as marshmallow declares them
    DESERIALIZATION_FUNCS = {"iso": _read_moment}  # noqa: RUF012
    default_error_messages = {  # noqa: RUF012
        "invalid": "Not a time with its offset, such as 2026-11-22T08:00:00Z."
    }


class Amount(fields.String):
    """An amount as text: exact, with a point."""

    #: Of one that is asked for.
    PATTERN = r"^-?[0-9]{1,12}(\.[0-9]{1,4})?$"

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return super()._serialize(None if value is None else f"{Decimal(value):f}", attr, obj, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.match(self.PATTERN, text) or text.endswith("\n"):
            raise ValidationError("Not an amount such as 120.50.")
        return Decimal(text)


class Money(Schema):
    """An amount with its currency."""

    amount = Amount(required=True)
    currency = fields.String(required=True, metadata={"description": "ISO 4217."})


class Reason(Schema):
    """A decision, and why."""

    reason = Text(required=True, least=1, most=MAX_REASON, lines=True)


def money(amount: Decimal | str | None, currency: str | None) -> dict[str, Any] | None:
    """For `Money`; None where nobody knows."""
    return None if amount is None or not currency else {"amount": amount, "currency": currency}


def number_of(text: str) -> int | None:
    """An id of ours as it stands in an address; None where no row can have it."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else None
