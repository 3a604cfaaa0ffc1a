"""What accounts have bought: the orders of their customers that stand in the ERP, and what hangs on them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from sync.store.lists import in_lists
from sync.store.tables import bindings, customer_orders, document_links, documents, orders

#: States of an invoice or credit note that counts in the books.
POSTED = ("posted", "paid")


@dataclasses.dataclass(frozen=True, slots=True)
class Purchase:
    """One order that counts."""

    order_id: int
    customer_id: int
    number: str
    currency: str
    #: With tax.
    grand: Decimal
    #: What its source gave back, with tax.
    refunded: Decimal
    placed_at: dt.datetime
    placed_on: dt.date


@dataclasses.dataclass(frozen=True, slots=True)
class Paper:
    """One posted invoice or credit note of such an order."""

    document_id: int
    order_id: int
    credit: bool
    currency: str
    #: Negative for a credit note.
    total: Decimal
    #: The canonical invoice, compressed, of one that is not paid.
    body: bytes | None


def stands() -> ColumnElement[bool]:
    """Whether an order stands in the ERP, and is not cancelled there."""
    bound = bindings.c
    # Cancelled is rank 0 (`connectors.kit.base.Rank`).
    return exists().where(bound.order_id == orders.c.id, bound.kind == "sale", bound.ended_at.is_(None), bound.rank > 0)


def load_purchases(connection: Connection, customer_ids: Iterable[int]) -> list[Purchase]:
    """Orders of these customers that their source wants and the ERP has, and has not cancelled."""
    order, mine = orders.c, customer_orders.c
    found = []
    for some in in_lists(sorted(set(customer_ids))):
        query = (
            select(
                *(order.id, mine.customer_id, order.number, order.currency, order.grand),
                *(mine.refunded, order.placed_at, order.placed_on),
            )
            .join(customer_orders, mine.order_id == order.id)
            .where(mine.customer_id.in_(some), mine.counts, stands())
        )
        found += [
            Purchase(*row[:4], Decimal(row[4]), Decimal(row[5]), row[6], dt.date.fromisoformat(row[7]))
            for row in connection.execute(query)
        ]
    return found


def load_papers(connection: Connection, order_ids: Sequence[int]) -> list[Paper]:
    """Posted invoices and credit notes of these orders, each once; one of several orders comes with its first."""
    table, link = documents.c, document_links.c
    found: dict[int, Paper] = {}
    for some in in_lists(sorted(set(order_ids))):
        linked = select(link.document_id).where(link.order_id.in_(some))
        query = select(
            table.id, table.order_id, table.kind, table.currency, table.total, table.state, table.body
        ).where(
            or_(table.order_id.in_(some), table.id.in_(linked)),
            table.kind.in_(("invoice", "credit_note")),
            table.state.in_(POSTED),
            table.ended_at.is_(None),
        )
        for row in connection.execute(query):
            body = row.body if row.state == "posted" else None
            paper = Paper(row.id, row.order_id, row.kind == "credit_note", row.currency, Decimal(row.total), body)
            found[row.id] = paper
    return list(found.values())
