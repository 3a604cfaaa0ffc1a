"""Work items as drains have them: claimed, left, and set aside when they kill."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
from collections.abc import Sequence

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
    null,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Row

from sync.store.due import is_due
from sync.store.leases import MAX_DEATHS, Lease, LeaseLost, demand_lease
from sync.store.states import CLAIMABLE, ItemState
from sync.store.tables import work_items
from sync.store.types import db_now


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
    #: The revision of the mapping profile that it stays with, 0 for what the configuration says; None: what applies.
    pinned_revision: int | None

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
    #: To be claimed alone until it ends, as what died with its drain is.
    alone: bool = False
    #: The connection whose pause makes it wait until `due_at`; who ends that pause makes it due.
    put_off_for: str | None = None


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
        # Chosen once: PostgreSQL may ask a mere subquery again for each row, and then claims more than the limit.
        .cte("chosen")
    )
    statement = (
        update(work_items)
        .where(table.id.in_(select(chosen.c.id)))
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
        "pinned_revision",
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
                "alone": entry.alone,
                "over": entry.looked and entry.state in (ItemState.DONE, ItemState.SKIPPED),
                "put_off": entry.put_off_for,
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
            put_off_for=bindparam("put_off", type_=table.put_off_for.type),
            pinned_revision=case((and_(bindparam("over", type_=Boolean), ~again), null()), else_=table.pinned_revision),
            lease_token=None,
            suspect=or_(bindparam("alone", type_=Boolean), and_(table.suspect, ~bindparam("looked", type_=Boolean))),
            deaths=case((bindparam("looked"), 0), else_=table.deaths),
            updated_at=db_now(),
        )
    )


def recall(connection: Connection, name: str) -> int:
    """The pause of this connection is over: what was put off for it is due now; answers how many.

    What waits for anything else (its own back-off, an outcome that nobody knows yet) keeps its time.
    """
    table = work_items.c
    changed = connection.execute(
        update(work_items)
        .where(table.put_off_for == name, table.state == ItemState.READY.value, table.due_at > db_now())
        .values(due_at=db_now(), put_off_for=None, updated_at=db_now())
    )
    return changed.rowcount


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


def find(connection: Connection, channel: str, kind: str, external_id: str) -> int | None:
    """The id of one item."""
    table = work_items.c
    return connection.execute(
        select(table.id).where(table.channel == channel, table.kind == kind, table.external_id == external_id)
    ).scalar()
