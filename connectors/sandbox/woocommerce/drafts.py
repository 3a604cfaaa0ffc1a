"""Making an order out of a draft: its lines, coupons, taxes and totals as they are kept."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.sandbox.woocommerce.amounts import Calculator, Charge, Item, Line, TaxLine, Totals
from connectors.sandbox.woocommerce.render import amount_text
from connectors.sandbox.woocommerce.settings import Coupon, ShopSettings
from connectors.sandbox.woocommerce.shop import Json, Shop


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
