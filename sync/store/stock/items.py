"""Marking many articles at once: the work items of kind `stock`, whose external id is the shop's SKU."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, Insert, Update, bindparam, case, func, or_, select, update

from sync.store.due import is_due
from sync.store.states import RESTING, STOPPED, ItemState
from sync.store.stock.levels import in_lists
from sync.store.tables import shown_stock, work_items
from sync.store.types import db_now
from sync.store.upsert import dialect_of

KIND = "stock"
#: Facets: the sum may have changed; ask the ERP first; compare with what the shop shows whatever we believe.
LEVEL, READ, FULL = "level", "read", "full"
_KNOWN: Final = (
    select(work_items.c.id, work_items.c.external_id, work_items.c.facets)
    .where(
        work_items.c.channel == bindparam("of"),
        work_items.c.kind == KIND,
        work_items.c.external_id.in_(bindparam("skus", expanding=True)),
    )
    .with_for_update()
)


def mark_stock(connection: Connection, channel: str, skus: Iterable[str], facets: Iterable[str] = (LEVEL,)) -> int:
    """Let the channel's drain look at these articles; answers how many. A caller on SQLite passes some dozens."""
    wanted = sorted(set(skus))
    new = frozenset(facets)
    for some in in_lists(wanted):
        found = connection.execute(_KNOWN, {"of": channel, "skus": some})
        known = {sku: (item_id, before) for item_id, sku, before in found}
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
            connection.execute(_making(dialect_of(connection)), rows)
        by_facets: dict[str, list[int]] = {}
        for item_id, before in known.values():
            by_facets.setdefault(before, []).append(item_id)
        for before, ids in by_facets.items():
            raised = json.dumps(sorted(new.union(json.loads(before))))
            connection.execute(_raising(), {"items": ids, "raised": raised})
    return len(wanted)


def due_articles(connection: Connection, channel: str, limit: int) -> list[tuple[int, bool, str]]:
    """What may be claimed now, what has been due longest first.

    (item, whether it is suspect, product that its variation belongs to as far as we know, or nothing).
    """
    table, shown = work_items.c, shown_stock.c
    parent = (
        select(func.coalesce(func.max(shown.parent_id), ""))
        .where(shown.channel == channel, shown.sku == table.external_id)
        .scalar_subquery()
    )
    query = (
        select(table.id, table.suspect, parent)
        .where(is_due(channel, KIND))
        .order_by(table.priority, table.due_at, table.id)
        .limit(limit)
    )
    return [(item_id, suspect, parent_id) for item_id, suspect, parent_id in connection.execute(query)]


def release_waiting(connection: Connection, channel: str) -> int:
    """The ERP can be read again: articles that waited for it are looked at; answers how many."""
    table = work_items.c
    changed = connection.execute(
        update(work_items)
        .where(table.channel == channel, table.kind == KIND, table.state == ItemState.WAITING.value)
        .values(state=ItemState.READY.value, wanted=table.wanted + 1, due_at=db_now(), updated_at=db_now())
    )
    return changed.rowcount


def release_stopped(connection: Connection, channel: str, skus: Iterable[str]) -> int:
    """Let those of these articles be looked at that a person was asked about; answers how many."""
    table = work_items.c
    released = 0
    for some in in_lists(sorted(set(skus))):
        changed = connection.execute(
            update(work_items)
            .where(table.channel == channel, table.kind == KIND, table.external_id.in_(some), table.state.in_(STOPPED))
            .values(state=ItemState.READY.value, wanted=table.wanted + 1, due_at=db_now(), updated_at=db_now())
        )
        released += changed.rowcount
    return released


@functools.cache
def _making(dialect) -> Insert:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a module
    # Another process may have made it between the look and this.
    statement: Insert = dialect.insert(work_items).on_conflict_do_update(
        index_elements=["channel", "kind", "external_id"], set_={"wanted": work_items.c.wanted + 1}
    )
    return statement


@functools.cache
def _raising() -> Update:
    table = work_items.c
    rests = or_(*(table.state == state.value for state in RESTING))
    return (
        update(work_items)
        .where(table.id.in_(bindparam("items", expanding=True)))
        .values(
            wanted=table.wanted + 1,
            facets=bindparam("raised"),
            state=case((rests, ItemState.READY.value), else_=table.state),
            due_at=case((rests, db_now()), else_=table.due_at),
            updated_at=db_now(),
        )
    )
