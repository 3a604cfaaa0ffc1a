"""The sandbox ERP: from a canonical order to the JSON of its sale and of its party.

The ERP takes net amounts and tax per line, rounds each to its own unit of the currency and adds them up. What that
rounding leaves between its sum and the shop's grand total is one more line with a product of its own, so that the
difference has a name and the totals are equal to the cent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from mappings import buyers
from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.currencies import minor_unit
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.money import Money
from mappings.canonical.records import Address, Order
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from mappings.wanted import party_code, party_ref

#: Codes of the service products, unless the policy's `target` section names others.
SERVICE_PRODUCTS: Final = {
    "shipping_product": "SHIPPING",
    "fee_product": "FEE",
    "rounding_product": "ROUNDING",
    "refund_product": "REFUND",
}
ADDRESS_FIELDS: Final = tuple(field.name for field in dataclasses.fields(Address))
#: The path of the line that carries the rounding.
ROUNDING: Final = "totals.rounding"


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
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
    products = {Ref("product", line.code, path=line.path) for line in sale_lines(order, options) if line.code}
    return frozenset({party_ref(order, options), *products, *_places(options)})


def standing(options: TargetOptions) -> frozenset[Ref]:
    """The service products, and the warehouse and the account of gateways' fees where the policy names one."""
    services = {Ref("product", service_code(setting, options)) for setting in SERVICE_PRODUCTS}
    accounts = {account_ref(options)} if options.settings.get("fee_account") else set()
    return frozenset(services | accounts | _places(options))


def account_ref(options: TargetOptions) -> Ref:
    """The account of expenses on which gateways' fees are booked."""
    return Ref("account", str(options.settings.get("fee_account", "")), path="policies.target.fee_account")


def party(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict | None:
    """The payload that creates the order's party, None when the ERP has it; addresses stay with each sale.

    Raises Problems when the party cannot be told.
    """
    if doubts := buyers.party_doubts(order, resolved, options):
        raise Problems(doubts)
    if buyers.known_party(order, resolved, options) is not None:
        return None
    customer, billing = order.customer, order.billing
    return {
        "code": party_code(order, options),
        "name": buyers.party_name(order),
        "email": customer.email or billing.email,
        "phone": customer.phone or billing.phone,
        "vat_id": customer.vat_id,
    }


def sale(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """The payload that creates the sale as a draft. Raises Problems with every line that cannot be written."""
    lines = sale_lines(order, options)
    problems = [problem for line in lines for problem in line_problems(line, resolved)]
    problems.extend(_totals_problems(order, lines, options))
    problems.extend(buyers.party_problems(order, resolved, options))
    warehouse = _warehouse_ref(options)
    if warehouse is not None and warehouse not in resolved:
        problems.extend(Unmapped("warehouse", warehouse.value).problems)
    if problems:
        raise Problems(problems)
    return {
        "external_key": sale_key(order.external_id, options),
        "reference": order.number,
        "sale_date": order.placed_on.isoformat(),
        "placed_at": order.placed_at.isoformat(),
        "currency": order.currency,
        "party": resolved[party_ref(order, options)]["id"],
        "invoice_address": _address(order.billing),
        "shipment_address": _address(order.shipping),
        "payment_method": order.payment_method,
        "po_number": order.po_number,
        "note": order.note,
        "lines": [line_payload(line, resolved[Ref("product", line.code)], options) for line in lines],
        **({} if warehouse is None else {"warehouse": resolved[warehouse].get("code") or warehouse.value}),
    }


def sale_lines(order: Order, options: TargetOptions) -> list[Line]:
    """Every line of the sale in the order in which the shop shows them, the rounding last."""
    lines = list(_charged(order, options))
    # What the shop's grand total is above the sum that the ERP would make of the charged lines.
    amounts = (amount for line in lines for amount in (line.amount, line.tax))
    rounding = options.rounded(order.totals.grand) - sum(options.rounded(amount) for amount in amounts)
    if rounding:
        zero = Money(Decimal(0), order.currency)
        code = service_code("rounding_product", options)
        lines.append(Line(ROUNDING, code, "rounding", "Rounding", Decimal(1), Money(rounding, order.currency), zero))
    return lines


def _totals_problems(order: Order, lines: Sequence[Line], options: TargetOptions) -> Iterator[Problem]:
    """A rounding that is more than the shop's own and half a unit for every amount that the ERP rounds."""
    half = Decimal("0.5").scaleb(-minor_unit(order.currency, options.minor_units))
    rounding = sum((line.amount.amount for line in lines if line.path == ROUNDING), Decimal(0))
    rounded_amounts = 1 + 2 * sum(1 for line in lines if line.path != ROUNDING)
    if abs(rounding - order.totals.rounding.amount) > half * rounded_amounts:
        reason = say(
            "the lines and the grand total of %(grand)s are %(rounding)s apart in the ERP's rounding",
            grand=order.totals.grand,
            rounding=f"{rounding:f}",
        )
        yield Problem(
            "totals_mismatch", "totals.grand", reason, next_step=say("compare the order's lines with its total")
        )


def _charged(order: Order, options: TargetOptions) -> Iterator[Line]:
    for index, line in enumerate(order.lines):
        path = f"lines[{index}].sku"
        yield Line(path, line.sku, line.external_id, line.name, line.quantity, line.total, line.tax)
    for index, charge in enumerate(order.shipping_lines):
        path, code = f"shipping_lines[{index}]", service_code("shipping_product", options)
        origin = f"shipping:{charge.external_id}"
        yield Line(path, code, origin, charge.title, Decimal(1), charge.total, charge.tax)
    for index, fee in enumerate(order.fees):
        path, code = f"fees[{index}]", service_code("fee_product", options)
        yield Line(path, code, f"fee:{fee.external_id}", fee.title, Decimal(1), fee.total, fee.tax)


def line_problems(line: Line, resolved: Resolved) -> tuple[Problem, ...]:
    """What is in the way of writing a line: no SKU, or a product that the ERP does not know."""
    if not line.code:
        reason = say(
            "the line %(description)s has no SKU, so no product of the ERP can be found for it",
            description=repr(line.description),
        )
        next_step = say("give the product a SKU in the shop, or enter the order by hand")
        return (Problem("unknown_sku", line.path, reason, f"line:{line.description}", next_step),)
    if Ref("product", line.code) not in resolved:
        return Unmapped("sku", line.code, path=line.path).problems
    return ()


def line_payload(line: Line, product: JsonDict, options: TargetOptions) -> JsonDict:
    """The line as the ERP takes it; each amount is rounded by itself, as the ERP would."""
    return {
        "product": product["id"],
        "origin": line.origin,
        "description": line.description,
        "quantity": f"{line.quantity:f}",
        "amount": f"{options.rounded(line.amount):f}",
        "tax": f"{options.rounded(line.tax):f}",
    }


def service_code(setting: str, options: TargetOptions) -> str:
    """The ERP's code of what is no article."""
    return str(options.settings.get(setting, SERVICE_PRODUCTS[setting]))


def _warehouse_ref(options: TargetOptions) -> Ref | None:
    """The warehouse that is to send the goods; none leaves it to the ERP."""
    code = str(options.settings.get("warehouse", ""))
    return Ref("warehouse", code) if code else None


def _places(options: TargetOptions) -> frozenset[Ref]:
    warehouse = _warehouse_ref(options)
    return frozenset() if warehouse is None else frozenset({warehouse})


def _address(address: Address) -> JsonDict:
    return {name: getattr(address, name) for name in ADDRESS_FIELDS}
