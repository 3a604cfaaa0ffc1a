"""Strict marshmallow fields: what they let through is exactly one thing, and their errors say what was found.

The library's own fields are made for forms and are generous: Integer reads 1.9 as 1 and "007" as 7, Decimal takes
"1_000", Arabic digits and floats, DateTime takes naive times, String takes NUL. None of that may reach an order.
A reason reads "found ..., expected ..."; the path comes from where the field stands (`validation.load_strictly`).
"""

from __future__ import annotations

import datetime as dt
import re
from abc import abstractmethod
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any, Final, TypeGuard, TypeVar

from marshmallow import ValidationError, fields, missing

from mappings.canonical.words import say

T = TypeVar("T")

#: What WordPress can hold in a TEXT column; no name, note or title of a shop is longer.
TEXT_LENGTH: Final = 65_535
ID_LENGTH: Final = 255
#: Larger than any key of a database; the text of an enormous number is refused by the interpreter itself.
_ID_LIMIT: Final = 10**30

# Ten times more than any currency needs, and small enough that every sum of an order is exact in `money.WIDE`.
_AMOUNT: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,20})?")
_MAX_INTEGER_DIGITS: Final = 15
_MAX_DECIMALS: Final = 20
# NUL is refused by PostgreSQL, a lone surrogate by UTF-8; refusing both here keeps every database alike.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_COUNTRY: Final = re.compile(r"([A-Z]{2})?")
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
)
#: A double holds 15 significant digits for certain; what follows them is noise of its way through binary.
_DOUBLE: Final = Context(prec=15)
_SHOWN: Final = 40
_MESSAGES: Final[dict[str, str | list[Any] | dict[Any, Any]]] = {
    "required": say("is missing"),
    "null": say("found null, expected a value"),
    "invalid": say("found something else, expected a list"),
}


def shown(value: object) -> str:
    """A found value for a reason: short, on one line, in JSON's own words."""
    if isinstance(value, str):
        text = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
        return repr(text)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return say("an object")
    if isinstance(value, list):
        return say("a list")
    if isinstance(value, int) and value.bit_length() > _SHOWN * 3:
        return say("an enormous number")  # whose text alone would be refused by the interpreter
    text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def refused(value: object, expected: str) -> ValidationError:
    """The error of a field: what was found, what was expected."""
    return ValidationError(say("found %(value)s, expected %(expected)s", value=shown(value), expected=expected))


def storable(text: str) -> bool:
    """Whether every database of ours takes this text as it is."""
    return "\x00" not in text if text.isascii() else _UNSTORABLE.search(text) is None


def plain_number(number: Decimal) -> Decimal:
    """The number that was meant, without binary noise and trailing zeros: 2.6000000000000001 -> 2.6, 20.00 -> 20."""
    number = _DOUBLE.normalize(number)
    # normalize() writes 20 as 2E+1.
    return number if number.as_tuple().exponent <= 0 else number.quantize(Decimal(1))  # type: ignore[operator] # finite


class Strict(fields.Field[T]):
    """Base of our fields: `read` is the way in, `write` the way out, and null never reaches either of them."""

    default_error_messages = _MESSAGES

    @abstractmethod
    def read(self, value: object) -> T:
        """The value that a foreign one means. Raises ValidationError, made by `refused`."""

    def write(self, value: T) -> Any:
        """The JSON form of our value; text, numbers, truth values are their own."""
        return value

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_kwargs: Any) -> T:  # noqa: ARG002
        return self.read(value)

    def _serialize(self, value: T | None, attr: str | None, obj: Any, **_kwargs: Any) -> Any:  # noqa: ARG002
        return None if value is None else self.write(value)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Straight to `read` where nothing else is asked for: the library's own way takes as long as all the rest."""
        if value is None or value is missing or self.validators or self.pre_load or self.post_load:
            return super().deserialize(value, attr, data, **kwargs)
        return self.read(value)


class Text(Strict[str]):
    """A text of at most `max_length` characters without NUL and lone surrogates, kept as it is.

    `numbers` takes a JSON number too, for vendors that drop the quotes of what looks like one; `null_is_empty` reads
    null as the empty text.
    """

    def __init__(
        self,
        *,
        max_length: int = TEXT_LENGTH,
        numbers: bool = False,
        null_is_empty: bool = False,
        **kwargs: Any,
    ) -> None:
        self.max_length = max_length
        self.numbers = numbers
        self.null_is_empty = null_is_empty
        super().__init__(**kwargs)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Read null as empty text where that is allowed."""
        if value is None and self.null_is_empty:
            return ""
        return super().deserialize(value, attr, data, **kwargs)

    def read(self, value: object) -> str:
        """Text, or with `numbers` a number as text."""
        text = value if isinstance(value, str) else self._number(value)
        if len(text) > self.max_length:
            raise ValidationError(
                say(
                    "found a text of %(count)s characters, expected %(max_length)s at most",
                    count=len(text),
                    max_length=self.max_length,
                )
            )
        if not storable(text):
            raise refused(text, say("text without NUL characters and lone surrogates"))
        return text

    def _number(self, value: object) -> str:
        number = _bounded(Decimal(value)) if self.numbers and _is_number(value) else None
        if number is None:
            raise refused(value, say("text"))
        return f"{number:f}"


class Id(Text):
    """An identifier of another system: text, or a whole number that becomes its text; never empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=ID_LENGTH, **kwargs)

    def read(self, value: object) -> str:
        """Text, or a whole number as text."""
        if type(value) is int and 0 <= value < _ID_LIMIT:
            value = str(value)
        if not isinstance(value, str) or not value.strip():
            raise refused(value, say("an id"))
        return super().read(value)


class Amount(Strict[Decimal]):
    """An exact amount such as "-12.50", in the scale in which it is written.

    Text only, unless `numbers` lets whole JSON numbers and Decimals in (never floats, whose cents are a guess).
    """

    def __init__(self, *, numbers: bool = False, **kwargs: Any) -> None:
        self.numbers = numbers
        super().__init__(**kwargs)

    def write(self, value: Decimal) -> str:
        """Plain digits, never an exponent."""
        return f"{value:f}"

    def read(self, value: object) -> Decimal:
        """Amount text, or with `numbers` an exact number."""
        if isinstance(value, str) and _AMOUNT.fullmatch(value):
            return Decimal(value)
        if self.numbers and _is_number(value) and (amount := _bounded(Decimal(value))) is not None:
            return amount
        raise refused(value, say("an amount such as 12.50"))


class Number(Strict[Decimal]):
    """A quantity or a percentage, as text or as a JSON number, without trailing zeros and binary noise."""

    def write(self, value: Decimal) -> str:
        """Plain digits, never an exponent."""
        return f"{value:f}"

    def read(self, value: object) -> Decimal:
        """A number, whichever way it is written."""
        if isinstance(value, str) and _AMOUNT.fullmatch(value):
            return plain_number(Decimal(value))
        if _is_number(value) and (number := _bounded(Decimal(value))) is not None:
            return plain_number(number)
        raise refused(value, say("a number such as 2 or 1.5"))


def _is_number(value: object) -> TypeGuard[int | Decimal]:
    """An exact JSON number; True is an int to Python and no number to anybody else."""
    return type(value) in (int, Decimal)


def _bounded(number: Decimal) -> Decimal | None:
    """A number of a JSON document without binary noise; None when it is out of all bounds or has an exponent."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent > 0 or number.adjusted() >= _MAX_INTEGER_DIGITS:
        return None
    if len(number.as_tuple().digits) > _DOUBLE.prec:
        number = plain_number(number)
    return number if number.as_tuple().exponent >= -_MAX_DECIMALS else None  # type: ignore[operator] # finite


class Flag(Strict[bool]):
    """True or false."""

    def read(self, value: object) -> bool:
        """True or false, nothing that only looks like it."""
        if isinstance(value, bool):
            return value
        raise refused(value, say("true or false"))


class UtcTime(Strict[dt.datetime]):
    """A point in time as ISO 8601 with seconds, given back in UTC.

    A time without zone is refused, unless `naive_is_utc` says that the vendor documents this field to be in UTC.
    """

    def __init__(self, *, naive_is_utc: bool = False, **kwargs: Any) -> None:
        self.naive_is_utc = naive_is_utc
        super().__init__(**kwargs)

    def write(self, value: dt.datetime) -> str:
        """ISO 8601 with +00:00."""
        return value.astimezone(dt.UTC).isoformat()

    def read(self, value: object) -> dt.datetime:
        """ISO 8601 text."""
        moment = _moment(value)
        if moment.tzinfo is not None:
            return _in_utc(moment, value)
        if not self.naive_is_utc:
            raise refused(value, say("a time with its zone, such as 2026-11-21T23:01:55Z"))
        return moment.replace(tzinfo=dt.UTC)


class LocalDay(Strict[dt.date]):
    """The calendar day of a local time: of `2026-11-22T00:01:55` in the writer's own zone, whichever that is."""

    def read(self, value: object) -> dt.date:
        """The day of an ISO 8601 time."""
        return _moment(value).date()


class Day(Strict[dt.date]):
    """A calendar day, `2026-11-22`."""

    def write(self, value: dt.date) -> str:
        """ISO 8601."""
        return value.isoformat()

    def read(self, value: object) -> dt.date:
        """ISO 8601 text."""
        try:
            if isinstance(value, str) and len(value) == len("2026-11-22") and value.isascii():
                return dt.date.fromisoformat(value)
        except ValueError:
            pass
        raise refused(value, say("a day such as 2026-11-22"))


def _moment(value: object) -> dt.datetime:
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:  # the 30th of February, or MySQL's zero date
            pass
    raise refused(value, say("a time such as 2026-11-21T23:01:55"))


def _in_utc(moment: dt.datetime, value: object) -> dt.datetime:
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError:
        raise refused(value, say("a time between the years 1 and 9999")) from None


class CurrencyCode(Text):
    """An ISO 4217 code: three capital letters."""

    def read(self, value: object) -> str:
        """Three capital letters."""
        if isinstance(value, str) and _CURRENCY.fullmatch(value):
            return value
        raise refused(value, say("a currency code such as EUR"))


class CountryCode(Text):
    """An ISO 3166-1 alpha-2 code in capitals; the empty text where there is none."""

    def read(self, value: object) -> str:
        """Two capital letters, or nothing."""
        if isinstance(value, str) and _COUNTRY.fullmatch(value):
            return value
        raise refused(value, say("a country code of two letters such as DE"))


class Choice(Strict[T]):
    """One of a closed list of words; an unknown one is an error that names it."""

    def __init__(self, words: Mapping[str, T], **kwargs: Any) -> None:
        self.words = words
        self._names = {meaning: word for word, meaning in words.items()}
        super().__init__(**kwargs)

    def read(self, value: object) -> T:
        """What the word stands for."""
        if isinstance(value, str) and value in self.words:
            return self.words[value]
        raise refused(value, say("one of %(words)s", words=", ".join(self.words)))

    def write(self, value: T) -> str:
        """The word."""
        return self._names[value]


class Nested(fields.Nested):
    """An object, or a list of them, with our words for what is wrong."""

    default_error_messages = _MESSAGES


class ListOf(fields.List[T]):
    """A list of plain values, with our words for what is wrong."""

    default_error_messages = _MESSAGES


class JsonObject(Strict[dict[str, Any]]):
    """An object of JSON values without fractions, which have no exact form in JSON: they come as text."""

    def read(self, value: object) -> dict[str, Any]:
        """The object as it is."""
        if not isinstance(value, dict):
            raise refused(value, say("an object"))
        _check_json(value)
        return value


def _check_json(value: object) -> None:
    if isinstance(value, dict):
        for key, child in value.items():
            _check_json(key)
            _check_json(child)
    elif isinstance(value, list):
        for child in value:
            _check_json(child)
    elif isinstance(value, str):
        if not storable(value):
            raise refused(value, say("text without NUL characters and lone surrogates"))
    elif value is not None and not isinstance(value, bool | int):
        raise refused(value, say("text, a whole number, true, false or null"))
