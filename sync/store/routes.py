"""From which warehouse each order is sent, and which rule said so."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, select

from sync.store.tables import intents, order_routes
from sync.store.types import db_now
from sync.store.upsert import dialect_of


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow:
    """The choice for one order."""

    order_id: int
    rule: str
    #: The ERP's code.
    warehouse: str
    #: Not all of it was there.
    short: bool
    #: In plain words.
    reason: str
    #: When the oldest of the readings began on which it rests; None where none decided.
    read_at: dt.datetime | None
    #: Digest of what the order was when it was chosen.
    material: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeptRoute(RouteRow):
    """The same with when it was chosen."""

    routed_at: dt.datetime


_COLUMNS = tuple(order_routes.c[field.name] for field in dataclasses.fields(KeptRoute))


def save_routes(connection: Connection, rows: Sequence[RouteRow]) -> None:
    """Keep what was chosen, over what was. What is chosen again as it was keeps its time."""
    known = load_routes(connection, [row.order_id for row in rows])
    new = [row for row in rows if row.order_id not in known or _of(known[row.order_id]) != row]
    if not new:
        return
    now = connection.execute(select(db_now())).scalar_one()
    statement = dialect_of(connection).insert(order_routes)
    set_ = {column.name: statement.excluded[column.name] for column in _COLUMNS if column.name != "order_id"}
    connection.execute(
        statement.on_conflict_do_update(index_elements=[order_routes.c.order_id], set_=set_),
        [{**{name: getattr(row, name) for name in _NAMES}, "routed_at": now} for row in new],
    )


_NAMES = tuple(field.name for field in dataclasses.fields(RouteRow))


def _of(kept: KeptRoute) -> RouteRow:
    return RouteRow(**{name: getattr(kept, name) for name in _NAMES})


def drop_routes(connection: Connection, order_ids: Collection[int]) -> None:
    """Nothing is chosen for these orders any more."""
    if order_ids:
        connection.execute(delete(order_routes).where(order_routes.c.order_id.in_(sorted(order_ids))))


def load_routes(connection: Connection, order_ids: Collection[int]) -> dict[int, KeptRoute]:
    """Order -> what was chosen for it."""
    query = select(*_COLUMNS).where(order_routes.c.order_id.in_(sorted(order_ids)))
    return {row["order_id"]: KeptRoute(**row) for row in connection.execute(query).mappings()}


def sent_for(connection: Connection, item_ids: Collection[int]) -> set[int]:
    """Items whose newest sale may have been sent: it was looked up, and is not there."""
    table = intents.c
    query = select(table.item_id, table.outcome).where(
        table.item_id.in_(sorted(item_ids)), table.kind == "sale", table.action == "create"
    )
    newest = {row.item_id: row.outcome for row in connection.execute(query.order_by(table.id))}
    return {item_id for item_id, outcome in newest.items() if outcome == "absent"}
