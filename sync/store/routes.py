"""From which warehouse each order is sent, and which rule said so."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, delete, literal_column, select, update

from sync.store.tables import intents, order_routes, orders
from sync.store.types import db_now
from sync.store.upsert import dialect_of


@dataclasses.dataclass(frozen=True, slots=True)
class RoutePart:
    """One part of an order that is divided over several warehouses: a sale of its own."""

    #: The ERP's code.
    warehouse: str
    #: External ids of the order's lines.
    lines: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class GivenUp:
    """So many pieces of a line that are not sent: the shop gives them back."""

    #: External id of the order's line.
    line: str
    quantity: Decimal


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
    #: Empty for an order that is one sale.
    parts: tuple[RoutePart, ...] = ()
    #: What is not sent, and given back in the shop; empty for most.
    given_up: tuple[GivenUp, ...] = ()

    @property
    def warehouses(self) -> tuple[str, ...]:
        """Every one that sends something of it, that of the first part first."""
        return tuple(part.warehouse for part in self.parts) or (self.warehouse,)


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
        [{**_values(row), "routed_at": now} for row in new],
    )


_NAMES = tuple(field.name for field in dataclasses.fields(RouteRow))


def _values(row: RouteRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _NAMES}
    return values | {
        "parts": json.dumps([[part.warehouse, part.lines] for part in row.parts]),
        "given_up": json.dumps([[each.line, f"{each.quantity:f}"] for each in row.given_up]),
    }


def _parts(text: str) -> tuple[RoutePart, ...]:
    return tuple(RoutePart(warehouse, tuple(lines)) for warehouse, lines in json.loads(text))


def _given_up(text: str) -> tuple[GivenUp, ...]:
    return tuple(GivenUp(line, Decimal(quantity)) for line, quantity in json.loads(text))


def _of(kept: KeptRoute) -> RouteRow:
    return RouteRow(**{name: getattr(kept, name) for name in _NAMES})


def drop_routes(connection: Connection, order_ids: Collection[int]) -> None:
    """Nothing is chosen for these orders any more."""
    if order_ids:
        connection.execute(delete(order_routes).where(order_routes.c.order_id.in_(sorted(order_ids))))


def load_routes(connection: Connection, order_ids: Collection[int]) -> dict[int, KeptRoute]:
    """Order -> what was chosen for it."""
    query = select(*_COLUMNS).where(order_routes.c.order_id.in_(sorted(order_ids)))
    return {
        row["order_id"]: KeptRoute(**{**row, "parts": _parts(row["parts"]), "given_up": _given_up(row["given_up"])})
        for row in connection.execute(query).mappings()
    }


def load_splits(
    connection: Connection, channel: str, external_ids: Collection[str] | None = None
) -> Mapping[str, tuple[RoutePart, ...]]:
    """External id -> the parts of each order of a channel that is divided; of all of them where none are named."""
    table = order_routes.c
    query = (
        select(orders.c.external_id, table.parts)
        .join(orders, orders.c.id == table.order_id)
        .where(orders.c.channel == channel, table.parts != literal_column("'[]'"))
    )
    if external_ids is not None:
        query = query.where(orders.c.external_id.in_(sorted(external_ids)))
    return {row.external_id: _parts(row.parts) for row in connection.execute(query)}


def load_given_up(
    connection: Connection, channel: str, external_ids: Collection[str]
) -> dict[str, tuple[GivenUp, ...]]:
    """External id -> what is given up of each of these orders of which anything is."""
    table = order_routes.c
    query = (
        select(orders.c.external_id, table.given_up)
        .join(orders, orders.c.id == table.order_id)
        .where(orders.c.channel == channel, table.given_up != literal_column("'[]'"))
        .where(orders.c.external_id.in_(sorted(external_ids)))
    )
    return {row.external_id: _given_up(row.given_up) for row in connection.execute(query)}


def give_nothing_up(connection: Connection, order_id: int) -> None:
    """All of an order is to be sent after all."""
    connection.execute(update(order_routes).where(order_routes.c.order_id == order_id).values(given_up="[]"))


def sent_for(connection: Connection, item_ids: Collection[int]) -> set[int]:
    """Items of which a newest sale may have been sent: it was looked up, and is not there."""
    table = intents.c
    query = select(table.item_id, table.key, table.outcome).where(
        table.item_id.in_(sorted(item_ids)), table.kind == "sale", table.action == "create"
    )
    newest = {(row.item_id, row.key): row.outcome for row in connection.execute(query.order_by(table.id))}
    return {item_id for (item_id, _), outcome in newest.items() if outcome == "absent"}
