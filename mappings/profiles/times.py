"""Dates of foreign systems, in the form that they are said to have, to points in time.

A format is made of a closed list of parts, each once, so that what is matched is never searched for.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from mappings.canonical.fields import shown
from mappings.canonical.words import say
from mappings.profiles.bounds import Failed

#: Parts of a format that mean the same in every language and place.
_PARTS: Final = frozenset("YymdHIpMSfz")
_PART: Final = re.compile(r"%(.?)")
_LONGEST: Final = 60
_EPOCH: Final = re.compile(r"-?[0-9]{1,15}")
#: Form -> units of a second.
_EPOCHS: Final[Mapping[str, int]] = {"epoch": 1, "epoch_ms": 1000}


def check_format(value: Any) -> str:
    """The form of a date. Raises ValueError for one that is none, or says a part twice."""
    if value in ("iso", *_EPOCHS):
        return str(value)
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError(value)
    parts = _PART.findall(value)
    if not parts or len(set(parts)) != len(parts) or not _PARTS.issuperset(parts) or {"Y", "y"} <= set(parts):
        raise ValueError(value)
    return value


def read_time(text: str, form: str, zone: ZoneInfo | None) -> str:
    """The time in UTC, as ISO 8601. Raises Failed for another form, or a time of which nobody knows the zone."""
    moment = _moment(text, form)
    if moment.tzinfo is None:
        if zone is None:
            raise Failed(
                say("found %(value)s, a time without zone: say `zone:` where it was written", value=shown(text))
            )
        moment = _local(moment, zone, text)
    try:
        return moment.astimezone(dt.UTC).isoformat()
    except OverflowError:
        raise Failed(say("found %(value)s, expected a time between the years 1 and 9999", value=shown(text))) from None


def read_day(text: str, form: str) -> str:
    """The calendar day as it is written, as ISO 8601. Raises Failed."""
    return _moment(text, form).date().isoformat()


def _local(moment: dt.datetime, zone: ZoneInfo, text: str) -> dt.datetime:
    """A time on the clocks of a zone; of the two that a clock shows when it is set back, the first."""
    local = moment.replace(tzinfo=zone)
    if local.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise Failed(say("found %(value)s, which no clock in %(zone)s has shown", value=shown(text), zone=zone.key))
    return local


def _moment(text: str, form: str) -> dt.datetime:
    if len(text) > _LONGEST or not text.isascii():
        raise _refused(text, form)
    read = _READERS.get(form, _read_format)
    try:
        return read(text, form)
    except (ValueError, OverflowError):
        raise _refused(text, form) from None


def _refused(text: str, form: str) -> Failed:
    return Failed(say("found %(value)s, expected a time of the form %(form)s", value=shown(text), form=form))


def _read_iso(text: str, _: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _read_epoch(text: str, form: str) -> dt.datetime:
    if not _EPOCH.fullmatch(text):
        raise ValueError(text)
    units = _EPOCHS[form]
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=int(text) * (1_000_000 // units))


def _read_format(text: str, form: str) -> dt.datetime:
    # With %z it has its zone; without, the caller says which.
    return dt.datetime.strptime(text, form)  # noqa: DTZ007


_READERS: Final[Mapping[str, Callable[[str, str], dt.datetime]]] = {
    "iso": _read_iso,
    "epoch": _read_epoch,
    "epoch_ms": _read_epoch,
}
