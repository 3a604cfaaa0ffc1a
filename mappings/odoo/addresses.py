"""Postal addresses of an Odoo customer: its own, and those of its children of the types invoice and delivery.

An equal one is used again, a different one is added, none is ever changed: old sales and invoices show theirs by
reference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from mappings import buyers
from mappings.base import JsonDict, Resolved
from mappings.canonical.records import Address
from mappings.wanted import country_ref, region_ref

#: The fields by which two addresses are the same.
COMPARED: Final = ("name", "street", "street2", "zip", "city", "country_id", "state_id")


def values(address: Address, resolved: Resolved, fallback_name: str) -> JsonDict:
    """The address as Odoo stores it; `fallback_name` is the customer's name for an address without one."""
    person = buyers.joined(address.first_name, address.last_name)
    company = address.company.strip()
    city, state = address.city.strip(), None
    if (region := region_ref(address)) is not None:
        state = resolved[region]["id"] if region in resolved else None
        if state is None:
            city = ", ".join(word for word in (city, address.region.strip()) if word)
    country = country_ref(address)
    return {
        "name": ", ".join(word for word in (company, person) if word) or fallback_name,
        "street": address.street.strip() or None,
        "street2": address.street_2.strip() or None,
        "zip": address.postal_code.strip() or None,
        "city": city or None,
        "country_id": resolved[country]["id"] if country is not None else None,
        "state_id": state,
    }


def find(wanted: JsonDict, known: Iterable[JsonDict]) -> int | None:
    """The id of the first known address that is the same one; spelling of case and spaces apart."""
    key = _key(wanted)
    return next((address["id"] for address in known if _key(address) == key), None)


def same(first: JsonDict, second: JsonDict) -> bool:
    """Whether both would be one address."""
    return _key(first) == _key(second)


def address_key(party_key: str, address: JsonDict) -> str:
    """Our key of an address: what it says, so that it is made once however often it is sent."""
    told = json.dumps(_key(address), default=str)
    return f"{party_key}:address:{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _key(address: JsonDict) -> tuple[Any, ...]:
    return tuple(_folded(address.get(field)) for field in COMPARED)


def _folded(value: Any) -> Any:
    return " ".join(value.split()).casefold() if isinstance(value, str) else value or None
