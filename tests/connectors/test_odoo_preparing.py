"""What a channel presumes of an Odoo is found lacking, made once, and there."""

from __future__ import annotations

import pytest

from connectors.kit.errors import RecordRejected
from connectors.kit.preparing import Need, NeedKind
from connectors.sandbox.odoo import OdooOptions, running_odoo
from mappings.canonical.refs import Ref
from tests.connectors.test_odoo import connect

pytestmark = pytest.mark.loopback
CHANNEL = Need(kind=NeedKind.FIELD, of="order", name="x_channel")
PRIORITY = Need(kind=NeedKind.FIELD, of="lines", name="x_priority", holds="whole")


@pytest.fixture
def odoo():
    with running_odoo(OdooOptions()) as running:
        yield running


@pytest.fixture
def target(odoo):
    return connect(odoo)


def test_fields_are_made_with_their_type_and_then_there(target, odoo):
    known = Need(kind=NeedKind.FIELD, of="order", name="note")
    assert target.lacking([CHANNEL, known, PRIORITY]) == [CHANNEL, PRIORITY]
    for need in (CHANNEL, PRIORITY):
        target.prepare(need)
        target.prepare(need)
    assert target.lacking([CHANNEL, PRIORITY]) == []
    rows = odoo.app.db.tables["ir.model.fields"].values()
    assert [(row["name"], row["ttype"], row["field_description"]) for row in rows] == [
        ("x_channel", "char", "Channel"),
        ("x_priority", "integer", "Priority"),
    ]


def test_only_custom_fields_are_made(target):
    with pytest.raises(RecordRejected, match="begins with x_"):
        target.prepare(Need(kind=NeedKind.FIELD, of="order", name="sales_channel"))


def test_a_product_is_made_once_and_resolved(target, odoo):
    need, ref = Need(kind=NeedKind.PRODUCT, name="GIFT_WRAP"), Ref("product", "GIFT_WRAP")
    assert target.resolve([ref]) == {}
    target.prepare(need)
    target.prepare(need)
    assert target.resolve([ref])[ref]["type"] == "service"
    made = [row for row in odoo.app.db.tables["product.product"].values() if row["default_code"] == "GIFT_WRAP"]
    assert len(made) == 1
