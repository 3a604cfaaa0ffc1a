"""A shop in memory: WooCommerce's JSON, with a log of changes that a pull walks."""

from __future__ import annotations

import copy
import datetime as dt
from collections import deque
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from connectors.kit.base import DocumentSummary, Envelope, Page
from connectors.kit.errors import ConnectorError
from mappings.base import SourceOptions
from mappings.woocommerce import order_from_woocommerce
from sync.store.bodies import digest, dump_json, pack
from sync.store.inbox import NewEvent
from tests.mappings.woocommerce_orders import woo_line, woo_order

#: The first order was placed then; one an hour, so that no two are alike within the duplicate rule's window.
PLACED = dt.datetime(2026, 11, 10, 8, tzinfo=dt.UTC)
_FORMAT = "%Y-%m-%dT%H:%M:%S"


def payload(order_id: int, /, *, total: str = "20.00", sku: str = "TASSE", customer: str = "a", **changes: Any) -> dict:
    """One untaxed line of `total`; `order_id` says too when it was placed."""
    placed = f"{PLACED + dt.timedelta(hours=order_id):{_FORMAT}}"
    line = woo_line(
        id=1, quantity=1, sku=sku, subtotal=total, total=total, subtotal_tax="0.00", total_tax="0.00", taxes=[]
    )
    order = woo_order(
        id=order_id,
        number=f"WC-{order_id}",
        customer_id=0,
        date_created=placed,
        date_created_gmt=placed,
        date_modified_gmt=placed,
        date_paid_gmt=placed,
        discount_total="0.00",
        discount_tax="0.00",
        shipping_total="0.00",
        total=total,
        total_tax="0.00",
        line_items=[line],
        tax_lines=[],
        shipping_lines=[],
        coupon_lines=[],
    )
    order["billing"] = order["billing"] | {"email": f"{customer}@example.test", "company": ""}
    return order | changes


def event(order: dict, source: str = "webhook", *, connection: str = "shop", version: str | None = None) -> NewEvent:
    """What is stored of a delivery, or of a pulled entry."""
    body = dump_json(order)
    return NewEvent(
        connection=connection,
        kind="order",
        external_id=str(order["id"]),
        source=source,
        topic="order.updated" if source == "webhook" else "",
        version=order["date_modified_gmt"] if version is None else version,
        body=pack(body),
        digest=digest(body),
        received_at=dt.datetime.now(dt.UTC),
    )


class Shop:
    """The three capabilities of a source, and what people do in it."""

    fetch_batch = 20

    def __init__(self, *, page_size: int = 3) -> None:
        self.orders: dict[str, dict] = {}
        #: Every version that ever stood in the shop, oldest first.
        self.versions: dict[str, list[dict]] = {}
        self.errors: deque[ConnectorError] = deque()
        self.fetched: list[list[str]] = []
        self._page_size = page_size
        self._log: list[str] = []
        self._second = 0

    # --- what people do -----------------------------------------------------------------------------------------

    def place(self, **changes: Any) -> str:
        number = len(self.versions) + 1
        return self.put(payload(number, **changes))

    def put(self, order: dict) -> str:
        external_id = str(order["id"])
        self.orders[external_id] = order
        self.versions.setdefault(external_id, []).append(order)
        self._log.append(external_id)
        return external_id

    def change(self, external_id: str, *, same_second: bool = False, **changes: Any) -> None:
        order = copy.deepcopy(self.orders[external_id]) | changes
        if not same_second:
            self._second += 1
            placed = dt.datetime.strptime(order["date_created_gmt"], _FORMAT)  # noqa: DTZ007 - as the shop writes it
            order["date_modified_gmt"] = f"{placed + dt.timedelta(seconds=self._second):{_FORMAT}}"
        self.put(order)

    def edit_total(self, external_id: str, total: str) -> None:
        line = dict(self.orders[external_id]["line_items"][0], subtotal=total, total=total)
        self.change(external_id, total=total, line_items=[line])

    def delete(self, external_id: str) -> None:
        del self.orders[external_id]
        self._log.append(external_id)

    # --- the protocols ------------------------------------------------------------------------------------------

    def pull_orders(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        # One entry back, as every source steps back by an overlap.
        position = max(0, int(checkpoint or 0) - 1)
        while True:
            if self.errors:
                raise self.errors.popleft()
            ids = self._log[position : position + self._page_size]
            position += len(ids)
            yield Page(tuple(self._envelope(external_id) for external_id in ids), str(position))
            if position >= len(self._log):
                return

    def fetch_orders(self, external_ids: Sequence[str]) -> list[Envelope]:
        self.fetched.append(list(external_ids))
        if self.errors:
            raise self.errors.popleft()
        return [self._envelope(external_id) for external_id in external_ids]

    def list_orders(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        if self.errors:
            raise self.errors.popleft()
        for external_id, order in self.orders.items():
            placed = dt.datetime.strptime(order["date_created_gmt"], _FORMAT).replace(tzinfo=dt.UTC)
            if since <= placed < until:
                yield DocumentSummary(
                    external_id=external_id,
                    key=external_id,
                    number=order["number"],
                    state=order["status"],
                    total=Decimal(order["total"]),
                    currency=order["currency"],
                    placed_at=placed,
                    placed_on=placed.date(),
                    version=order["date_modified_gmt"],
                )

    def close(self) -> None:
        return

    def _envelope(self, external_id: str) -> Envelope:
        order = self.orders.get(external_id)
        if order is None:
            return Envelope(external_id, "", {"id": int(external_id)}, deleted=True)
        return Envelope(external_id, order["date_modified_gmt"], copy.deepcopy(order))


def total_of(order: dict) -> Decimal:
    return order_from_woocommerce(order, SourceOptions()).totals.grand.amount
