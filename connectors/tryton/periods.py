"""The period of the books that a day lies in."""

from __future__ import annotations

import datetime as dt

from connectors.kit.errors import RecordRejected
from connectors.kit.words import say
from connectors.tryton.client import TrytonClient


def open_period(client: TrytonClient, company: int, day: dt.date) -> int:
    """The id of the open period. Raises RecordRejected where there is none."""
    domain = [["company", "=", company], ["type", "=", "standard"], ["state", "=", "open"]]
    domain += [["start_date", "<=", day], ["end_date", ">=", day]]
    rows = client.search("account.period", domain, ("id",))
    if not rows:
        raise RecordRejected(say("Tryton has no open period for %(day)s", day=day), code="period")
    found: int = rows[0]["id"]
    return found
