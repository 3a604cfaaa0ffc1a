"""What an order's sale would be now, against how it stands: the smallest write that makes it so."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.facets import SaleState, Standing
from mappings.canonical.money import Money
from mappings.canonical.records import Order
from mappings.sandbox_erp.sale import sale
from mappings.sandbox_erp.standing import fields, standing_line


def wanted(order: Order, resolved: Resolved, options: TargetOptions) -> Standing:
    """The sale as its payload would make it, in the words of `standing`. Raises Problems as `sale` does."""
    payload = sale(order, resolved, options)
    codes = {value["id"]: value.get("code") or ref.value for ref, value in resolved.items() if ref.kind == "product"}
    return Standing(
        external_id="",
        number="",
        state=SaleState.DRAFT,
        told="",
        total=Money(options.rounded(order.totals.grand), order.currency),
        lines=tuple(standing_line({**line, "code": codes[line["product"]]}) for line in payload["lines"]),
        fields=fields(payload),
    )


def change(
    order: Order, survey: JsonDict, named: frozenset[str], resolved: Resolved, options: TargetOptions
) -> JsonDict | None:
    """Those of the named fields that differ, as one write; None where none does. Raises Problems as `sale` does."""
    payload = sale(order, resolved, options)
    wished, stands = dict(fields(payload)), dict(fields(survey))
    values: JsonDict = {name: payload[name] for name in wished if name in named and wished[name] != stands[name]}
    if "lines" in named and _compared(payload["lines"]) != _compared(survey["lines"]):
        values["lines"] = payload["lines"]
    return values or None


def _compared(lines: Iterable[JsonDict]) -> list[tuple[object, ...]]:
    """What of a line is the order's; its number is the ERP's own."""
    return [
        (
            line["product"],
            line.get("origin") or "",
            line.get("description") or "",
            *(Decimal(line[name]) for name in ("quantity", "amount", "tax")),
        )
        for line in lines
    ]
