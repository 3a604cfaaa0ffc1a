"""What makes work of an item, or ends it without a drain: news, and people."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import Connection, case, exists, select, update

from sync.store.pins import Using, pinned
from sync.store.states import CLAIMABLE, LIVE, STOPPED, ItemState
from sync.store.stock.captured import let_go_of_item, reserve_item
from sync.store.tables import intents, work_items
from sync.store.types import db_now
from sync.store.upsert import dialect_of


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
    connection: Connection,
    item_ids: Iterable[int],
    *,
    facet: str = "target",
    priority: int | None = None,
    using: Using = Using.SAME,
) -> int:
    """Make resting or delayed items ready now (retry, approval, a fixed cause); the worker looks at the target too.

    One in reconcile keeps its time; one that a drain owns just now comes again after it, because that drain may have
    begun before the cause was fixed. Answers how many were released. `facet` `again` asks for a new sale; `priority`
    None keeps the one that each has; `using` says with which revision of the mapping profile.
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
                    pinned_revision=pinned(using),
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
        .values(
            state=ItemState.SKIPPED.value,
            done=table.wanted,
            reason=reason,
            pinned_revision=None,
            updated_at=db_now(),
        )
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
            pinned_revision=None,
            updated_at=db_now(),
        )
    )
    reserve_item(connection, item_id)
