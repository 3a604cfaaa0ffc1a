"""The verdict on our side of a run, by the database alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from connectors.kit.base import Rank
from sync.store.engine import Store
from sync.store.tables import bindings, intents, issue_documents, leases, metadata, orders, work_items
from tests.boundaries.world import Entry

_BUSY = ("ready", "leased", "reconcile")


def is_quiet(store: Store) -> bool:
    """Nothing is owned, due or in doubt any more."""

    def busy(c: Connection) -> bool:
        waiting = select(work_items.c.id).where(work_items.c.state.in_(_BUSY))
        doubt = select(intents.c.id).where(intents.c.closed_at.is_(None))
        return any(c.execute(query.limit(1)).first() for query in (waiting, doubt, select(leases.c.token)))

    return not store.read(busy)


def our_faults(store: Store, wanted: Sequence[Entry]) -> list[str]:
    """Empty when nothing is owned or in doubt, and each order is bound, or held for a cause."""
    return store.read(lambda c: _ours(c, wanted))


def unowned(c: Connection) -> list[str]:
    """What still waits for an outcome, or for somebody who has died."""
    faults = [
        f"intent {row.id} ({row.kind} {row.action} {row.key}) is open"
        for row in c.execute(select(intents).where(intents.c.closed_at.is_(None)))
    ]
    faults.extend(f"lease {row.token} of {row.holder} still stands" for row in c.execute(select(leases)))
    return faults


def _ours(c: Connection, wanted: Sequence[Entry]) -> list[str]:
    faults = unowned(c)
    bound = dict(
        c.execute(
            select(orders.c.external_id, bindings.c.rank)
            .join(bindings, bindings.c.order_id == orders.c.id)
            .where(bindings.c.ended_at.is_(None))
        ).all()
    )
    held = set(c.execute(select(issue_documents.c.item_id).where(issue_documents.c.closed_at.is_(None))).scalars())
    items = {row.external_id: row for row in c.execute(select(work_items))}
    for order in wanted:
        faults.extend(_fault_of(order, items.get(str(order.number)), bound.get(str(order.number)), held))
    return faults


def _fault_of(order: Entry, item, rank: int | None, held: set[int]) -> list[str]:
    if item is None:
        return [f"order {order.number}: we have forgotten it"]
    if item.state == "done" and rank == Rank.CONFIRMED:
        return []
    if item.state in {"held", "parked"} and item.id in held:
        # With a cause; whether it ought to be is the ledger's word.
        return []
    return [f"order {order.number}: the item is {item.state} ({item.reason}), its sale has rank {rank}"]


def snapshot(store: Store) -> dict[str, set]:
    """Every row of every table."""
    return store.read(
        lambda c: {table.name: set(map(tuple, c.execute(select(table)))) for table in metadata.sorted_tables}
    )


def changes(before: dict[str, set], after: dict[str, set]) -> list[str]:
    """What stands in one and not in the other."""
    return [
        f"{name}: {len(rows - before[name])} rows new or changed, {len(before[name] - rows)} gone or changed"
        for name, rows in after.items()
        if before[name] != rows
    ]
