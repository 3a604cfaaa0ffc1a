"""Products by their code (`default_code`), which Odoo does not keep unique."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final, TypeVar

from connectors.kit.base import JsonDict
from connectors.odoo.client import OdooClient
from connectors.odoo.masters import Masters

_FIELDS: Final = ("default_code", "name", "type", "sale_ok", "uom_id", "lst_price", "taxes_id")
#: Values of one domain.
_BATCH: Final = 500
T = TypeVar("T")


def find_products(client: OdooClient, masters: Masters, codes: Iterable[str]) -> dict[str, JsonDict]:
    """Code -> product; one of which there are several has no id, and `candidates`."""
    found: dict[str, list[JsonDict]] = {}
    for batch in batches(sorted(set(codes)), _BATCH):
        for row in client.search("product.product", [["default_code", "in", batch]], _FIELDS):
            found.setdefault(row["default_code"], []).append(row)
    taxes, units = (masters.taxes(), masters.units()) if found else ([], {})
    return {code: _product(rows, taxes, units) for code, rows in found.items()}


def batches(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Lists of at most so many."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _product(rows: Sequence[JsonDict], taxes: Sequence[JsonDict], units: dict[int, JsonDict]) -> JsonDict:
    row = rows[0]
    unit = row["uom_id"][0] if row["uom_id"] else None
    product = {
        "id": row["id"],
        "code": row["default_code"],
        "type": row["type"],
        "salable": bool(row["sale_ok"]),
        "unit": unit,
        "unit_digits": units.get(unit or 0, {}).get("digits"),
        "list_price": Decimal(str(row["lst_price"])),
        "taxes": [
            {"id": tax["id"], "name": tax["name"], "rate": tax["rate"]} for tax in taxes if tax["id"] in row["taxes_id"]
        ],
    }
    if len(rows) > 1:
        product |= {"id": None, "candidates": [{"id": each["id"], "name": each["name"]} for each in rows]}
    return product
