"""The lines of an ERP's payload, and the canonical line behind each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.records import Order, OrderLine
from mappings.canonical.refs import Ref

#: The canonical lines of the payload's lines, one for each; None for shipping, fees and rounding.
Pair = Callable[[Sequence[JsonDict], Order, Resolved, TargetOptions], list[OrderLine | None]]


def _by_origin(
    lines: Sequence[JsonDict], order: Order, _resolved: Resolved, _options: TargetOptions
) -> list[OrderLine | None]:
    known = {line.external_id: line for line in order.lines}
    return [known.get(line.get("origin", "")) for line in lines]


def _by_product(product_name: str, quantity_name: str) -> Pair:
    """For an ERP whose lines have their article and pieces under these names."""
    return lambda lines, order, resolved, options: _paired(
        [{"product": each.get(product_name), "quantity": each[quantity_name]} for each in lines],
        order,
        resolved,
        options,
    )


def _paired(
    lines: Sequence[JsonDict], order: Order, resolved: Resolved, options: TargetOptions
) -> list[OrderLine | None]:
    """The lines say of which article they are, and stand in the order's own order.

    One canonical line may be several there (two prices, a share of each tax); the next line of the same article begins
    where its pieces are complete.
    """
    free = str(options.settings.get("free_text_product", ""))
    left = [(_id(resolved, line.sku or free), line) for line in order.lines]
    last: dict[Any, tuple[OrderLine, Decimal]] = {}
    found: list[OrderLine | None] = []
    for each in lines:
        product = each.get("product")
        line, pieces = last.get(product, (None, Decimal(0)))
        if line is None or pieces >= line.quantity:
            index = next((index for index, (id_, _) in enumerate(left) if id_ == product), None)
            line, pieces = (line, pieces) if index is None else (left.pop(index)[1], Decimal(0))
        if line is not None:
            last[product] = line, pieces + Decimal(str(each["quantity"]))
        found.append(line)
    return found


def _id(resolved: Resolved, code: str) -> Any:
    return resolved.get(Ref("product", code), {}).get("id")


def _created(payload: JsonDict) -> list[JsonDict]:
    return [line for command, *rest in payload.get("lines") or () if command == "create" for line in rest[0]]


def _with_created(payload: JsonDict, lines: Sequence[JsonDict]) -> JsonDict:
    given = iter(lines)
    commands = [
        ["create", [next(given) for _ in rest[0]]] if command == "create" else [command, *rest]
        for command, *rest in payload["lines"]
    ]
    return {**payload, "lines": commands}


def _ordered(payload: JsonDict) -> list[JsonDict]:
    return list(payload.get("order_line") or ())


def _with_ordered(payload: JsonDict, lines: Sequence[JsonDict]) -> JsonDict:
    return {**payload, "order_line": list(lines)}


def _plain(payload: JsonDict) -> list[JsonDict]:
    return list(payload.get("lines") or ())


def _with_plain(payload: JsonDict, lines: Sequence[JsonDict]) -> JsonDict:
    return {**payload, "lines": list(lines)}


#: ERP system -> (the lines that a payload creates, the payload with others in their place, who is behind them).
LINES: Final[
    Mapping[
        str,
        tuple[Callable[[JsonDict], list[JsonDict]], Callable[[JsonDict, Sequence[JsonDict]], JsonDict], Pair],
    ]
] = {
    "odoo": (_ordered, _with_ordered, _by_product("product_id", "product_uom_qty")),
    "tryton": (_created, _with_created, _by_product("product", "quantity")),
    "sandbox_erp": (_plain, _with_plain, _by_origin),
}
