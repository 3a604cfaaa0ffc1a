"""Reports that people asked for and want to see again: the last proof of a channel, the last doctor."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select

from sync.store.said import dump_said, load_said
from sync.store.tables import reports
from sync.store.types import db_now

#: Of one kind and subject; older ones go.
_KEPT: Final = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """One report; `body` is JSON."""

    id: int
    kind: str
    subject: str
    at: dt.datetime
    ok: bool
    body: Any


_COLUMNS: Final = tuple(reports.c[field.name] for field in dataclasses.fields(Report))


def _report(row: Row[Any]) -> Report:
    return Report(row.id, row.kind, row.subject, row.at, row.ok, load_said(row.body))


def save_report(connection: Connection, kind: str, subject: str, *, ok: bool, body: object) -> None:
    """Keep one report, and only the newest of its kind and subject."""
    table = reports.c
    text = dump_said(body)
    connection.execute(insert(reports).values(kind=kind, subject=subject, at=db_now(), ok=ok, body=text))
    same = (table.kind == kind) & (table.subject == subject)
    kept = select(table.id).where(same).order_by(table.id.desc()).limit(_KEPT)
    connection.execute(delete(reports).where(same, table.id.notin_(kept.scalar_subquery())))


def last_reports(connection: Connection, kind: str, subjects: Collection[str] | None = None) -> dict[str, Report]:
    """Subject -> its newest report; of these subjects only where some are named."""
    table = reports.c
    newest = select(func.max(table.id)).where(table.kind == kind).group_by(table.subject)
    if subjects is not None:
        newest = newest.where(table.subject.in_(subjects))
    query = select(*_COLUMNS).where(table.id.in_(newest))
    return {row.subject: _report(row) for row in connection.execute(query)}


def last_report(connection: Connection, kind: str, subject: str = "") -> Report | None:
    """The newest report of one subject."""
    table = reports.c
    query = select(*_COLUMNS).where(table.kind == kind, table.subject == subject).order_by(table.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _report(row)


def drop_reports(connection: Connection, kind: str, subject: str) -> None:
    """Forget those of one kind and subject: nobody needs to see them again."""
    connection.execute(delete(reports).where(reports.c.kind == kind, reports.c.subject == subject))


def first_good(connection: Connection, kind: str, subject: str) -> dt.datetime | None:
    """When the oldest report that is kept and good was made."""
    table = reports.c
    query = select(func.min(table.at)).where(table.kind == kind, table.subject == subject, table.ok)
    return connection.execute(query).scalar()
