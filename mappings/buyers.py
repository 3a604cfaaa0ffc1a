"""Who buys, and where to: what is the same for every ERP."""

from __future__ import annotations

import re
from typing import Final

from mappings.base import Resolved, TargetOptions
from mappings.canonical.errors import Problem, Unmapped
from mappings.canonical.records import Address, Order
from mappings.canonical.words import say
from mappings.wanted import country_ref, party_code, party_ref

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
