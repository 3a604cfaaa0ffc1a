"""The customer of an order: what is still missing of it in Odoo."""

from __future__ import annotations

from mappings import buyers
from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problems
from mappings.canonical.records import Order
from mappings.odoo import addresses
from mappings.wanted import party_code, party_ref


def party(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict | None:
    """The write that is still missing: the whole customer, or addresses of a known one; None when nothing is.

    A payload with `id` adds to that customer, one without creates it under our `ref`. Raises Problems when the customer
    or one of its countries cannot be told.
    """
    known = buyers.known_party(order, resolved, options)
    problems = [*buyers.party_doubts(order, resolved, options), *buyers.country_problems(order, resolved)]
    if problems:
        raise Problems(problems)
    key = party_key(order, options)
    if known is not None:
        missing = _missing(order, resolved, known, key)
        return {"id": known["id"], "key": key, "addresses": missing} if missing else None
    made = _new_party(order, resolved, options, key)
    own = {"id": 0, **{name: made[name] for name in addresses.COMPARED}}
    missing = _missing(order, resolved, {"name": made["name"], "addresses": [own]}, key)
    return {**made, "addresses": missing} if missing else made


def party_key(order: Order, options: TargetOptions) -> str:
    """By which the customer is made once: `party:<code>`."""
    return f"party:{party_code(order, options)}"


def invoice_and_delivery(order: Order, resolved: Resolved, options: TargetOptions) -> tuple[int | None, int | None]:
    """The ids of the order's two addresses at the resolved customer; None for one that it does not have."""
    known = resolved[party_ref(order, options)]

    def found(use: str) -> int | None:
        address = buyers.billing(order) if use == "invoice" else buyers.shipping(order)
        return addresses.find(addresses.values(address, resolved, known["name"]), known["addresses"])

    return found("invoice"), found("delivery")


def _missing(order: Order, resolved: Resolved, known: JsonDict, key: str) -> list[JsonDict]:
    missing: list[JsonDict] = []
    for use, address in (("invoice", buyers.billing(order)), ("delivery", buyers.shipping(order))):
        wanted = addresses.values(address, resolved, known["name"])
        if addresses.find(wanted, known["addresses"]) is not None:
            continue
        if not any(addresses.same(other, wanted) for other in missing):
            phone = address.phone.strip() or None
            missing.append({"key": addresses.address_key(key, wanted), "type": use, **wanted, "phone": phone})
    return missing


def _new_party(order: Order, resolved: Resolved, options: TargetOptions, key: str) -> JsonDict:
    customer, billing = order.customer, order.billing
    name = buyers.party_name(order)
    own = addresses.values(buyers.billing(order), resolved, name)
    return {
        "key": key,
        "ref": party_code(order, options),
        # A customer bears the company's name alone, and an address the person's beside it.
        **own,
        "name": name,
        "is_company": bool(customer.company.strip() or billing.company.strip()),
        "email": (customer.email or billing.email).strip() or None,
        "phone": (customer.phone or billing.phone).strip() or None,
        "vat": buyers.compact_vat_id(customer.vat_id) or None,
        "customer_rank": 1,
    }
