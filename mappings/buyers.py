"""Who buys, and where to: what is the same for every ERP."""

from __future__ import annotations

import re
from typing import Final

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problem, Unmapped
from mappings.canonical.records import Address, Order
from mappings.canonical.words import say
from mappings.wanted import country_ref, party_ref

_NOT_IN_VAT_ID: Final = re.compile(r"[^0-9A-Z]")


def billing(order: Order) -> Address:
    """The invoice address; the delivery address where the shop has no other (and the other way round)."""
    return order.shipping if _blank(order.billing) else order.billing


def shipping(order: Order) -> Address:
    """The delivery address; the invoice address where the shop has no other, as for a download."""
    return order.billing if _blank(order.shipping) else order.shipping


def party_name(order: Order) -> str:
    """The company, else the person, else whatever tells a guest from another."""
    customer, billing, shipping = order.customer, order.billing, order.shipping
    return (
        customer.company.strip()
        or billing.company.strip()
        or joined(customer.first_name, customer.last_name)
        or joined(billing.first_name, billing.last_name)
        or joined(shipping.first_name, shipping.last_name)
        or customer.email.strip()
        or f"Guest of order {order.number}"
    )


def known_party(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict | None:
    """The order's party as the ERP has it; None where it is to be made, or a person has to say which it is."""
    known = resolved.get(party_ref(order, options))
    return None if known is None or known.get("id") is None else known


def party_problems(order: Order, resolved: Resolved, options: TargetOptions) -> tuple[Problem, ...]:
    """Why no sale can be written for the party: it is not there, or nobody but a person can say which it is."""
    if doubts := party_doubts(order, resolved, options):
        return doubts
    if known_party(order, resolved, options) is not None:
        return ()
    return Unmapped("party", party_ref(order, options).value, path="customer").problems


def party_doubts(order: Order, resolved: Resolved, options: TargetOptions) -> tuple[Problem, ...]:
    """Why the party cannot be told: several match, or the one that does is called otherwise."""
    ref = party_ref(order, options)
    candidates = resolved.get(ref, {}).get("candidates")
    if candidates is None:
        return ()
    known_by = order.customer.vat_id or order.customer.email or order.billing.email
    told = ", ".join(f"{each['name']} ({each['code'] or each['id']})" for each in candidates)
    title = say("nobody but a person can say which customer of the ERP %(name)s is", name=party_name(order))
    reason = (
        say("several parties of the ERP match %(email)s: %(candidates)s", email=repr(known_by), candidates=told)
        if len(candidates) != 1
        else say(
            "the party of the ERP that has %(email)s is called otherwise: %(candidates)s",
            email=repr(known_by),
            candidates=told,
        )
    )
    next_step = say("say on the page of the match which one it is, or keep it apart from all of them")
    return (Problem("ambiguous_party", "customer", reason, f"party:{ref.value}", next_step, title),)


def country_problems(order: Order, resolved: Resolved) -> tuple[Problem, ...]:
    """A country that the ERP does not have; regions are optional."""
    found: dict[str, Problem] = {}
    for path, address in (("billing", billing(order)), ("shipping", shipping(order))):
        ref = country_ref(address)
        if ref is not None and ref not in resolved and ref.value not in found:
            found[ref.value] = Unmapped("country", ref.value, path=f"{path}.country").problems[0]
    return tuple(found.values())


def compact_vat_id(vat_id: str) -> str:
    """Upper case, without spaces, dots and dashes."""
    return _NOT_IN_VAT_ID.sub("", vat_id.upper())


def joined(*words: str) -> str:
    """The words that are there, with a space between."""
    return " ".join(word.strip() for word in words if word.strip())


def _blank(address: Address) -> bool:
    named = (address.company, address.street, address.street_2, address.city, address.postal_code)
    return not any(text.strip() for text in named)
