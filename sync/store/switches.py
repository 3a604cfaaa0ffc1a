"""Switches: what is paused, by whom and why."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, or_, select, update

from sync.store.tables import switches
from sync.store.types import db_now
from sync.store.upsert import dialect_of


@dataclasses.dataclass(frozen=True, slots=True)
class Pause:
    """Why something is paused; `until` is None when only a person ends it."""

    scope: str
    name: str
    reason: str
    until: dt.datetime | None
    #: The system itself asked for it, until then at the latest.
    asked: bool = False


def pause(
    connection: Connection,
    scope: str,
    name: str,
    reason: str,
    *,
    until: dt.datetime | None = None,
    asked: bool = False,
    by: str = "crossdock",
) -> None:
    """Pause `all`, a `connection` or a `channel`. A pause that stands is not shortened by one with an earlier end."""
    values = {
        "scope": scope,
        "name": name,
        "paused": True,
        "reason": reason,
        "until": until,
        "asked": asked,
        "changed_at": db_now(),
        "changed_by": by,
    }
    table, statement = switches.c, dialect_of(connection).insert(switches).values(values)
    new = statement.excluded
    # By the statement itself: between a look and a write a person may have paused it for longer.
    longer = or_(~table.paused, new.until.is_(None), table.until <= new.until)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[table.scope, table.name],
            set_={name: new[name] for name in values if name not in {"scope", "name"}},
            where=longer,
        )
    )


def resume(connection: Connection, scope: str, name: str, *, by: str = "crossdock") -> bool:
    """End a pause; False when there was none."""
    table = switches.c
    changed = connection.execute(
        update(switches)
        .where(table.scope == scope, table.name == name, table.paused)
        .values(paused=False, until=None, asked=False, reason="", changed_at=db_now(), changed_by=by)
    )
    return bool(changed.rowcount)


def pauses(connection: Connection) -> list[Pause]:
    """Every pause that is in force now."""
    table = switches.c
    query = select(table.scope, table.name, table.reason, table.until, table.asked).where(
        table.paused, or_(table.until.is_(None), table.until > db_now())
    )
    return [Pause(*row) for row in connection.execute(query)]


@dataclasses.dataclass(frozen=True, slots=True)
class Rest:
    """A connection that was away and paused itself; over when something has gone through since."""

    name: str
    reason: str
    until: dt.datetime
    changed_at: dt.datetime


def ended_rests(connection: Connection) -> dict[str, Rest]:
    """Connection -> its last rest, where that is over: whether it works again is only known when it was used."""
    table = switches.c
    query = select(table.name, table.reason, table.until, table.changed_at).where(
        table.scope == "connection", table.paused, table.until <= db_now()
    )
    return {row.name: Rest(*row) for row in connection.execute(query)}


def find_pause(found: Iterable[Pause], *, channel: str = "", connections: Sequence[str] = ()) -> Pause | None:
    """Which of these pauses stops a channel, or what only uses connections; None when it may run.

    A channel is stopped by its own pause, by one of its connections', and by that of everything.
    """
    named = {("all", ""), ("channel", channel), *(("connection", name) for name in connections)}
    return next((entry for entry in found if (entry.scope, entry.name) in named), None)


def pause_of(connection: Connection, *, channel: str, connections: Sequence[str]) -> Pause | None:
    """The pause that stops a channel now; None when it may run."""
    return find_pause(pauses(connection), channel=channel, connections=connections)
