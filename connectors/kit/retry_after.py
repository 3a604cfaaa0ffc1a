"""`Retry-After` in all the forms that servers write."""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Mapping

#: What we are willing to wait, in seconds, whatever the server writes.
SHORTEST_S = 1.0
LONGEST_S = 3600.0


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, clamped to [1 s, 1 h]; None when the header is absent or says nothing readable ("soon")."""
    asked = asked_s(headers)
    return None if asked is None else min(max(asked, SHORTEST_S), LONGEST_S)


def asked_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server named, as they stand there; None where it named none.

    A date is held against the server's own `Date`, so that a wrong clock on either side does no harm.
    """
    text = headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, headers.get("Date", ""))
    # NaN is neither smaller nor larger than anything and would slip through every clamp.
    return seconds if seconds == seconds else None  # noqa: PLR0124


def _seconds_until(text: str, date: str) -> float:
    until = _parse_date(text)
    if until is None:
        return float("nan")
    return (until - (_parse_date(date) or dt.datetime.now(tz=dt.UTC))).total_seconds()


def _parse_date(text: str) -> dt.datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=dt.UTC)
