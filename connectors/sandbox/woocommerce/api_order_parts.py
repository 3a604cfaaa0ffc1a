"""Routes of what hangs on an order: refunds, notes, fulfillments."""

from __future__ import annotations

from connectors.sandbox.exchange import Response
from connectors.sandbox.woocommerce import fulfillments
from connectors.sandbox.woocommerce.calls import Call, number_of
from connectors.sandbox.woocommerce.errors import WpError, no_route
from connectors.sandbox.woocommerce.query import created_within, page_of, paging_headers, read_query
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
    """GET /refunds, of all orders, newest first unless `order` says otherwise; `after` and `before` as of orders."""
    call.require("list")
    query = read_query(call.request.query)
    with call.shop.lock:
        everything = [(refund, row.id) for row in call.shop.orders.values() for refund in row.document()["refunds"]]
    found = [pair for pair in everything if created_within(query, pair[0]["date_created_gmt"], call.shop.settings.zone)]
    found.sort(key=lambda pair: (pair[0]["date_created_gmt"], int(pair[0]["id"])), reverse=query.order == "desc")
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
        if note["customer_note"]:
            call.shop.mail("customer_note", row.id, note["note"])
    return call.created(call.store.renderer.note(note, call.scheme), f"orders/{row.id}/notes/{note['id']}")


def list_fulfillments(call: Call, order_id: str) -> Response:
    """GET /orders/{id}/fulfillments; there `is_fulfilled` is "0" or "1", not a bool."""
    order = _fulfillable(call, order_id, "list")
    found = [fulfillments.shown(item) for item in fulfillments.standing(call.shop, order)]
    return call.reply([item | {"is_fulfilled": "1" if item["is_fulfilled"] else "0"} for item in found])


def post_fulfillment(call: Call, order_id: str) -> Response:
    """POST /orders/{id}/fulfillments. More than was ordered is accepted; the order's status stays."""
    with call.shop.lock:
        order = _fulfillable(call, order_id, "create")
        return call.reply(fulfillments.shown(fulfillments.create(call.shop, order, call.json())), 201)


def read_fulfillment(call: Call, order_id: str, fulfillment_id: str) -> Response:
    """GET /orders/{id}/fulfillments/{id}."""
    order = _fulfillable(call, order_id, "view")
    return call.reply(fulfillments.shown(fulfillments.find(call.shop, order, number_of(fulfillment_id))))


def put_fulfillment(call: Call, order_id: str, fulfillment_id: str) -> Response:
    """PUT /orders/{id}/fulfillments/{id}; `meta_data` is taken for all of it."""
    with call.shop.lock:
        order = _fulfillable(call, order_id, "edit")
        return call.reply(
            fulfillments.shown(fulfillments.update(call.shop, order, number_of(fulfillment_id), call.json()))
        )


def delete_fulfillment(call: Call, order_id: str, fulfillment_id: str) -> Response:
    """DELETE /orders/{id}/fulfillments/{id}."""
    with call.shop.lock:
        order = _fulfillable(call, order_id, "delete")
        notify = dict(call.request.query).get("notify_customer", "").lower() in {"true", "1"}
        fulfillments.delete(call.shop, order, number_of(fulfillment_id), notify=notify)
    return call.reply({"message": "Fulfillment deleted successfully."})


def _fulfillable(call: Call, order_id: str, verb: str) -> int:
    """The order's id. Raises WpError where the feature is off or the order is none: before who asks is looked at."""
    if not call.shop.settings.fulfillments:
        raise no_route()
    if number_of(order_id) not in call.shop.orders:
        raise WpError(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
    call.require(verb)
    return number_of(order_id)
