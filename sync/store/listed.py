"""The rows of lists of orders: what is shown of each."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from sync.store.tables import bindings, issue_documents, issues, orders, work_items

_ITEM, _ORDER, _SALE = work_items.c, orders.c, bindings.c


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """One row of a list. Where `order_id` is None, the order could not be read yet."""

    item_id: int
    channel: str
    external_id: str
    state: str
    reason: str
    due_at: dt.datetime
    updated_at: dt.datetime
    order_id: int | None
    number: str
    customer: str
    email: str
    currency: str
    grand: Decimal | None
    placed_at: dt.datetime
    source_state: str
    erp_id: str = ""
    erp_number: str = ""
    erp_total: str = ""
    #: The causes that stop it.
    causes: tuple[str, ...] = ()


def load_listed(connection: Connection, item_ids: Sequence[int], targets: Mapping[str, str]) -> list[Listed]:
    """The rows of these items, in their order."""
    if not item_ids:
        return []
    query = (
        select(
            *(_ITEM.id, _ITEM.channel, _ITEM.external_id, _ITEM.state, _ITEM.reason, _ITEM.due_at, _ITEM.updated_at),
            *(_ORDER.id, func.coalesce(_ORDER.number, _ITEM.external_id), func.coalesce(_ORDER.customer, "")),
            *(func.coalesce(_ORDER.email, ""), func.coalesce(_ORDER.currency, ""), _ORDER.grand),
            *(func.coalesce(_ORDER.placed_at, _ITEM.created_at), func.coalesce(_ORDER.source_state, "")),
        )
        .outerjoin(orders, _ORDER.item_id == _ITEM.id)
        .where(_ITEM.id.in_(item_ids))
    )
    found = {row[0]: _listed(row) for row in connection.execute(query)}
    sales = _load_sales(connection, [row.order_id for row in found.values() if row.order_id is not None])
    causes = _load_causes(connection, item_ids)
    rows = []
    for row in (found[item_id] for item_id in item_ids if item_id in found):
        sale = sales.get((row.order_id, targets.get(row.channel, "")), ("", "", ""))
        stops = tuple(causes.get(row.item_id, ()))
        rows.append(dataclasses.replace(row, causes=stops, erp_id=sale[0], erp_number=sale[1], erp_total=sale[2]))
    return rows


def _listed(row: Sequence[Any]) -> Listed:
    values = list(row)
    values[12] = None if values[12] is None else Decimal(values[12])
    return Listed(*values)


def _load_sales(connection: Connection, order_ids: Sequence[int]) -> dict[tuple[int | None, str], tuple[str, str, str]]:
    """(order, ERP) -> id, number and total of its living sale."""
    query = select(_SALE.order_id, _SALE.connection, _SALE.external_id, _SALE.number, _SALE.total).where(
        _SALE.order_id.in_(order_ids), _SALE.kind == "sale", _SALE.ended_at.is_(None)
    )
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in connection.execute(query)}


def _load_causes(connection: Connection, item_ids: Sequence[int]) -> dict[int, list[str]]:
    stopped = issue_documents.c
    query = (
        select(stopped.item_id, issues.c.cause)
        .join(issues, issues.c.id == stopped.issue_id)
        .where(stopped.item_id.in_(item_ids), stopped.closed_at.is_(None))
        .distinct()
        .order_by(stopped.item_id, issues.c.cause)
    )
    found: dict[int, list[str]] = {}
    for item_id, cause in connection.execute(query):
        found.setdefault(item_id, []).append(cause)
    return found
