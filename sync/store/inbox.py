"""Storing what came in, and raising `wanted` for it: one function for webhooks, polls and fetches alike."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, case, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sync.store.items import Item
from sync.store.leases import Lease, demand_lease
from sync.store.payloads import BODY, WITH_BODIES, keep_bodies
from sync.store.states import LIVE, RESTING, ItemState
from sync.store.tables import events, work_items

#: channel, kind, external id.
ItemKey = tuple[str, str, str]

# Receiving runs these for every group of deliveries: building them costs as much as executing them, so they are built
# once. One (channel, kind) at a time, because SQLite scans the whole table for a list of triples.
_ITEM = work_items.c
_LOAD = (
    select(
        _ITEM.external_id, _ITEM.id, _ITEM.event_id, _ITEM.event_version, _ITEM.event_digest, _ITEM.wanted > _ITEM.done
    )
    .where(_ITEM.channel == bindparam("of_channel"), _ITEM.kind == bindparam("of_kind"))
    .where(_ITEM.external_id.in_(bindparam("ids", expanding=True)))
    .order_by(_ITEM.external_id)
)
_LOAD_LOCKED = _LOAD.with_for_update()
_INSERT_EVENTS = insert(events).returning(events.c.id, sort_by_parameter_order=True)
_INSERT_MISSING = {
    "sqlite": sqlite.insert(work_items).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(work_items).on_conflict_do_nothing(),
}
# Not IN: an expanding list cannot be used with executemany.
_RESTS = or_(*(_ITEM.state == state.value for state in RESTING))
_PRIORITY = bindparam("new_priority", type_=_ITEM.priority.type)
_RAISE_WANTED = (
    update(work_items)
    .where(_ITEM.id == bindparam("item"))
    .values(
        wanted=_ITEM.wanted + bindparam("raised"),
        event_id=bindparam("event"),
        event_version=bindparam("event_version_"),
        event_digest=bindparam("event_digest_"),
        state=case((_RESTS, ItemState.READY.value), else_=_ITEM.state),
        due_at=case((_RESTS, bindparam("due", type_=_ITEM.due_at.type)), else_=_ITEM.due_at),
        priority=case((_ITEM.priority < _PRIORITY, _ITEM.priority), else_=_PRIORITY),
        updated_at=bindparam("due", type_=_ITEM.updated_at.type),
    )
)


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
    #: Equal deliveries that this one stands for, beside itself.
    repeats: int = 0
    #: The event only says "look": its body is no payload of the record (a deletion notice, say).
    hint_only: bool = False

    def values(self, payload_id: int) -> dict[str, object]:
        """The row of `events`."""
        row: dict[str, object] = {name: getattr(self, name) for name in _COLUMNS}
        row["payload_id"], row["body"] = payload_id, b""
        return row


#: Of the fields, those that are columns of the same name; asked for once, and not for every row.
_COLUMNS = tuple(field.name for field in dataclasses.fields(NewEvent) if field.name not in {"hint_only", "body"})


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
        elif row.hint_only or row.version == self.version or row.source == "poll":
            # A list shows what is there now: older than what we know is what a shop says whose clock was set back.
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
    stored = _fold(connection, news, channels, items)
    ids = insert_events(connection, stored) if stored else []
    marked = {key: item for key, item in items.items() if item.raised}
    # None where every row was unreadable, or older than what is stored.
    if marked:
        _raise_wanted(connection, marked.values(), ids, priority)
    return sorted(marked)


def _fold(
    connection: Connection,
    rows: Sequence[NewEvent],
    channels: Mapping[str, Sequence[str]],
    items: Mapping[ItemKey, _Item],
) -> list[NewEvent]:
    """Take each row into its items, oldest first; answers the rows to be stored, equal ones counted on the first."""
    stored: list[NewEvent] = []
    for row in sorted(rows, key=lambda row: row.received_at):
        known = [items[key] for key in _keys([row], channels)]
        if known and all(item.knows(row) for item in known):
            first = known[0].payload
            if first is None:
                # Another writer stored it between our two looks.
                _count_repeats(connection, [row], channels, items)
            elif row.source == "webhook":
                stored[first] = dataclasses.replace(stored[first], repeats=stored[first].repeats + 1)
            continue
        for item in known:
            if not item.knows(row):
                item.take(len(stored), row)
        stored.append(row)
    return stored


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
    """What stands under these keys, locked in their order if asked."""
    found: dict[ItemKey, _Item] = {}
    for (channel, kind), group in itertools.groupby(sorted(keys), key=lambda key: key[:2]):
        values = {"of_channel": channel, "of_kind": kind, "ids": [external_id for _, _, external_id in group]}
        for row in connection.execute(_LOAD_LOCKED if lock else _LOAD, values):
            found[channel, kind, row[0]] = _Item(row[1], row[2], row[3], row[4], bool(row[5]))
    return found


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
            insert_events(connection, [row])


def _insert_missing(connection: Connection, keys: Sequence[ItemKey], rows: Sequence[NewEvent], priority: int) -> None:
    """Nobody sees `wanted` 0: the row is locked and raised before this transaction ends."""
    if not keys:
        return
    now = min(row.received_at for row in rows)
    connection.execute(
        _INSERT_MISSING[connection.dialect.name],
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


def insert_events(connection: Connection, rows: Sequence[NewEvent]) -> list[int]:
    """Store events as they are, and mark nothing; answers their ids, in their order."""
    kept = keep_bodies(connection, {row.body for row in rows})
    values = [row.values(kept[row.body]) for row in rows]
    return list(connection.execute(_INSERT_EVENTS, values).scalars())


def _raise_wanted(connection: Connection, items: Iterable[_Item], ids: Sequence[int], priority: int) -> None:
    connection.execute(
        _RAISE_WANTED,
        [
            {
                "item": item.id,
                "raised": item.raised,
                "event": item.event_id if item.payload is None else ids[item.payload],
                "event_version_": item.version,
                "event_digest_": item.digest,
                "due": item.due_at,
                "new_priority": priority,
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
    query = select(events.c.id, BODY).select_from(WITH_BODIES).where(events.c.id.in_(event_ids))
    return {row.id: row.body for row in connection.execute(query)}


def save_fetched(connection: Connection, lease: Lease, rows: Sequence[tuple[Item, NewEvent]]) -> None:
    """Store what a worker fetched for its items; a newer payload that came meanwhile stays the newest.

    One that says to be older than what is stored came from a cache, or from a shop whose clock was set back. Which of
    both holds nobody can say, so neither is kept as the newest: every later look fetches too, and only what is equal to
    this one is no news. Raises LeaseLost.
    """
    demand_lease(connection, lease)
    ids = insert_events(connection, [row for _, row in rows])
    table = work_items.c
    for (item, row), event_id in zip(rows, ids, strict=True):
        newest = table.event_version <= row.version
        connection.execute(
            update(work_items)
            .where(table.id == item.id, table.lease_token == lease.token)
            .where(or_(table.event_id.is_(None), table.wanted == item.wanted))
            .values(
                event_id=case((newest, event_id), else_=None),
                event_version=case((newest, row.version), else_=table.event_version),
                event_digest=row.digest,
            )
        )
