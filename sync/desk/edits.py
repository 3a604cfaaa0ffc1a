"""An edit in the shop that the ERP does not have yet: field by field what was, what the shop says, what the ERP has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from sync.desk.phrases import Phrase, quote
from sync.rules.edits import FIELDS, SEPARATOR, apart

_ADDRESS: Final = (
    *("company", "first_name", "last_name", "street", "street_2", "postal_code", "city", "region", "country"),
    *("phone", "email"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class FieldChange:
    """One field; `erp` is None where nobody has looked there since the edit."""

    field: str
    was: str
    shop: str
    erp: str | None

    @property
    def label(self) -> Phrase:
        """What people call the field."""
        return FIELDS.get(self.field, quote(self.field))


def pending_edit(
    was: Mapping[str, Any], now: Mapping[str, Any], looked: Sequence[Mapping[str, Any]] | None
) -> tuple[FieldChange, ...]:
    """From the canonical orders' JSON, or from what the flow kept (`looked`) when it compared them with the ERP."""
    if looked:
        found = [FieldChange(each["field"], each["was"], each["wanted"], each["there"]) for each in looked]
    else:
        found = list(_changes(was, now))
    return tuple(map(_shortened, found))


def _shortened(change: FieldChange) -> FieldChange:
    left = iter(apart(change.field, [text for text in (change.was, change.shop, change.erp) if text is not None]))
    return FieldChange(change.field, next(left), next(left), None if change.erp is None else next(left))


def _changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[FieldChange]:
    before, after = _texts(was), _texts(now)
    for field, text in before.items():
        if text != after[field]:
            yield FieldChange(field, text, after[field], None)


def _texts(order: Mapping[str, Any]) -> dict[str, str]:
    return {
        "lines": SEPARATOR.join(sorted(_lines(order))),
        "invoice_address": _address(order["billing"]),
        "shipment_address": _address(order["shipping"]),
        "note": order["note"],
        "reference": order["po_number"],
        "total": f"{order['totals']['grand']} {order['currency']}",
    }


def _lines(order: Mapping[str, Any]) -> Iterator[str]:
    for line in order["lines"]:
        yield f"{Decimal(line['quantity']).normalize():f} x {line['sku'] or line['name']} = {line['total']}"
    for line in (*order["shipping_lines"], *order["fees"]):
        yield f"{line['title']} = {line['total']}"


def _address(address: Mapping[str, Any]) -> str:
    return ", ".join(address[name] for name in _ADDRESS if address.get(name))
