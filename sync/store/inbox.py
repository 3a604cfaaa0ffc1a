"""Storing what came in, and raising `wanted` for it: one function for webhooks, polls and fetches alike."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, case, insert, or_, select, tuple_, update

from sync.store.items import Item
from sync.store.leases import Lease, demand_lease
from sync.store.states import LIVE, RESTING, ItemState
from sync.store.tables import events, work_items
from sync.store.upsert import dialect_of

#: channel, kind, external id.
ItemKey = tuple[str, str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """One received webhook or pulled entry. `body` is compressed already, before the transaction begins."""

    connection: str
    kind: str
    #: None where a signed body could not be read.
    external_id: str | None
    #: `webhook`, `poll`, `fetch`, `file`.
    source: str
    topic: str
    version: str
    body: bytes
    digest: str
    received_at: dt.datetime
    problem: str = ""
    #: The event only says "look": its body is no payload of the record (a deletion notice, say).
    hint_only: bool = False

    def values(self) -> dict[str, object]:
        """The row of `events`."""
        row = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del row["hint_only"]
        return row


@dataclasses.dataclass(slots=True)
class _Item:
    """A work item while a group of rows is folded into it."""

    id: int
    event_id: int | None
    version: str
    digest: str
    waiting: bool
    #: How often `wanted` is to be raised.
    raised: int = 0
    #: Index of the row that became the newest payload.
    payload: int | None = None
    due_at: dt.datetime | None = None

    def knows(self, row: NewEvent) -> bool:
        """The newest stored payload is byte-equal to this one; nothing that came late can hide behind it."""
        return not row.hint_only and bool(self.digest) and self.digest == row.digest

    def take(self, index: int, row: NewEvent) -> None:
        """The vendor's version only chooses the newer of two payloads; equal version with other bytes means fetch."""
        self.raised += 1
        self.due_at = self.due_at or row.received_at
        if not row.hint_only and row.version > self.version:
            self.payload, self.version, self.digest = index, row.version, row.digest
        elif row.hint_only or row.version == self.version:
            self.event_id, self.payload, self.digest = None, None, ""


def record_events(
    connection: Connection,
    rows: Sequence[NewEvent],
    channels: Mapping[str, Sequence[str]],
    *,
    priority: int = LIVE,
) -> list[ItemKey]:
    """Store `rows` and mark the item of every channel that their connection feeds; answers what was marked, sorted.

    A row that is byte-equal to the newest stored one of its items marks nothing: a pulled one leaves no trace, a
    webhook is counted on the event that still waits, or stored. Items are locked in sorted order, so that two
    writers cannot dead-lock. `channels` is connection -> channel names.
    """
    seen = _load(connection, _keys(rows, channels))
    news = [row for row in rows if not _is_known(row, channels, seen)]
    _count_repeats(connection, [row for row in rows if _is_known(row, channels, seen)], channels, seen)
    if not news:
        return []
    keys = _keys(news, channels)
    _insert_missing(connection, [key for key in keys if key not in seen], news, priority)
    items = _load(connection, keys, lock=True)
    stored: list[NewEvent] = []
    for row in sorted(news, key=lambda row: row.received_at):
        index = len(stored)
        stored.append(row)
        for key in _keys([row], channels):
            if not items[key].knows(row):
                items[key].take(index, row)
    ids = _insert_events(connection, stored)
    marked = {key: item for key, item in items.items() if item.raised}
    # None where every row was unreadable, or older than what is stored.
    if marked:
        _raise_wanted(connection, marked.values(), ids, priority)
    return sorted(marked)


def _keys(rows: Iterable[NewEvent], channels: Mapping[str, Sequence[str]]) -> list[ItemKey]:
    return sorted(
        {
            (channel, row.kind, row.external_id)
            for row in rows
            if row.external_id is not None
            for channel in channels.get(row.connection, ())
        }
    )


def _load(connection: Connection, keys: Sequence[ItemKey], *, lock: bool = False) -> dict[ItemKey, _Item]:
    if not keys:
        return {}
    table = work_items.c
    query = (
        select(
            table.channel,
            table.kind,
            table.external_id,
            table.id,
            table.event_id,
            table.event_version,
            table.event_digest,
            table.wanted > table.done,
        )
        .where(tuple_(table.channel, table.kind, table.external_id).in_(keys))
        .order_by(table.channel, table.kind, table.external_id)
    )
    if lock:
        query = query.with_for_update()
    return {
        (row[0], row[1], row[2]): _Item(row[3], row[4], row[5], row[6], bool(row[7]))
        for row in connection.execute(query)
    }


def _is_known(row: NewEvent, channels: Mapping[str, Sequence[str]], items: Mapping[ItemKey, _Item]) -> bool:
    keys = _keys([row], channels)
    return bool(keys) and all(key in items and items[key].knows(row) for key in keys)


def _count_repeats(
    connection: Connection,
    rows: Sequence[NewEvent],
    channels: Mapping[str, Sequence[str]],
    items: Mapping[ItemKey, _Item],
) -> None:
    """Every webhook that we answer with 2xx leaves a trace; an entry that a poll brought again leaves none."""
    for row in rows:
        if row.source != "webhook":
            continue
        waiting = [items[key].event_id for key in _keys([row], channels) if items[key].waiting]
        if waiting:
            connection.execute(update(events).where(events.c.id == waiting[0]).values(repeats=events.c.repeats + 1))
        else:
            connection.execute(insert(events).values(**row.values()))


def _insert_missing(connection: Connection, keys: Sequence[ItemKey], rows: Sequence[NewEvent], priority: int) -> None:
    """Nobody sees `wanted` 0: the row is locked and raised before this transaction ends."""
    if not keys:
        return
    now = min(row.received_at for row in rows)
    connection.execute(
        dialect_of(connection).insert(work_items).on_conflict_do_nothing(),
        [
            {
                "channel": channel,
                "kind": kind,
                "external_id": external_id,
                "wanted": 0,
                "facets": '["order"]',
                "due_at": now,
                "priority": priority,
                "created_at": now,
                "updated_at": now,
            }
            for channel, kind, external_id in keys
        ],
    )


def _insert_events(connection: Connection, rows: Sequence[NewEvent]) -> list[int]:
    statement = insert(events).returning(events.c.id, sort_by_parameter_order=True)
    return list(connection.execute(statement, [row.values() for row in rows]).scalars())


def _raise_wanted(connection: Connection, items: Iterable[_Item], ids: Sequence[int], priority: int) -> None:
    table = work_items.c
    # Not IN: an expanding list cannot be used with executemany.
    resting = or_(*(table.state == state.value for state in RESTING))
    statement = (
        update(work_items)
        .where(table.id == bindparam("item"))
        .values(
            wanted=table.wanted + bindparam("raised"),
            event_id=bindparam("event"),
            event_version=bindparam("event_version_"),
            event_digest=bindparam("event_digest_"),
            state=case((resting, ItemState.READY.value), else_=table.state),
            due_at=case((resting, bindparam("due", type_=table.due_at.type)), else_=table.due_at),
            priority=case((table.priority < priority, table.priority), else_=priority),
            updated_at=bindparam("due", type_=table.updated_at.type),
        )
    )
    connection.execute(
        statement,
        [
            {
                "item": item.id,
                "raised": item.raised,
                "event": item.event_id if item.payload is None else ids[item.payload],
                "event_version_": item.version,
                "event_digest_": item.digest,
                "due": item.due_at,
            }
            for item in items
        ],
    )


def unknown(connection: Connection, rows: Sequence[NewEvent], channels: Mapping[str, Sequence[str]]) -> list[NewEvent]:
    """The rows that `record_events` would not pass over: a pull asks before it opens a write transaction."""
    seen = _load(connection, _keys(rows, channels))
    return [row for row in rows if not _is_known(row, channels, seen)]


def load_payloads(connection: Connection, event_ids: Sequence[int]) -> dict[int, bytes]:
    """Event id -> its compressed body."""
    query = select(events.c.id, events.c.body).where(events.c.id.in_(event_ids))
    return {row.id: row.body for row in connection.execute(query)}


def save_fetched(connection: Connection, lease: Lease, rows: Sequence[tuple[Item, NewEvent]]) -> None:
    """Store what a worker fetched for its items; a newer payload that came meanwhile stays the newest.

    Raises LeaseLost.
    """
    demand_lease(connection, lease)
    ids = _insert_events(connection, [row for _, row in rows])
    table = work_items.c
    for (item, row), event_id in zip(rows, ids, strict=True):
        connection.execute(
            update(work_items)
            .where(table.id == item.id, table.lease_token == lease.token, table.event_version <= row.version)
            .where(or_(table.event_id.is_(None), table.wanted == item.wanted))
            .values(event_id=event_id, event_version=row.version, event_digest=row.digest)
        )
