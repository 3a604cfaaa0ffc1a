"""Whom an address stands for, where requests are counted."""

from __future__ import annotations

import ipaddress
from typing import Final

_IPV6: Final = 6
_IPV6_CUSTOMER: Final = 64


def customer_network(address: str) -> str:
    """What one customer of a provider has: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == _IPV6:
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_CUSTOMER), strict=False).network_address)
    return str(parsed)
