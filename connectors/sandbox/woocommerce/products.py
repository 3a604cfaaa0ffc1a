"""Products as the shop keeps and shows them; the key order is the recorded one."""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from decimal import Decimal
from typing import Any

from connectors.sandbox.catalogue import Product
from connectors.sandbox.woocommerce.errors import WpError, invalid_param
from connectors.sandbox.woocommerce.render import Renderer, show_amount
from connectors.sandbox.woocommerce.shop import Json, Shop
from connectors.sandbox.woocommerce.stock import keeper, set_stock, stock_status

_MAX_RELATED = 5
_UNCATEGORIZED = {"id": 15, "name": "Uncategorized", "slug": "uncategorized"}


def add_catalogue(shop: Shop, products: tuple[Product, ...]) -> None:
    """Put the shared catalogue on sale. Prices are gross or net, as the shop is set."""
    gross = shop.settings.prices_include_tax
    for product in products:
        sent: Json = {
            "name": product.name,
            "sku": product.sku,
            "regular_price": f"{product.gross_price if gross else product.net_price:.{shop.settings.decimals}f}",
            "tax_class": product.tax_class,
            "manage_stock": True,
            "stock_quantity": product.stock,
            "weight": str(product.weight_kg),
            "virtual": product.virtual,
        }
        if product.parent_sku:
            parent = _parent(shop, product.parent_sku, product.name.rpartition(" - ")[0])
            sent |= {"attributes": [{"name": "Farbe", "option": product.option}]}
            create_variation(shop, parent, sent)
        else:
            create_product(shop, sent)


def _parent(shop: Shop, sku: str, name: str) -> Json:
    known = shop.skus.get(sku)
    if known is not None:
        return shop.products[known]
    return create_product(shop, {"name": name, "type": "variable", "sku": sku, "attributes": [{"name": "Farbe"}]})


def create_product(shop: Shop, sent: Json) -> Json:
    """A simple or variable product from what the client sent. Raises WpError 400 for a SKU that is taken."""
    _check_sku(shop, str(sent.get("sku") or ""))
    product = _blank(shop, sent) | {
        "type": sent.get("type", "simple"),
        "tax_class": sent.get("tax_class", ""),
        "parent_id": 0,
        "attributes": sent.get("attributes", []),
    }
    _apply(product, sent)
    shop.save_product(product, "product.create")
    return product


def create_variation(shop: Shop, parent: Json, sent: Json) -> Json:
    """A variation of `parent`; its name shows the parent's and the option."""
    _check_sku(shop, str(sent.get("sku") or ""))
    options = [
        {"id": 0, "name": attribute["name"], "slug": attribute["name"].lower(), "option": attribute["option"]}
        for attribute in sent.get("attributes", [])
    ]
    name = f"{parent['name']} - {', '.join(option['option'] for option in options)}"
    product = _blank(shop, sent) | {
        "type": "variation",
        "name": name,
        "tax_class": sent.get("tax_class") or "parent",
        "parent_id": parent["id"],
        "attributes": options,
    }
    _apply(product, {name: value for name, value in sent.items() if name != "tax_class"})
    shop.save_product(product, "product.create")
    return product


def update_product(shop: Shop, product: Json, sent: Json) -> Json:
    """Change a product; stock is absolute, and left alone where the product itself has no count. Raises WpError 400."""
    quantity = sent.get("stock_quantity")
    if quantity is not None and not re.fullmatch(r"-?\d+", str(quantity)):
        message = "stock_quantity is not of type integer."
        raise invalid_param("stock_quantity", message, "rest_invalid_type", {"param": "stock_quantity"})
    if sent.get("sku", product["sku"]) != product["sku"]:
        _check_sku(shop, str(sent["sku"]))
        shop.skus.pop(product["sku"], None)
    changed = dict(product)
    _apply(changed, {key: value for key, value in sent.items() if key not in {"stock_quantity", "type"}})
    if not changed["manage_stock"]:
        changed |= {"stock_quantity": None, "backorders": "no"}
    if quantity is not None and changed["manage_stock"]:
        set_stock(shop, changed, int(quantity), "product.stock")
    else:
        changed["date_modified_gmt"] = shop.now()
        shop.save_product(changed, "product.update")
        shop.tell("product.updated", product["id"])
    return shop.products[product["id"]]


def stored_name(name: str) -> str:
    """A name as WordPress keeps it: escaped, except for harmless tags (recorded: `Tee &amp; <b>..</b> 5 &gt; 3`)."""
    pieces = re.split(r"(</?(?:b|i|em|strong)>)", name)
    return "".join(piece if index % 2 else html.escape(piece, quote=False) for index, piece in enumerate(pieces))


def _check_sku(shop: Shop, sku: str) -> None:
    taken = shop.skus.get(sku) if sku else None
    if taken is not None:
        data = {"resource_id": taken, "unique_sku": f"{sku}-1"}
        raise WpError(400, "product_invalid_sku", "Invalid or duplicated SKU.", data=data)


def _blank(shop: Shop, sent: Json) -> Json:
    now = shop.now()
    return {
        "id": shop.ids.take("post"),
        "name": stored_name(str(sent.get("name", ""))),
        "date_created_gmt": now,
        "date_modified_gmt": now,
        "status": "publish",
        "sku": "",
        "price": "",
        "regular_price": "",
        "total_sales": 0,
        "virtual": False,
        "manage_stock": False,
        "stock_quantity": None,
        "stock_status": "instock",
        "backorders": "no",
        "weight": "",
        "meta_data": [],
    }


def _apply(product: Json, sent: Json) -> None:
    if "name" in sent and product["type"] != "variation":
        product["name"] = stored_name(str(sent["name"]))
    for name in ("sku", "regular_price", "manage_stock", "backorders", "weight", "virtual", "tax_class", "status"):
        if name in sent:
            product[name] = sent[name]
    product["price"] = product["regular_price"]
    if sent.get("stock_quantity") is not None:
        product["stock_quantity"] = int(sent["stock_quantity"])
    if product["type"] == "variable" and not product["manage_stock"]:
        product["stock_status"] = "outofstock"
    elif product["manage_stock"]:
        product["stock_status"] = stock_status(product, product["stock_quantity"] or 0)


def slug(name: str) -> str:
    """A name as WordPress writes it into addresses."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "s")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"[,.]", "", plain)).strip("-")


def show_product(renderer: Renderer, shop: Shop, product: Json, scheme: str, *, written: bool = False) -> Json:
    """A product as the products routes show it; a variation among them has type `variation` and `parent_id`.

    `written`: as the answer to a change, which has two keys more.
    """
    variation = product["type"] == "variation"
    parent = shop.products.get(product["parent_id"]) if variation else None
    number, own_slug = product["id"], slug(product["name"])
    up = f"products/{product['parent_id']}" if variation else None
    shown = {
        "id": number,
        "name": product["name"],
        "slug": own_slug,
        "permalink": _permalink(renderer, product, parent, scheme),
        **_times(shop, product),
        "type": product["type"],
        "status": product["status"],
        "featured": False,
        "catalog_visibility": "visible",
        "description": "",
        "short_description": "",
        "sku": product["sku"],
        **_prices(product),
        "total_sales": "0" if variation else product["total_sales"],
        **_download(product),
        "external_url": "",
        "button_text": "",
        "tax_status": "taxable",
        "tax_class": product["tax_class"] if product["tax_class"] != "parent" else "",
        **_stock(shop, product),
        "low_stock_amount": None,
        "sold_individually": False,
        **_parcel(product),
        "shipping_required": not product["virtual"],
        "shipping_taxable": not product["virtual"],
        "shipping_class": "",
        "shipping_class_id": 0,
        "reviews_allowed": not variation,
        "average_rating": "0.00" if variation else "0",
        "rating_count": 0,
        "upsell_ids": [],
        "cross_sell_ids": [],
        "parent_id": product["parent_id"],
        "purchase_note": "",
        "categories": [] if variation else [_UNCATEGORIZED],
        "brands": [],
        "tags": [],
        "images": [],
        "attributes": _attributes(product),
        "default_attributes": [],
        "variations": _variations(shop, product),
        "grouped_products": [],
        "menu_order": 0,
        "price_html": _price_html(product),
        "related_ids": _related(shop, product),
        "meta_data": product["meta_data"],
        "stock_status": (keeper(shop, product) or product)["stock_status"],
        "has_options": product["type"] == "variable",
        "post_password": "",
        "global_unique_id": "",
    }
    if written:
        shown |= {
            "permalink_template": f"{scheme}://{renderer.host}/product/%pagename%/",
            "generated_slug": own_slug,
        }
    return shown | {"_links": renderer.links(scheme, "products", number, up=up)}


def show_variation(renderer: Renderer, shop: Shop, product: Json, scheme: str) -> Json:
    """A variation as the variations route shows it: fewer keys, its name is the option alone."""
    parent = shop.products[product["parent_id"]]
    path = f"products/{parent['id']}"
    stock = _stock(shop, product)
    return {
        "id": product["id"],
        "type": "variation",
        **_times(shop, product),
        "description": "",
        "permalink": _permalink(renderer, product, parent, scheme),
        "sku": product["sku"],
        "global_unique_id": "",
        **{name: value for name, value in _prices(product).items() if name != "purchasable"},
        "status": product["status"],
        "purchasable": True,
        **_download(product),
        "tax_status": "taxable",
        "tax_class": product["tax_class"],
        "manage_stock": stock["manage_stock"],
        "stock_quantity": stock["stock_quantity"],
        "stock_status": (keeper(shop, product) or product)["stock_status"],
        "backorders": stock["backorders"],
        "backorders_allowed": stock["backorders_allowed"],
        "backordered": stock["backordered"],
        "low_stock_amount": None,
        **_parcel(product),
        "shipping_class": "",
        "shipping_class_id": 0,
        "image": None,
        "gallery_image_ids": [],
        "attributes": product["attributes"],
        "menu_order": 0,
        "meta_data": product["meta_data"],
        "name": ", ".join(option["option"] for option in product["attributes"]),
        "parent_id": parent["id"],
        "_links": renderer.links(scheme, f"{path}/variations", product["id"], up=path),
    }


def _times(shop: Shop, product: Json) -> Json:
    return {
        "date_created": shop.local(product["date_created_gmt"]),
        "date_created_gmt": product["date_created_gmt"],
        "date_modified": shop.local(product["date_modified_gmt"]),
        "date_modified_gmt": product["date_modified_gmt"],
    }


def _prices(product: Json) -> Json:
    return {
        "price": product["price"],
        "regular_price": product["regular_price"],
        "sale_price": "",
        "date_on_sale_from": None,
        "date_on_sale_from_gmt": None,
        "date_on_sale_to": None,
        "date_on_sale_to_gmt": None,
        "on_sale": False,
        "purchasable": product["type"] != "variable",
    }


def _download(product: Json) -> Json:
    return {
        "virtual": product["virtual"],
        "downloadable": False,
        "downloads": [],
        "download_limit": -1,
        "download_expiry": -1,
    }


def _stock(shop: Shop, product: Json) -> Json:
    """A variation that is counted with its parent says so, and shows the parent's count."""
    counted = keeper(shop, product)
    shown = counted or product
    allowed = shown["backorders"] != "no"
    return {
        "manage_stock": "parent" if counted not in (None, product) else product["manage_stock"],
        "stock_quantity": shown["stock_quantity"],
        "backorders": shown["backorders"],
        "backorders_allowed": allowed,
        "backordered": allowed and (shown["stock_quantity"] or 0) < 0,
    }


def _parcel(product: Json) -> Json:
    return {"weight": product["weight"], "dimensions": {"length": "", "width": "", "height": ""}}


def _attributes(product: Json) -> list[Any]:
    if product["type"] != "variable":
        return list(product["attributes"])
    return [
        {
            "id": 0,
            "name": attribute["name"],
            "slug": attribute["name"],
            "position": position,
            "visible": True,
            "variation": True,
            "options": attribute.get("options", []),
        }
        for position, attribute in enumerate(product["attributes"])
    ]


def _related(shop: Shop, product: Json) -> list[int]:
    """Some other products; the shop picks them at random."""
    if product["type"] == "variation":
        return []
    others = (other["id"] for other in shop.products.values() if other["type"] != "variation" and other is not product)
    return list(itertools.islice(others, _MAX_RELATED))


def _variations(shop: Shop, product: Json) -> list[int]:
    if product["type"] != "variable":
        return []
    return [other["id"] for other in shop.products.values() if other["parent_id"] == product["id"]]


def _permalink(renderer: Renderer, product: Json, parent: Json | None, scheme: str) -> str:
    base = f"{scheme}://{renderer.host}/product/"
    if parent is None:
        return f"{base}{slug(product['name'])}/"
    option = product["attributes"][0]
    return f"{base}{slug(parent['name'])}/?attribute_{option['slug']}={option['option']}"


def _price_html(product: Json) -> str:
    if not product["price"]:
        return ""
    symbol = '<span class="woocommerce-Price-currencySymbol" translate="no">&euro;</span>'
    price = show_amount(str(Decimal(product["price"])), 2)
    return f'<span class="woocommerce-Price-amount amount"><bdi>{symbol}{price}</bdi></span>'
