"""The party of an order: what is still missing of it in Tryton."""

from __future__ import annotations

import re
from typing import Final

from mappings import buyers
from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problems
from mappings.canonical.records import Address, Order
from mappings.tryton import addresses, wire
from mappings.wanted import party_code, party_ref

#: Prefixes under which the EU's member states (EL is Greece, XI Northern Ireland) give VAT numbers.
_EU_VAT_ID: Final = re.compile(
    r"(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)[0-9A-Z]{2,12}"
)


def party(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict | None:
    """The write that is still missing: the whole party, or addresses of a known one; None when nothing is.

    A payload with `id` adds to that party, one without creates it under our `code`. Raises Problems when the party
    or one of its countries cannot be told.
    """
    known = buyers.known_party(order, resolved, options)
    problems = [*buyers.party_doubts(order, resolved, options), *buyers.country_problems(order, resolved)]
    if problems:
        raise Problems(problems)
    name = known["name"] if known else buyers.party_name(order)
    missing = _missing_addresses(order, resolved, known, name)
    if known is not None:
        return {"id": known["id"], "code": known["code"], "addresses": wire.create(missing)} if missing else None
    return _new_party(order, options, name, missing)


def _missing_addresses(order: Order, resolved: Resolved, known: JsonDict | None, name: str) -> list[JsonDict]:
    missing: list[JsonDict] = []
    for use, address in (("invoice", buyers.billing(order)), ("delivery", buyers.shipping(order))):
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
    if vat_id := buyers.compact_vat_id(customer.vat_id):
        typed = {"type": "eu_vat"} if _EU_VAT_ID.fullmatch(vat_id) else {}
        payload["identifiers"] = wire.create([{**typed, "code": vat_id}])
    return payload


def invoice_and_delivery(order: Order, resolved: Resolved, options: TargetOptions) -> tuple[int | None, int | None]:
    """The ids of the order's two addresses at the resolved party; None for one that it does not have."""
    known = resolved[party_ref(order, options)]

    def found(address: Address) -> int | None:
        wanted = addresses.values(address, resolved, known["name"])
        return addresses.find(wanted, known["addresses"], known["name"])

    return found(buyers.billing(order)), found(buyers.shipping(order))
