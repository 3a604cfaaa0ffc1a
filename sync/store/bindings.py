"""Bindings: which document of a system is which of ours, unique both ways while it has not ended."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from sync.store.tables import bindings, orders
from sync.store.types import db_now
from sync.store.upsert import dialect_of


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewBinding:
    """One document of a target, as read back."""

    connection: str
    kind: str
    external_id: str
    order_id: int
    key: str
    number: str
    state: str
    rank: int
    total: str
    tax: str
    #: The target's own version of it; empty where it has none.
    version: str = ""
    part: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Binding:
    """A living binding of an order."""

    id: int
    order_external_id: str
    order_id: int
    kind: str
    external_id: str
    number: str
    state: str
    rank: int
    #: Our key as it stands in the target; another one, or none, for a sale that was there before us.
    key: str
    #: Which of the sales of an order that is divided.
    part: int


def save_bindings(connection: Connection, rows: Sequence[NewBinding]) -> None:
    """Insert, or bring the read-back state of one that is there up to date. Safe to repeat.

    The document that was read back is the order's: a living binding to another one ends, because that is gone there.
    """
    if not rows:
        return
    now = connection.execute(select(db_now())).scalar_one()
    _end_others(connection, rows, now)
    statement = dialect_of(connection).insert(bindings)
    statement = statement.on_conflict_do_update(
        index_elements=[bindings.c.connection, bindings.c.kind, bindings.c.external_id],
        set_={
            name: statement.excluded[name]
            for name in ("key", "number", "state", "rank", "total", "tax", "version", "updated_at")
        }
        | {"ended_at": None},
    )
    connection.execute(
        statement,
        [
            {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
            | {"created_at": now, "updated_at": now}
            for row in rows
        ],
    )


def _end_others(connection: Connection, rows: Sequence[NewBinding], now: dt.datetime) -> None:
    bound = bindings.c
    connection.execute(
        update(bindings)
        .where(
            bound.order_id == bindparam("of_order"),
            bound.connection == bindparam("of_connection"),
            bound.kind == bindparam("of_kind"),
            bound.part == bindparam("of_part"),
            bound.external_id != bindparam("stays"),
            bound.ended_at.is_(None),
        )
        .values(ended_at=now, updated_at=now),
        [
            {
                "of_order": row.order_id,
                "of_connection": row.connection,
                "of_kind": row.kind,
                "of_part": row.part,
                "stays": row.external_id,
            }
            for row in rows
        ],
    )


def load_bindings(
    connection: Connection, channel: str, target: str, external_ids: Sequence[str]
) -> dict[str, dict[int, Binding]]:
    """Order external id -> part -> the living sale binding, of each order of a channel that has one."""
    bound, order = bindings.c, orders.c
    query = (
        select(
            *(bound.id, order.external_id, order.id, bound.kind, bound.external_id, bound.number, bound.state),
            *(bound.rank, bound.key, bound.part),
        )
        .join(orders, order.id == bound.order_id)
        .where(
            order.channel == channel,
            order.external_id.in_(external_ids),
            bound.connection == target,
            bound.kind == "sale",
            bound.ended_at.is_(None),
        )
    )
    found: dict[str, dict[int, Binding]] = {}
    for row in connection.execute(query):
        values: list[Any] = list(row)
        found.setdefault(row[1], {})[row.part] = Binding(*values)
    return found


def bound_keys(connection: Connection, target: str, external_ids: Sequence[str]) -> dict[str, int]:
    """Sale id in the target -> our document id, for those that are bound (ended ones too)."""
    bound = bindings.c
    query = select(bound.external_id, bound.order_id).where(
        bound.connection == target, bound.kind == "sale", bound.external_id.in_(external_ids)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def bound_elsewhere(connection: Connection, target: str, channel: str) -> set[str]:
    """Ids of sales in `target` that belong to orders of other channels."""
    bound, order = bindings.c, orders.c
    query = (
        select(bound.external_id)
        .join(orders, order.id == bound.order_id)
        .where(bound.connection == target, bound.kind == "sale", order.channel != channel)
    )
    return set(connection.execute(query).scalars())


def sales_of_parts(connection: Connection, target: str, channel: str) -> dict[str, str]:
    """Id of a sale in `target` -> the order, for the parts behind the first one of orders that are divided."""
    bound, order = bindings.c, orders.c
    query = (
        select(bound.external_id, order.external_id.label("order"))
        .join(orders, order.id == bound.order_id)
        .where(bound.connection == target, bound.kind == "sale", bound.part > 0, order.channel == channel)
        .where(bound.ended_at.is_(None))
    )
    return {row.external_id: row.order for row in connection.execute(query)}


def end_parts(connection: Connection, order_id: int, beyond: int) -> None:
    """An order is made anew as fewer sales than before: end the living bindings of the parts that are no more."""
    bound = bindings.c
    connection.execute(
        update(bindings)
        .where(bound.order_id == order_id, bound.kind == "sale", bound.part >= beyond, bound.ended_at.is_(None))
        .values(ended_at=db_now(), updated_at=db_now())
    )


def end_of_orders(connection: Connection, order_ids: Sequence[int]) -> None:
    """End every living sale binding of these orders."""
    bound = bindings.c
    connection.execute(
        update(bindings)
        .where(bound.order_id.in_(order_ids), bound.kind == "sale", bound.ended_at.is_(None))
        .values(ended_at=db_now(), updated_at=db_now())
    )


def count_linked(connection: Connection) -> dict[str, int]:
    """Channel -> how many of its orders have a living document in a target."""
    query = (
        select(orders.c.channel, func.count(bindings.c.order_id.distinct()))
        .join(orders, orders.c.id == bindings.c.order_id)
        .where(bindings.c.ended_at.is_(None))
        .group_by(orders.c.channel)
    )
    return {channel: int(count) for channel, count in connection.execute(query)}


@dataclasses.dataclass(frozen=True, slots=True)
class BoundOrder:
    """The order of a sale."""

    channel: str
    external_id: str
    #: The sale's version as we last read it back.
    version: str


def bound_orders(connection: Connection, target: str, sale_ids: Sequence[str]) -> dict[str, list[BoundOrder]]:
    """Sale id in the target -> the orders that are bound to it now."""
    bound, order = bindings.c, orders.c
    query = (
        select(bound.external_id, order.channel, order.external_id.label("order"), bound.version)
        .join(orders, order.id == bound.order_id)
        .where(bound.connection == target, bound.kind == "sale", bound.external_id.in_(sale_ids))
        .where(bound.ended_at.is_(None))
    )
    found: dict[str, list[BoundOrder]] = {}
    for row in connection.execute(query):
        found.setdefault(row.external_id, []).append(BoundOrder(row.channel, row.order, row.version))
    return found
