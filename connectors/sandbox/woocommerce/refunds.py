"""Refunds: of lines, of shipping and fees, or of an amount alone; never of more than is left."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.sandbox.woocommerce.errors import WpError
from connectors.sandbox.woocommerce.orders import change, read_amount
from connectors.sandbox.woocommerce.render import amount_text
from connectors.sandbox.woocommerce.shop import Json, Shop
from connectors.sandbox.woocommerce.stock import restock

#: Gateways that can send money back by themselves; the recorded shop's (cod, bacs) cannot.
_REFUNDING_GATEWAYS = frozenset({"stripe", "paypal"})


def create_refund(shop: Shop, order: Json, sent: Json, *, created: str = "") -> Json:
    """Book a refund on `order`, save it and return the refund. Raises WpError; a wrong amount is a 500, as recorded.

    `created` back-dates it (a generated backlog): then nobody is told and no stock moves.
    """
    wanted = {line.get("id"): line for line in sent.get("line_items") or ()}
    amount = _amount(sent, wanted)
    left = Decimal(order["total"]) - sum((Decimal(refund["amount"]) for refund in order["refunds"]), Decimal(0))
    if amount <= 0 or amount > left:
        raise _refused("Invalid refund amount.")
    if sent.get("api_refund", True) and order["payment_method"] not in _REFUNDING_GATEWAYS:
        raise _refused("The payment gateway for this order does not support automatic refunds.")
    number = shop.ids.take("post")
    full = amount == left
    refund = {
        "id": number,
        "date_created_gmt": created or shop.now(),
        "amount": amount_text(amount),
        "reason": str(sent.get("reason") or ""),
        "meta_data": [shop.meta("_refund_type", "full" if full else "partial")],
        **_lines(shop, order, wanted),
    }
    taxes = (Decimal(line["tax_total"]) + Decimal(line["shipping_tax_total"]) for line in refund["tax_lines"])
    refund["total_tax"] = amount_text(sum(taxes, Decimal(0)))
    order["refunds"].append(refund)
    if full:
        order["status"] = "refunded"
    if not created:
        if sent.get("api_restock", True):
            for line in order["line_items"]:
                restock(shop, line, int(wanted.get(line["id"], {}).get("quantity") or 0))
        change(shop, order, "order.refund")
        shop.record("refund.create", number, number=order["number"], total=refund["amount"])
    return refund


def _refused(message: str) -> WpError:
    return WpError(500, "woocommerce_rest_cannot_create_order_refund", message, data=500)


def _amount(sent: Json, wanted: dict[Any, Json]) -> Decimal:
    if sent.get("amount") not in {None, ""}:
        return read_amount(sent["amount"], "amount")
    return sum((_line_amount(line) + _line_tax(line) for line in wanted.values()), Decimal(0))


def _line_amount(line: Json) -> Decimal:
    return read_amount(line.get("refund_total"), "refund_total")


def _line_tax(line: Json) -> Decimal:
    return sum((read_amount(tax.get("refund_total"), "refund_tax") for tax in line.get("refund_tax") or ()), Decimal(0))


def _lines(shop: Shop, order: Json, wanted: dict[Any, Json]) -> Json:
    """The refund's own lines, negative, each pointing to the original by `_refunded_item_id`."""
    items = [_refund_line(shop, line, wanted[line["id"]]) for line in order["line_items"] if line["id"] in wanted]
    for item in items:
        item["subtotal"], item["subtotal_tax"] = item["total"], item["total_tax"]
        item["taxes"] = [tax | {"subtotal": tax["total"]} for tax in item["taxes"]]
    fees = [_refund_line(shop, line, wanted[line["id"]]) for line in order["fee_lines"] if line["id"] in wanted]
    shipping = [
        _refund_line(shop, line, wanted[line["id"]]) for line in order["shipping_lines"] if line["id"] in wanted
    ]
    return {
        "line_items": items,
        "shipping_lines": [line | {"instance_id": ""} for line in shipping],
        "tax_lines": _tax_lines(shop, order, [*items, *fees], shipping),
        "fee_lines": fees,
    }


def _refund_line(shop: Shop, line: Json, sent: Json) -> Json:
    taxes = [
        {"id": tax["id"], "total": amount_text(-read_amount(tax.get("refund_total"), "refund_tax")), "subtotal": ""}
        for tax in sent.get("refund_tax") or ()
    ]
    refunded = line | {
        "id": shop.ids.take("item"),
        "total": amount_text(-_line_amount(sent)),
        "total_tax": amount_text(-_line_tax(sent)),
        "taxes": taxes,
        "meta_data": [shop.meta("_refunded_item_id", str(line["id"]), shown=True)],
    }
    if "quantity" in line:
        refunded["quantity"] = -int(sent.get("quantity") or 0)
    return refunded


def _tax_lines(shop: Shop, order: Json, lines: list[Json], shipping: list[Json]) -> list[Json]:
    cart: dict[int, Decimal] = {}
    ship: dict[int, Decimal] = {}
    for group, sums in ((lines, cart), (shipping, ship)):
        for line in group:
            for tax in line["taxes"]:
                sums[tax["id"]] = sums.get(tax["id"], Decimal(0)) + Decimal(tax["total"])
    return [
        line
        | {
            "id": shop.ids.take("item"),
            "tax_total": amount_text(cart.get(line["rate_id"], Decimal(0))),
            "shipping_tax_total": amount_text(ship.get(line["rate_id"], Decimal(0))),
        }
        for line in order["tax_lines"]
        if line["rate_id"] in cart or line["rate_id"] in ship
    ]
