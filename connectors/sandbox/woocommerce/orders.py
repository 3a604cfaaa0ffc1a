"""Making and changing orders: what the checkout and the REST API do to the shop's state."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.sandbox.woocommerce.amounts import Calculator, Charge, Item, Line, TaxLine, Totals
from connectors.sandbox.woocommerce.errors import WpError, invalid_param
from connectors.sandbox.woocommerce.render import amount_text
from connectors.sandbox.woocommerce.settings import Coupon, ShopSettings
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


@dataclasses.dataclass(slots=True)
class BasketLine:
    """`product` None is a line that names no known article."""

    product: Json | None
    quantity: int
    name: str | None = None
    net: tuple[Decimal, Decimal] | None = None
    meta: Sequence[tuple[str, Any]] = ()
    #: Instead of the product's own price.
    price: Decimal | None = None


@dataclasses.dataclass(slots=True)
class Fee:
    """A fee, or a discount when negative; net."""

    name: str
    total: Decimal
    tax_class: str = ""
    taxable: bool = True


@dataclasses.dataclass(slots=True)
class Shipping:
    """A shipping line; net."""

    title: str
    total: Decimal
    method_id: str = "flat_rate"
    instance_id: str = ""


@dataclasses.dataclass(slots=True, kw_only=True)
class Draft:
    """Everything about an order that is not computed."""

    lines: Sequence[BasketLine]
    billing: Json
    shipping: Json
    fees: Sequence[Fee] = ()
    shipping_lines: Sequence[Shipping] = ()
    coupons: Sequence[Coupon] = ()
    status: str = "pending"
    currency: str = ""
    created: str = ""
    paid: str | None = None
    completed: str | None = None
    customer_id: int = 0
    payment_method: str = ""
    payment_method_title: str = ""
    transaction_id: str = ""
    created_via: str = "rest-api"
    customer_note: str = ""
    meta: Sequence[tuple[str, Any]] = ()
    tax_exempt: bool = False
    #: Instead of the shop's own (a shop's settings change over the years, its orders stay).
    settings: ShopSettings | None = None


def make_order(shop: Shop, draft: Draft) -> Json:
    """The order as it is kept, with its own ids; not yet saved."""
    country = draft.shipping.get("country") or draft.billing.get("country") or ""
    totals = compute(shop, draft, country)
    number = shop.ids.take("post")
    created = draft.created or shop.now()
    from_shop = draft.created_via == "store-api"
    order: Json = {
        "id": number,
        "status": draft.status,
        "currency": draft.currency or shop.settings.currency,
        "prices_include_tax": (draft.settings or shop.settings).prices_include_tax,
        "date_created_gmt": created,
        "date_modified_gmt": created,
        "date_paid_gmt": draft.paid,
        "date_completed_gmt": draft.completed,
        "customer_id": draft.customer_id,
        "order_key": f"wc_order_{_digest(f'key/{number}')[:13]}",
        "billing": draft.billing,
        "shipping": draft.shipping,
        "payment_method": draft.payment_method,
        "payment_method_title": draft.payment_method_title,
        "transaction_id": draft.transaction_id,
        "customer_ip_address": "127.0.0.1" if from_shop else "",
        "customer_user_agent": "Mozilla/5.0" if from_shop else "",
        "created_via": draft.created_via,
        "customer_note": draft.customer_note,
        "cart_hash": _digest(f"cart/{number}") if from_shop else "",
        "number": str(number),
        "meta_data": [shop.meta(key, value) for key, value in draft.meta],
        "refunds": [],
    }
    # Item ids are given in this order: the checkout knows the taxes first, the API computes them at the end.
    if from_shop:
        put_totals(shop, order, totals)
    _put_lines(shop, order, draft, totals)
    if not from_shop:
        put_totals(shop, order, totals)
    order["coupon_lines"] = [
        _coupon_line(shop, coupon, share) for coupon, share in zip(draft.coupons, totals.coupons, strict=True)
    ]
    return order


def _put_lines(shop: Shop, order: Json, draft: Draft, totals: Totals) -> None:
    order["line_items"] = [
        _line_item(shop, line, computed) for line, computed in zip(draft.lines, totals.items, strict=True)
    ]
    contents = draft.lines if draft.created_via == "store-api" else ()
    order["shipping_lines"] = [
        _shipping_line(shop, line, computed, contents)
        for line, computed in zip(draft.shipping_lines, totals.shipping, strict=True)
    ]
    order["fee_lines"] = [_fee_line(shop, fee, computed) for fee, computed in zip(draft.fees, totals.fees, strict=True)]


def _digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def compute(shop: Shop, draft: Draft, country: str) -> Totals:
    """The amounts of a draft."""
    items = [
        Item(
            _price(line),
            line.quantity,
            tax_class_of(shop, line.product),
            line.net,
        )
        for line in draft.lines
    ]
    cart = draft.created_via == "store-api"
    return Calculator(draft.settings or shop.settings, country, untaxed=draft.tax_exempt, cart=cart).compute(
        items,
        [Charge(fee.total, fee.tax_class, fee.taxable) for fee in draft.fees],
        [Charge(line.total) for line in draft.shipping_lines],
        draft.coupons,
    )


def _price(line: BasketLine) -> Decimal:
    if line.price is not None:
        return line.price
    return Decimal(line.product["price"] or 0) if line.product else Decimal(0)


def put_totals(shop: Shop, order: Json, totals: Totals) -> None:
    """Write computed totals and tax lines into an order."""
    order["tax_lines"] = [_tax_line(shop, line) for line in totals.tax_lines]
    for name in (
        "discount_total",
        "discount_tax",
        "shipping_total",
        "shipping_tax",
        "cart_tax",
        "total_tax",
        "total",
    ):
        order[name] = amount_text(getattr(totals, name))


def tax_class_of(shop: Shop, product: Json | None) -> str:
    """A variation's class may be "parent"."""
    if product is None:
        return ""
    if product["tax_class"] == "parent":
        return tax_class_of(shop, shop.products.get(product["parent_id"]))
    return str(product["tax_class"])


def _line_item(shop: Shop, line: BasketLine, computed: Line) -> Json:
    product = line.product
    variation = product is not None and product["type"] == "variation"
    meta = [shop.meta(key, value, shown=True) for key, value in line.meta]
    if product is not None and variation:
        meta = [shop.meta("farbe", product["attributes"][0]["option"], shown=True) | {"display_key": "Farbe"}, *meta]
    return {
        "id": shop.ids.take("item"),
        "name": line.name if line.name is not None else (product["name"] if product else ""),
        "product_id": 0 if product is None else product["parent_id"] if variation else product["id"],
        "variation_id": product["id"] if product is not None and variation else 0,
        "quantity": line.quantity,
        "tax_class": tax_class_of(shop, product),
        "subtotal": amount_text(computed.subtotal),
        "subtotal_tax": amount_text(computed.subtotal_tax),
        "total": amount_text(computed.total),
        "total_tax": amount_text(computed.total_tax),
        "taxes": [
            {"id": rate_id, "total": amount_text(total), "subtotal": amount_text(subtotal)}
            for rate_id, (total, subtotal) in computed.taxes.items()
        ],
        "meta_data": meta,
    }


def _shipping_line(shop: Shop, line: Shipping, computed: Line, items: Sequence[BasketLine]) -> Json:
    # The checkout notes what is in the parcel, names escaped and joined by a times sign.
    contents = ", ".join(f"{item.product['name']} &times; {item.quantity}" for item in items if item.product)
    return {
        "id": shop.ids.take("item"),
        "method_title": line.title,
        "method_id": line.method_id,
        "instance_id": line.instance_id,
        **_charged(computed),
        "tax_status": "taxable",
        "meta_data": [shop.meta("Items", contents, shown=True)] if contents else [],
    }


def _fee_line(shop: Shop, fee: Fee, computed: Line) -> Json:
    return {
        "id": shop.ids.take("item"),
        "name": fee.name,
        "tax_class": fee.tax_class,
        "tax_status": "taxable" if fee.taxable else "none",
        "amount": "",
        **_charged(computed),
        "meta_data": [],
    }


def _charged(computed: Line) -> Json:
    return {
        "total": amount_text(computed.total),
        "total_tax": amount_text(computed.total_tax),
        "taxes": [
            {"id": rate_id, "total": amount_text(total), "subtotal": ""}
            for rate_id, (total, _) in computed.taxes.items()
        ],
    }


def _coupon_line(shop: Shop, coupon: Coupon, share: tuple[Decimal, Decimal]) -> Json:
    nominal = int(coupon.amount) if coupon.amount == int(coupon.amount) else float(coupon.amount)
    kind = "null" if coupon.kind == "fixed_cart" else f'"{coupon.kind}"'
    escaped = coupon.code.encode("ascii", "backslashreplace").decode().replace("\\x", "\\u00")
    info = f'[{coupon.id},"{escaped}",{kind},{nominal}]'
    return {
        "id": shop.ids.take("item"),
        "code": coupon.code,
        "discount": amount_text(share[0]),
        "discount_tax": amount_text(share[1]),
        "meta_data": [shop.meta("coupon_info", info, shown=True)],
        "discount_type": coupon.kind,
        "nominal_amount": nominal,
        "free_shipping": False,
    }


def _tax_line(shop: Shop, line: TaxLine) -> Json:
    percent = line.rate.percent
    return {
        "id": shop.ids.take("item"),
        "rate_code": line.rate.code,
        "rate_id": line.rate.id,
        "label": line.rate.name,
        "compound": False,
        "tax_total": amount_text(line.tax_total),
        "shipping_tax_total": amount_text(line.shipping_tax_total),
        "rate_percent": int(percent) if percent == int(percent) else float(percent),
        "meta_data": [],
    }


# -- what happens to an order ------------------------------------------------------------------------------------


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
