"""The shop's own count: taken by a sale, given back by a cancellation or a refund, moved by an edit, set from outside.

As WooCommerce keeps it (wc-stock-functions.php; recorded for order 19): `_reduced_stock` at a line says how many of its
pieces are taken out, `_restock_refunded_items` how many its refunds brought back, all of them together. A variation
whose own count is switched off is counted with its parent; what nobody counts moves nothing.
"""

from __future__ import annotations

from connectors.sandbox.woocommerce.shop import Json, Shop

TAKES_STOCK = frozenset({"processing", "completed", "on-hold"})
_GIVES_STOCK_BACK = frozenset({"cancelled", "pending"})
_TAKEN = "_reduced_stock"
_BACK = "_restock_refunded_items"


def keeper(shop: Shop, product: Json | None) -> Json | None:
    """The product at which this one is counted: itself, its parent, or None."""
    if product is None or product["manage_stock"]:
        return product
    parent = shop.products.get(product["parent_id"])
    return parent if parent is not None and parent["manage_stock"] else None


def set_stock(shop: Shop, product: Json, quantity: int, effect: str) -> None:
    """Set a product's stock; negative stands as it is."""
    changed = product | {
        "stock_quantity": quantity,
        "stock_status": stock_status(product, quantity),
        "date_modified_gmt": shop.now(),
    }
    shop.save_product(changed, effect)
    shop.tell("product.updated", product["id"])
    parent = shop.products.get(product["parent_id"])
    if parent is not None:  # its time moves too, without a webhook (recorded)
        shop.save_product(parent | {"date_modified_gmt": shop.now()}, "product.update")


def stock_status(product: Json, quantity: int) -> str:
    """What a customer is told."""
    if quantity > 0:
        return "instock"
    return "outofstock" if product["backorders"] == "no" else "onbackorder"


def move_stock(shop: Shop, order: Json) -> None:
    """Take or give back the stock of every line once, as the order's new state demands."""
    for line in order["line_items"]:
        taken = _count(line, _TAKEN)
        if order["status"] in TAKES_STOCK and taken is None:
            _take(shop, line, line["quantity"], "product.sold")
        elif order["status"] in _GIVES_STOCK_BACK and taken is not None:
            _take(shop, line, -taken, "product.restocked")
            _put(shop, line, _TAKEN, None)


def adjust_stock(shop: Shop, line: Json, quantity: int) -> None:
    """A line of an order that has its stock now has `quantity` pieces; 0 for one that is removed."""
    _take(shop, line, quantity - (_count(line, _TAKEN) or 0) - (_count(line, _BACK) or 0), "product.sold")


def restock(shop: Shop, line: Json, pieces: int) -> None:
    """A refund brings so many pieces of a line back, where the shop had taken them out."""
    if not pieces or not _count(line, _TAKEN) or _take(shop, line, -pieces, "product.restocked") is None:
        return
    _put(shop, line, _BACK, (_count(line, _BACK) or 0) + pieces)


def _take(shop: Shop, line: Json, pieces: int, effect: str) -> int | None:
    """Take so many pieces more (or give back) and note it at the line; None where nobody counts them."""
    counted = keeper(shop, shop.products.get(line["variation_id"] or line["product_id"]))
    if counted is None:
        return None
    if pieces:
        _put(shop, line, _TAKEN, (_count(line, _TAKEN) or 0) + pieces)
        set_stock(shop, counted, (counted["stock_quantity"] or 0) - pieces, effect)
    return pieces


def _count(line: Json, key: str) -> int | None:
    return next((int(meta["value"]) for meta in line["meta_data"] if meta["key"] == key), None)


def _put(shop: Shop, line: Json, key: str, value: int | None) -> None:
    """Set one of the two counts; None removes it."""
    known = next((meta for meta in line["meta_data"] if meta["key"] == key), None)
    if value is None:
        line["meta_data"] = [meta for meta in line["meta_data"] if meta is not known]
    elif known is not None:
        known["value"] = known["display_value"] = str(value)
    else:
        line["meta_data"].append(shop.meta(key, str(value), shown=True))
