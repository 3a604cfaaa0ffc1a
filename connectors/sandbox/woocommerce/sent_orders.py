"""Orders as clients send them: from the JSON of a POST or PUT to a draft or a change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from connectors.sandbox.woocommerce.amounts import Calculator, Charge, Item
from connectors.sandbox.woocommerce.drafts import BasketLine, Draft, Fee, Shipping, make_order, put_totals
from connectors.sandbox.woocommerce.errors import WpError
from connectors.sandbox.woocommerce.orders import (
    change,
    place,
    put_meta,
    read_address,
    read_amount,
    set_status,
)
from connectors.sandbox.woocommerce.render import amount_text
from connectors.sandbox.woocommerce.settings import Coupon
from connectors.sandbox.woocommerce.shop import Json, OrderRow, Shop
from connectors.sandbox.woocommerce.stock import TAKES_STOCK, adjust_stock

_TAGS = re.compile(r"<[^>]*>")


def create_from(shop: Shop, sent: Json) -> OrderRow:
    """Place the order that a POST describes. Raises WpError."""
    with shop.lock:
        billing = read_address(sent.get("billing") or {}, billing=True)
        draft = Draft(
            lines=[_basket_line(shop, line) for line in sent.get("line_items") or ()],
            billing=billing,
            shipping=read_address(sent.get("shipping") or {}, billing=False),
            fees=[_fee(line) for line in sent.get("fee_lines") or ()],
            shipping_lines=[_shipping(line) for line in sent.get("shipping_lines") or ()],
            coupons=[_coupon(shop, line) for line in sent.get("coupon_lines") or ()],
            currency=str(sent.get("currency") or ""),
            customer_id=int(sent.get("customer_id") or 0),
            payment_method=str(sent.get("payment_method") or ""),
            payment_method_title=str(sent.get("payment_method_title") or ""),
            transaction_id=str(sent.get("transaction_id") or ""),
            customer_note=_TAGS.sub("", str(sent.get("customer_note") or "")),
            meta=[(str(meta.get("key", "")), meta.get("value")) for meta in sent.get("meta_data") or ()],
        )
        order = make_order(shop, draft)
        _apply_status(shop, order, sent)
        return place(shop, order)


def _apply_status(shop: Shop, order: Json, sent: Json) -> None:
    status = str(sent.get("status", order["status"]))
    if sent.get("set_paid") and status in {"pending", "failed", "on-hold"}:
        status = "processing"
    if status != order["status"] or "status" in sent:
        set_status(shop, order, status)


def update_from(shop: Shop, order_id: int, sent: Json) -> OrderRow:
    """Change an order as a PUT describes. Raises WpError; an unknown id is a 400 here."""
    with shop.lock:
        if order_id not in shop.orders:
            raise WpError(400, "woocommerce_rest_shop_order_invalid_id", "ID is invalid.")
        order = shop.orders[order_id].document()
        for kind in ("billing", "shipping"):
            if kind in sent:
                merged = order[kind] | sent[kind]
                order[kind] = read_address(merged, billing=kind == "billing")
        for name in ("transaction_id", "payment_method", "payment_method_title", "customer_note", "customer_id"):
            if name in sent:
                order[name] = sent[name]
        put_meta(shop, order, sent.get("meta_data") or ())
        if any(sent.get(name) for name in ("line_items", "shipping_lines", "fee_lines")):
            _change_lines(shop, order, sent)
        _apply_status(shop, order, sent)
        return change(shop, order, "order.update")


def _change_lines(shop: Shop, order: Json, sent: Json) -> None:
    """Lines with an id are changed, or removed at quantity 0; lines without one are added; then all is recomputed.

    Of an order that has its stock, the stock follows (`wc_maybe_adjust_line_item_product_stock`).
    """
    has_stock = order["status"] in TAKES_STOCK
    edits = sent.get("line_items") or ()
    changes = {line["id"]: line for line in edits if line.get("id")}
    kept: list[Json] = []
    for line in order["line_items"]:
        edit: Json = changes.pop(line["id"], {})
        if edit and (edit.get("quantity") == 0 or edit.get("product_id", line["product_id"]) is None):
            if has_stock:
                adjust_stock(shop, line, 0)
            continue
        line["quantity"] = int(edit.get("quantity", line["quantity"]))
        for name in ("subtotal", "total"):
            line[name] = str(read_amount(edit[name], name)) if name in edit else line[name]
        kept.append(line)
    basket = [_basket_line(shop, line) for line in edits if not line.get("id")]
    if basket:
        added = make_order(shop, Draft(lines=basket, billing=order["billing"], shipping=order["shipping"]))
        kept.extend(added["line_items"])
    order["line_items"] = kept
    if has_stock:
        for line in kept:
            adjust_stock(shop, line, line["quantity"])
    for name in ("shipping_lines", "fee_lines"):
        order[name] = _changed_charges(order[name], sent.get(name) or ())
    _recompute(shop, order)


def _changed_charges(charges: list[Json], edits: Sequence[Json]) -> list[Json]:
    """Shipping lines or fees with what is sent for their ids; one whose title is null is removed."""
    changes = {edit["id"]: edit for edit in edits if edit.get("id")}
    kept = []
    for charge in charges:
        edit = changes.get(charge["id"], {})
        if any(name in edit and edit[name] is None for name in ("method_id", "name")):
            continue
        total = str(read_amount(edit["total"], "total")) if "total" in edit else charge["total"]
        names = {name: edit[name] for name in ("method_title", "method_id", "name") if name in edit}
        kept.append(charge | names | {"total": total})
    return kept


def _recompute(shop: Shop, order: Json) -> None:
    """Taxes and totals anew from the net amounts of the lines."""
    country = order["shipping"].get("country") or order["billing"].get("country") or ""
    items = [
        Item(Decimal(0), line["quantity"], line["tax_class"], (Decimal(line["subtotal"]), Decimal(line["total"])))
        for line in order["line_items"]
    ]
    fees = [
        Charge(Decimal(line["total"]), line["tax_class"], line["tax_status"] == "taxable")
        for line in order["fee_lines"]
    ]
    shipping = [Charge(Decimal(line["total"])) for line in order["shipping_lines"]]
    totals = Calculator(shop.settings, country, cart=False).compute(items, fees, shipping)
    for line, computed in zip(order["line_items"], totals.items, strict=True):
        line["subtotal_tax"], line["total_tax"] = amount_text(computed.subtotal_tax), amount_text(computed.total_tax)
        line["taxes"] = [
            {"id": rate_id, "total": str(total), "subtotal": str(subtotal)}
            for rate_id, (total, subtotal) in computed.taxes.items()
        ]
    charged = [*zip(order["fee_lines"], totals.fees, strict=True)]
    charged += zip(order["shipping_lines"], totals.shipping, strict=True)
    for line, computed in charged:
        line["total_tax"] = amount_text(computed.total_tax)
        line["taxes"] = [
            {"id": rate_id, "total": amount_text(total), "subtotal": ""}
            for rate_id, (total, _) in computed.taxes.items()
        ]
    put_totals(shop, order, totals)


def _basket_line(shop: Shop, line: Json) -> BasketLine:
    number = shop.skus.get(str(line.get("sku") or "")) or line.get("variation_id") or line.get("product_id")
    if number is None and not line.get("sku") and not line.get("name"):
        raise WpError(400, "woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
    product = shop.products.get(int(number or 0))
    quantity = int(line.get("quantity", 1))
    net: tuple[Decimal, Decimal] | None = None
    if "total" in line or "subtotal" in line:
        total = read_amount(line.get("total", line.get("subtotal")), "total")
        net = (read_amount(line.get("subtotal", total), "subtotal"), total)
    meta = [(str(entry.get("key", "")), entry.get("value")) for entry in line.get("meta_data") or ()]
    return BasketLine(product, quantity, line.get("name"), net, meta)


def _fee(line: Json) -> Fee:
    if not line.get("name"):
        raise WpError(400, "woocommerce_rest_invalid_fee_item", "Fee name is required.")
    taxable = line.get("tax_status", "taxable") == "taxable"
    return Fee(str(line["name"]), read_amount(line.get("total"), "total"), str(line.get("tax_class") or ""), taxable)


def _shipping(line: Json) -> Shipping:
    if not line.get("method_id"):
        raise WpError(400, "woocommerce_rest_invalid_shipping_item", "Shipping method ID is required.")
    total = read_amount(line.get("total"), "total")
    return Shipping(str(line.get("method_title") or ""), total, str(line["method_id"]))


def _coupon(shop: Shop, line: Json) -> Coupon:
    coupon = shop.settings.coupon(str(line.get("code") or ""))
    if coupon is None:
        message = f'Coupon "{line.get("code")}" does not exist!'
        raise WpError(400, "woocommerce_rest_invalid_coupon", message)
    return coupon
