"""Fulfillments of an order, as the published source of WooCommerce has them (Admin/Features/Fulfillments).

Creating, listing and the switched-off feature are recorded; reading one, changing and deleting one are not, and follow
`OrderFulfillmentsRestController` and `FulfillmentsDataStore`: an update takes the `meta_data` that is sent for all of
it, deleting hides the record, and each of them sets `_fulfillment_status` of the order anew. Nothing is checked but the
shape of `_items`: more than was ordered is accepted.
"""

from __future__ import annotations

from typing import Any

from connectors.sandbox.woocommerce.errors import WpError
from connectors.sandbox.woocommerce.orders import change, put_meta
from connectors.sandbox.woocommerce.shop import Json, Shop

_ITEMS = "_items"
_DATE = "_date_fulfilled"


def standing(shop: Shop, order_id: int) -> list[Json]:
    """Those that are not deleted, oldest first."""
    return [item for item in shop.fulfillments.get(order_id, []) if item["date_deleted"] is None]


def find(shop: Shop, order_id: int, number: int) -> Json:
    """One of an order. Raises WpError 400 (sic)."""
    found = next((item for item in standing(shop, order_id) if item["id"] == number), None)
    if found is None:
        raise _refused("Fulfillment not found.")
    return found


def create(shop: Shop, order_id: int, sent: Json) -> Json:
    """Add one. Raises WpError 400 without usable `_items`."""
    item: Json = {
        "id": 0,
        "order_id": order_id,
        "status": sent.get("status", "unfulfilled"),
        "is_fulfilled": bool(sent.get("is_fulfilled", False)),
        "date_updated": "",
        "date_deleted": None,
        "meta_data": [dict(entry) for entry in sent.get("meta_data") or ()],
    }
    _check_items(item)
    item["id"] = shop.ids.take("fulfillment")
    shop.fulfillments.setdefault(order_id, []).append(item)
    _save(shop, item, "fulfillment.create")
    if item["is_fulfilled"] and sent.get("notify_customer"):
        shop.mail("fulfillment_created", order_id, _told(item))
    return item


def update(shop: Shop, order_id: int, number: int, sent: Json) -> Json:
    """Change one. An entry of `meta_data` that is not sent is removed. Raises WpError 400."""
    item = find(shop, order_id, number)
    changed = item | {name: sent[name] for name in ("status", "is_fulfilled") if name in sent}
    if isinstance(sent.get("meta_data"), list):
        known = {entry["key"]: entry for entry in item["meta_data"]}
        changed["meta_data"] = [
            {**known.get(entry["key"], {}), "key": entry["key"], "value": entry["value"]} for entry in sent["meta_data"]
        ]
    _check_items(changed)
    new = changed["is_fulfilled"] and not item["is_fulfilled"]
    item.update(changed)
    _save(shop, item, "fulfillment.update")
    if item["is_fulfilled"] and sent.get("notify_customer"):
        shop.mail("fulfillment_created" if new else "fulfillment_updated", order_id, _told(item))
    return item


def delete(shop: Shop, order_id: int, number: int, *, notify: bool) -> None:
    """Hide one. Raises WpError 400."""
    item = find(shop, order_id, number)
    item["date_deleted"] = f"{shop.now()}Z"
    _save(shop, item, "fulfillment.delete")
    if item["is_fulfilled"] and notify:
        shop.mail("fulfillment_deleted", order_id, _told(item))


def shown(item: Json) -> Json:
    """One as an answer to a write has it; the list writes `is_fulfilled` as "0" or "1"."""
    return {
        "id": item["id"],
        "entity_type": "WC_Order",
        "entity_id": str(item["order_id"]),
        "status": item["status"],
        "is_fulfilled": item["is_fulfilled"],
        "date_updated": item["date_updated"],
        "date_deleted": item["date_deleted"],
        "meta_data": item["meta_data"],
    }


def _save(shop: Shop, item: Json, effect: str) -> None:
    item["date_updated"] = f"{shop.now()}Z"
    if item["is_fulfilled"] and _meta(item, _DATE) is None:
        item["meta_data"].append({"key": _DATE, "value": item["date_updated"]})
    for entry in item["meta_data"]:
        if "id" not in entry:
            entry["id"] = shop.ids.take("meta")
    shop.record_json(effect, item["id"], item, number=str(item["order_id"]))
    order = shop.order(item["order_id"]).document()
    status = _order_status(order, standing(shop, item["order_id"]))
    put_meta(shop, order, [{"key": "_fulfillment_status", "value": status}])
    change(shop, order, "order.update")


def _order_status(order: Json, items: list[Json]) -> str | None:
    """`FulfillmentUtils::calculate_order_fulfillment_status`; None without any."""
    if not items:
        return None
    sent: dict[int, float] = {}
    for piece in (piece for item in items for piece in _meta(item, _ITEMS)):
        sent[piece["item_id"]] = sent.get(piece["item_id"], 0) + piece["qty"]
    pending = any(line["quantity"] > sent.get(line["id"], 0) for line in order["line_items"])
    if not pending and all(item["is_fulfilled"] for item in items):
        return "fulfilled"
    return "partially_fulfilled" if any(item["is_fulfilled"] for item in items) else "unfulfilled"


def _check_items(item: Json) -> None:
    items = _meta(item, _ITEMS)
    if not items:
        raise _refused("The fulfillment should contain at least one item.")
    if not isinstance(items, list):
        raise _refused("The fulfillment items should be an array.")
    for piece in items:
        if (
            not isinstance(piece, dict)
            or not _positive(piece.get("item_id"), int)
            or not _positive(piece.get("qty"), float)
        ):
            raise _refused("Invalid item.")


def _positive(value: object, kind: type[float]) -> bool:
    """A whole number may stand where a fraction may."""
    return isinstance(value, (kind, int)) and not isinstance(value, bool) and value > 0


def _meta(item: Json, key: str) -> Any:
    return next((entry["value"] for entry in item["meta_data"] if entry.get("key") == key), None)


def _told(item: Json) -> str:
    """What the customer's mail says of it."""
    return " ".join(str(_meta(item, key) or "") for key in ("_shipment_provider", "_tracking_number", "_tracking_url"))


def _refused(message: str) -> WpError:
    """The exceptions of the data store have a number for a code."""
    return WpError(400, 0, message)
