"""What the shop shows: amounts at the asked decimals, local times, links, and what is looked up at read time.

A line's SKU is the product's *now*: when the product is gone, the line reads `product_id: 0, sku: null`.
"""

from __future__ import annotations

import codecs
import functools
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import orjson

from connectors.sandbox.woocommerce.shop import Json, OrderRow, Shop

_SYMBOLS = {"EUR": "€", "JPY": "¥", "KWD": "د.ك", "USD": "$", "GBP": "£", "CHF": "CHF", "PLN": "zł", "SEK": "kr"}
_RECORD = ("GET", "POST", "PUT", "PATCH", "DELETE")
_LINE_MONEY = ("subtotal", "subtotal_tax", "total", "total_tax")
_ORDER_MONEY = (
    "discount_total",
    "discount_tax",
    "shipping_total",
    "shipping_tax",
    "cart_tax",
    "total",
    "total_tax",
)
_EDITABLE = frozenset({"pending", "on-hold", "auto-draft", "checkout-draft"})
_KEPT = Decimal("0.000001")
_UNPAID = frozenset({"pending", "failed"})


def _escape_unicode(error: UnicodeError) -> tuple[str, int]:
    r"""Codec error handler: `\uXXXX`, beyond the first plane as two surrogates, as JSON wants it."""
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)), error.end


codecs.register_error("sandbox.json", _escape_unicode)


def php_json(value: Any) -> bytes:
    """As PHP's json_encode writes it: ASCII only, slashes escaped. Signatures are made over these bytes."""
    return orjson.dumps(value).replace(b"/", b"\\/").decode().encode("ascii", "sandbox.json")


def amount_text(value: Decimal) -> str:
    """How an amount is kept: up to 6 decimals without trailing zeros, as WordPress' wc_format_decimal."""
    text = f"{value.quantize(_KEPT, ROUND_HALF_UP):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@functools.lru_cache(maxsize=200_000)
def show_amount(text: str, decimals: int) -> str:
    """A kept amount at `decimals`; "" stays "" (a shipping line's tax has no subtotal)."""
    if not text:
        return ""
    shown = f"{Decimal(text).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):f}"
    return shown[1:] if shown.startswith("-") and not shown.strip("-0.") else shown


class Renderer:
    """Renders the records of one shop; `host` is `name:port` as it stands in links."""

    def __init__(self, shop: Shop, host: str) -> None:
        self._shop = shop
        self.host = host

    def order_bytes(self, row: OrderRow, scheme: str, decimals: int | None = None) -> bytes:
        """One order as it goes over the wire; cached until it changes."""
        wanted = (scheme, self._shop.settings.decimals if decimals is None else decimals)
        shown = row.shown.get(wanted)
        if shown is None:
            shown = row.shown[wanted] = php_json(self.order(row.document(), scheme, wanted[1]))
        return shown

    def order(self, order: Json, scheme: str, decimals: int | None = None) -> Json:
        """One order as JSON, its keys in the recorded order."""
        shop = self._shop
        places = shop.settings.decimals if decimals is None else decimals
        number = order["id"]
        refunds = [
            {
                "id": refund["id"],
                "reason": refund["reason"],
                "total": show_amount("-" + refund["amount"], places),
                "total_tax": show_amount(refund["total_tax"], places),
            }
            for refund in reversed(order["refunds"])
        ]
        total = Decimal(order["total"])
        needs_processing = any(not self._virtual(line["product_id"]) for line in order["line_items"])
        return {
            "id": number,
            "parent_id": 0,
            "status": order["status"],
            "currency": order["currency"],
            "version": shop.settings.version,
            "prices_include_tax": order["prices_include_tax"],
            "date_created": shop.local(order["date_created_gmt"]),
            "date_modified": shop.local(order["date_modified_gmt"]),
            **{name: show_amount(order[name], places) for name in _ORDER_MONEY},
            "customer_id": order["customer_id"],
            "order_key": order["order_key"],
            "billing": order["billing"],
            "shipping": order["shipping"],
            "payment_method": order["payment_method"],
            "payment_method_title": order["payment_method_title"],
            "transaction_id": order["transaction_id"],
            "customer_ip_address": order["customer_ip_address"],
            "customer_user_agent": order["customer_user_agent"],
            "created_via": order["created_via"],
            "customer_note": order["customer_note"],
            "date_completed": shop.local(order["date_completed_gmt"]),
            "date_paid": shop.local(order["date_paid_gmt"]),
            "cart_hash": order["cart_hash"],
            "number": order["number"],
            "meta_data": order["meta_data"],
            **self._lines(order, places),
            "coupon_lines": order["coupon_lines"],
            "refunds": refunds,
            "payment_url": f"{scheme}://{self.host}/checkout/order-pay/{number}/"
            f"?pay_for_order=true&key={order['order_key']}",
            "is_editable": order["status"] in _EDITABLE,
            "needs_payment": order["status"] in _UNPAID and total > 0,
            "needs_processing": needs_processing and bool(order["line_items"]),
            "date_created_gmt": order["date_created_gmt"],
            "date_modified_gmt": order["date_modified_gmt"],
            "date_completed_gmt": order["date_completed_gmt"],
            "date_paid_gmt": order["date_paid_gmt"],
            "currency_symbol": _SYMBOLS.get(order["currency"], order["currency"]),
            "_links": {
                **self.links(scheme, "orders", number),
                "email_templates": [
                    {
                        "embeddable": True,
                        "href": self.href(scheme, f"orders/{number}/actions/email_templates"),
                    }
                ],
            },
        }

    def refund(self, refund: Json, order_id: int, scheme: str) -> Json:
        """One refund as the refunds routes show it: `amount` positive, lines negative."""
        places = self._shop.settings.decimals
        path = f"orders/{order_id}/refunds"
        shown = self._lines(refund, places)
        return {
            "id": refund["id"],
            "date_created": self._shop.local(refund["date_created_gmt"]),
            "date_created_gmt": refund["date_created_gmt"],
            "amount": show_amount(refund["amount"], places),
            "reason": refund["reason"],
            "refunded_by": 1,
            "refunded_payment": False,
            "meta_data": refund["meta_data"],
            "line_items": shown["line_items"],
            "shipping_lines": shown["shipping_lines"],
            "tax_lines": shown["tax_lines"],
            "fee_lines": shown["fee_lines"],
            "_links": self.links(scheme, path, refund["id"], allow=("GET", "DELETE"), up=f"orders/{order_id}"),
        }

    def note(self, note: Json, scheme: str) -> Json:
        """One order note."""
        path = f"orders/{note['order_id']}/notes"
        up = f"orders/{note['order_id']}"
        return {
            "id": note["id"],
            "author": "WooCommerce",
            "date_created": self._shop.local(note["date_created_gmt"]),
            "date_created_gmt": note["date_created_gmt"],
            "note": note["note"],
            "customer_note": note["customer_note"],
            "_links": self.links(scheme, path, note["id"], allow=("GET", "DELETE"), up=up),
        }

    def webhook(self, webhook: Json, scheme: str) -> Json:
        """One webhook; its secret is never shown."""
        resource, _, event = webhook["topic"].partition(".")
        return {
            "id": webhook["id"],
            "name": webhook["name"],
            "status": webhook["status"],
            "topic": webhook["topic"],
            "resource": resource,
            "event": event,
            "hooks": webhook["hooks"],
            "delivery_url": webhook["delivery_url"],
            "date_created": self._shop.local(webhook["date_created_gmt"]),
            "date_created_gmt": webhook["date_created_gmt"],
            "date_modified": self._shop.local(webhook["date_modified_gmt"]),
            "date_modified_gmt": webhook["date_modified_gmt"],
            "_links": self.links(scheme, "webhooks", webhook["id"]),
        }

    def href(self, scheme: str, path: str) -> str:
        """The full address of a route below `wc/v3`."""
        return f"{scheme}://{self.host}/wp-json/wc/v3/{path}"

    def links(
        self, scheme: str, path: str, number: int, *, allow: tuple[str, ...] = _RECORD, up: str | None = None
    ) -> Json:
        """The `_links` of a record of the collection `path`."""
        links: Json = {
            "self": [{"href": self.href(scheme, f"{path}/{number}"), "targetHints": {"allow": list(allow)}}],
            "collection": [{"href": self.href(scheme, path)}],
        }
        if up is not None:
            links["up"] = [{"href": self.href(scheme, up)}]
        return links

    def _virtual(self, product_id: int) -> bool:
        product = self._shop.products.get(product_id)
        return product is None or bool(product["virtual"])

    def _lines(self, record: Json, places: int) -> Json:
        """The four lists of lines that orders and refunds share."""
        return {
            "line_items": [self._item(line, places) for line in record["line_items"]],
            "tax_lines": [
                line
                | {
                    "tax_total": show_amount(line["tax_total"], places),
                    "shipping_tax_total": show_amount(line["shipping_tax_total"], places),
                }
                for line in record["tax_lines"]
            ],
            "shipping_lines": [_charge(line, places) for line in record["shipping_lines"]],
            "fee_lines": [_charge(line, places) for line in record["fee_lines"]],
        }

    def _item(self, line: Json, places: int) -> Json:
        product = self._shop.products.get(line["variation_id"] or line["product_id"])
        shown = line | {name: show_amount(line[name], places) for name in _LINE_MONEY}
        shown["taxes"] = _taxes(line["taxes"], places)
        meta = shown.pop("meta_data")
        if product is None:
            shown["product_id"] = shown["variation_id"] = 0
        shown["meta_data"] = meta
        shown["sku"] = None if product is None else product["sku"]
        shown["global_unique_id"] = None if product is None else ""
        shown["price"] = _unit_price(line["total"], line["quantity"])
        shown["image"] = {"id": "" if product is not None and not line["variation_id"] else 0, "src": ""}
        parent = self._shop.products.get(line["product_id"]) if line["variation_id"] else None
        shown["parent_name"] = parent["name"] if parent else None
        return shown


def _charge(line: Json, places: int) -> Json:
    shown = line | {name: show_amount(line[name], places) for name in ("total", "total_tax")}
    shown["taxes"] = _taxes(line["taxes"], places)
    return shown


def _taxes(taxes: list[Json], places: int) -> list[Json]:
    return [
        {
            "id": tax["id"],
            "total": show_amount(tax["total"], places),
            "subtotal": show_amount(tax["subtotal"], places),
        }
        for tax in taxes
    ]


def _unit_price(total: str, quantity: int) -> float | int:
    """A JSON number, net and unrounded: 6.3021806666666675. PHP divides floats and writes whole results as ints."""
    pieces = abs(quantity) or 1
    value = abs(float(total)) / pieces
    return int(value) if "." not in total and value.is_integer() else value
