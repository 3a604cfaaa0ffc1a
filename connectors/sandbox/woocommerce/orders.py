"""What happens to an order after it is made: saved, changed, paid, trashed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.sandbox.woocommerce.errors import WpError, invalid_param
from connectors.sandbox.woocommerce.shop import Json, OrderRow, Shop
from connectors.sandbox.woocommerce.stock import move_stock

STATUSES = (
    "auto-draft",
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "checkout-draft",
)
ADDRESS_FIELDS = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "state",
    "postcode",
    "country",
)
_PAID = frozenset({"processing", "completed"})
_MAX_PHONE = 100


def place(shop: Shop, order: Json) -> OrderRow:
    """Save a new order, take its stock and tell the webhooks: `updated` and `created` both, as recorded."""
    with shop.lock:
        move_stock(shop, order)
        row = shop.save_order(order, "order.create")
        shop.tell("order.created", row.id)
        shop.tell("order.updated", row.id)
        return row


def change(shop: Shop, order: Json, effect: str) -> OrderRow:
    """Save a changed order: its modification time moves, also when nothing else did."""
    row = shop.save_order(order, effect)
    shop.tell("order.updated", row.id)
    return row


def set_status(shop: Shop, order: Json, status: str) -> None:
    """Change the state with what hangs on it: paid and completed times, stock. Raises WpError 400."""
    if status not in STATUSES:
        allowed = f"{', '.join(STATUSES[:-1])}, and {STATUSES[-1]}"
        message = f"status is not one of {allowed}."
        raise invalid_param("status", message, "rest_not_in_enum")
    order["status"] = status
    now = shop.now()
    if status in _PAID and order["date_paid_gmt"] is None:
        order["date_paid_gmt"] = now
    if status == "completed" and order["date_completed_gmt"] is None:
        order["date_completed_gmt"] = now
    move_stock(shop, order)


def trash(shop: Shop, order: Json) -> None:
    """Move to the trash; the only deletion that a webhook reports."""
    put_meta(
        shop,
        order,
        [
            {"key": "_wp_trash_meta_status", "value": f"wc-{order['status']}"},
            {"key": "_wp_trash_meta_time", "value": shop.now()},
        ],
    )
    order["status"] = "trash"
    shop.save_order(order, "order.trash")
    shop.tell("order.deleted", order["id"])


def put_meta(shop: Shop, record: Json, entries: Sequence[Json]) -> None:
    """Create or update by key (or id); a null value deletes."""
    for entry in entries:
        known = next(
            (meta for meta in record["meta_data"] if meta["id"] == entry.get("id") or meta["key"] == entry.get("key")),
            None,
        )
        if entry.get("value") is None and known is not None:
            record["meta_data"].remove(known)
        elif known is not None:
            known["value"] = entry.get("value")
        else:
            record["meta_data"].append(shop.meta(str(entry.get("key", "")), entry.get("value")))


def read_address(sent: Json, *, billing: bool) -> Json:
    """An address as it is stored. A phone that is too long empties the whole address (recorded, order 192)."""
    fields = (*ADDRESS_FIELDS, "email", "phone") if billing else (*ADDRESS_FIELDS, "phone")
    if len(str(sent.get("phone", ""))) > _MAX_PHONE:
        return dict.fromkeys(fields, "")
    return {field: str(sent.get(field) or "") for field in fields}


def read_amount(value: Any, name: str) -> Decimal:
    """An amount that the client sent as text or number. Raises WpError 400."""
    try:
        amount = Decimal(str(value if value not in {None, ""} else 0))
    except InvalidOperation:
        raise invalid_param(name, f"{name} is not of type string.", "rest_invalid_type", {"param": name}) from None
    if not amount.is_finite():
        raise WpError(400, "rest_invalid_param", f"Invalid parameter(s): {name}")
    return amount
