"""What an administrator does to an order on its page in the dashboard, as the requests that the page comes down to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.sandbox.woocommerce.orders import read_amount
from connectors.sandbox.woocommerce.refunds import create_refund
from connectors.sandbox.woocommerce.render import amount_text
from connectors.sandbox.woocommerce.sent_orders import update_from
from connectors.sandbox.woocommerce.shop import Json, OrderRow, Shop

_PLAIN = ("billing", "shipping", "customer_note", "status", "payment_method", "transaction_id", "meta_data")
_CENT = Decimal("0.01")
#: How far the rounded shares of a refund may be above what is left of its order.
_ROUNDING = Decimal("0.05")


def edit_order(shop: Shop, order_id: int, asked: Json) -> OrderRow:
    """Change an order: `{"lines": [...], "shipping_total": "4.12", "billing": {...}, "customer_note": "..."}`.

    A line is `{"id", "quantity"}` (its amounts follow, as on the page), `{"id", "price"}` (net, of one piece),
    `{"id", "remove": true}`, or `{"sku", "quantity"}` for a new one. Raises WpError, ValueError.
    """
    with shop.lock:
        order = shop.order(order_id).document()
        sent: Json = {name: asked[name] for name in _PLAIN if name in asked}
        if asked.get("lines"):
            sent["line_items"] = [_line(order, line) for line in asked["lines"]]
        if "shipping_total" in asked:
            first = order["shipping_lines"][:1]
            sent["shipping_lines"] = [{"id": line["id"], "total": asked["shipping_total"]} for line in first]
        return update_from(shop, order_id, sent)


def _line(order: Json, asked: Json) -> Json:
    if "id" not in asked:
        return {name: asked[name] for name in ("sku", "quantity", "total", "subtotal") if name in asked}
    line = _known(order["line_items"], asked["id"])
    if asked.get("remove"):
        return {"id": line["id"], "quantity": 0}
    quantity = int(asked["quantity"] if "quantity" in asked else line["quantity"])
    if "price" in asked:
        total = amount_text(read_amount(asked["price"], "price") * quantity)
        return {"id": line["id"], "quantity": quantity, "subtotal": total, "total": total}
    scaled = {name: amount_text(Decimal(line[name]) / line["quantity"] * quantity) for name in ("subtotal", "total")}
    return {"id": line["id"], "quantity": quantity, **scaled}


def refund_order(shop: Shop, order_id: int, asked: Json) -> Json:
    """Give money back by hand: `{"lines": {"4": 1}, "shipping": true, "fees": true, "restock": true, "reason": ""}`.

    `{"all": true}` for everything, `{"amount": "3.50"}` for goodwill alone. Raises WpError, ValueError.
    """
    with shop.lock:
        order = shop.order(order_id).document()
        wanted = dict(asked.get("lines") or {})
        if asked.get("all"):
            wanted = {str(line["id"]): line["quantity"] for line in order["line_items"]}
        lines = [_part(_known(order["line_items"], number), int(pieces)) for number, pieces in wanted.items()]
        for name in ("shipping", "fee"):
            if asked.get("all") or asked.get("shipping" if name == "shipping" else "fees"):
                lines += [_part(line, 0) for line in order[f"{name}_lines"]]
        sent: Json = {"line_items": lines, "reason": asked.get("reason", ""), "api_refund": False}
        sent["api_restock"] = bool(asked.get("restock", True))
        sent["amount"] = asked.get("amount") or _capped(order, lines)
        return create_refund(shop, order, sent)


def _known(lines: list[Json], number: Any) -> Json:
    found = next((line for line in lines if str(line["id"]) == str(number)), None)
    if found is None:
        raise ValueError(f"the order has no line {number}, it has {', '.join(str(line['id']) for line in lines)}")
    return found


def _part(line: Json, pieces: int) -> Json:
    """The share of so many pieces in a line's amounts, in cents; all of it for what has no quantity."""
    ordered = line.get("quantity") or 1
    share = Decimal(pieces) / ordered if "quantity" in line else Decimal(1)

    def of(text: str) -> str:
        return str((Decimal(text) * share).quantize(_CENT))

    taxes = [{"id": tax["id"], "refund_total": of(tax["total"])} for tax in line["taxes"] if tax["total"]]
    return {"id": line["id"], "quantity": pieces, "refund_total": of(line["total"]), "refund_tax": taxes}


def _capped(order: Json, lines: list[Json]) -> str:
    """What the lines come to, without the cents by which rounding puts them above what is left."""
    taxes = [tax for line in lines for tax in line["refund_tax"]]
    whole = sum((Decimal(part["refund_total"]) for part in [*lines, *taxes]), Decimal(0))
    left = Decimal(order["total"]) - sum((Decimal(refund["amount"]) for refund in order["refunds"]), Decimal(0))
    left = left.quantize(_CENT)
    return str(left if left < whole <= left + _ROUNDING else whole)
