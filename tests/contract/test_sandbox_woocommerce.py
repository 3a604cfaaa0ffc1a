"""The sandbox shop is held against the recorded exchanges of a real WooCommerce 11.0.1.

All recorded requests are sent, in their order, to a sandbox that is brought to the recorded state; status, headers that
matter, key sets, types, error codes and computed amounts must be the recorded ones. What differs stands with its reason
in `sandbox_woocommerce_differences.yaml`, and a line there that no longer differs fails.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import re
import time
from collections.abc import Callable
from decimal import Decimal

import pytest

from connectors.sandbox.woocommerce.app import WooCommerce
from connectors.sandbox.woocommerce.deliveries import Behaviour
from connectors.sandbox.woocommerce.drafts import BasketLine, Draft, Shipping, make_order
from connectors.sandbox.woocommerce.orders import place, read_address
from connectors.sandbox.woocommerce.products import create_product
from connectors.sandbox.woocommerce.refunds import create_refund
from connectors.sandbox.woocommerce.settings import ShopSettings
from connectors.sandbox.woocommerce.shop import Shop
from tests.contract.recorded_shop import (
    FULL_KEY,
    READING_KEY,
    allowed_differences,
    as_request,
    differences,
    exchanges,
)


@dataclasses.dataclass
class Checkout:
    """An order of the recorded shop's own checkout, which has no REST route here."""

    body: dict

    def place(self, shop: Shop) -> None:
        body = self.body
        lines = [BasketLine(shop.products[shop.skus[line["sku"]]], line["quantity"]) for line in body["line_items"]]
        shop.ids.used("post", body["id"] - 1)
        order = make_order(
            shop,
            Draft(
                lines=lines,
                billing=read_address(body["billing"], billing=True),
                shipping=read_address(body["shipping"], billing=False),
                shipping_lines=[Shipping("DHL Paket", Decimal("4.12"), "flat_rate", "1")] * len(body["shipping_lines"]),
                coupons=[shop.settings.coupon(line["code"]) for line in body["coupon_lines"]],
                status=body["status"],
                created=body["date_created_gmt"],
                created_via="store-api",
                payment_method=body["payment_method"],
                payment_method_title=body["payment_method_title"],
                customer_note=body["customer_note"],
                meta=[("_shipping_hash", "x"), ("is_vat_exempt", "no")],
            ),
        )
        place(shop, order)
        shop.save_order(order, "order.create", modified=body["date_modified_gmt"])


@functools.cache
def _recorded_orders() -> dict[int, dict]:
    """The first full body of each order, from lists, reads and deliveries."""
    found: dict[int, dict] = {}
    for exchange in exchanges():
        replies = exchange.response["json"]
        for body in replies if isinstance(replies, list) else [replies]:
            if isinstance(body, dict) and "order_key" in body and "line_items" in body:
                found.setdefault(body["id"], body)
    return found


def _place_recorded(*numbers: int) -> Callable[[Shop], None]:
    def interlude(shop: Shop) -> None:
        recorded = _recorded_orders()
        for number in numbers:
            Checkout(recorded[number]).place(shop)

    return interlude


def _small_orders(shop: Shop) -> None:
    """Orders 27 to 30 were made by a loop whose exchanges were not kept."""
    recorded = _recorded_orders()
    for number in (27, 28, 29, 30):
        known = recorded.get(number)
        address = read_address(recorded[26]["billing"], billing=True)
        product = shop.products[shop.skus["SIEB-ST"]]
        quantity = known["line_items"][0]["quantity"] if known else 2
        draft = Draft(
            lines=[BasketLine(product, quantity)],
            billing=address,
            shipping=read_address({}, billing=False),
            status="processing",
            created="2026-11-21T23:01:59",
            paid="2026-11-21T23:01:59",
        )
        place(shop, make_order(shop, draft))


def _goodwill_refund(shop: Shop) -> None:
    sent = {"amount": "3.50", "reason": "Kulanz", "api_refund": False}
    create_refund(shop, shop.order(19).document(), sent)


def _net_prices(shop: Shop) -> None:
    shop.settings = dataclasses.replace(shop.settings, prices_include_tax=False)


def _small_set(shop: Shop) -> None:
    shop.ids.used("post", 187)
    product = {"name": 'Tee & <b>Gebäck</b> "Set" 5 > 3', "sku": "SET/ÄÖ #1", "regular_price": "11"}
    create_product(shop, product | {"manage_stock": True, "stock_quantity": 3})


def _delivered(*numbers: int) -> Callable[[Shop], None]:
    """A delivery, good or bad, moves the webhook's modification time; the replay itself sends none."""

    def interlude(shop: Shop) -> None:
        for number in numbers:
            shop.webhooks[number]["date_modified_gmt"] = shop.now()

    return interlude


def _disabled(*numbers: int) -> Callable[[Shop], None]:
    def interlude(shop: Shop) -> None:
        for number in numbers:
            shop.webhooks[number]["status"] = "disabled"

    return interlude


def _gross_prices(shop: Shop) -> None:
    shop.settings = dataclasses.replace(shop.settings, prices_include_tax=True)
    shop.ids.used("post", 192)


def _mode(name: str) -> Callable[[Shop], None]:
    def interlude(shop: Shop) -> None:
        shop.mode = name

    return interlude


def _fulfillments(on: bool) -> Callable[[Shop], None]:  # noqa: FBT001
    def interlude(shop: Shop) -> None:
        shop.settings = dataclasses.replace(shop.settings, fulfillments=on)

    return interlude


#: What happened in the recorded shop before the exchange of that number without an exchange of its own.
INTERLUDES: dict[int, list[Callable[[Shop], None]]] = {
    39: [_place_recorded(19, 20, 21, 22)],
    43: [_small_orders],
    77: [_goodwill_refund],
    122: [_delivered(1, 2, 3, 4, 6)],
    130: [_delivered(5, 7, 8, 9), _disabled(5, 6, 9)],
    140: [_net_prices, _place_recorded(186)],
    148: [_small_set],
    150: [_mode("maintenance")],
    151: [_mode("")],
    152: [_fulfillments(on=False)],
    161: [_mode("database-down")],
    163: [_mode(""), _fulfillments(on=True), _gross_prices],
}


class StoppedShop(Shop):
    """Its clock stands at the recorded second: on a busy machine a running one reaches the next, and lists turn."""

    moment = 0.0

    def now(self) -> str:
        return dt.datetime.fromtimestamp(self.moment, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.fixture(scope="module")
def replayed() -> dict[str, list[str]]:
    """Exchange -> its differences, after all were sent to one shop."""
    shop = StoppedShop(ShopSettings(keys=(FULL_KEY, READING_KEY), host="127.0.0.1:8801"))
    app = WooCommerce(shop, behaviour=Behaviour(delay_s=3_600))
    found: dict[str, list[str]] = {}
    for exchange in exchanges():
        shop.moment = exchange.sent_at
        # For the signatures, which are old or not by the second.
        shop.clock_offset_s = exchange.sent_at - time.time()
        for interlude in INTERLUDES.get(exchange.number, ()):
            interlude(shop)
        found[exchange.name] = sorted(set(differences(exchange.response, app(as_request(exchange)))))
    app.deliveries.close()
    return found


@pytest.mark.loopback
def test_every_difference_from_the_recordings_has_its_reason(replayed):
    allowed = allowed_differences()
    unexplained = {
        name: left
        for name, found in replayed.items()
        if (left := [text for text in found if not any(_covers(line, name, text) for line in allowed)])
    }

    assert unexplained == {}


@pytest.mark.loopback
def test_no_reason_stands_for_a_difference_that_is_gone(replayed):
    idle = [
        (line.files, line.difference)
        for line in allowed_differences()
        if not any(_covers(line, name, text) for name, found in replayed.items() for text in found)
    ]

    assert idle == []


def test_every_reason_says_why():
    for line in allowed_differences():
        assert len(line.reason.split()) >= 4, line


def _covers(line, name: str, text: str) -> bool:
    return re.match(line.files, name) is not None and re.search(line.difference, text) is not None
