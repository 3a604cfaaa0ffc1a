"""What gateways kept, as it was last read and booked, summed up."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from sqlalchemy import Connection, select

from sync.store.tables import documents, orders


@dataclasses.dataclass(slots=True)
class FeeSums:
    """One currency and day of placing, in the shop's zone: what the shop says, and what the ERP has of it."""

    currency: str
    day: str
    shop_count: int = 0
    shop_total: Decimal = Decimal(0)
    booked_count: int = 0
    booked_total: Decimal = Decimal(0)


def fee_sums(connection: Connection, channel: str, shop: str, since: dt.datetime, until: dt.datetime) -> list[FeeSums]:
    """By currency and day, of the channel's orders placed in [since, until); `shop` is its source connection.

    What the shop says of fees that nobody was to book is not known here.
    """
    table, of = documents.c, orders.c
    query = (
        select(of.placed_on, table.connection, table.currency, table.total)
        .join(orders, of.id == table.order_id)
        .where(of.channel == channel, of.placed_at >= since, of.placed_at < until)
        .where(table.kind == "fee", table.ended_at.is_(None))
    )
    found: dict[tuple[str, str], FeeSums] = {}
    for row in connection.execute(query):
        sums = found.setdefault((row.currency, row.placed_on), FeeSums(row.currency, row.placed_on))
        # Amounts are text: SQLite would add them up as floats.
        if row.connection == shop:
            sums.shop_count, sums.shop_total = sums.shop_count + 1, sums.shop_total + Decimal(row.total)
        else:
            sums.booked_count, sums.booked_total = sums.booked_count + 1, sums.booked_total + Decimal(row.total)
    return [found[key] for key in sorted(found)]
