"""A connection that rests because of an error: how long, why, and whether it asked for that."""

from __future__ import annotations

import datetime as dt

import structlog
from sqlalchemy import Connection

from sync.desk.outcomes import Decision
from sync.store.switches import pause

log = structlog.get_logger()


def rest(connection: Connection, name: str, decision: Decision) -> None:
    """Pause the connection as the decision says; one that needs no pause changes nothing."""
    if decision.pause_s is None:
        return
    until = None
    if decision.pause_s != float("inf"):
        until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=decision.pause_s)
    pause(connection, "connection", name, decision.reason, until=until, asked=decision.asked)


def put_off_for(name: str, decision: Decision) -> str | None:
    """What a document that comes again waits for: the connection, where that rests and goes on by itself."""
    return name if decision.retry_s and decision.pause_s not in {None, float("inf")} else None


def tell_rest(name: str, decision: Decision) -> None:
    """One line in the log."""
    log.warning("connection_paused", connection=name, seconds=decision.pause_s, reason=decision.reason)
