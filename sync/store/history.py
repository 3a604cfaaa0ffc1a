"""Everything that is kept of one order: what stops it, what it is linked with, what people and drains did to it."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import Connection, select

from sync.store.payloads import BODY, WITH_BODIES
from sync.store.tables import attempts, audit, bindings, events, exchanges, issue_documents, issues, orders, work_items


@dataclasses.dataclass(frozen=True, slots=True)
class KeptItem:
    """The work item's own side of an order."""

    state: str
    wanted: int
    done: int
    attempts: int
    event_id: int | None
    event_digest: str
    #: JSON lists.
    facets: str
    approved: str
    created_at: dt.datetime
    updated_at: dt.datetime
    #: The revision of the mapping profile that it stays with, 0 for what the configuration says; None: what applies.
    pinned_revision: int | None = None


def load_kept(connection: Connection, item_id: int, *, lock: bool = False) -> KeptItem | None:
    """None when it is not known any more. `lock` keeps it as it is until the transaction ends."""
    query = select(*(work_items.c[field.name] for field in dataclasses.fields(KeptItem)))
    query = query.where(work_items.c.id == item_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else KeptItem(*row)


@dataclasses.dataclass(frozen=True, slots=True)
class StopRow:
    """One cause that stops the order now."""

    issue_id: int
    cause: str
    title: str
    next_step: str
    owner: str
    #: JSON list of {path, reason}.
    details: str
    opened_at: dt.datetime


def list_stops(connection: Connection, item_id: int) -> list[StopRow]:
    """Every cause that stops one item."""
    table, stopped = issues.c, issue_documents.c
    query = (
        select(table.id, table.cause, table.title, table.next_step, table.owner, stopped.details, stopped.opened_at)
        .join(issue_documents, stopped.issue_id == table.id)
        .where(stopped.item_id == item_id, stopped.closed_at.is_(None))
        .order_by(table.id)
    )
    return [StopRow(*row) for row in connection.execute(query)]


@dataclasses.dataclass(frozen=True, slots=True)
class BindingRow:
    """A document of a system that is, or was, this order's."""

    connection: str
    kind: str
    external_id: str
    key: str
    number: str
    state: str
    total: str
    created_at: dt.datetime
    updated_at: dt.datetime
    ended_at: dt.datetime | None


def list_bindings(connection: Connection, order_id: int) -> list[BindingRow]:
    """Every document that hangs on one order, oldest first; ended ones too."""
    query = select(*(bindings.c[field.name] for field in dataclasses.fields(BindingRow)))
    query = query.where(bindings.c.order_id == order_id).order_by(bindings.c.id)
    return [BindingRow(*row) for row in connection.execute(query)]


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeRow:
    """Something that a person did to the order."""

    at: dt.datetime
    actor: str
    origin: str
    action: str
    before: str
    after: str
    reason: str


def list_changes(connection: Connection, subject: str, limit: int = 100) -> list[ChangeRow]:
    """The newest entries of the audit about one subject, oldest first."""
    query = select(*(audit.c[field.name] for field in dataclasses.fields(ChangeRow)))
    query = query.where(audit.c.subject == subject).order_by(audit.c.id.desc()).limit(limit)
    return [ChangeRow(*row) for row in reversed(connection.execute(query).all())]


def load_exchanges(connection: Connection, item_id: int, attempt_id: int) -> bytes | None:
    """What went over the wire in one attempt at one item, compressed; None where nothing did."""
    return connection.execute(
        select(exchanges.c.body)
        .join(attempts, attempts.c.exchanges_id == exchanges.c.id)
        .where(attempts.c.id == attempt_id, attempts.c.item_id == item_id)
    ).scalar()


def load_received(connection: Connection, item_id: int, source: str, event: int | None = None) -> bytes | None:
    """The newest payload of an order as its shop sent it, or that of one event of it, compressed; None: not kept."""
    item = work_items.c
    row = connection.execute(select(item.event_id, item.kind, item.external_id).where(item.id == item_id)).one()
    query = select(BODY).select_from(WITH_BODIES).order_by(events.c.id.desc()).limit(1)
    if row.event_id is not None and event is None:
        return connection.execute(query.where(events.c.id == row.event_id)).scalar()
    of_order = (events.c.connection == source, events.c.kind == row.kind, events.c.external_id == row.external_id)
    if event is not None:
        query = query.where(events.c.id == event)
    return connection.execute(query.where(*of_order)).scalar()


def mapping_version(connection: Connection, order_id: int) -> str:
    """The mappings that made what is stored of the order."""
    return connection.execute(select(orders.c.mapping_version).where(orders.c.id == order_id)).scalar() or ""
