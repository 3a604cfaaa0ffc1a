"""Where a connection may connect to: the guard against requests that reach into our own network (SSRF).

A name is resolved once, every address it has is checked, and the connection goes to a checked address, so a name
server that answers differently a second later (DNS rebinding) changes nothing. Host header, TLS server name and
certificate check keep the name.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence

from connectors.kit.errors import ConnectionBroken, Transient
from connectors.kit.words import say

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

#: `(host, port) -> addresses as text`, in the order in which they are tried. Raises OSError.
Resolver = Callable[[str, int], Sequence[str]]

#: Below 1024 other protocols live, and some of them take orders from the lines of an HTTP request.
_WEB_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1024

#: IPv6 networks that carry an IPv4 address inside, by how far the address must be shifted to the right.
_CARRIERS: tuple[tuple[ipaddress.IPv6Network, int], ...] = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0),  # NAT64 of the local network, RFC 8215
    (ipaddress.IPv6Network("::/96"), 0),  # IPv4-compatible, RFC 4291
    (ipaddress.IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
)


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses that the operating system knows, without doubles."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_rest, sockaddr in found))


class AddressGuard:
    """Public addresses are open; private ones only where the administrator has named them."""

    def __init__(self, allow_hosts: Iterable[str] = (), resolver: Resolver = system_resolver) -> None:
        """`allow_hosts` are host names, addresses or networks (`erp.lan`, `10.0.0.7`, `10.1.0.0/16`).

        Raises ConnectionBroken when an entry is none of these.
        """
        self._resolver = resolver
        self._names: set[str] = set()
        self._networks: list[IPNetwork] = []
        for entry in allow_hosts:
            try:
                self._networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                if not entry or "/" in entry or ":" in entry:
                    msg = say("allow_hosts: %(entry)s is no host name, address or network", entry=repr(entry))
                    raise ConnectionBroken(msg) from None
                self._names.add(entry.lower().rstrip("."))

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of `host` that may be connected to, resolved once.

        Raises ConnectionBroken when *any* of them is forbidden, Transient when the name does not resolve.
        """
        host = host.strip("[]")
        named = host.lower().rstrip(".") in self._names
        try:
            found = self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            msg = say("the name %(host)s cannot be resolved (%(error)s)", host=host, error=error)
            raise Transient(msg, code="dns") from None
        if not found:
            msg = say("the name %(host)s has no address", host=host)
            raise Transient(msg, code="dns")
        for text in found:
            self._check(text, host, port, named=named)
        return list(found)

    def _check(self, text: str, host: str, port: int, *, named: bool) -> None:
        address = _unwrapped(ipaddress.ip_address(text))
        if any(address in network for network in self._networks):
            return
        if address.is_global and not address.is_multicast:
            if port in _WEB_PORTS or port >= _FIRST_FREE_PORT or named:
                return
            reason = say("port %(port)s is not a web port", port=port)
        elif named and not (address.is_link_local or address.is_multicast or address.is_unspecified):
            # A name is trusted for the networks on the premises, but never for a cloud's metadata service.
            return
        else:
            reason = say("%(host)s has the address %(text)s, which is not public", host=host, text=text)
        msg = say(
            "%(reason)s; if this is meant, name the host or its network in allow_hosts of the connection", reason=reason
        )
        raise ConnectionBroken(msg, code="forbidden_address")


def _unwrapped(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.is_loopback or address.is_unspecified:
        return address
    for network, shift in _CARRIERS:
        if address in network:
            return ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
    return address
