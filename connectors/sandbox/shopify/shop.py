"""The state of the shop: orders as GraphQL shows them, subscriptions, tokens, the bucket, and what people do."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import threading
import time
import zoneinfo
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from connectors.sandbox.catalogue import TAX_PERCENT, Product, catalogue
from connectors.sandbox.ledger import Entry, Ledger

Json = dict[str, Any]
#: `(topic, body)`.
Listener = Callable[[str, Json], None]
_CENT: Final = Decimal("0.01")
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
    scopes: tuple[str, ...] = ("read_orders", "read_all_orders", "read_products", "read_locations")
    title: str = "Teeladen Müller"
    zone_name: str = "Europe/Berlin"
    currency: str = "EUR"
    taxes_included: bool = True
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
        self._products = catalogue(20)
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

    def sell(self, lines: list[tuple[str, int]] | None = None) -> Json:
        """A customer buys; the order."""
        with self.lock:
            number = next(self._numbers)
            products = {product.sku: product for product in self._products}
            first = self._products[number % len(self._products)]
            wanted = [(products[sku], count) for sku, count in lines or [(first.sku, 1 + number % 3)]]
            order = self._order(number, wanted)
            self.orders[number] = order
            self._tell("order.create", "orders/create", order)
            return order

    def edit(self, number: int, **fields: Any) -> None:
        """A person changes fields of the order."""
        with self.lock:
            order = self.orders[number] | fields
            self.orders[number] = order | {"updatedAt": _written(self.now())}
            self._tell("order.update", "orders/updated", self.orders[number])

    def cancel(self, number: int) -> None:
        """A person cancels it."""
        self.edit(number, cancelledAt=_written(self.now()))

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

    def _bag(self, amount: Decimal) -> Json:
        # As GraphQL writes it: "10.0", "10.5", "10.55".
        text = f"{amount.quantize(_CENT).normalize():f}"
        money = {"amount": text if "." in text else f"{text}.0", "currencyCode": self.settings.currency}
        return {"shopMoney": money, "presentmentMoney": dict(money)}

    def _order(self, number: int, wanted: list[tuple[Product, int]]) -> Json:
        lines = [self._line(number * 10 + place, product, count) for place, (product, count) in enumerate(wanted)]
        shipping, taxes = Decimal("4.90"), [line.pop("_tax") for line in lines]
        goods = sum((line.pop("_gross") for line in lines), Decimal(0))
        shipping_tax = _inside(shipping, Decimal(19))
        total, tax, at = goods + shipping, sum(taxes, shipping_tax), _written(self.now())
        paid = {
            "id": f"gid://shopify/OrderTransaction/{number}1",
            "kind": "SALE",
            "status": "SUCCESS",
            "gateway": "shopify_payments",
            "formattedGateway": "Shopify Payments",
            "processedAt": at,
            "test": False,
            "amountSet": self._bag(total),
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
            "presentmentCurrencyCode": self.settings.currency,
            "taxesIncluded": True,
            "dutiesIncluded": False,
            "test": False,
            **{name: [] for name in ("tags", "discountCodes", "customAttributes", "additionalFees", "refunds")},
            "email": f"kunde{number}@example.test",
            "sourceName": "web",
            "confirmationNumber": f"C{number}",
            "paymentGatewayNames": ["shopify_payments"],
            "displayFinancialStatus": "PAID",
            "displayFulfillmentStatus": "UNFULFILLED",
            "totalPriceSet": self._bag(total),
            "currentTotalPriceSet": self._bag(total),
            "totalReceivedSet": self._bag(total),
            "totalRefundedSet": self._bag(Decimal(0)),
            "totalTaxSet": self._bag(tax),
            "totalTipReceivedSet": self._bag(Decimal(0)),
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
                    "originalPriceSet": self._bag(shipping),
                    "discountedPriceSet": self._bag(shipping),
                    "taxLines": [self._tax(shipping_tax, Decimal(19))],
                    "isRemoved": False,
                }
            ],
            "taxLines": [self._tax(tax, Decimal(19))],
            "transactions": [paid],
        }

    def _line(self, number: int, product: Product, count: int) -> Json:
        gross, percent = product.gross_price * count, TAX_PERCENT[product.tax_class]
        tax = _inside(gross, percent)
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
            "originalUnitPriceSet": self._bag(product.gross_price),
            "discountAllocations": [],
            "taxLines": [self._tax(tax, percent)],
            "duties": [],
            "isGiftCard": False,
            "requiresShipping": not product.virtual,
            "product": {"id": f"gid://shopify/Product/{number}"},
            "variant": {"id": f"gid://shopify/ProductVariant/{number}"},
            "customAttributes": [],
            "lineItemGroup": None,
        }

    def _tax(self, amount: Decimal, percent: Decimal) -> Json:
        return {"title": "MwSt", "rate": float(percent / 100), "priceSet": self._bag(amount)}


def _inside(gross: Decimal, percent: Decimal) -> Decimal:
    return (gross * percent / (100 + percent)).quantize(_CENT, rounding=ROUND_HALF_UP)


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
