"""The state of the shop: orders as GraphQL shows them, subscriptions, tokens, the bucket, and what people do."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import threading
import time
import zoneinfo
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from connectors.sandbox.catalogue import TAX_PERCENT, Product, catalogue
from connectors.sandbox.discounts import CODE, shares
from connectors.sandbox.ledger import Entry, Ledger
from connectors.sandbox.shopify.goods import Goods, Parcels, unsent
from connectors.sandbox.shopify.till import CENT, Till, inside, seen

Json = dict[str, Any]
#: `(topic, body)`.
Listener = Callable[[str, Json], None]
_ADDRESS: Final[Json] = {
    "firstName": "Jürgen",
    "lastName": "Großmann",
    "company": None,
    "address1": "Straße des 17. Juni 135",
    "address2": None,
    "city": "Berlin",
    "province": None,
    "provinceCode": None,
    "zip": "10623",
    "countryCodeV2": "DE",
    "phone": None,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """Everything of a shop that is set and not sold."""

    client_id: str = "shopify_app"
    client_secret: str = dataclasses.field(default="shpss_sandbox", repr=False)
    #: With what deliveries are signed; empty: the client secret.
    signing_secret: str = dataclasses.field(default="", repr=False)
    scopes: tuple[str, ...] = (
        *("read_orders", "read_all_orders", "read_products", "read_locations", "read_inventory"),
        *("write_orders", "write_inventory", "write_merchant_managed_fulfillment_orders"),
    )
    title: str = "Teeladen Müller"
    zone_name: str = "Europe/Berlin"
    currency: str = "EUR"
    #: What customers may pay in beside it -> how much of that one unit of the shop's own is worth.
    rates: Mapping[str, Decimal] = dataclasses.field(default_factory=lambda: {"CHF": Decimal("0.9437")})
    taxes_included: bool = True
    locations: tuple[str, ...] = ("Lager Berlin",)
    #: How often an order is still read as it was after its cancellation was begun.
    cancel_reads: int = 0
    #: How often a bulk operation is looked at before its file is there.
    bulk_looks: int = 1
    version: str = "2026-07"
    #: Points of the bucket, and how many of them come back each second.
    bucket: int = 2000
    restore_rate: int = 100


class Shop:
    """One shop. Everything that changes it holds `lock`."""

    def __init__(self, settings: ShopSettings | None = None, *, ledger: Ledger | None = None) -> None:
        self.settings = settings or ShopSettings()
        self.ledger = Ledger() if ledger is None else ledger
        self.lock = threading.RLock()
        self.orders: dict[int, Json] = {}
        self.subscriptions: dict[int, Json] = {}
        self.listeners: list[Listener] = []
        self.clock_offset_s = 0.0
        self._numbers = itertools.count(5001)
        self._refunds = itertools.count(6001)
        self._products = catalogue(20)
        self.goods = Goods(self._products, self.settings.locations)
        self.parcels = Parcels(self.goods.locations)
        self._tills: dict[int, Till] = {}
        self._bucket, self._filled_at = float(self.settings.bucket), time.monotonic()

    # -- time, cost ------------------------------------------------------------------------------------------

    def now(self) -> dt.datetime:
        """The shop's clock, in whole seconds."""
        return dt.datetime.fromtimestamp(int(time.time() + self.clock_offset_s), tz=dt.UTC)

    def take(self, cost: int) -> tuple[bool, int]:
        """Whether the bucket had so many points, and how many it has now."""
        with self.lock:
            now = time.monotonic()
            self._bucket += (now - self._filled_at) * self.settings.restore_rate
            self._bucket, self._filled_at = min(self._bucket, self.settings.bucket), now
            if self._bucket < cost:
                return False, int(self._bucket)
            self._bucket -= cost
            return True, int(self._bucket)

    def drain(self) -> None:
        """Another app of the same shop, or we ourselves, have emptied the bucket."""
        with self.lock:
            self._bucket, self._filled_at = 0.0, time.monotonic()

    # -- what people do --------------------------------------------------------------------------------------

    def sell(
        self, lines: list[tuple[str, int]] | None = None, currency: str = "", *, percent: Decimal = Decimal(0)
    ) -> Json:
        """A customer buys, pays in `currency`, and has a code that takes `percent` off the goods; the order.

        Raises KeyError for what the shop does not take.
        """
        with self.lock:
            number = next(self._numbers)
            products = {product.sku: product for product in self._products}
            first = self._products[number % len(self._products)]
            wanted = [(products[sku], count) for sku, count in lines or [(first.sku, 1 + number % 3)]]
            own = self.settings.currency
            rate = self.settings.rates[currency] if currency and currency != own else Decimal(1)
            self._tills[number] = Till(own, currency or own, rate)
            order = self._order(number, wanted, percent)
            self.orders[number] = order
            for product, count in wanted:
                self.goods.move(product.sku, -count)
            self._tell("order.create", "orders/create", order)
            return order

    def edit(self, number: int, **fields: Any) -> None:
        """A person changes fields of the order."""
        with self.lock:
            order = self.orders[number] | fields
            self.orders[number] = order | {"updatedAt": _written(self.now())}
            self._tell("order.update", "orders/updated", self.orders[number])

    def cancel(self, number: int) -> None:
        """A person cancels it: nothing of it is sent any more, and its pieces are back in stock."""
        with self.lock:
            order = self.orders[number]
            skus = {line["id"]: line["sku"] for line in order["lineItems"]}
            for each in order["fulfillmentOrders"]:
                each["status"] = "CLOSED"
                for line in each["lineItems"]:
                    self.goods.move(skus[line["lineItem"]["id"]], line["remainingQuantity"])
            at = _written(self.now())
            self.edit(number, cancelledAt=at, closedAt=at)

    def remove(self, number: int, line_id: str, pieces: int) -> None:
        """A person edits the order: so many pieces are taken out before they were sent, and paid back to nobody."""
        with self.lock:
            order = self.orders[number]
            line = next(each for each in order["lineItems"] if each["id"] == line_id)
            line["currentQuantity"] -= unsent(order, line_id, pieces)
            self.goods.move(line["sku"], pieces)
            worth = seen(line["originalUnitPriceSet"]) * pieces
            total = seen(order["currentTotalPriceSet"]) - worth
            self.edit(number, currentTotalPriceSet=self._tills[number].bag(total))

    def refund(
        self, number: int, lines: Mapping[str, int] | None = None, amount: Decimal | None = None, reason: str = ""
    ) -> Json:
        """An administrator gives pieces of some lines back, or an amount alone; the refund."""
        with self.lock:
            order, till = self.orders[number], self._tills[number]
            given = [self._given(order, line, pieces, till) for line, pieces in (lines or {}).items()]
            worth = sum((seen(each["subtotalSet"]) for each in given), Decimal(0))
            total, at = worth if amount is None else amount, _written(self.now())
            kept = total - worth
            refund = {
                "__typename": "Refund",
                "id": f"gid://shopify/Refund/{next(self._refunds)}",
                "createdAt": at,
                "processedAt": at,
                "note": reason,
                "totalRefundedSet": till.bag(total),
                "refundLineItems": given,
                "refundShippingLines": [],
                "duties": [],
                "orderAdjustments": [
                    {"reason": "REFUND_DISCREPANCY", "amountSet": till.bag(-kept), "taxAmountSet": till.bag(Decimal(0))}
                ]
                if kept
                else [],
            }
            self._book(number, refund, worth, total)
            return refund

    def _given(self, order: Json, line_id: str, pieces: int, till: Till) -> Json:
        line = next(each for each in order["lineItems"] if each["id"].rpartition("/")[2] == line_id)
        never_left = unsent(order, line["id"], pieces)
        line["currentQuantity"] -= pieces
        self.goods.move(line["sku"], pieces)
        off = sum((seen(each["allocatedAmountSet"]) for each in line["discountAllocations"]), Decimal(0))
        gross = (seen(line["originalUnitPriceSet"]) * pieces - off * pieces / line["quantity"]).quantize(CENT)
        percent = Decimal(str(line["taxLines"][0]["rate"])) * 100
        return {
            "lineItem": {"id": line["id"]},
            "quantity": pieces,
            "restockType": "CANCEL" if never_left == pieces else "RETURN",
            "subtotalSet": till.bag(gross),
            "totalTaxSet": till.bag(inside(gross, percent)),
        }

    def _book(self, number: int, refund: Json, worth: Decimal, total: Decimal) -> None:
        order, till = self.orders[number], self._tills[number]
        back = seen(order["totalRefundedSet"]) + total
        moved = {
            **order["transactions"][0],
            "id": f"gid://shopify/OrderTransaction/{refund['id'].rpartition('/')[2]}9",
            "kind": "REFUND",
            "amountSet": till.bag(total),
            "fees": [],
        }
        self.edit(
            number,
            refunds=[*order["refunds"], refund],
            transactions=[*order["transactions"], moved],
            totalRefundedSet=till.bag(back),
            currentTotalPriceSet=till.bag(seen(order["currentTotalPriceSet"]) - worth),
            displayFinancialStatus="REFUNDED" if back >= seen(order["totalPriceSet"]) else "PARTIALLY_REFUNDED",
        )
        body = {"id": int(refund["id"].rpartition("/")[2]), "order_id": number}
        for listener in self.listeners:
            listener("refunds/create", body)

    def touch(self, order: Json) -> None:
        """Something on it was changed in place."""
        self.edit(int(order["id"].rpartition("/")[2]))

    def fulfilled(self, order: Json) -> None:
        """Goods have left for it."""
        self.touch(order)

    def stamp(self) -> str:
        """Now, as the API writes it."""
        return _written(self.now())

    def delete(self, number: int) -> None:
        """It is gone, and nothing but a webhook says so."""
        with self.lock:
            order = self.orders.pop(number)
            self._tell("order.delete", "orders/delete", order)

    def _tell(self, kind: str, topic: str, order: Json) -> None:
        number = order["id"].rpartition("/")[2]
        total = order["totalPriceSet"]["shopMoney"]["amount"]
        self.ledger.append(Entry(kind, "", number, total, document=order))
        body = {"id": int(number)} if topic == "orders/delete" else as_webhook(order, self.zone)
        for listener in self.listeners:
            listener(topic, body)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The shop's zone."""
        return zoneinfo.ZoneInfo(self.settings.zone_name)

    # -- making an order -------------------------------------------------------------------------------------

    def _order(self, number: int, wanted: list[tuple[Product, int]], percent: Decimal) -> Json:
        till = self._tills[number]
        bag = till.bag
        off = shares([till.price(product.gross_price) * count for product, count in wanted], percent, CENT)
        lines = [
            self._line(number * 10 + place, *each, till) for place, each in enumerate(zip(wanted, off, strict=True))
        ]
        shipping, taxes = till.price(Decimal("4.90")), [line.pop("_tax") for line in lines]
        goods = sum((line.pop("_gross") for line in lines), Decimal(0))
        shipping_tax = inside(shipping, Decimal(19))
        total, tax, at = goods + shipping, sum(taxes, shipping_tax), _written(self.now())
        paid = {
            "id": f"gid://shopify/OrderTransaction/{number}1",
            "kind": "SALE",
            "status": "SUCCESS",
            "gateway": "shopify_payments",
            "formattedGateway": "Shopify Payments",
            "processedAt": at,
            "test": False,
            "amountSet": bag(total),
            "fees": [{"amount": {"amount": "0.55", "currencyCode": self.settings.currency}}],
        }
        return {
            "__typename": "Order",
            "id": f"gid://shopify/Order/{number}",
            "name": f"#{number - 4000}",
            "createdAt": at,
            "processedAt": at,
            "updatedAt": at,
            **dict.fromkeys(
                ("cancelledAt", "closedAt", "note", "phone", "poNumber", "paymentTerms", "sourceIdentifier")
            ),
            "currencyCode": self.settings.currency,
            "presentmentCurrencyCode": till.currency,
            "taxesIncluded": True,
            "dutiesIncluded": False,
            "test": False,
            **{name: [] for name in ("tags", "customAttributes", "additionalFees", "refunds", "metafields")},
            "discountCodes": [CODE] if percent else [],
            "metafield": None,
            "fulfillments": [],
            "fulfillmentOrders": [self.parcels.to_send(lines)],
            "email": f"kunde{number}@example.test",
            "sourceName": "web",
            "confirmationNumber": f"C{number}",
            "paymentGatewayNames": ["shopify_payments"],
            "displayFinancialStatus": "PAID",
            "displayFulfillmentStatus": "UNFULFILLED",
            "totalPriceSet": bag(total),
            "currentTotalPriceSet": bag(total),
            "totalReceivedSet": bag(total),
            "totalRefundedSet": bag(Decimal(0)),
            "totalTaxSet": bag(tax),
            "totalTipReceivedSet": bag(Decimal(0)),
            "customer": {
                "id": f"gid://shopify/Customer/{number % 7}",
                "firstName": "Jürgen",
                "lastName": "Großmann",
                "defaultEmailAddress": {"emailAddress": f"kunde{number}@example.test"},
            },
            "purchasingEntity": {"__typename": "Customer"},
            "billingAddress": dict(_ADDRESS),
            "shippingAddress": dict(_ADDRESS),
            "lineItems": lines,
            "shippingLines": [
                {
                    "id": f"gid://shopify/ShippingLine/{number}5",
                    "title": "DHL",
                    "code": "dhl",
                    "source": "shopify",
                    "originalPriceSet": bag(shipping),
                    "discountedPriceSet": bag(shipping),
                    "taxLines": [_tax(shipping_tax, Decimal(19), till)],
                    "isRemoved": False,
                }
            ],
            "taxLines": [_tax(tax, Decimal(19), till)],
            "transactions": [paid],
        }

    def _line(self, number: int, bought: tuple[Product, int], off: Decimal, till: Till) -> Json:
        product, count = bought
        price, percent = till.price(product.gross_price), TAX_PERCENT[product.tax_class]
        gross, article = price * count - off, self.goods.numbers[product.sku]
        tax = inside(gross, percent)
        return {
            "_tax": tax,
            "_gross": gross,
            "id": f"gid://shopify/LineItem/{number}",
            "sku": product.sku,
            "title": product.name,
            "name": product.name,
            "variantTitle": None,
            "quantity": count,
            "currentQuantity": count,
            "originalUnitPriceSet": till.bag(price),
            "discountAllocations": [_allocation(off, till)] if off else [],
            "taxLines": [_tax(tax, percent, till)],
            "duties": [],
            "isGiftCard": False,
            "requiresShipping": not product.virtual,
            "product": {"id": f"gid://shopify/Product/{article}"},
            "variant": {"id": f"gid://shopify/ProductVariant/{article}"},
            "customAttributes": [],
            "lineItemGroup": None,
        }


def _tax(amount: Decimal, percent: Decimal, till: Till) -> Json:
    return {"title": "MwSt", "rate": float(percent / 100), "priceSet": till.bag(amount)}


def _allocation(off: Decimal, till: Till) -> Json:
    application = {"__typename": "DiscountCodeApplication", "index": 0, "code": CODE}
    return {"allocatedAmountSet": till.bag(off), "discountApplication": application}


def _written(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def as_webhook(order: Json, zone: zoneinfo.ZoneInfo) -> Json:
    """What a delivery says of it: the beginning of the REST order, in the shop's own zone."""
    number = order["id"].rpartition("/")[2]
    times = {"created_at": "createdAt", "updated_at": "updatedAt", "processed_at": "processedAt"}
    return {
        "id": int(number),
        "admin_graphql_api_id": order["id"],
        "name": order["name"],
        "currency": order["currencyCode"],
        "total_price": f"{Decimal(order['totalPriceSet']['shopMoney']['amount']):.2f}",
        "financial_status": order["displayFinancialStatus"].lower(),
        **{rest: dt.datetime.fromisoformat(order[name]).astimezone(zone).isoformat() for rest, name in times.items()},
    }
