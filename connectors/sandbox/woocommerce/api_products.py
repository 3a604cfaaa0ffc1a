"""Routes of products and variations: find by SKU, set stock, batches."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.sandbox.exchange import Response
from connectors.sandbox.woocommerce.calls import Call, number_of, run_batch
from connectors.sandbox.woocommerce.errors import WpError, invalid_id
from connectors.sandbox.woocommerce.products import (
    create_product,
    create_variation,
    show_product,
    show_variation,
    update_product,
)
from connectors.sandbox.woocommerce.query import ListQuery, compared_text, page_of, paging_headers, read_query
from connectors.sandbox.woocommerce.shop import Json


def list_products(call: Call) -> Response:
    """GET /products. `sku=A,B` also finds variations; without it they are left out."""
    query = read_query(call.request.query)
    call.require("list")
    with call.shop.lock:
        found = [product for product in _candidates(call, query) if _chosen(call, query, product)]
        column = "date_modified_gmt" if query.order_by == "modified" else "date_created_gmt"
        by_id = query.order_by == "id"
        found.sort(key=lambda product: (0 if by_id else product[column], product["id"]), reverse=query.order == "desc")
        shown = [_show(call, product) for product in page_of(query, found)]
    address = call.store.renderer.href(call.scheme, "products")
    return call.reply(shown, headers=paging_headers(query, len(found), address))


def _chosen(call: Call, query: ListQuery, product: Json) -> bool:
    if not query.get("sku") and product["type"] == "variation":
        return False
    if query.include and product["id"] not in query.include:
        return False
    after = query.get("modified_after")
    if not after:
        return True
    gmt = product["date_modified_gmt"]
    column = gmt if query.gmt else call.shop.local(gmt)
    return str(column) > compared_text(after, call.shop.settings.zone)


def _candidates(call: Call, query: ListQuery) -> Iterable[Json]:
    """All, or those of the SKUs asked for: the pieces of the list, and the whole text, which may be a SKU with commas.

    The database minds no case.
    """
    whole = query.get("sku")
    if not whole:
        return call.shop.products.values()
    asked = {sku.casefold() for sku in (*whole.split(","), whole) if sku}
    return [call.shop.products[number] for sku, number in call.shop.skus.items() if sku.casefold() in asked]


def read_product(call: Call, product_id: str) -> Response:
    """GET /products/{id}."""
    product = _product(call, product_id)
    call.require("view")
    return call.reply(_show(call, product))


def post_product(call: Call) -> Response:
    """POST /products."""
    sent = call.json()
    call.require("create")
    with call.shop.lock:
        product = create_product(call.shop, sent)
    return call.created(_show(call, product, written=True), f"products/{product['id']}")


def put_product(call: Call, product_id: str) -> Response:
    """PUT /products/{id}; a variation has a route of its own."""
    sent = call.json()
    with call.shop.lock:
        product = _product(call, product_id)
        call.require("edit")
        return call.reply(_show(call, _update(call, product["id"], sent), written=True))


def delete_product(call: Call, product_id: str) -> Response:
    """DELETE /products/{id}?force=true; without force the shop would trash it, which this one does not keep."""
    with call.shop.lock:
        product = _product(call, product_id)
        call.require("delete")
        shown = _show(call, product, written=True)
        call.shop.drop_product(product["id"])
    return call.reply(shown)


def batch_products(call: Call) -> Response:
    """POST /products/batch."""
    sent = call.json()
    call.require("batch")
    with call.shop.lock:
        result = run_batch(
            sent,
            lambda item: _show(call, create_product(call.shop, item), written=True),
            lambda item: _show(call, _update(call, int(item.get("id") or 0), item), written=True),
            lambda number: _delete(call, number),
        )
    return call.reply(result)


def list_variations(call: Call, product_id: str) -> Response:
    """GET /products/{id}/variations."""
    query = read_query(call.request.query)
    parent = _product(call, product_id)
    call.require("list")
    found = [product for product in call.shop.products.values() if product["parent_id"] == parent["id"]]
    shown = [_show_variation(call, product) for product in page_of(query, found)]
    address = call.store.renderer.href(call.scheme, f"products/{parent['id']}/variations")
    return call.reply(shown, headers=paging_headers(query, len(found), address))


def post_variation(call: Call, product_id: str) -> Response:
    """POST /products/{id}/variations."""
    sent = call.json()
    with call.shop.lock:
        parent = _product(call, product_id)
        call.require("create")
        variation = create_variation(call.shop, parent, sent)
    # The recorded shop leaves its route pattern in this header.
    path = rf"products/(?P<product_id>[\d]+)/variations/{variation['id']}"
    return call.created(_show_variation(call, variation), path)


def read_variation(call: Call, product_id: str, variation_id: str) -> Response:
    """GET /products/{id}/variations/{id}."""
    variation = _variation(call, product_id, number_of(variation_id, "product_variation"))
    call.require("view")
    return call.reply(_show_variation(call, variation))


def put_variation(call: Call, product_id: str, variation_id: str) -> Response:
    """PUT /products/{id}/variations/{id}."""
    sent = call.json()
    with call.shop.lock:
        variation = _variation(call, product_id, number_of(variation_id, "product_variation"))
        call.require("edit")
        return call.reply(_show_variation(call, update_product(call.shop, variation, sent)))


def delete_variation(call: Call, product_id: str, variation_id: str) -> Response:
    """DELETE /products/{id}/variations/{id}?force=true."""
    with call.shop.lock:
        variation = _variation(call, product_id, number_of(variation_id, "product_variation"))
        call.require("delete")
        shown = _show_variation(call, variation)
        call.shop.drop_product(variation["id"])
    return call.reply(shown)


def batch_variations(call: Call, product_id: str) -> Response:
    """POST /products/{id}/variations/batch."""
    sent = call.json()
    call.require("batch")

    def update(item: Json) -> Json:
        variation = _variation(call, product_id, int(item.get("id") or 0), status=400)
        return _show_variation(call, update_product(call.shop, variation, item))

    def create(item: Json) -> Json:
        return _show_variation(call, create_variation(call.shop, _product(call, product_id), item))

    with call.shop.lock:
        return call.reply(run_batch(sent, create, update, lambda number: _delete(call, number)))


def _show(call: Call, product: Json, *, written: bool = False) -> Json:
    return show_product(call.store.renderer, call.shop, product, call.scheme, written=written)


def _show_variation(call: Call, product: Json) -> Json:
    return show_variation(call.store.renderer, call.shop, product, call.scheme)


def _product(call: Call, product_id: str) -> Json:
    product = call.shop.products.get(number_of(product_id, "product"))
    if product is None:
        raise invalid_id("product")
    return product


def _variation(call: Call, product_id: str, variation_id: int, *, status: int = 404) -> Json:
    product = call.shop.products.get(variation_id)
    if product is None or product["parent_id"] != number_of(product_id, "product"):
        raise WpError(status, "woocommerce_rest_product_variation_invalid_id", "Invalid ID.")
    return product


def _update(call: Call, product_id: int, sent: Json) -> Json:
    product = call.shop.products.get(product_id)
    if product is None:
        raise WpError(400, "woocommerce_rest_product_invalid_id", "Invalid ID.")
    if product["type"] == "variation":
        message = (
            "To manipulate product variations you should use the "
            "/products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
        )
        raise WpError(404, "woocommerce_rest_invalid_product_id", message)
    return update_product(call.shop, product, sent)


def _delete(call: Call, product_id: int) -> Json:
    product = call.shop.products.get(product_id)
    if product is None:
        raise WpError(400, "woocommerce_rest_product_invalid_id", "Invalid ID.")
    shown = _show(call, product)
    call.shop.drop_product(product_id)
    return shown
