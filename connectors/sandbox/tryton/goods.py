"""Products and their stock: the catalogue that the sandbox shop and the order generator know too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from connectors.sandbox.catalogue import SERVICES, TAX_PERCENT, Product
from connectors.sandbox.tryton.admin import Admin

#: Percent -> the name of the tax that products of that rate carry.
_TAX_OF_PERCENT: Final = {Decimal(19): "VAT DE 19%", Decimal(7): "VAT DE 7%", Decimal(0): "VAT 0%"}


def make_categories(admin: Admin, accounts: Mapping[str, int], taxes: Mapping[str, int]) -> dict[str, int]:
    """Shop tax class -> id of the accounting category that gives a product its accounts and taxes."""
    values = [
        {
            "name": _TAX_OF_PERCENT[percent],
            "accounting": True,
            "account_expense": accounts["expense"],
            "account_revenue": accounts["revenue"],
            "customer_taxes": [["add", [taxes[_TAX_OF_PERCENT[percent]]]]],
        }
        for percent in TAX_PERCENT.values()
    ]
    return dict(zip(TAX_PERCENT, admin.create("product.category", *values), strict=True))


def make_services(admin: Admin, categories: Mapping[str, int]) -> dict[str, int]:
    """Code -> id of the products that stand for shipping, fees, rounding and goodwill."""
    unit = _unit(admin)
    values = [_template(each.sku, each.name, Decimal(0), categories[""], unit, kind="service") for each in SERVICES]
    admin.create("product.template", *values)
    return _ids(admin, [each.sku for each in SERVICES])


def make_products(admin: Admin, categories: Mapping[str, int], products: Iterable[Product]) -> dict[str, int]:
    """Code -> id, made in one call where they are not there yet."""
    wanted = {product.sku: product for product in products}
    known = _ids(admin, wanted)
    missing = [product for sku, product in wanted.items() if sku not in known]
    if not missing:
        return known
    unit = _unit(admin)
    admin.create(
        "product.template",
        *(
            _template(
                product.sku,
                product.name,
                product.net_price,
                categories[product.tax_class],
                unit,
                kind="service" if product.virtual else "goods",
            )
            for product in missing
        ),
    )
    return _ids(admin, wanted)


def make_stock(admin: Admin, company: int, storage: int, quantities: Mapping[int, int]) -> None:
    """Count each product (by id) into a storage location."""
    lines = [{"product": product, "quantity": float(quantity)} for product, quantity in quantities.items() if quantity]
    if lines:
        values = {"location": storage, "company": company, "lines": [["create", lines]]}
        admin.call("model.stock.inventory.confirm", admin.create("stock.inventory", values))


def _template(sku: str, name: str, price: Decimal, category: int, unit: int, *, kind: str) -> dict[str, Any]:
    # The full code is the template's code and the product's suffix together; only the suffix is used.
    variant = {"suffix_code": sku, "cost_price": (price / 2).quantize(Decimal("0.01"))}
    return {
        "name": name,
        "type": kind,
        "default_uom": unit,
        "sale_uom": unit,
        "salable": True,
        "list_price": price,
        "account_category": category,
        "products": [["create", [variant]]],
    }


def _unit(admin: Admin) -> int:
    return admin.one("product.uom", [["name", "=", "Unit"]])


def _ids(admin: Admin, codes: Iterable[str]) -> dict[str, int]:
    return {row["code"]: row["id"] for row in admin.read("product.product", [["code", "in", list(codes)]], ["code"])}
