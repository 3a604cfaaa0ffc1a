"""Kinds of values: how a text of the configuration becomes a number, a time, an address; pure and strict.

A kind's `read` raises ValueError for what it does not take. Nothing is guessed: no leading zeros, no exponents, no
digits of other scripts, no times without an offset.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit, urlunsplit

import croniter  # type: ignore[import-untyped]  # it has none

from config.model import ORDER_STATES, PAYMENT_STATES
from config.problems import did_you_mean, one_of

T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound=enum.StrEnum)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")
_DURATION = re.compile(r"((?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?)([smhd]?)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_DAY = re.compile(r"(19[789][0-9]|2[01][0-9]{2})-[0-9]{2}-[0-9]{2}")
_CRON = re.compile(r"[0-9A-Za-z*/,-]+( +[0-9A-Za-z*/,#-]+){4}")
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


_STATUS_KEYS: Final = (
    *ORDER_STATES,
    *(f"{state}/{payment}" for state in (*ORDER_STATES, "*") for payment in PAYMENT_STATES),
)


def _no_hint(_text: str) -> str:
    return ""


@dataclasses.dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """How one kind of value is read and explained."""

    #: Raises ValueError.
    read: Callable[[str], T_co]
    #: Completes "found ..., expected ...".
    expected: str
    #: The next step for a text that was refused; empty where there is none.
    hint: Callable[[str], str] = _no_hint


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(text)
        return text

    return read


def _number(text: str, least: int, most: int) -> Decimal:
    if not _NUMBER.fullmatch(text) or not least <= Decimal(text) <= most:
        raise ValueError(text)
    return Decimal(text)


def whole(least: int, most: int) -> Kind[int]:
    """A whole number within bounds."""

    def read(text: str) -> int:
        if "." in text:
            raise ValueError(text)
        return int(_number(text, least, most))

    return Kind(read, f"a whole number from {least} to {most}, without leading zeros")


def decimal(least: int, most: int) -> Kind[Decimal]:
    """An exact number within bounds."""
    return Kind(lambda text: _number(text, least, most), f"a number from {least} to {most}, written like 10 or 2.5")


def rate(most: int) -> Kind[float]:
    """How often in a second; more than never."""

    def read(text: str) -> float:
        number = _number(text, 0, most)
        if not number:
            raise ValueError(text)
        return float(number)

    return Kind(read, f"a number above 0 and at most {most}, written like 10 or 0.5")


def duration(least: str, most: str) -> Kind[float]:
    """Seconds, read from `60`, `60s`, `5m`, `6h` or `1d`; the bounds are written the same way."""
    lowest, highest = _seconds(least), _seconds(most)

    def read(text: str) -> float:
        seconds = _seconds(text)
        if not lowest <= seconds <= highest:
            raise ValueError(text)
        return float(seconds)

    return Kind(read, f"a time from {least} to {most}, written like 90, 90s, 5m, 6h or 1d")


def _seconds(text: str) -> Decimal:
    match = _DURATION.fullmatch(text)
    if not match:
        raise ValueError(text)
    return Decimal(match[1]) * _SECONDS[match[2]]


def word(known: Iterable[str]) -> Kind[str]:
    """One of a few words."""
    words = tuple(known)

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return Kind(read, one_of(words), lambda text: did_you_mean(text, words))


def member(of: type[E]) -> Kind[E]:
    """A member of an enumeration, by its value."""
    words = tuple(item.value for item in of)
    return Kind(of, one_of(words), lambda text: did_you_mean(text, words))


def name_of(section: str) -> Kind[str]:
    """A name from another section; whether it stands there is for `config.checks` to see."""
    return Kind(str, f"a name that stands under {section}")


def text(longest: int = 1000) -> Kind[str]:
    """Any text of bounded length."""

    def read(text: str) -> str:
        if len(text) > longest:
            raise ValueError(text)
        return text

    return Kind(read, f"a text of at most {longest} characters")


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _zone(text: str) -> str:
    if text not in _zones():
        raise ValueError(text)
    return text


def _cron(text: str) -> str:
    # croniter also takes seconds, years, @daily and random fields; one form is enough to explain.
    if not _CRON.fullmatch(text):
        raise ValueError(text)
    # Raises a ValueError for 30 February, a well-formed line that never comes due.
    croniter.croniter(text, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)).get_next(dt.datetime)
    return text


def _moment(text: str) -> dt.datetime | None:
    if text == "now":
        return None
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    moment = dt.datetime.fromisoformat(text)
    if not 1970 <= moment.year <= 2200:  # noqa: PLR2004 - an astronomer's year would overflow in the offset
        raise ValueError(text)
    return moment.astimezone(dt.UTC)


def _day(text: str) -> dt.date:
    # Python reads 20260131 and 2026-W05-6 too; one form is enough to explain.
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return dt.date.fromisoformat(text)


def _status_key(text: str) -> str:
    if text not in _STATUS_KEYS:
        raise ValueError(text)
    return text


def host_of(text: str) -> str:
    """A host name in its ASCII form, or an IP address, as it is compared; raises ValueError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        ascii_name = text.encode("idna").decode("ascii").lower().rstrip(".")
    if len(ascii_name) > 253 or not all(_HOST_LABEL.fullmatch(label) for label in ascii_name.split(".")):  # noqa: PLR2004 - RFC 1035
        raise ValueError(text)
    return ascii_name


def _host_or_network(text: str) -> str:
    if "/" not in text:
        return host_of(text)
    network = ipaddress.ip_network(text)
    if not network.prefixlen:
        # The whole internet and every private address in one entry: then there is no guard.
        raise ValueError(text)
    return str(network)


def _url(text: str) -> str:
    if not text.isprintable() or any(character in text for character in " \\?#@"):
        raise ValueError(text)
    parts = urlsplit(text)
    _ = parts.port
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(text)
    host_of(parts.hostname)
    return urlunsplit(parts).rstrip("/")


def _url_hint(text: str) -> str:
    if "@" in text:
        return "credentials belong under auth"
    if "?" in text or "#" in text:
        return "leave out everything from ? or # on"
    return "begin with https://" if "://" not in text else ""


def _switch(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError(text)
    return text == "on"


SWITCH: Final = Kind(_switch, "on or off")
NAME: Final = Kind(
    _matching(_NAME), "a name of a-z, 0-9, _ and -, beginning with a letter or digit, at most 64 characters"
)
CURRENCY: Final = Kind(_matching(re.compile(r"[A-Z]{3}")), "a currency code of three capital letters, e.g. EUR")
COUNTRY: Final = Kind(_matching(re.compile(r"[A-Z]{2}")), "a country code of two capital letters, e.g. DE")
ZONE: Final = Kind(_zone, "an IANA time zone, e.g. Europe/Berlin", lambda text: did_you_mean(text, _zones()))
CRON: Final = Kind(_cron, "a cron line of five fields that comes due (minute hour day month weekday), e.g. 30 3 * * *")
MOMENT: Final = Kind(
    _moment,
    "a time with its offset, e.g. 2026-01-31T00:00:00+01:00, or now",
    lambda text: "add the offset, e.g. Z or +01:00" if _MOMENT.fullmatch(text + "Z") else "",
)
DAY: Final = Kind(_day, "a day, e.g. 2026-01-31")
STATUS_KEY: Final = Kind(
    _status_key,
    f"STATE, STATE/PAYMENT or */PAYMENT with a state of {', '.join(ORDER_STATES)} "
    f"and a payment of {', '.join(PAYMENT_STATES)}",
    lambda text: did_you_mean(text, _STATUS_KEYS),
)
HOST: Final = Kind(_host_or_network, "a host name, an IP address, or a network such as 10.1.0.0/16")
URL: Final = Kind(_url, "http(s)://HOST[:PORT][/PATH] without user, query and fragment", _url_hint)
