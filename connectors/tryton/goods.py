"""Products and subdivisions: large tables, asked for by code and in batches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.kit.base import JsonDict
from connectors.tryton.client import TrytonClient

_PRODUCT_FIELDS: Final = (
    *("code", "type", "salable", "sale_uom.digits", "default_uom", "list_price_used"),
    *("account_category.customer_taxes_used.name", "account_category.customer_taxes_used.rate"),
)
#: Characters of codes in one query: in base64 and with everything around it the address stays below 8 KB, which is
#: what common reverse proxies take.
_QUERY_CHARACTERS: Final = 4_000


def find_products(client: TrytonClient, codes: Iterable[str], context: Mapping[str, Any]) -> dict[str, JsonDict]:
    """Code -> product; without the company in `context` no price shows."""
    found: dict[str, JsonDict] = {}
    for batch in batches(codes):
        for row in client.search("product.product", [["code", "in", batch]], _PRODUCT_FIELDS, context=context):
            found[row["code"]] = _product(row)
    return found


def find_subdivisions(client: TrytonClient, codes: Iterable[str]) -> dict[str, JsonDict]:
    """ISO 3166-2 code -> subdivision."""
    found: dict[str, JsonDict] = {}
    for batch in batches(codes):
        for row in client.search("country.subdivision", [["code", "in", batch]], ("code",)):
            found[row["code"]] = {"id": row["id"], "code": row["code"]}
    return found


def batches(values: Iterable[str]) -> Iterator[list[str]]:
    """Different values, sorted, in lists that fit into one address."""
    batch: list[str] = []
    size = 0
    for value in sorted(set(values)):
        length = len(json.dumps(value)) + 1
        if batch and size + length > _QUERY_CHARACTERS:
            yield batch
            batch, size = [], 0
        batch.append(value)
        size += length
    if batch:
        yield batch


def _product(row: JsonDict) -> JsonDict:
    unit = row.get("sale_uom") or {}
    taxes: Sequence[JsonDict] = (row.get("account_category") or {}).get("customer_taxes_used") or ()
    # The list price is for the default unit; for a product sold in another one it says nothing comparable.
    comparable = unit.get("id") == row.get("default_uom")
    return {
        "id": row["id"],
        "code": row["code"],
        "type": row.get("type"),
        "salable": bool(row.get("salable")),
        "unit": unit.get("id"),
        "unit_digits": unit.get("digits"),
        "list_price": row.get("list_price_used") if comparable else None,
        "taxes": [
            {"id": tax["id"], "name": tax["name"], "rate": None if tax.get("rate") is None else tax["rate"] * 100}
            for tax in taxes
        ],
    }
