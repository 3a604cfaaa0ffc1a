"""What an order's sale would be now, against how it stands: the smallest write that makes it so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from mappings import buyers
from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.facets import SaleState, Standing, StandingLine
from mappings.canonical.money import Money
from mappings.canonical.records import Address, Order
from mappings.odoo.arithmetic import rounded
from mappings.odoo.lines import rounding_unit
from mappings.odoo.sale import sale
from mappings.odoo.standing import address_text, note_text, sale_lines
from mappings.odoo.values import decimal
from mappings.wanted import country_ref, party_ref, region_ref

#: Field of a sale -> its column; an address is compared by what it says.
_ADDRESSES: Final = {"invoice_address": "partner_invoice_id", "shipment_address": "partner_shipping_id"}
#: What Odoo lets us change of a line that is confirmed; of what it is made does not change any more.
_OPEN: Final = frozenset({"draft", "sent"})


def wanted(order: Order, resolved: Resolved, options: TargetOptions) -> Standing:
    """The sale as its payload would make it, in the words of `standing`. Raises Problems as `sale` does."""
    payload = sale(order, resolved, options)
    codes = {value["id"]: value.get("code") or ref.value for ref, value in resolved.items() if ref.kind == "product"}
    unit = rounding_unit(order, resolved)
    return Standing(
        external_id="",
        number="",
        state=SaleState.DRAFT,
        told="",
        total=Money(options.rounded(order.totals.grand), order.currency),
        lines=tuple(_line(line, codes[line["product_id"]], unit) for line in payload["order_line"]),
        fields=(
            ("invoice_address", _text(buyers.billing(order), payload["partner_invoice_id"], order, resolved, options)),
            (
                "shipment_address",
                _text(buyers.shipping(order), payload["partner_shipping_id"], order, resolved, options),
            ),
            ("note", note_text(payload["note"])),
            ("reference", payload["client_order_ref"] or ""),
        ),
    )


def change(
    order: Order, survey: JsonDict, fields: frozenset[str], resolved: Resolved, options: TargetOptions
) -> JsonDict | None:
    """Those of the named fields that differ, as one write; None where none does. Raises Problems as `sale` does."""
    payload, wished = sale(order, resolved, options), dict(wanted(order, resolved, options).fields)
    values: JsonDict = {}
    if "lines" in fields and (commands := list(_line_commands(survey, payload["order_line"]))):
        values["order_line"] = commands
    for name, column in _ADDRESSES.items():
        # One address can stand at a customer twice; what it says counts, not which of them it is.
        if name in fields and address_text(survey[column]) != wished[name]:
            values[column] = payload[column]
    if "note" in fields and note_text(survey["note"]) != wished["note"]:
        values["note"] = payload["note"] or False
    if "reference" in fields and (survey["client_order_ref"] or "") != wished["reference"]:
        values["client_order_ref"] = payload["client_order_ref"]
    return values or None


def _line(line: JsonDict, code: str, unit: Decimal) -> StandingLine:
    quantity, price = Decimal(line["product_uom_qty"]), Decimal(line["price_unit"])
    return StandingLine(
        external_id="",
        code=code,
        title=line["name"] or "",
        quantity=quantity,
        unit_price=price,
        total=rounded(quantity * price, unit),
    )


def _line_commands(survey: JsonDict, wished: Sequence[JsonDict]) -> Iterator[list[Any]]:
    """Odoo's commands: lines that are as they should be stay, one of the same article is written in place.

    Of a confirmed sale no line can be removed, for something may hang on it: its pieces are taken out.
    """
    left, missing = _unlike(sale_lines(survey), wished)
    for line in missing:
        twin = next((each for each in left if _product(each) == line["product_id"]), None)
        if twin is None:
            yield [0, 0, _values(line)]
        else:
            left.remove(twin)
            differing = {name: value for name, value in _values(line).items() if not _same(twin, line, name)}
            yield [1, twin["id"], differing]
    for line in left:
        yield [2, line["id"], 0] if survey["state"] in _OPEN else [1, line["id"], {"product_uom_qty": 0}]


def _unlike(standing: Sequence[JsonDict], wished: Sequence[JsonDict]) -> tuple[list[JsonDict], list[JsonDict]]:
    """What stands and is not wished so, and what is wished and does not stand so."""
    left, missing = list(standing), []
    for line in wished:
        same = next((each for each in left if all(_same(each, line, name) for name in _values(line))), None)
        if same is None:
            missing.append(line)
        else:
            left.remove(same)
    return left, missing


def _same(standing: JsonDict, line: JsonDict, name: str) -> bool:
    if name == "product_id":
        return bool(_product(standing) == line["product_id"])
    if name == "tax_ids":
        return sorted(standing["tax_ids"]) == sorted(line["tax_ids"])
    if name in {"product_uom_qty", "price_unit"}:
        return decimal(standing[name]) == Decimal(line[name])
    return bool((standing[name] or "") == (line[name] or "")) if name in standing else True


def _product(line: JsonDict) -> int | None:
    return (line["product_id"] or {}).get("id")


def _values(line: JsonDict) -> JsonDict:
    """As `write` takes them: numbers, and the taxes as these and no others."""
    numbers = {name: float(line[name]) for name in ("product_uom_qty", "price_unit")}
    return {**line, **numbers, "tax_ids": [[6, 0, list(line["tax_ids"])]]}


def _text(address: Address, number: int, order: Order, resolved: Resolved, options: TargetOptions) -> str:
    """As the ERP has the address at the customer; the codes of its country and region are the order's."""
    party = resolved[party_ref(order, options)]
    known = next(each for each in party["addresses"] if each["id"] == number)
    country, region = country_ref(address), region_ref(address)
    state = {"code": region.value.partition("-")[2]} if region is not None and region in resolved else None
    return address_text(
        {**known, "country_id": {"code": address.country} if country in resolved else None, "state_id": state}
    )
