"""What a profile adds to what a shop is told, and that our keys stay where they are."""

from __future__ import annotations

import dataclasses
import datetime as dt
import textwrap
from decimal import Decimal

import pytest

from mappings.canonical.errors import MappingError, Problems
from mappings.canonical.facets import Invoice, InvoiceState, Parcel, Shipment, ShipmentState, ShippedLine
from mappings.facets import Billed, Sent
from mappings.profiles import profiled_shop, read_profile
from mappings.registry import SHOP_FACETS
from tests.mappings.orders import make_order, money
from tests.mappings.profiles.profiles import Tables, refusals

BASE = SHOP_FACETS["woocommerce"]
ORDER = make_order()
SENT = Sent(
    order=ORDER,
    shipment=Shipment(
        external_id="7",
        number="OUT/7",
        state=ShipmentState.SENT,
        lines=(ShippedLine(code="SKU-A", quantity=Decimal(2)),),
        parcels=(Parcel(tracking_number="00340434161094015902"),),
        carrier="DHL Paket",
        sent_on=dt.date(2026, 11, 22),
    ),
    pieces={"4": Decimal(2)},
    carrier="dhl",
    tracking_url="https://carrier.example/1",
    notify=True,
    key="shop:17:ship:7",
)
BILLED = Billed(
    order=ORDER,
    invoice=Invoice(
        external_id="1",
        number="INV-1",
        state=InvoiceState.POSTED,
        dated_on=None,
        due_on=None,
        net=money("29.12"),
        tax=money("5.53"),
        total=money("34.65"),
        open=money("0"),
    ),
    link="",
)

RULES = """
fulfilment:
  - {to: meta_data._wc_shipment_tracking, concatenate: [shipment.carrier, "shipment.parcels[0].tracking_number"]}
  - {to: notify_customer, when: order.billing.country == 'DE', constant: "no", as: flag}
shipment_note:
  - {to: added_by_user, constant: "yes", as: flag}
shipment_marks:
  - {to: meta_data._warehouse, copy: order.number, then: [{lookup: depot}]}
invoice_marks:
  - {to: meta_data._invoiced_for, copy: order.customer.email}
state:
  - {to: set_paid, constant: "yes", as: flag}
"""


def shop(rules=RULES, rows=None):
    text = textwrap.indent(textwrap.dedent(rules), "    ")
    profile = read_profile(f"profile: p\nextends: woocommerce\nshop:\n  woocommerce:\n{text}", "p.yaml")
    return profiled_shop(BASE, profile, "woocommerce", Tables(rows or {("depot", ORDER.number): "north"}))


def meta(payload):
    return {entry["key"]: entry["value"] for entry in payload["meta_data"]}


def test_entries_and_flags_are_added_beside_what_the_base_mapping_writes():
    base, made = BASE.fulfilment(SENT), shop().fulfilment(SENT)
    assert made["notify_customer"] is False
    assert meta(made) == {**meta(base), "_wc_shipment_tracking": "dhl 00340434161094015902"}
    assert shop().fulfilment_key(made) == SENT.key
    assert shop().shipment_note(SENT) == {**BASE.shipment_note(SENT), "added_by_user": True}
    assert shop().state("completed") == {"status": "completed", "set_paid": True}


def test_marks_of_parcels_and_invoices_take_entries_of_the_integrators_own():
    assert meta(shop().shipment_marks([SENT], {}))["_warehouse"] == "north"
    marks = meta(shop().invoice_marks([BILLED], {}))
    assert marks["_invoiced_for"] == ORDER.customer.email
    assert "_crossdock_invoices" in marks


def test_a_missing_row_stops_what_would_be_told():
    with pytest.raises(Problems) as raised:
        shop(rows={("x", "y"): "z"}).shipment_marks([SENT], {})
    assert raised.value.problems[0].subject == f"depot:{ORDER.number}"


@pytest.mark.parametrize(
    ("scope", "to"),
    [
        *(("fulfilment", "meta_data._crossdock_key"), ("fulfilment", "meta_data._items"), ("fulfilment", "status")),
        *(("shipment_note", "note"), ("state", "status"), ("shipment_marks", "meta_data"), ("state", "line_items")),
        ("invoice_marks", "meta_data._crossdock_invoices"),
    ],
)
def test_our_keys_and_the_facts_are_not_a_rules_to_write(scope: str, to: str):
    rule = f"{{to: {to}, constant: x}}"
    [told] = refusals(f"profile: p\nextends: woocommerce\nshop:\n  woocommerce:\n    {scope}:\n      - {rule}")
    assert "which the base mapping writes" in told


def test_a_document_that_would_not_be_found_again_is_not_sent():
    """Whatever a rule finds to write: the mapping's own reader of keys has the last word."""
    deaf = dataclasses.replace(BASE, fulfilment_key=lambda payload: "" if "notify_customer" in payload else "key")
    base = dataclasses.replace(deaf, fulfilment=lambda _: {"meta_data": []})
    text = "profile: p\nextends: woocommerce\nshop:\n  woocommerce:\n    fulfilment:\n      - "
    profile = read_profile(text + "{to: notify_customer, constant: x}", "p.yaml")
    with pytest.raises(MappingError, match="hidden the key"):
        profiled_shop(base, profile, "woocommerce").fulfilment(SENT)


def test_a_profile_without_rules_for_the_shop_leaves_it_alone():
    profile = read_profile("profile: p\nextends: woocommerce", "p.yaml")
    assert profiled_shop(BASE, profile, "woocommerce") is BASE
