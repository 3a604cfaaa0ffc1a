"""Routes of orders: lists, one, many at once."""

from __future__ import annotations

from connectors.sandbox.exchange import Response
from connectors.sandbox.woocommerce.calls import Call, loads, number_of, run_batch
from connectors.sandbox.woocommerce.errors import WpError, invalid_param
from connectors.sandbox.woocommerce.orders import (
    STATUSES,
    set_status,
    trash,
)
from connectors.sandbox.woocommerce.query import page_of, paging_headers, read_query, select_orders
from connectors.sandbox.woocommerce.sent_orders import create_from, update_from
from connectors.sandbox.woocommerce.shop import Json, OrderRow

_LINK_DEFAULTS = (("dp", "2"), ("context", "view"))
_LISTED = frozenset({*STATUSES, "any", "trash"})


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
    row = create_from(call.shop, sent)
    return call.created(loads(call.store.renderer.order_bytes(row, call.scheme)), f"orders/{row.id}")


def update_order(call: Call, order_id: str) -> Response:
    """PUT /orders/{id}. Moves the modification time even when nothing changes."""
    sent = call.json()
    if "status" in sent and sent["status"] not in STATUSES:
        set_status(call.shop, {}, sent["status"])
    call.require("edit")
    return _shown(call, update_from(call.shop, number_of(order_id), sent))


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
        lambda item: shown(create_from(shop, item)),
        lambda item: shown(update_from(shop, int(item.get("id") or 0), item)),
        delete,
    )
    return call.reply(result)


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
