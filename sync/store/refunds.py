"""Refunds of a shop and the ERP's credits for them: which stands for which, and what a person has seen to."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from sqlalchemy import Connection, and_, func, select, union, update

from sync.store.tables import bindings, document_links, documents, orders
from sync.store.types import db_now


def link_made(connection: Connection, document_id: int, order_id: int, made_from: int, made_digest: str) -> None:
    """Say of a document that stands that it is what the other system's one comes to, whoever made it.

    What was made from that one before (and was cancelled there, say) is it no longer.
    """
    table = documents.c
    connection.execute(
        update(documents)
        .where(table.made_from == made_from, table.order_id == order_id, table.id != document_id)
        .values(made_from=None, made_digest="")
    )
    connection.execute(
        update(documents).where(table.id == document_id).values(made_from=made_from, made_digest=made_digest)
    )


def settle_returns(connection: Connection, order_id: int) -> int:
    """A person has seen to every credit that the ERP's people made for an order until now; answers how many.

    One that comes later is another one, and is told again.
    """
    table = documents.c
    of_target = select(bindings.c.connection).where(bindings.c.order_id == order_id)
    settled = connection.execute(
        update(documents)
        .where(table.order_id == order_id, table.connection.in_(of_target), table.kind == "refund")
        .where(table.key == "", table.made_from.is_(None), table.settled_at.is_(None))
        .values(settled_at=db_now())
    )
    return settled.rowcount


def settled_returns(connection: Connection, of: str) -> set[str]:
    """Ids of the credits of a system that a person has seen to."""
    table = documents.c
    query = select(table.external_id).where(
        table.connection == of, table.kind == "refund", table.settled_at.is_not(None)
    )
    return set(connection.execute(query).scalars())


@dataclasses.dataclass(frozen=True, slots=True)
class KnownRefund:
    """A refund of the shop as it was last read, and what the ERP has for it."""

    #: The shop's id of the order.
    order: str
    external_id: str
    currency: str
    total: Decimal
    state: str
    dated_on: str
    #: Id of the credit that is known to stand for it; empty while there is none.
    credit: str


def known_refunds(connection: Connection, channel: str, shop: str, erp: str) -> list[KnownRefund]:
    """The refunds of a channel's orders that the shop had when they were last read, in the order in which we saw them.

    `shop` and `erp` are the channel's connections.
    """
    table, links, credit, order = documents.c, document_links.c, documents.alias("credit"), orders.c
    made = (
        credit.c.made_from == table.id,
        credit.c.connection == erp,
        credit.c.order_id == order.id,
        credit.c.ended_at.is_(None),
    )
    columns = (
        order.external_id.label("order"),
        table.id.label("refund_id"),
        table.external_id.label("refund"),
        table.currency,
        table.total,
        table.state,
        table.dated_on,
        credit.c.external_id.label("credit"),
    )
    of_shop = (table.connection == shop, table.kind == "refund", table.ended_at.is_(None))
    # A shop that feeds two channels has one row for both. Two questions, for one with an OR would compare every order;
    # and in the second SQLite must not begin with all orders of the channel for each refund.
    own = (documents.join(orders, order.id == table.order_id), order.channel == channel)
    linked = (
        documents.join(document_links, links.document_id == table.id).join(orders, order.id == links.order_id),
        func.coalesce(order.channel, "") == channel,
    )
    parts = [
        select(*columns).select_from(rows.outerjoin(credit, and_(*made))).where(*of_shop, of_channel)
        for rows, of_channel in (own, linked)
    ]
    query = union(*parts).order_by("refund_id")
    return [
        KnownRefund(
            row.order,
            row.refund,
            row.currency,
            Decimal(row.total),
            row.state,
            row.dated_on,
            row.credit or "",
        )
        for row in connection.execute(query)
    ]
