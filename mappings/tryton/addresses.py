"""Postal addresses of a Tryton party: an equal one is used again, a different one is added, none is ever changed.

Old sales, shipments and invoices show their address by reference, so writing to an address would rewrite history.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from mappings import buyers
from mappings.base import JsonDict, Resolved
from mappings.canonical.records import Address
from mappings.wanted import country_ref, region_ref

#: The fields by which two addresses are the same.
_COMPARED: Final = ("party_name", "attn", "street", "postal_code", "city", "country", "subdivision")


def values(address: Address, resolved: Resolved, fallback_name: str) -> JsonDict:
    """The address as Tryton stores it; `fallback_name` is the party's name for an address without one."""
    person = buyers.joined(address.first_name, address.last_name)
    city, subdivision = address.city.strip(), None
    if (region := region_ref(address)) is not None:
        subdivision = resolved[region]["id"] if region in resolved else None
        if subdivision is None:
            city = ", ".join(word for word in (city, address.region.strip()) if word)
    country = country_ref(address)
    return {
        "party_name": address.company.strip() or person or fallback_name,
        "attn": person if address.company.strip() and person else None,
        "street": "\n".join(line.strip() for line in (address.street, address.street_2) if line.strip()) or None,
        "postal_code": address.postal_code.strip() or None,
        "city": city or None,
        "country": resolved[country]["id"] if country is not None else None,
        "subdivision": subdivision,
    }


def find(wanted: JsonDict, known: Iterable[JsonDict], party_name: str) -> int | None:
    """The id of the first known address that is the same one; spelling of case and spaces apart."""
    key = _key(wanted, party_name)
    return next((address["id"] for address in known if _key(address, party_name) == key), None)


def same(first: JsonDict, second: JsonDict) -> bool:
    """Whether both would be one address."""
    return _key(first, "") == _key(second, "")


def _key(address: JsonDict, party_name: str) -> tuple[Any, ...]:
    # An address without a name of its own is shown under the party's.
    named = {**address, "party_name": address.get("party_name") or party_name}
    return tuple(_folded(named.get(field)) for field in _COMPARED)


def _folded(value: Any) -> Any:
    return " ".join(value.split()).casefold() if isinstance(value, str) else value
