"""What an order's sale would be now, against how it stands: the smallest write that makes it so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from mappings import buyers
from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.facets import SaleState, Standing, StandingLine
from mappings.canonical.money import Money
from mappings.canonical.records import Address, Order
from mappings.tryton.arithmetic import rounded
from mappings.tryton.lines import rounding_unit
from mappings.tryton.sale import sale
from mappings.tryton.standing import address_text, sale_lines
from mappings.wanted import country_ref, party_ref, region_ref


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
        lines=tuple(_line(line, codes[line["product"]], unit) for line in _created(payload)),
        fields=(
            ("invoice_address", _text(buyers.billing(order), payload["invoice_address"], order, resolved, options)),
            (
                "shipment_address",
                _text(buyers.shipping(order), payload["shipment_address"], order, resolved, options),
            ),
            ("note", payload["comment"] or ""),
            ("reference", payload["reference"] or ""),
        ),
    )


def change(
    order: Order, survey: JsonDict, fields: frozenset[str], resolved: Resolved, options: TargetOptions
) -> JsonDict | None:
    """Those of the named fields that differ, as one write; None where none does. Raises Problems as `sale` does."""
    payload, wished = sale(order, resolved, options), dict(wanted(order, resolved, options).fields)
    values: JsonDict = {}
    if "lines" in fields and (commands := list(_line_commands(sale_lines(survey), _created(payload)))):
        values["lines"] = commands
    for name in ("invoice_address", "shipment_address"):
        # One address can stand at a party twice; what it says counts, not which of them it is.
        if name in fields and address_text(survey[name]) != wished[name]:
            values[name] = payload[name]
    for name, column in (("note", "comment"), ("reference", "reference")):
        if name in fields and (survey[column] or "") != wished[name]:
            values[column] = payload[column]
    return values or None


def _created(payload: JsonDict) -> list[JsonDict]:
    [[_, lines]] = payload["lines"]
    return list(lines)


def _line(line: JsonDict, code: str, unit: Decimal) -> StandingLine:
    quantity, price = Decimal(str(line["quantity"])), Decimal(line["unit_price"]["decimal"])
    return StandingLine(
        external_id="",
        code=code,
        title=line["description"] or "",
        quantity=quantity,
        unit_price=price,
        total=rounded(quantity * price, unit),
    )


def _line_commands(standing: Sequence[JsonDict], wished: Sequence[JsonDict]) -> Iterator[list[Any]]:
    """Lines that are as they should be stay; the others are removed and made anew."""
    left = [(_key_of_standing(line), line["id"]) for line in standing]
    missing: list[JsonDict] = []
    for line in wished:
        key = _key_of_wished(line)
        same = next((each for each in left if each[0] == key), None)
        if same is None:
            missing.append(line)
        else:
            left.remove(same)
    if left:
        yield ["delete", [number for _, number in left]]
    if missing:
        yield ["create", missing]


def _key_of_standing(line: JsonDict) -> tuple[Any, ...]:
    product, price = (line["product"] or {}).get("id"), Decimal(str(line["unit_price"]))
    return product, Decimal(str(line["quantity"])), price, sorted(line["taxes"]), line["description"] or ""


def _key_of_wished(line: JsonDict) -> tuple[Any, ...]:
    taxes = sorted(number for _, ids in line["taxes"] for number in ids)
    price = Decimal(line["unit_price"]["decimal"])
    return line["product"], Decimal(str(line["quantity"])), price, taxes, line["description"] or ""


def _text(address: Address, number: int, order: Order, resolved: Resolved, options: TargetOptions) -> str:
    """As the ERP has the address at the party; the codes of its country and region are the order's."""
    party = resolved[party_ref(order, options)]
    known = next(each for each in party["addresses"] if each["id"] == number)
    country, region = country_ref(address), region_ref(address)
    return address_text(
        {
            **known,
            "country": {"code": address.country} if country in resolved else None,
            "subdivision": {"code": region.value} if region is not None and region in resolved else None,
        }
    )
