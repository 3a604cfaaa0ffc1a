"""Work items: claiming them, leaving them, and releasing them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
from collections.abc import Iterable, Sequence

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Row

from sync.store.due import is_due
from sync.store.leases import MAX_DEATHS, Lease, LeaseLost, demand_lease
from sync.store.states import CLAIMABLE, LIVE, STOPPED, UNDER_WAY, ItemState
from sync.store.stock.captured import let_go_of_item, reserve_item
from sync.store.tables import intents, work_items
from sync.store.types import db_now
from sync.store.upsert import dialect_of


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """A claimed work item, as it was at the claim."""

    id: int
    channel: str
    kind: str
    external_id: str
    #: Our counter at the claim; written to `done` when the drain has looked.
    wanted: int
    done: int
    facets: frozenset[str]
    attempts: int
    suspect: bool
    deaths: int
    event_id: int | None
    event_version: str
    event_digest: str
    done_digest: str
    done_canonical: str
    #: Causes that a person lets pass while the content is `approved_digest`.
    approved: frozenset[str]
    approved_digest: str

    @property
    def only_doubted(self) -> bool:
        """It was set aside, and nobody wants more of it than the outcome of its last write."""
        return self.facets == {"doubt"} and self.wanted == self.done + 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """How a drain leaves one item. With `looked`, this `wanted` is done; else the item is to be claimed again."""

    item: Item
    state: ItemState
    #: None keeps the words that stand.
    reason: str | None = ""
    looked: bool = True
    due_at: dt.datetime | None = None
    #: What was converged; None leaves what stands.
    done_digest: str | None = None
    done_canonical: str | None = None


def has_due(connection: Connection, channel: str, kind: str) -> bool:
    """Whether anything of the channel may be claimed now."""
    return bool(connection.execute(select(exists().where(is_due(channel, kind)))).scalar_one())


def claim(connection: Connection, lease: Lease, limit: int) -> list[Item]:
    """Claim up to `limit` due items for `lease`; a suspect one is claimed alone. Raises LeaseLost.

    Items that name a lease which is gone would have no owner and nobody who takes them back.
    """
    demand_lease(connection, lease)
    due, suspect = is_due(lease.channel, lease.kind), work_items.c.suspect
    return _claim(connection, lease, 1, and_(due, suspect)) or _claim(connection, lease, limit, and_(due, ~suspect))


def claim_these(connection: Connection, lease: Lease, ids: Sequence[int]) -> list[Item]:
    """Claim what of these items of the lease's channel and kind is due still. Raises LeaseLost.

    Who chooses them has looked which are suspect: such a one goes alone.
    """
    demand_lease(connection, lease)
    table = work_items.c
    # Said by what they are not, so that SQLite finds them by their ids and not by walking along all that is due.
    fit = and_(table.id.in_(ids), table.state.not_in(_NOT_CLAIMABLE), table.due_at <= db_now())
    return _claim(connection, lease, len(ids), fit)


def _claim(connection: Connection, lease: Lease, limit: int, fit: ColumnElement[bool]) -> list[Item]:
    table = work_items.c
    chosen = (
        select(table.id)
        .where(fit)
        .order_by(table.priority, table.due_at, table.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(work_items)
        .where(table.id.in_(chosen.scalar_subquery()))
        .values(
            state=ItemState.LEASED.value,
            lease_token=lease.token,
            claimed_wanted=table.wanted,
            attempts=table.attempts + 1,
            updated_at=db_now(),
        )
        .returning(*_COLUMNS, table.priority, table.due_at)
    )
    rows = sorted(connection.execute(statement), key=lambda row: (row.priority, row.due_at, row.id))
    return [_item(row) for row in rows]


_NOT_CLAIMABLE = tuple(state.value for state in ItemState if state.value not in CLAIMABLE)
_COLUMNS = tuple(
    work_items.c[name]
    for name in (
        "id",
        "channel",
        "kind",
        "external_id",
        "wanted",
        "done",
        "facets",
        "attempts",
        "suspect",
        "deaths",
        "event_id",
        "event_version",
        "event_digest",
        "done_digest",
        "done_canonical",
        "approved",
        "approved_digest",
    )
)


def _item(row: Row[tuple[object, ...]]) -> Item:
    values = {column.name: getattr(row, column.name) for column in _COLUMNS}
    values["facets"] = frozenset(json.loads(values["facets"]))
    values["approved"] = frozenset(json.loads(values["approved"]))
    return Item(**values)


def load_item(connection: Connection, item_id: int) -> Item:
    """One item as a claim would see it now, without claiming it. Raises LookupError."""
    row = connection.execute(select(*_COLUMNS).where(work_items.c.id == item_id)).first()
    if row is None:
        raise LookupError("this order is not known any more")
    return _item(row)


def leave(connection: Connection, lease: Lease, leaves: Sequence[Leave]) -> None:
    """Write how a drain leaves its items; wanted again meanwhile means ready again. Raises LeaseLost for all or none.

    An item that ends one way or the other is suspect no longer. To wait for the outcome of a write is no end: what
    kills the worker in the middle of each write would never be found out.
    """
    if not leaves:
        return
    changed = connection.execute(
        _leaving(),
        [
            {
                "item": entry.item.id,
                "owner": lease.token,
                "looked": entry.looked,
                "new_state": entry.state.value,
                "due": entry.due_at,
                "why": entry.reason,
                "digest": entry.done_digest,
                "canonical": entry.done_canonical,
            }
            for entry in leaves
        ],
    )
    if changed.rowcount != len(leaves):
        raise LeaseLost(f"an item of {lease.channel} has another owner")


@functools.cache
def _leaving() -> Update:
    """Made once: each batch of a drain ends with it."""
    table = work_items.c
    again = table.wanted > table.claimed_wanted
    return (
        update(work_items)
        .where(table.id == bindparam("item"), table.lease_token == bindparam("owner"))
        .values(
            state=case((and_(again, bindparam("looked")), ItemState.READY.value), else_=bindparam("new_state")),
            done=case((bindparam("looked"), table.claimed_wanted), else_=table.done),
            facets=case((and_(bindparam("looked"), ~again), "[]"), else_=table.facets),
            attempts=case((bindparam("looked"), 0), else_=table.attempts),
            due_at=case(
                (and_(again, bindparam("looked")), db_now()),
                else_=func.coalesce(bindparam("due", type_=table.due_at.type), table.due_at),
            ),
            reason=func.coalesce(bindparam("why", type_=table.reason.type), table.reason),
            done_digest=func.coalesce(bindparam("digest"), table.done_digest),
            done_canonical=func.coalesce(bindparam("canonical"), table.done_canonical),
            lease_token=None,
            suspect=and_(table.suspect, ~bindparam("looked", type_=Boolean)),
            deaths=case((bindparam("looked"), 0), else_=table.deaths),
            updated_at=db_now(),
        )
    )


def has_killers(connection: Connection) -> bool:
    """Whether `park_killers` would find anything; most looks of the dispatcher need no write."""
    table = work_items.c
    killers = exists().where(table.deaths >= MAX_DEATHS, table.state.in_(CLAIMABLE))
    return bool(connection.execute(select(killers)).scalar_one())


def park_killers(connection: Connection) -> list[tuple[int, str, str, str]]:
    """Park every item whose drain died three times while it was alone; answers (id, channel, kind, external id)."""
    table = work_items.c
    return [
        (row.id, row.channel, row.kind, row.external_id)
        for row in connection.execute(
            update(work_items)
            .where(table.deaths >= MAX_DEATHS, table.state.in_(CLAIMABLE))
            .values(
                state=ItemState.PARKED.value,
                done=table.wanted,
                facets="[]",
                suspect=False,
                deaths=0,
                reason="the worker died three times while it worked on this document alone",
                updated_at=db_now(),
            )
            .returning(table.id, table.channel, table.kind, table.external_id)
        )
    ]


def mark(
    connection: Connection,
    channel: str,
    kind: str,
    external_ids: Iterable[str],
    *,
    facet: str,
    refetch: bool = False,
    priority: int = LIVE,
) -> int:
    """Raise `wanted` of items with a dirty `facet`; one that is not there yet is made. Answers how many.

    `refetch` makes the worker read the current payload from its source, whatever is stored.
    """
    facets = {facet, "fetch"} if refetch else {facet}
    ids = sorted(set(external_ids))
    for external_id in ids:
        made = connection.execute(
            dialect_of(connection)
            .insert(work_items)
            .values(
                channel=channel,
                kind=kind,
                external_id=external_id,
                facets=json.dumps(sorted(facets)),
                due_at=db_now(),
                priority=priority,
                created_at=db_now(),
                updated_at=db_now(),
            )
            .on_conflict_do_nothing()
            .returning(work_items.c.id)
        )
        # Not its row count: PostgreSQL answers an insert that returns ids with none.
        if made.first() is None:
            _mark_known(connection, (channel, kind, external_id), facets)
    return len(ids)


def _mark_known(connection: Connection, key: tuple[str, str, str], facets: set[str]) -> None:
    table = work_items.c
    row = connection.execute(
        select(table.id, table.facets, table.state)
        .where(table.channel == key[0], table.kind == key[1], table.external_id == key[2])
        .with_for_update()
    ).one()
    waits = row.state in (*CLAIMABLE, ItemState.LEASED)
    connection.execute(
        update(work_items)
        .where(table.id == row.id)
        .values(
            wanted=table.wanted + 1,
            facets=json.dumps(sorted(facets.union(json.loads(row.facets)))),
            state=table.state if waits else ItemState.READY.value,
            due_at=table.due_at if waits else db_now(),
            updated_at=db_now(),
        )
    )


def release(
    connection: Connection, item_ids: Iterable[int], *, facet: str = "target", priority: int | None = None
) -> int:
    """Make resting or delayed items ready now (retry, approval, a fixed cause); the worker looks at the target too.

    One in reconcile keeps its time; one that a drain owns just now comes again after it, because that drain may have
    begun before the cause was fixed. Answers how many were released. `facet` `again` asks for a new sale; `priority`
    None keeps the one that each has.
    """
    table = work_items.c
    free = table.state != ItemState.RECONCILE.value
    owned = table.state == ItemState.LEASED.value
    ids = list(item_ids)
    released = 0
    for start in range(0, len(ids), 500):
        chosen = table.id.in_(ids[start : start + 500])
        for facets in connection.execute(select(table.facets).where(chosen, free).distinct()).scalars().all():
            changed = connection.execute(
                update(work_items)
                .where(chosen, free, table.facets == facets)
                .values(
                    state=case((owned, table.state), else_=ItemState.READY.value),
                    wanted=table.wanted + 1,
                    facets=json.dumps(sorted({*json.loads(facets), "target", facet})),
                    due_at=db_now(),
                    priority=table.priority if priority is None else priority,
                    attempts=case((owned, table.attempts), else_=0),
                    updated_at=db_now(),
                )
            )
            released += changed.rowcount
    return released


def approve(connection: Connection, item_id: int, causes: Iterable[str]) -> bool:
    """Let `causes` pass, beside what was approved before, while the item's content stays what it is now.

    False unless the item rests where a drain stopped it: what came in since nobody has seen.
    """
    table = work_items.c
    stopped = table.state.in_(STOPPED)
    row = connection.execute(
        select(table.approved, table.approved_digest, table.event_digest)
        .where(table.id == item_id, stopped)
        .with_for_update()
    ).first()
    if row is None:
        return False
    before = json.loads(row.approved) if row.approved_digest == row.event_digest else []
    connection.execute(
        update(work_items)
        .where(table.id == item_id)
        .values(
            approved=json.dumps(sorted({*before, *causes})), approved_digest=table.event_digest, updated_at=db_now()
        )
    )
    return True


def approved_items(connection: Connection, channel: str, cause: str) -> set[int]:
    """Ids of the orders of a channel for which a person has let this cause pass, with the content that they have."""
    table = work_items.c
    query = select(table.id, table.approved).where(
        table.channel == channel,
        table.kind == "order",
        table.approved_digest != "",
        table.approved_digest == table.event_digest,
    )
    return {item_id for item_id, approved in connection.execute(query) if cause in json.loads(approved)}


def skip(connection: Connection, item_id: int, reason: str) -> bool:
    """A person says: not at all. False while a drain owns the item or a write of it has no outcome yet."""
    table = work_items.c
    doubt = exists().where(intents.c.item_id == table.id, intents.c.closed_at.is_(None))
    changed = connection.execute(
        update(work_items)
        .where(table.id == item_id, table.state != ItemState.LEASED.value, table.state != ItemState.RECONCILE.value)
        .where(~doubt)
        .values(state=ItemState.SKIPPED.value, done=table.wanted, reason=reason, updated_at=db_now())
    )
    if changed.rowcount:
        let_go_of_item(connection, item_id)
    return bool(changed.rowcount)


def is_busy(connection: Connection, item_id: int) -> bool:
    """Whether a drain owns the item or a write of it has no outcome yet; until the transaction ends, none begins."""
    table = work_items.c
    state = connection.execute(select(table.state).where(table.id == item_id).with_for_update()).scalar_one()
    if state in {ItemState.LEASED.value, ItemState.RECONCILE.value}:
        return True
    doubt = exists().where(intents.c.item_id == item_id, intents.c.closed_at.is_(None))
    return bool(connection.execute(select(doubt)).scalar_one())


def find(connection: Connection, channel: str, kind: str, external_id: str) -> int | None:
    """The id of one item."""
    table = work_items.c
    return connection.execute(
        select(table.id).where(table.channel == channel, table.kind == kind, table.external_id == external_id)
    ).scalar()


def due_channels(connection: Connection) -> list[tuple[str, str]]:
    """(channel, kind) of everything that is due and not leased: what the dispatcher rings for."""
    table = work_items.c
    query = (
        select(table.channel, table.kind)
        .where(table.state.in_(CLAIMABLE), table.due_at <= db_now())
        .group_by(table.channel, table.kind)
        .order_by(func.min(table.priority), func.min(table.due_at))
    )
    return [(channel, kind) for channel, kind in connection.execute(query)]


def open_before(connection: Connection, channel: str, kind: str, looked_before: dt.datetime) -> list[str]:
    """External ids of items that are not finished and that nobody looked at since: the six-hourly resync."""
    table = work_items.c
    resting = or_(*(table.state == state.value for state in (ItemState.WAITING, ItemState.HELD, ItemState.PARKED)))
    query = select(table.external_id).where(
        table.channel == channel, table.kind == kind, resting, table.updated_at < looked_before
    )
    return list(connection.execute(query).scalars())


def settle_adopted(connection: Connection, item_id: int, content: str, canonical: str) -> None:
    """The order is linked with a sale that was there before us: nothing is to be done for this content."""
    table = work_items.c
    connection.execute(
        update(work_items)
        .where(table.id == item_id, table.state != ItemState.LEASED.value)
        .values(
            state=ItemState.DONE.value,
            done=table.wanted,
            reason="linked with a sale that the ERP had already",
            done_digest=content,
            done_canonical=canonical,
            updated_at=db_now(),
        )
    )
    reserve_item(connection, item_id)


def count_open(connection: Connection, channel: str, kind: str, external_ids: Sequence[str]) -> int:
    """How many of these items still have something to be looked at."""
    table = work_items.c
    busy = table.state.in_(UNDER_WAY)
    found = 0
    for start in range(0, len(external_ids), 500):
        query = select(func.count()).where(
            table.channel == channel, table.kind == kind, busy, table.external_id.in_(external_ids[start : start + 500])
        )
        found += connection.execute(query).scalar_one()
    return found


def count_states(connection: Connection, kind: str = "") -> dict[tuple[str, str], tuple[int, dt.datetime]]:
    """(channel, state) -> (how many items, or how many of one kind, and the oldest due time)."""
    table = work_items.c
    query = select(table.channel, table.state, func.count(), func.min(table.due_at)).group_by(
        table.channel, table.state
    )
    if kind:
        query = query.where(table.kind == kind)
    return {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(query)}
