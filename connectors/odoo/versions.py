"""What Odoo calls otherwise in which version: the one table. Everything else here uses the newest names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

#: The first version with JSON-2, and the oldest that we speak to.
JSON2: Final = 19
OLDEST: Final = 17

#: (model, field of the newest version) -> (the version that brought the name, the name before).
RENAMED: Final[Mapping[tuple[str, str], tuple[int, str]]] = {
    ("sale.order.line", "tax_ids"): (19, "tax_id"),
    ("sale.order.line", "product_uom_id"): (19, "product_uom"),
    ("account.payment", "memo"): (18, "ref"),
}
#: The other side of relations that we write or read through.
_RELATIONS: Final[Mapping[tuple[str, str], str]] = {
    ("sale.order", "order_line"): "sale.order.line",
    ("sale.order", "picking_ids"): "stock.picking",
    ("sale.order", "invoice_ids"): "account.move",
    ("stock.picking", "move_ids"): "stock.move",
    ("account.move", "invoice_line_ids"): "account.move.line",
    ("account.move", "matched_payment_ids"): "account.payment",
}


def then(model: str, name: str, version: int) -> str:
    """The name of a field in that version."""
    since, before = RENAMED.get((model, name), (0, name))
    return name if version >= since else before


def path_then(model: str, path: str, version: int) -> str:
    """The same for a column of `load`: `order_line/tax_ids/.id`, or a dotted one of a domain."""
    sign = "/" if "/" in path else "."
    made, of = [], model
    for name in path.split(sign) if sign in path else [path]:
        made.append(then(of, name, version))
        of = _RELATIONS.get((of, name), "")
    return sign.join(made)


def fields_then(model: str, names: Iterable[str], version: int) -> list[str]:
    """Several of them."""
    return [path_then(model, name, version) for name in names]


def values_then(model: str, values: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Values of `write` or `create`, those of lines in their commands too."""
    made = {}
    for name, value in values.items():
        of = _RELATIONS.get((model, name), "")
        lines = isinstance(value, list) and of
        made[then(model, name, version)] = [_command_then(of, each, version) for each in value] if lines else value
    return made


def _command_then(model: str, command: Any, version: int) -> Any:
    return [values_then(model, part, version) if isinstance(part, dict) else part for part in command]


def specification_then(model: str, specification: Mapping[str, Any], version: int) -> dict[str, Any]:
    """A nested specification of `web_read`."""
    made = {}
    for name, inner in specification.items():
        of = _RELATIONS.get((model, name), "")
        nested = {"fields": specification_then(of, inner["fields"], version)} if "fields" in inner else {}
        made[then(model, name, version)] = {**inner, **nested}
    return made


def rows_now(model: str, rows: Iterable[Mapping[str, Any]], version: int) -> list[dict[str, Any]]:
    """What was read, by the newest names, relations too."""
    back = {before: name for (of, name), (since, before) in RENAMED.items() if of == model and version < since}
    made = []
    for row in rows:
        now = {}
        for name, value in row.items():
            of = _RELATIONS.get((model, name), "")
            nested = of and isinstance(value, list) and value and isinstance(value[0], dict)
            now[back.get(name, name)] = rows_now(of, value, version) if nested else value
        made.append(now)
    return made
