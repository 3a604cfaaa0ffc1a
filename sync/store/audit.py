"""Audit: who changed what, when, from where, why."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select

from sync.store.tables import audit
from sync.store.types import db_now

#: Characters of what was changed that are kept.
SUBJECT: Final = 320
#: What is done to a row of a look-up table, whose name begins with whom it is for (`channel:web:sku:A`).
ROW_CHANGED: Final = "lookup"
ROW_REMOVED: Final = "lookup removed"
ROW_ACTIONS: Final = (ROW_CHANGED, ROW_REMOVED)
_LOOKUP: Final = "lookup"


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who changes something: a login, and from where: `terminal <host>`, `console <address>`."""

    name: str
    origin: str = ""

    def __str__(self) -> str:
        return self.name


def record_audit(
    connection: Connection,
    actor: Actor,
    action: str,
    subject: str,
    *,
    before: str = "",
    after: str = "",
    reason: str = "",
) -> None:
    """Write it down, in the transaction of the change itself."""
    connection.execute(
        insert(audit).values(
            at=db_now(),
            actor=actor.name[:128],
            origin=actor.origin[:255],
            action=action,
            subject=subject[:SUBJECT],
            before=before,
            after=after,
            reason=reason,
        )
    )


@dataclasses.dataclass(frozen=True, slots=True)
class AuditNote:
    """One of many changes that somebody makes at once."""

    action: str
    subject: str
    before: str = ""
    after: str = ""


def record_audits(connection: Connection, actor: Actor, notes: Sequence[AuditNote], *, reason: str = "") -> None:
    """Write all of them down, in the transaction of the changes themselves."""
    now = connection.execute(select(db_now())).scalar_one()
    who = {"at": now, "actor": actor.name[:128], "origin": actor.origin[:255], "reason": reason}
    rows = [
        {**who, "action": each.action, "subject": each.subject[:SUBJECT], "before": each.before, "after": each.after}
        for each in notes
    ]
    if rows:
        connection.execute(insert(audit), rows)


@dataclasses.dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change as it was written down."""

    id: int
    at: dt.datetime
    actor: str
    origin: str
    action: str
    subject: str
    before: str
    after: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which changes; what is empty does not matter."""

    actor: str = ""
    action: str = ""
    #: What was changed, or how that begins: `order`, `order:web`, `order:web:1001`; `lookup` for tables and their rows.
    thing: str = ""
    #: A part of what was changed, of what it was before and is now, or of the reason.
    text: str = ""
    since: dt.datetime | None = None
    #: Not that moment itself any more.
    until: dt.datetime | None = None


def list_audit(
    connection: Connection, which: AuditFilter, *, limit: int, below: int | None = None, above: int | None = None
) -> list[AuditEntry]:
    """At most `limit` changes, the newest first: those before the one with the id `below`, or next after `above`."""
    query = select(*(audit.c[field.name] for field in dataclasses.fields(AuditEntry))).where(*_conditions(which))
    if above is not None:
        rows = connection.execute(query.where(audit.c.id > above).order_by(audit.c.id).limit(limit)).all()
        return [AuditEntry(*row) for row in reversed(rows)]
    if below is not None:
        query = query.where(audit.c.id < below)
    return [AuditEntry(*row) for row in connection.execute(query.order_by(audit.c.id.desc()).limit(limit))]


def history_of(connection: Connection, subject: str, actions: Collection[str], limit: int) -> list[AuditEntry]:
    """What was done to one subject, the newest first."""
    table = audit.c
    query = select(*(table[field.name] for field in dataclasses.fields(AuditEntry)))
    query = query.where(table.subject == subject[:SUBJECT], table.action.in_(actions))
    return [AuditEntry(*row) for row in connection.execute(query.order_by(table.id.desc()).limit(limit))]


def last_of(connection: Connection, action: str, subjects: Collection[str]) -> dict[str, AuditEntry]:
    """Subject -> the newest change of this kind, of these subjects."""
    table = audit.c
    newest = (
        select(func.max(table.id)).where(table.action == action, table.subject.in_(subjects)).group_by(table.subject)
    )
    query = select(*(table[field.name] for field in dataclasses.fields(AuditEntry))).where(table.id.in_(newest))
    return {row.subject: AuditEntry(*row) for row in connection.execute(query)}


def _conditions(which: AuditFilter) -> Iterator[ColumnElement[bool]]:
    table = audit.c
    if which.actor:
        yield table.actor == which.actor
    if which.action:
        yield table.action == which.action
    if which.thing == _LOOKUP:
        yield or_(table.action.in_(ROW_ACTIONS), table.subject.startswith("table:"))
    elif which.thing:
        yield or_(table.subject == which.thing, table.subject.startswith(f"{which.thing}:", autoescape=True))
        yield table.action.not_in(ROW_ACTIONS)
    if which.text:
        columns = (table.subject, table.before, table.after, table.reason, table.origin)
        yield or_(*(column.icontains(which.text, autoescape=True) for column in columns))
    if which.since is not None:
        yield table.at >= which.since
    if which.until is not None:
        yield table.at < which.until


def audit_words(connection: Connection) -> tuple[list[str], list[str]]:
    """Who changed something and what is done, as far as the last ten thousand changes know: (actors, actions)."""
    recent = select(audit.c.actor, audit.c.action).order_by(audit.c.id.desc()).limit(10_000).subquery()
    actors = connection.execute(select(recent.c.actor).distinct().order_by(recent.c.actor)).scalars().all()
    actions = connection.execute(select(recent.c.action).distinct().order_by(recent.c.action)).scalars().all()
    return list(actors), list(actions)
