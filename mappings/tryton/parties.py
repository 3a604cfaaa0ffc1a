"""The party of an order: what is still missing of it in Tryton."""

from __future__ import annotations

import re
from typing import Final

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.records import Address, Order
from mappings.canonical.words import say
from mappings.tryton import addresses, wire
from mappings.tryton.references import country_ref, party_code, party_ref

_NOT_IN_VAT_ID: Final = re.compile(r"[^0-9A-Z]")
#: Prefixes under which the EU's member states (EL is Greece, XI Northern Ireland) give VAT numbers.
_EU_VAT_ID: Final = re.compile(
    r"(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)[0-9A-Z]{2,12}"
)


def party(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict | None:
    """The write that is still missing: the whole party, or addresses of a known one; None when nothing is.

    A payload with `id` adds to that party, one without creates it under our `code`. Raises Problems when the party
    or one of its countries cannot be told.
    """
    ref = party_ref(order, options)
    known = resolved.get(ref)
    problems = [*party_problems(order, resolved, options), *country_problems(order, resolved)]
    if problems:
        raise Problems(problems)
    name = known["name"] if known else party_name(order)
    missing = _missing_addresses(order, resolved, known, name)
    if known is not None:
        return {"id": known["id"], "code": known["code"], "addresses": wire.create(missing)} if missing else None
    return _new_party(order, options, name, missing)


def party_problems(order: Order, resolved: Resolved, options: TargetOptions) -> tuple[Problem, ...]:
    """Why the party cannot be told: its e-mail or VAT id stands at several parties."""
    known = resolved.get(party_ref(order, options))
    if known is None or known.get("id") is not None:
        return ()
    candidates = ", ".join(f"{each['name']} ({each['code']})" for each in known.get("candidates", ()))
    return (
        Problem(
            cause="ambiguous_party",
            path="customer",
            reason=say(
                "several parties of the ERP match %(email)s: %(candidates)s",
                email=repr(order.customer.email or order.customer.vat_id),
                candidates=candidates,
            ),
            subject=party_code(order, options),
            next_step=say(
                "merge them in the ERP, or give the right one the code %(order)s",
                order=repr(party_code(order, options)),
            ),
        ),
    )


def country_problems(order: Order, resolved: Resolved) -> tuple[Problem, ...]:
    """A country that the ERP does not have; regions are optional."""
    found: dict[str, Problem] = {}
    for path, address in (("billing", addresses.billing(order)), ("shipping", addresses.shipping(order))):
        ref = country_ref(address)
        if ref is not None and ref not in resolved and ref.value not in found:
            found[ref.value] = Unmapped("country", ref.value, path=f"{path}.country").problems[0]
    return tuple(found.values())


def party_name(order: Order) -> str:
    """The company, else the person, else whatever tells a guest from another."""
    customer, billing, shipping = order.customer, order.billing, order.shipping
    return (
        customer.company.strip()
        or billing.company.strip()
        or addresses.joined(customer.first_name, customer.last_name)
        or addresses.joined(billing.first_name, billing.last_name)
        or addresses.joined(shipping.first_name, shipping.last_name)
        or customer.email.strip()
        or f"Guest of order {order.number}"
    )


def _missing_addresses(order: Order, resolved: Resolved, known: JsonDict | None, name: str) -> list[JsonDict]:
    missing: list[JsonDict] = []
    for use, address in (("invoice", addresses.billing(order)), ("delivery", addresses.shipping(order))):
        wanted = addresses.values(address, resolved, name)
        if known is not None and addresses.find(wanted, known["addresses"], name) is not None:
            continue
        twin = next((other for other in missing if addresses.same(other, wanted)), None)
        if twin is None:
            missing.append({**wanted, use: True})
        else:
            twin[use] = True
    return missing


def _new_party(order: Order, options: TargetOptions, name: str, missing: list[JsonDict]) -> JsonDict:
    customer, billing = order.customer, order.billing
    contacts = [("email", customer.email or billing.email), ("phone", customer.phone or billing.phone)]
    payload: JsonDict = {
        "name": name,
        "code": party_code(order, options),
        "addresses": wire.create(missing),
        "contact_mechanisms": wire.create(
            [{"type": kind, "value": value.strip()} for kind, value in contacts if value.strip()]
        ),
    }
    if vat_id := compact_vat_id(customer.vat_id):
        typed = {"type": "eu_vat"} if _EU_VAT_ID.fullmatch(vat_id) else {}
        payload["identifiers"] = wire.create([{**typed, "code": vat_id}])
    return payload


def compact_vat_id(vat_id: str) -> str:
    """Upper case, without spaces, dots and dashes."""
    return _NOT_IN_VAT_ID.sub("", vat_id.upper())


def invoice_and_delivery(order: Order, resolved: Resolved, options: TargetOptions) -> tuple[int | None, int | None]:
    """The ids of the order's two addresses at the resolved party; None for one that it does not have."""
    known = resolved[party_ref(order, options)]

    def found(address: Address) -> int | None:
        wanted = addresses.values(address, resolved, known["name"])
        return addresses.find(wanted, known["addresses"], known["name"])

    return found(addresses.billing(order)), found(addresses.shipping(order))
