"""What the sandbox ERP sells: the shop's catalogue and the services, but not the article that only the shop knows."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from connectors.sandbox.catalogue import SERVICES, TAX_PERCENT, catalogue
from connectors.sandbox.erp.documents import GOODS, SERVICE, JsonDict, Product

#: As many articles as the largest generated backlog draws from.
CATALOGUE_SIZE: Final = 1_000

_TAX_IDS: Final = {name: number for number, name in enumerate(TAX_PERCENT, start=1)}


@functools.cache
def default_products(size: int = CATALOGUE_SIZE) -> tuple[Product, ...]:
    """The products that the ERP is set up with; ids from 1, the same on every start."""
    return tuple(_made(size))


def _made(size: int) -> Iterator[Product]:
    number = 0
    for number, article in enumerate(catalogue(size), start=1):
        yield Product(
            id=number,
            code=article.sku,
            name=article.name,
            list_price=f"{article.net_price:f}",
            taxes=(_tax(article.tax_class, TAX_PERCENT[article.tax_class]),),
            type=SERVICE if article.virtual else GOODS,
            opening="0" if article.virtual else str(article.stock),
        )
    for offset, service in enumerate(SERVICES, start=1):
        yield Product(id=number + offset, code=service.sku, name=service.name, list_price=None, type=SERVICE)


def _tax(tax_class: str, percent: Decimal) -> JsonDict:
    return {"id": _TAX_IDS[tax_class], "rate": f"{percent:f}"}
