"""Marking many articles at once: the work items of kind `stock`, whose external id is the shop's SKU."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import Connection, case, func, or_, select, update

from sync.store.due import is_due
from sync.store.states import RESTING, ItemState
from sync.store.stock.levels import in_lists
from sync.store.tables import shown_stock, work_items
from sync.store.types import db_now
from sync.store.upsert import dialect_of

KIND = "stock"
#: Facets: the sum may have changed; ask the ERP first; compare with what the shop shows whatever we believe.
LEVEL, READ, FULL = "level", "read", "full"


def mark_stock(connection: Connection, channel: str, skus: Iterable[str], facets: Iterable[str] = (LEVEL,)) -> int:
    """Let the channel's drain look at these articles; answers how many. A caller on SQLite passes some dozens."""
    table = work_items.c
    wanted = sorted(set(skus))
    new = frozenset(facets)
    statement = dialect_of(connection).insert(work_items)
    for some in in_lists(wanted):
        query = select(table.id, table.external_id, table.facets).where(
            table.channel == channel, table.kind == KIND, table.external_id.in_(some)
        )
        known = {row.external_id: (row.id, row.facets) for row in connection.execute(query.with_for_update())}
        missing = [sku for sku in some if sku not in known]
        if missing:
            now = connection.execute(select(db_now())).scalar_one()
            rows = [
                {
                    "channel": channel,
                    "kind": KIND,
                    "external_id": sku,
                    "facets": json.dumps(sorted(new)),
                    "due_at": now,
                    "created_at": now,
                    "updated_at": now,
                }
                for sku in missing
            ]
            connection.execute(
                # Another process may have made it between the look and this.
                statement.on_conflict_do_update(
                    index_elements=["channel", "kind", "external_id"], set_={"wanted": table.wanted + 1}
                ),
                rows,
            )
        by_facets: dict[str, list[int]] = {}
        for item_id, before in known.values():
            by_facets.setdefault(before, []).append(item_id)
        for before, ids in by_facets.items():
            _raise(connection, ids, json.dumps(sorted(new.union(json.loads(before)))))
    return len(wanted)


def due_articles(connection: Connection, channel: str, limit: int) -> list[tuple[int, str]]:
    """(item, product that its variation belongs to as far as we know, or nothing) of what may be claimed now.

    What has been due longest comes first.
    """
    table, shown = work_items.c, shown_stock.c
    parent = (
        select(func.coalesce(func.max(shown.parent_id), ""))
        .where(shown.channel == channel, shown.sku == table.external_id)
        .scalar_subquery()
    )
    query = (
        select(table.id, parent)
        .where(is_due(channel, KIND))
        .order_by(table.priority, table.due_at, table.id)
        .limit(limit)
    )
    return [(item_id, parent_id) for item_id, parent_id in connection.execute(query)]


def release_waiting(connection: Connection, channel: str) -> int:
    """The ERP can be read again: articles that waited for it are looked at; answers how many."""
    table = work_items.c
    changed = connection.execute(
        update(work_items)
        .where(table.channel == channel, table.kind == KIND, table.state == ItemState.WAITING.value)
        .values(state=ItemState.READY.value, wanted=table.wanted + 1, due_at=db_now(), updated_at=db_now())
    )
    return changed.rowcount


def _raise(connection: Connection, ids: list[int], facets: str) -> None:
    table = work_items.c
    rests = or_(*(table.state == state.value for state in RESTING))
    connection.execute(
        update(work_items)
        .where(table.id.in_(ids))
        .values(
            wanted=table.wanted + 1,
            facets=facets,
            state=case((rests, ItemState.READY.value), else_=table.state),
            due_at=case((rests, db_now()), else_=table.due_at),
            updated_at=db_now(),
        )
    )
