"""The sandbox ERP: from a canonical order to the JSON of its sale and of its party.

The ERP takes net amounts and tax per line, rounds each to its own unit of the currency and adds them up. What that
rounding leaves between its sum and the shop's grand total is one more line with a product of its own, so that the
difference has a name and the totals are equal to the cent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from mappings.base import JsonDict, Resolved, TargetMapping, TargetOptions
from mappings.canonical.currencies import minor_unit
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.match import party_key
from mappings.canonical.money import Money
from mappings.canonical.records import Address, Order
from mappings.canonical.refs import Ref

#: Codes of the service products, unless the policy's `target` section names others.
SERVICE_PRODUCTS: Final = {
    "shipping_product": "SHIPPING",
    "fee_product": "FEE",
    "rounding_product": "ROUNDING",
}
#: The path of the line that carries the rounding.
_ROUNDING: Final = "totals.rounding"


@dataclasses.dataclass(frozen=True, slots=True)
class _Line:
    """One line of the sale before its product is resolved."""

    #: Where `code`, or the reason for the line, stands in the canonical order.
    path: str
    #: Code of the product in the ERP: the SKU, or that of a service product.
    code: str
    origin: str
    description: str
    quantity: Decimal
    amount: Money
    tax: Money


def sale_key(external_id: str, options: TargetOptions) -> str:
    """`<channel>:<external id>`: one sale for each order of a channel, whatever its number is called."""
    return f"{options.channel}:{external_id}"


def references(order: Order, options: TargetOptions) -> frozenset[Ref]:
    """The party, and the product of every line; a line without SKU has none and is reported by `sale`."""
    products = {Ref("product", line.code, path=line.path) for line in _lines(order, options) if line.code}
    return frozenset({_party_ref(order, options), *products})


def standing(options: TargetOptions) -> frozenset[Ref]:
    """The service products."""
    return frozenset(Ref("product", _service_code(setting, options)) for setting in SERVICE_PRODUCTS)


def party(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict | None:
    """The payload that creates the order's party, None when the ERP has it; addresses stay with each sale."""
    ref = _party_ref(order, options)
    if ref in resolved:
        return None
    customer, billing = order.customer, order.billing
    person = _joined(customer.first_name, customer.last_name) or _joined(billing.first_name, billing.last_name)
    name = customer.company or billing.company or person or customer.email or f"Guest of order {order.number}"
    return {
        "code": ref.value,
        "name": name,
        "email": customer.email or billing.email,
        "phone": customer.phone or billing.phone,
        "vat_id": customer.vat_id,
    }


def sale(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """The payload that creates the sale as a draft. Raises Problems with every line that cannot be written."""
    lines = _lines(order, options)
    problems = [problem for line in lines for problem in _line_problems(line, resolved)]
    problems.extend(_totals_problems(order, lines, options))
    party_ref = _party_ref(order, options)
    if party_ref not in resolved:
        problems.extend(Unmapped("party", party_ref.value, path="customer").problems)
    if problems:
        raise Problems(problems)
    return {
        "external_key": sale_key(order.external_id, options),
        "reference": order.number,
        "sale_date": order.placed_on.isoformat(),
        "placed_at": order.placed_at.isoformat(),
        "currency": order.currency,
        "party": resolved[party_ref]["id"],
        "invoice_address": _address(order.billing),
        "shipment_address": _address(order.shipping),
        "payment_method": order.payment_method,
        "po_number": order.po_number,
        "note": order.note,
        "lines": [_line_payload(line, resolved[Ref("product", line.code)], options) for line in lines],
    }


def _lines(order: Order, options: TargetOptions) -> list[_Line]:
    """Every line of the sale in the order in which the shop shows them, the rounding last."""
    lines = list(_charged(order, options))
    # What the shop's grand total is above the sum that the ERP would make of the charged lines.
    amounts = (amount for line in lines for amount in (line.amount, line.tax))
    rounding = options.rounded(order.totals.grand) - sum(options.rounded(amount) for amount in amounts)
    if rounding:
        zero = Money(Decimal(0), order.currency)
        code = _service_code("rounding_product", options)
        lines.append(_Line(_ROUNDING, code, "rounding", "Rounding", Decimal(1), Money(rounding, order.currency), zero))
    return lines


def _totals_problems(order: Order, lines: Sequence[_Line], options: TargetOptions) -> Iterator[Problem]:
    """A rounding that is more than the shop's own and half a unit for every amount that the ERP rounds."""
    half = Decimal("0.5").scaleb(-minor_unit(order.currency, options.minor_units))
    rounding = sum((line.amount.amount for line in lines if line.path == _ROUNDING), Decimal(0))
    rounded_amounts = 1 + 2 * sum(1 for line in lines if line.path != _ROUNDING)
    if abs(rounding - order.totals.rounding.amount) > half * rounded_amounts:
        reason = f"the lines and the grand total of {order.totals.grand} are {rounding:f} apart in the ERP's rounding"
        yield Problem("totals_mismatch", "totals.grand", reason, next_step="compare the order's lines with its total")


def _charged(order: Order, options: TargetOptions) -> Iterator[_Line]:
    for index, line in enumerate(order.lines):
        path = f"lines[{index}].sku"
        yield _Line(path, line.sku, line.external_id, line.name, line.quantity, line.total, line.tax)
    for index, charge in enumerate(order.shipping_lines):
        path, code = f"shipping_lines[{index}]", _service_code("shipping_product", options)
        origin = f"shipping:{charge.external_id}"
        yield _Line(path, code, origin, charge.title, Decimal(1), charge.total, charge.tax)
    for index, fee in enumerate(order.fees):
        path, code = f"fees[{index}]", _service_code("fee_product", options)
        yield _Line(path, code, f"fee:{fee.external_id}", fee.title, Decimal(1), fee.total, fee.tax)


def _line_problems(line: _Line, resolved: Resolved) -> tuple[Problem, ...]:
    if not line.code:
        reason = f"the line {line.description!r} has no SKU, so no product of the ERP can be found for it"
        next_step = "give the product a SKU in the shop, or enter the order by hand"
        return (Problem("unknown_sku", line.path, reason, f"line:{line.description}", next_step),)
    if Ref("product", line.code) not in resolved:
        return Unmapped("sku", line.code, path=line.path).problems
    return ()


def _line_payload(line: _Line, product: JsonDict, options: TargetOptions) -> JsonDict:
    return {
        "product": product["id"],
        "origin": line.origin,
        "description": line.description,
        "quantity": f"{line.quantity:f}",
        "amount": f"{options.rounded(line.amount):f}",
        "tax": f"{options.rounded(line.tax):f}",
    }


def _service_code(setting: str, options: TargetOptions) -> str:
    return str(options.settings.get(setting, SERVICE_PRODUCTS[setting]))


def _party_ref(order: Order, options: TargetOptions) -> Ref:
    return Ref("party", party_key(order, options.channel), hint={"email": order.customer.email}, path="customer")


def _address(address: Address) -> dict[str, Any]:
    return dataclasses.asdict(address)


def _joined(*words: str) -> str:
    return " ".join(word for word in words if word)


MAPPING: Final = TargetMapping(
    version="1", sale_key=sale_key, references=references, party=party, sale=sale, standing=standing
)
