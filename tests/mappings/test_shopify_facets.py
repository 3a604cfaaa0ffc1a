"""What a Shopify shop is told: parcels, invoices, numbers, states."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from mappings.canonical.errors import MappingError
from mappings.canonical.facets import Parcel
from mappings.registry import SHOP_FACETS

FACETS = SHOP_FACETS["shopify"]


def sent(*parcels, url="", pieces="2"):
    return SimpleNamespace(
        key="k",
        pieces={"11": Decimal(pieces), "12": Decimal(0)},
        carrier="DHL",
        tracking_url=url,
        notify=True,
        shipment=SimpleNamespace(parcels=[Parcel(tracking_number=number, tracking_url=own) for number, own in parcels]),
    )


@pytest.mark.parametrize(
    ("told", "tracking"),
    [
        (sent(("T1", "")), {"company": "DHL", "numbers": ["T1"]}),
        (sent(("T1", ""), url="https://x/T1"), {"company": "DHL", "numbers": ["T1"], "urls": ["https://x/T1"]}),
        # Of two the shop would pair one address with both.
        (sent(("T1", ""), ("T2", ""), url="https://x/T1"), {"company": "DHL", "numbers": ["T1", "T2"]}),
        (
            sent(("T1", "https://x/1"), ("T2", "https://x/2")),
            {"company": "DHL", "numbers": ["T1", "T2"], "urls": ["https://x/1", "https://x/2"]},
        ),
    ],
)
def test_numbers_and_addresses_go_in_pairs(told, tracking):
    payload = FACETS.fulfilment(told)
    assert payload == {"key": "k", "pieces": {"11": 2}, "trackingInfo": tracking, "notifyCustomer": True}


def test_a_fraction_of_a_piece_is_refused():
    with pytest.raises(MappingError, match=r"2\.5 pieces"):
        FACETS.fulfilment(sent(pieces="2.5"))


def test_numbers_are_shown_beside_what_is_there():
    payload = {"tags": ["SO1"], "metafields": {"nodes": [{"key": "erp_numbers", "jsonValue": ["SO1"]}]}}
    assert FACETS.sale_marks(["SO1"], payload) == {}
    assert FACETS.sale_marks(["SO2"], payload) == {
        "metafields": [{"key": "erp_numbers", "value": ["SO1", "SO2"]}],
        "tags": ["SO2"],
    }
    # Longer than a tag may be.
    assert "tags" not in FACETS.sale_marks(["S" * 41], {})


def test_only_states_that_can_be_set_are_taken():
    assert FACETS.state("closed") == {"state": "closed"}
    with pytest.raises(MappingError, match="expected one of closed, cancelled"):
        FACETS.state("shipped")
