"""The state of the shop: orders as GraphQL shows them, articles with their stock, and what people do.

The shapes, the amounts and what moves `updatedAt` are those of the recorded shop (3.7.3): it moves with the order's own
fields and with a cancellation, and not with a fulfilment, a refund or a note.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import threading
import time
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from connectors.sandbox.catalogue import TAX_PERCENT, Product, catalogue
from connectors.sandbox.discounts import CODE
from connectors.sandbox.ledger import Entry, Ledger
from connectors.sandbox.vendure.amounts import net, promote, prorate
from connectors.sandbox.vendure.parcels import MOVES, pieces_of, state_of

Json = dict[str, Any]
_SHIPPING: Final = Decimal(490)
_SHIPPING_RATE: Final = Decimal(19)
_ADDRESS: Final[Json] = {
    "fullName": "Jürgen Großmann-Øster",
    "company": "Teehaus «Łódź» & Co.",
    "streetLine1": "Straße des 17. Juni 135",
    "streetLine2": "Hinterhaus, 3. OG",
    "city": "Köln",
    "province": "",
    "postalCode": "50667",
    "country": "Deutschland",
    "countryCode": "DE",
    "phoneNumber": "+49 221 000111",
}


class Refused(Exception):
    """A typed error of the shop: what a mutation answers instead of its result."""

    def __init__(self, kind: str, code: str, message: str, transition: str = "") -> None:
        super().__init__(message)
        self.record: Json = {"__typename": kind, "errorCode": code, "message": message}
        if transition:
            self.record["transitionError"] = transition


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """Everything of a shop that is set and not sold."""

    api_key: str = dataclasses.field(default="vendure_sandbox", repr=False)
    login: str = "crossdock"
    password: str = dataclasses.field(default="vendure_sandbox", repr=False)
    permissions: tuple[str, ...] = (
        *("Authenticated", "ReadOrder", "UpdateOrder", "ReadCatalog", "UpdateCatalog", "ReadSettings"),
    )
    currency: str = "EUR"
    precision: int = 2
    channel: str = "__default_channel__"
    locations: tuple[str, ...] = ("Default Stock Location",)
    articles: int = 20


class Shop:
    """One shop. Everything that changes it holds `lock`."""

    def __init__(self, settings: ShopSettings | None = None, *, ledger: Ledger | None = None) -> None:
        self.settings = settings or ShopSettings()
        self.ledger = Ledger() if ledger is None else ledger
        self.lock = threading.RLock()
        self.orders: dict[str, Json] = {}
        #: Order -> how many percent of its goods a promotion takes off.
        self._promotions: dict[str, Decimal] = {}
        self.clock_offset_s = 0.0
        self._numbers = {name: itertools.count(1) for name in ("order", "line", "payment", "refund", "parcel", "note")}
        self._products = {product.sku: product for product in catalogue(self.settings.articles)}
        self.variants: dict[str, Json] = {
            str(number): {
                "id": str(number),
                "sku": product.sku,
                "name": product.name,
                "trackInventory": "FALSE" if product.virtual else "TRUE",
                "stockLevels": [
                    {"stockLocationId": str(place), "stockOnHand": product.stock, "stockAllocated": 0}
                    for place, _ in enumerate(self.settings.locations, 1)
                ],
            }
            for number, product in enumerate(self._products.values(), 1)
        }

    # -- time ------------------------------------------------------------------------------------------------

    def now(self) -> dt.datetime:
        """The shop's clock, in whole seconds, as its database keeps them."""
        return dt.datetime.fromtimestamp(int(time.time() + self.clock_offset_s), tz=dt.UTC)

    def _written(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def _next(self, name: str) -> str:
        return str(next(self._numbers[name]))

    # -- customers -------------------------------------------------------------------------------------------

    def sell(self, lines: Iterable[tuple[str, int]] | None = None, *, percent: Decimal = Decimal(0)) -> Json:
        """A customer buys, with a code that takes `percent` off the goods, and pays; the order.

        Raises KeyError for an article that it does not sell.
        """
        with self.lock:
            number = self._next("order")
            chosen = list(self._products)[int(number) % len(self._products)]
            wanted = list(lines or [(chosen, 1 + int(number) % 3)])
            at = self._written()
            order = self._order(number, at, [self._line(self._products[sku], count) for sku, count in wanted])
            if percent:
                self._promotions[number] = percent
                order["couponCodes"].append(CODE)
            self._count(order)
            order["payments"].append(self._payment(order, at))
            for line in order["lines"]:
                self._allocate(line, line["quantity"])
            self.orders[number] = order
            self._tell("order.create", order)
            return order

    def _order(self, number: str, at: str, lines: list[Json]) -> Json:
        person = {"firstName": "Jürgen", "lastName": "Großmann-Øster", "emailAddress": f"kunde{number}@example.test"}
        return {
            "__typename": "Order",
            "id": number,
            "code": f"SBX{int(number):013d}",
            "type": "Regular",
            "state": "PaymentSettled",
            "active": False,
            "currencyCode": self.settings.currency,
            "createdAt": at,
            "updatedAt": at,
            "orderPlacedAt": at,
            "couponCodes": [],
            "discounts": [],
            "surcharges": [],
            "customer": {"id": number, "phoneNumber": None, "user": None, **person},
            "billingAddress": dict(_ADDRESS),
            "shippingAddress": dict(_ADDRESS),
            "lines": lines,
            "shippingLines": [
                {
                    "id": number,
                    "shippingMethod": {"code": "dhl", "name": "DHL Paket"},
                    # Not rounded, as the real shop leaves it.
                    "price": float(_SHIPPING * 100 / (100 + _SHIPPING_RATE)),
                    "priceWithTax": int(_SHIPPING),
                    "discountedPrice": net(_SHIPPING, _SHIPPING_RATE),
                    "discountedPriceWithTax": int(_SHIPPING),
                }
            ],
            "payments": [],
            "fulfillments": [],
            "history": [],
        }

    def _line(self, product: Product, count: int) -> Json:
        percent, gross = TAX_PERCENT[product.tax_class], int(product.gross_price * 100)
        variant = next(row for row in self.variants.values() if row["sku"] == product.sku)
        unit = net(Decimal(gross), percent)
        return {
            "id": self._next("line"),
            "quantity": count,
            "orderPlacedQuantity": count,
            "unitPrice": unit,
            "unitPriceWithTax": gross,
            "proratedUnitPrice": unit,
            "proratedUnitPriceWithTax": gross,
            "taxLines": [{"description": f"MwSt {percent}", "taxRate": int(percent)}],
            "discounts": [],
            "productVariant": {name: variant[name] for name in ("id", "sku", "name")},
        }

    def _payment(self, order: Json, at: str) -> Json:
        number = self._next("payment")
        return {
            "id": number,
            "method": "vorkasse",
            "amount": order["totalWithTax"],
            "state": "Settled",
            "transactionId": f"tx{int(number):07d}",
            "createdAt": at,
            "updatedAt": at,
            "refunds": [],
        }

    def _count(self, order: Json) -> None:
        """The sums of the order by what its lines are now."""
        taxes: dict[tuple[str, int], list[int]] = {}
        promote(order, self._promotions.get(order["id"], Decimal(0)))
        for line in order["lines"]:
            [rate] = line["taxLines"]
            prorate(line)
            sums = taxes.setdefault((rate["description"], rate["taxRate"]), [0, 0])
            sums[0] += line["proratedLinePrice"]
            sums[1] += line["proratedLinePriceWithTax"] - line["proratedLinePrice"]
        taken = any(each["adjustmentSource"] == "CANCEL_ORDER" for each in order["discounts"])
        shipping = 0 if taken else int(_SHIPPING)
        shipping_net = net(Decimal(shipping), _SHIPPING_RATE)
        order["shippingLines"][0] |= {"discountedPrice": shipping_net, "discountedPriceWithTax": shipping}
        taxes["shipping tax", int(_SHIPPING_RATE)] = [shipping_net, shipping - shipping_net]
        goods = sum(line["proratedLinePriceWithTax"] for line in order["lines"])
        goods_net = sum(line["proratedLinePrice"] for line in order["lines"])
        order |= {
            "subTotal": goods_net,
            "subTotalWithTax": goods,
            "shipping": shipping_net,
            "shippingWithTax": shipping,
            "total": goods_net + shipping_net,
            "totalWithTax": goods + shipping,
            "totalQuantity": sum(line["quantity"] for line in order["lines"]),
            "taxSummary": [
                {"description": name, "taxRate": rate, "taxBase": base, "taxTotal": tax}
                for (name, rate), (base, tax) in taxes.items()
            ],
        }

    # -- administrators --------------------------------------------------------------------------------------

    def edit(self, number: str, **fields: Any) -> None:
        """A person changes fields of the order."""
        with self.lock:
            self.orders[number] |= {**fields, "updatedAt": self._written()}
            self._tell("order.update", self.orders[number])

    def cancel(self, number: str, lines: Mapping[str, int] | None = None) -> None:
        """A person cancels pieces (line -> how many), or all of it with its shipping."""
        with self.lock:
            order = self.orders[number]
            for line in order["lines"]:
                gone = line["quantity"] if lines is None else lines.get(line["id"], 0)
                line["quantity"] -= gone
                self._allocate(line, -gone)
            if lines is None:
                shipping = net(_SHIPPING, _SHIPPING_RATE)
                source = {"adjustmentSource": "CANCEL_ORDER", "type": "OTHER", "description": "shipping cancellation"}
                order["discounts"].append(source | {"amount": -shipping, "amountWithTax": -int(_SHIPPING)})
                order["state"] = "Cancelled"
            self._count(order)
            self.edit(number)

    def delete(self, number: str) -> None:
        """It is gone, and nothing says so."""
        with self.lock:
            self._tell("order.delete", self.orders.pop(number))

    def fulfil(self, lines: Iterable[Json], method: str, tracking: str) -> Json:
        """A new parcel, `Pending`. Raises Refused, KeyError for a line that there is not."""
        with self.lock:
            wanted = {str(line["orderLineId"]): int(line["quantity"]) for line in lines}
            order = next(each for each in self.orders.values() if {line["id"] for line in each["lines"]} & set(wanted))
            known = {line["id"]: line for line in order["lines"]}
            if unknown := sorted(set(wanted) - set(known)):
                raise KeyError(unknown[0])
            parcels = [each for each in order["fulfillments"] if each["state"] != "Cancelled"]
            sent = {line: pieces_of(parcels, line) for line in known}
            if any(count + sent[line] > known[line]["quantity"] for line, count in wanted.items()):
                text = "One or more OrderItems are already part of a Fulfillment"
                raise Refused("ItemsAlreadyFulfilledError", "ITEMS_ALREADY_FULFILLED_ERROR", text)
            at = self._written()
            parcel = {
                "__typename": "Fulfillment",
                "id": self._next("parcel"),
                "state": "Pending",
                "method": method,
                "trackingCode": tracking,
                "createdAt": at,
                "updatedAt": at,
                "lines": [{"orderLineId": line, "quantity": count} for line, count in wanted.items()],
            }
            order["fulfillments"].append(parcel)
            self._ship(known, parcel, 1)
            self._tell("fulfilment.create", order)
            return parcel

    def move_parcel(self, number: str, state: str) -> Json:
        """A parcel goes on, and the order's own state follows. Raises Refused, StopIteration for one not there."""
        with self.lock:
            found: tuple[Json, Json] = next(
                (order, each)
                for order in self.orders.values()
                for each in order["fulfillments"]
                if each["id"] == number
            )
            order, parcel = found
            if state not in MOVES[parcel["state"]]:
                text = f'Cannot transition Fulfillment from "{parcel["state"]}" to "{state}"'
                code = "FULFILLMENT_STATE_TRANSITION_ERROR"
                raise Refused("FulfillmentStateTransitionError", code, f"errorResult.{code}", text)
            parcel |= {"state": state, "updatedAt": self._written()}
            if state == "Cancelled":
                self._ship({line["id"]: line for line in order["lines"]}, parcel, -1)
            order["state"] = state_of(order)
            self._tell("fulfilment.move", order)
            return parcel

    def move(self, number: str, state: str) -> Json:
        """A person moves the order, as far as its parcels allow it. Raises Refused, KeyError."""
        with self.lock:
            order = self.orders[number]
            # Somebody begins to change it; anything else its parcels decide.
            if order["state"] == state or state not in {"Modifying", state_of(order)}:
                text = f'Cannot transition Order from "{order["state"]}" to "{state}"'
                code = "ORDER_STATE_TRANSITION_ERROR"
                raise Refused("OrderStateTransitionError", code, f"errorResult.{code}", text)
            self.edit(number, state=state)
            return order

    def give_back(self, told: Json, state: str = "Pending") -> Json:
        """A refund of one payment. Raises Refused, StopIteration for a payment that there is not."""
        with self.lock:
            order, payment = next(
                (order, each)
                for order in self.orders.values()
                for each in order["payments"]
                if each["id"] == told["paymentId"]
            )
            prices = {line["id"]: line["proratedUnitPriceWithTax"] for line in order["lines"]}
            lines = [{"orderLineId": str(each["orderLineId"]), "quantity": each["quantity"]} for each in told["lines"]]
            items = 0 if told.get("amount") else sum(prices[each["orderLineId"]] * each["quantity"] for each in lines)
            total = told.get("amount") or items + told.get("shipping", 0) + told.get("adjustment", 0)
            if total > payment["amount"] - sum(each["total"] for each in payment["refunds"]):
                text = "The amount specified exceeds the refundable amount for this payment"
                raise Refused("RefundAmountError", "REFUND_AMOUNT_ERROR", text)
            at = self._written()
            refund = {
                "__typename": "Refund",
                "id": self._next("refund"),
                "state": state,
                "total": total,
                "items": items,
                "shipping": told.get("shipping", 0),
                "adjustment": told.get("adjustment", 0),
                "reason": told.get("reason") or "",
                "method": payment["method"],
                "transactionId": None,
                "createdAt": at,
                "updatedAt": at,
                "paymentId": payment["id"],
                "lines": lines,
            }
            payment["refunds"].append(refund)
            self._tell("refund.create", order)
            return refund

    def add_note(self, number: str, text: str, *, public: bool) -> Json:
        """A note in the order's history. Raises KeyError."""
        with self.lock:
            order, at = self.orders[number], self._written()
            note = {"id": self._next("note"), "type": "ORDER_NOTE", "isPublic": public, "data": {"note": text}}
            order["history"].append(note | {"createdAt": at, "updatedAt": at})
            self._tell("note.create", order)
            return order

    def change_note(self, number: str, text: str) -> Json:
        """Another text of a note. Raises StopIteration for one that there is not."""
        with self.lock:
            order, note = next(
                (order, each) for order in self.orders.values() for each in order["history"] if each["id"] == number
            )
            found: Json = note
            found |= {"data": {"note": text}, "updatedAt": self._written()}
            self._tell("note.update", order)
            return found

    def count_stock(self, number: str, place: str, on_hand: int) -> Json:
        """A person counts. Raises KeyError for an article that there is not."""
        with self.lock:
            variant = self.variants[number]
            _level(variant, place)["stockOnHand"] = on_hand
            self.ledger.append(Entry("stock.set", "", number, document=variant))
            return variant

    # -- parts -----------------------------------------------------------------------------------------------

    def _allocate(self, line: Json, pieces: int) -> None:
        variant = self.variants[line["productVariant"]["id"]]
        if variant["trackInventory"] == "TRUE":
            _level(variant, "1")["stockAllocated"] += pieces

    def _ship(self, lines: Mapping[str, Json], parcel: Json, sign: int) -> None:
        for each in parcel["lines"]:
            line, pieces = lines[each["orderLineId"]], sign * each["quantity"]
            self._allocate(line, -pieces)
            variant = self.variants[line["productVariant"]["id"]]
            if variant["trackInventory"] == "TRUE":
                _level(variant, "1")["stockOnHand"] -= pieces

    def _tell(self, kind: str, order: Json) -> None:
        self.ledger.append(Entry(kind, "", order["id"], str(order["totalWithTax"]), document=order["id"]))


def _level(variant: Json, place: str) -> Json:
    found: Json = next(level for level in variant["stockLevels"] if level["stockLocationId"] == place)
    return found
