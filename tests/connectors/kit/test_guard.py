from __future__ import annotations

import socket

import pytest

from connectors.kit.errors import ConnectionBroken, Transient
from connectors.kit.guard import AddressGuard


def resolving(*answers):
    """A name server that gives the next answer each time it is asked, the last one for ever."""
    left = list(answers)

    def resolve(host, port):
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.5",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
    ],
)
def test_an_address_that_is_not_public_is_refused_in_every_spelling(address):
    with pytest.raises(ConnectionBroken, match="allow_hosts"):
        AddressGuard(resolver=resolving([address])).addresses("shop.example", 443)


@pytest.mark.loopback  # numbers only: nothing is asked over the network
@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "127.1", "0177.0.0.1", "[::1]"])
def test_the_spellings_of_loopback_that_the_system_understands_are_refused(host):
    with pytest.raises(ConnectionBroken, match="not public"):
        AddressGuard().addresses(host, 80)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_a_public_address_is_open(address):
    assert AddressGuard(resolver=resolving([address])).addresses("shop.example", 443) == [address]


def test_one_forbidden_address_among_good_ones_refuses_the_name():
    guard = AddressGuard(resolver=resolving(["93.184.216.34", "10.0.0.5"]))
    with pytest.raises(ConnectionBroken):
        guard.addresses("shop.example", 443)


@pytest.mark.parametrize("port", [22, 25, 465, 993, 1023])
def test_ports_of_other_protocols_are_refused(port):
    with pytest.raises(ConnectionBroken, match="not a web port"):
        AddressGuard(resolver=resolving(["93.184.216.34"])).addresses("shop.example", port)


@pytest.mark.parametrize("allowed", ["erp.lan", "ERP.LAN.", "10.0.0.7", "10.0.0.0/8"])
def test_what_the_administrator_names_is_open(allowed):
    assert AddressGuard([allowed], resolving(["10.0.0.7"])).addresses("erp.lan", 8069) == ["10.0.0.7"]


def test_a_name_opens_itself_only():
    with pytest.raises(ConnectionBroken):
        AddressGuard(["erp.lan"], resolving(["10.0.0.7"])).addresses("other.lan", 8069)


def test_a_trusted_name_does_not_open_the_metadata_service():
    with pytest.raises(ConnectionBroken):
        AddressGuard(["erp.lan"], resolving(["169.254.169.254"])).addresses("erp.lan", 80)
    AddressGuard(["169.254.169.254"], resolving(["169.254.169.254"])).addresses("erp.lan", 80)


@pytest.mark.parametrize("entry", ["http://erp.lan", "erp.lan:8069", "10.0.0.0/99", ""])
def test_an_entry_that_is_no_host_or_network_is_named(entry):
    with pytest.raises(ConnectionBroken, match="allow_hosts"):
        AddressGuard([entry])


@pytest.mark.fault("B19")
def test_a_name_that_does_not_resolve_can_be_tried_again():
    def resolve(host, port):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    with pytest.raises(Transient, match="cannot be resolved"):
        AddressGuard(resolver=resolve).addresses("shop.example", 443)
    with pytest.raises(Transient, match="no address"):
        AddressGuard(resolver=resolving([])).addresses("shop.example", 443)
