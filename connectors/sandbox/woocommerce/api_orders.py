"""Routes of orders, their refunds, notes and fulfillments."""

from __future__ import annotations

import re
from decimal import Decimal

from connectors.sandbox.exchange import Response
from connectors.sandbox.woocommerce.amounts import Calculator, Charge, Item
from connectors.sandbox.woocommerce.calls import Call, loads, number_of, run_batch
from connectors.sandbox.woocommerce.errors import WpError, invalid_param, no_route
from connectors.sandbox.woocommerce.orders import (
    STATUSES,
    BasketLine,
    Draft,
    Fee,
    Shipping,
    change,
    make_order,
    place,
    put_meta,
    put_totals,
    read_address,
    read_amount,
    set_status,
    trash,
)
from connectors.sandbox.woocommerce.query import page_of, paging_headers, read_query, select_orders
from connectors.sandbox.woocommerce.refunds import create_refund
from connectors.sandbox.woocommerce.settings import Coupon
from connectors.sandbox.woocommerce.shop import Json, OrderRow, Shop

_LINK_DEFAULTS = (("dp", "2"), ("context", "view"))
_LISTED = frozenset({*STATUSES, "any", "trash"})
_TAGS = re.compile(r"<[^>]*>")


def list_orders(call: Call) -> Response:
    """GET /orders."""
    query = read_query(call.request.query)
    statuses = query.many("status") or ["any"]
    for status in statuses:
        if status not in _LISTED:
            allowed = ", ".join(("any", "trash", *STATUSES[:-1]))
            message = f"status[0] is not one of {allowed}, and {STATUSES[-1]}."
            raise invalid_param("status", message, "rest_not_in_enum")
    decimals = _decimals(call)
    call.require("list")
    with call.shop.lock:
        rows = select_orders(query, call.shop, statuses)
        shown = [call.store.renderer.order_bytes(row, call.scheme, decimals) for row in page_of(query, rows)]
    address = call.store.renderer.href(call.scheme, "orders")
    links = [(f"status[{index}]", status) for index, status in enumerate(statuses)]
    headers = paging_headers(query, len(rows), address, filled=links, shown=_LINK_DEFAULTS)
    if query.get("_fields"):
        return call.reply([loads(order) for order in shown], headers=headers)
    return call.reply_bytes(b"[" + b",".join(shown) + b"]", headers=headers)


def read_order(call: Call, order_id: str) -> Response:
    """GET /orders/{id}; one in the trash is still shown."""
    row = _row(call, order_id)
    call.require("view")
    return _shown(call, row)


def create_order(call: Call) -> Response:
    """POST /orders. An unknown SKU makes an empty line, not an error (recorded, order 24)."""
    sent = call.json()
    call.require("create")
    row = _create(call.shop, sent)
    return call.created(loads(call.store.renderer.order_bytes(row, call.scheme)), f"orders/{row.id}")


def update_order(call: Call, order_id: str) -> Response:
    """PUT /orders/{id}. Moves the modification time even when nothing changes."""
    sent = call.json()
    if "status" in sent and sent["status"] not in STATUSES:
        set_status(call.shop, {}, sent["status"])
    call.require("edit")
    return _shown(call, _update(call.shop, number_of(order_id), sent))


def delete_order(call: Call, order_id: str) -> Response:
    """DELETE /orders/{id}: to the trash; `force=true`: gone, and nobody is told."""
    with call.shop.lock:
        row = _row(call, order_id)
        call.require("delete")
        before = call.store.renderer.order_bytes(row, call.scheme)
        if dict(call.request.query).get("force", "").lower() in {"true", "1"}:
            call.shop.drop_order(row.id)
        elif row.status == "trash":
            message = "The order has already been deleted."
            raise WpError(410, "woocommerce_rest_already_trashed", message)
        else:
            trash(call.shop, row.document())
    return call.reply_bytes(before)


def batch_orders(call: Call) -> Response:
    """POST /orders/batch."""
    sent = call.json()
    call.require("batch")
    shop, renderer = call.shop, call.store.renderer

    def shown(row: OrderRow) -> Json:
        return loads(renderer.order_bytes(row, call.scheme))

    def delete(order_id: int) -> Json:
        row = shop.order(order_id)
        before = shown(row)
        trash(shop, row.document())
        return before

    result = run_batch(
        sent,
        lambda item: shown(_create(shop, item)),
        lambda item: shown(_update(shop, int(item.get("id") or 0), item)),
        delete,
    )
    return call.reply(result)


# -- refunds, notes, fulfillments --------------------------------------------------------------------------------


def list_refunds(call: Call, order_id: str) -> Response:
    """GET /orders/{id}/refunds, newest first."""
    row = _row(call, order_id)
    call.require("list")
    refunds = [(refund, row.id) for refund in reversed(row.document()["refunds"])]
    shown = _page_of_refunds(call, refunds)
    return _refund_list(call, shown, len(refunds))


def list_all_refunds(call: Call) -> Response:
    """GET /refunds, of all orders, newest first."""
    call.require("list")
    with call.shop.lock:
        found = [(refund, row.id) for row in call.shop.orders.values() for refund in row.document()["refunds"]]
    found.sort(key=lambda pair: -int(pair[0]["id"]))
    parents = {refund["id"]: order_id for refund, order_id in found}
    shown = [
        {"id": refund["id"], "parent_id": parents[refund["id"]]} | refund for refund in _page_of_refunds(call, found)
    ]
    return _refund_list(call, shown, len(found))


def _page_of_refunds(call: Call, found: list[tuple[Json, int]]) -> list[Json]:
    query = read_query(call.request.query)
    return [call.store.renderer.refund(refund, order_id, call.scheme) for refund, order_id in page_of(query, found)]


def _refund_list(call: Call, shown: list[Json], total: int) -> Response:
    query = read_query(call.request.query)
    address = call.store.renderer.href(call.scheme, "refunds")
    return call.reply(shown, headers=paging_headers(query, total, address))


def post_refund(call: Call, order_id: str) -> Response:
    """POST /orders/{id}/refunds. The same one twice is two refunds."""
    sent = call.json()
    with call.shop.lock:
        row = _row(call, order_id)
        call.require("create")
        refund = create_refund(call.shop, row.document(), sent)
    shown = call.store.renderer.refund(refund, row.id, call.scheme)
    # The recorded shop leaves its route pattern in this header.
    return call.created(shown, rf"orders/(?P<order_id>[\d]+)/refunds/{refund['id']}")


def list_notes(call: Call, order_id: str) -> Response:
    """GET /orders/{id}/notes, newest first."""
    row = _row(call, order_id)
    call.require("list")
    notes = reversed(call.shop.notes.get(row.id, []))
    return call.reply([call.store.renderer.note(note, call.scheme) for note in notes])


def post_note(call: Call, order_id: str) -> Response:
    """POST /orders/{id}/notes. Moves no modification time and fires no webhook."""
    sent = call.json()
    if not isinstance(sent.get("note"), str):
        message = "Missing parameter(s): note"
        raise WpError(400, "rest_missing_callback_param", message, data={"params": ["note"]})
    with call.shop.lock:
        row = _row(call, order_id)
        call.require("create")
        note = {
            "id": call.shop.ids.take("comment"),
            "order_id": row.id,
            "date_created_gmt": call.shop.now(),
            "note": sent["note"],
            "customer_note": bool(sent.get("customer_note", False)),
        }
        call.shop.notes.setdefault(row.id, []).append(note)
        call.shop.record_json("note.create", note["id"], note, number=str(row.id))
    return call.created(call.store.renderer.note(note, call.scheme), f"orders/{row.id}/notes/{note['id']}")


def list_fulfillments(call: Call, order_id: str) -> Response:
    """GET /orders/{id}/fulfillments; there `is_fulfilled` is "0" or "1", not a bool."""
    if not call.shop.settings.fulfillments:
        raise no_route()
    row = _row(call, order_id)
    call.require("list")
    return call.reply(
        [
            _fulfillment(item) | {"is_fulfilled": "1" if item["is_fulfilled"] else "0"}
            for item in call.shop.fulfillments.get(row.id, [])
        ]
    )


def post_fulfillment(call: Call, order_id: str) -> Response:
    """POST /orders/{id}/fulfillments. More than was ordered is accepted; the order's status stays."""
    if not call.shop.settings.fulfillments:
        raise no_route()
    sent = call.json()
    with call.shop.lock:
        row = _row(call, order_id)
        call.require("create")
        now = f"{call.shop.now()}Z"
        meta = list(sent.get("meta_data") or [])
        fulfilled = bool(sent.get("is_fulfilled", False))
        if fulfilled:
            meta.append({"key": "_date_fulfilled", "value": now})
        item = {
            "id": call.shop.ids.take("fulfillment"),
            "order_id": row.id,
            "status": sent.get("status", "unfulfilled"),
            "is_fulfilled": fulfilled,
            "date_updated": now,
            "meta_data": [entry | {"id": call.shop.ids.take("meta")} for entry in meta],
        }
        call.shop.fulfillments.setdefault(row.id, []).append(item)
        call.shop.record_json("fulfillment.create", item["id"], item, number=str(row.id))
        order = row.document()
        status = "fulfilled" if fulfilled else "partially_fulfilled"
        put_meta(call.shop, order, [{"key": "_fulfillment_status", "value": status}])
        change(call.shop, order, "order.update")
    return call.reply(_fulfillment(item), 201)


def _fulfillment(item: Json) -> Json:
    return {
        "id": item["id"],
        "entity_type": "WC_Order",
        "entity_id": str(item["order_id"]),
        "status": item["status"],
        "is_fulfilled": item["is_fulfilled"],
        "date_updated": item["date_updated"],
        "date_deleted": None,
        "meta_data": item["meta_data"],
    }


# -- how orders are read from what was sent ----------------------------------------------------------------------


def _row(call: Call, order_id: str) -> OrderRow:
    return call.shop.order(number_of(order_id))


def _shown(call: Call, row: OrderRow) -> Response:
    body = call.store.renderer.order_bytes(row, call.scheme, _decimals(call))
    if dict(call.request.query).get("_fields"):
        return call.reply(loads(body))
    return call.reply_bytes(body)


def _decimals(call: Call) -> int | None:
    text = dict(call.request.query).get("dp", "")
    if not text:
        return None
    if not text.isdigit():
        raise invalid_param("dp", "dp is not of type integer.", "rest_invalid_type", {"param": "dp"})
    return int(text)


def _create(shop: Shop, sent: Json) -> OrderRow:
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


def _update(shop: Shop, order_id: int, sent: Json) -> OrderRow:
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
    """Lines with an id are changed, or removed at quantity 0; lines without one are added; then all is recomputed."""
    edits = sent.get("line_items") or ()
    changes = {line["id"]: line for line in edits if line.get("id")}
    kept: list[Json] = []
    for line in order["line_items"]:
        edit: Json = changes.pop(line["id"], {})
        if edit and (edit.get("quantity") == 0 or edit.get("product_id", line["product_id"]) is None):
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
    _recompute(shop, order)


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
        line["subtotal_tax"], line["total_tax"] = str(computed.subtotal_tax), str(computed.total_tax)
        line["taxes"] = [
            {"id": rate_id, "total": str(total), "subtotal": str(subtotal)}
            for rate_id, (total, subtotal) in computed.taxes.items()
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
