"""Routes of what hangs on an order: refunds, notes, fulfillments."""

from __future__ import annotations

from connectors.sandbox.exchange import Response
from connectors.sandbox.woocommerce.calls import Call, number_of
from connectors.sandbox.woocommerce.errors import WpError, no_route
from connectors.sandbox.woocommerce.orders import (
    change,
    put_meta,
)
from connectors.sandbox.woocommerce.query import page_of, paging_headers, read_query
from connectors.sandbox.woocommerce.refunds import create_refund
from connectors.sandbox.woocommerce.shop import Json


def list_refunds(call: Call, order_id: str) -> Response:
    """GET /orders/{id}/refunds, newest first."""
    row = call.shop.order(number_of(order_id))
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
        row = call.shop.order(number_of(order_id))
        call.require("create")
        refund = create_refund(call.shop, row.document(), sent)
    shown = call.store.renderer.refund(refund, row.id, call.scheme)
    # The recorded shop leaves its route pattern in this header.
    return call.created(shown, rf"orders/(?P<order_id>[\d]+)/refunds/{refund['id']}")


def list_notes(call: Call, order_id: str) -> Response:
    """GET /orders/{id}/notes, newest first."""
    row = call.shop.order(number_of(order_id))
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
        row = call.shop.order(number_of(order_id))
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
    row = call.shop.order(number_of(order_id))
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
        row = call.shop.order(number_of(order_id))
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
