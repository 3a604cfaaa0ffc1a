"""What a person has decided about the sale of an order: the difference of an edit, and an amount that was accepted.

Both are kept beside what hangs on the order (`sync.store.documents`), as documents that only we know.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, select, update

from sync.store.tables import documents, orders, work_items
from sync.store.types import db_now

#: The difference of an edit that waits for a person.
EDIT: Final = "edit"
#: An amount of the sale; its key is the digest of what the sale is made from (`orders.material`).
ACCEPTED: Final = "accepted"
#: State of a refund that the shop had given before its order was linked with a sale that was there: whoever made that
#: sale may have booked the refund too, under no key of ours.
BEFORE_LINK: Final = "before"


def load_accepted(connection: Connection, order_id: int, material: str, sale: str = "") -> Decimal | None:
    """The amount of its sale that a person has accepted while the order asked for this; `sale`: which, of several."""
    table = documents.c
    query = select(table.total).where(
        table.order_id == order_id, table.kind == ACCEPTED, table.key == material, table.ended_at.is_(None)
    )
    if sale:
        query = query.where(table.external_id == sale)
    total = connection.execute(query).scalar()
    return None if total is None else Decimal(total)


def accepted_amounts(connection: Connection, channel: str, erp: str) -> dict[str, tuple[Decimal, str]]:
    """Id of a sale in `erp` -> the amount and currency that a person has accepted for the order as it still is."""
    table, order = documents.c, orders.c
    query = (
        select(table.external_id, table.total, table.currency)
        .join(orders, order.id == table.order_id)
        .where(order.channel == channel, table.connection == erp, table.kind == ACCEPTED, table.ended_at.is_(None))
        .where(table.key == order.material)
    )
    return {row.external_id: (Decimal(row.total), row.currency) for row in connection.execute(query)}


def keep_approved(connection: Connection, item_id: int, before: str, after: str) -> None:
    """What a person approved for a content of the order still counts for that content with what we wrote to it.

    `before` and `after` are the digests of the two; the second comes back from the shop like any other change.
    """
    table = work_items.c
    connection.execute(
        update(work_items).where(table.id == item_id, table.approved_digest == before).values(approved_digest=after)
    )


def end_decided(connection: Connection, order_id: int) -> None:
    """A person decides anew about an order's edit and amount: what waited for that, or was accepted before, is over."""
    table = documents.c
    connection.execute(
        update(documents)
        .where(table.order_id == order_id, table.kind.in_((EDIT, ACCEPTED)), table.ended_at.is_(None))
        .values(ended_at=db_now())
    )
