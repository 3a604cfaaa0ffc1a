"""Refunds: those of one order with their lines, and all of a shop for the proof.

The shop has no list of refunds. One changes its order, so none made in a window hangs on an order that rested since.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from connectors.kit.base import JsonDict
from connectors.kit.errors import RecordRejected
from connectors.kit.facets import RefundSummary
from connectors.kit.words import say
from connectors.shopify import codes, queries
from connectors.shopify.client import Client
from connectors.shopify.orders import ORDER, Orders, amount_of, day_of, order_id, time_of

_PER_PAGE = 100


class Refunds:
    """The refunds of one shop."""

    def __init__(self, client: Client, orders: Orders) -> None:
        self._client, self._orders = client, orders

    def of_order(self, external_id: str) -> list[JsonDict]:
        """All of them, oldest first. Raises RecordRejected (code `codes.GONE`) when the order is gone."""
        order = self._client.read(queries.REFUNDS_OF, id=f"{ORDER}{order_id(external_id)}").get("order")
        if not isinstance(order, dict):
            raise RecordRejected(say("order %(order)s is no longer in the shop", order=external_id), code=codes.GONE)
        return sorted(order["refunds"], key=_made_at)

    def listed(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """Every refund with money made in the window, each once."""
        self._orders.behind_no_wall(since)
        yielded: set[str] = set()
        for rows in self._orders.walk(queries.REFUNDS, "updated_at", "updatedAt", since, _PER_PAGE):
            for order in rows:
                for refund in order["refunds"]:
                    line = _summary(refund, order)
                    if since <= line.made_at < until and line.amount and line.external_id not in yielded:
                        yielded.add(line.external_id)
                        yield line


def _made_at(refund: JsonDict) -> dt.datetime:
    return time_of(refund, "processedAt" if refund.get("processedAt") else "createdAt")


def _summary(refund: JsonDict, order: JsonDict) -> RefundSummary:
    made_at, (amount, currency) = _made_at(refund), amount_of(refund, "totalRefundedSet")
    return RefundSummary(
        external_id=refund["id"].rpartition("/")[2],
        of=order["id"].removeprefix(ORDER),
        number=str(order.get("name") or order["id"]),
        state="refunded",
        amount=amount,
        currency=currency,
        made_at=made_at,
        made_on=day_of(made_at, order.get("shop")) or made_at.date(),
    )
