"""What happens to an order after it is made: saved, changed, paid, trashed, its stock taken and given back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.sandbox.woocommerce.errors import WpError, invalid_param
from connectors.sandbox.woocommerce.shop import Json, OrderRow, Shop

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
_TAKES_STOCK = frozenset({"processing", "completed", "on-hold"})
_GIVES_STOCK_BACK = frozenset({"cancelled", "pending"})
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


def move_stock(shop: Shop, order: Json) -> None:
    """Take or give back the stock of every line once; `_reduced_stock` on the line remembers what was taken."""
    for line in order["line_items"]:
        taken = next((meta for meta in line["meta_data"] if meta["key"] == "_reduced_stock"), None)
        product = shop.products.get(line["variation_id"] or line["product_id"])
        if product is None or not product["manage_stock"]:
            continue
        if order["status"] in _TAKES_STOCK and taken is None:
            line["meta_data"].append(shop.meta("_reduced_stock", str(line["quantity"]), shown=True))
            set_stock(shop, product, product["stock_quantity"] - line["quantity"], "product.sold")
        elif order["status"] in _GIVES_STOCK_BACK and taken is not None:
            line["meta_data"].remove(taken)
            set_stock(shop, product, product["stock_quantity"] + int(taken["value"]), "product.restocked")


def set_stock(shop: Shop, product: Json, quantity: int, effect: str) -> None:
    """Set a product's stock; negative stands as it is."""
    changed = product | {
        "manage_stock": True,
        "stock_quantity": quantity,
        "stock_status": "instock" if quantity > 0 else "outofstock",
        "date_modified_gmt": shop.now(),
    }
    shop.save_product(changed, effect)
    shop.tell("product.updated", product["id"])
    parent = shop.products.get(product["parent_id"])
    if parent is not None:  # its time moves too, without a webhook (recorded)
        shop.save_product(parent | {"date_modified_gmt": shop.now()}, "product.update")


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


def read_amount(value: Any, name: str) -> Decimal:  # noqa: ANN401 - what the client sent
    """An amount that the client sent as text or number. Raises WpError 400."""
    try:
        amount = Decimal(str(value if value not in {None, ""} else 0))
    except InvalidOperation:
        raise invalid_param(name, f"{name} is not of type string.", "rest_invalid_type", {"param": name}) from None
    if not amount.is_finite():
        raise WpError(400, "rest_invalid_param", f"Invalid parameter(s): {name}")
    return amount
