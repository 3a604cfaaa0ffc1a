"""What a channel presumes of its ERP is found lacking by the doctor, made when somebody says so, and then there."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from config.settings import Settings
from connectors.kit.findings import Level
from connectors.kit.preparing import NeedKind
from connectors.sandbox.odoo import OdooOptions, running_odoo
from sync.desk.doctor import preparing
from sync.desk.doctor.rounding import rounding_finding
from sync.rules.systems import Systems, read_config
from sync.store.audit import Actor
from sync.store.tables import audit

pytestmark = pytest.mark.loopback
INA = Actor("ina", "test")
PROFILE = """\
profile: ours
extends: woocommerce
erp:
  odoo:
    order:
      - {to: x_channel, constant: web}
      - {to: x_pieces, copy: order.external_id, as: whole}
"""
CONFIG = """\
connections:
  shop: {{system: woocommerce, url: "https://shop.example.com", auth: {{key: "${{env:KEY}}", secret: "${{env:KEY}}"}}}}
  erp:
    system: odoo
    url: {url}
    auth: {{key: "${{env:KEY}}"}}
    allow_hosts: [127.0.0.1]
    options: {{database: odoo}}
channels:
  web:
    source: shop
    erp: erp
    timezone: UTC
    profile: profiles/ours.yaml
    policies: {{{policies}}}
"""


@pytest.fixture
def odoo():
    with running_odoo(OdooOptions()) as running:
        yield running


@pytest.fixture
def channel_of(tmp_path, odoo):
    def make(policies="target: {fee_product: GIFT_WRAP}", profile=PROFILE):
        (tmp_path / "config" / "profiles").mkdir(parents=True, exist_ok=True)
        (tmp_path / "config" / "profiles" / "ours.yaml").write_text(profile)
        (tmp_path / "config" / "crossdock.yaml").write_text(CONFIG.format(url=odoo.url, policies=policies))
        settings = Settings.from_env({"CROSSDOCK_CONFIG": str(tmp_path / "config"), "KEY": "odoo-sandbox-key"})
        return Systems(read_config(settings)).channel("web")

    return make


def test_what_is_lacking_is_told_made_and_then_there(channel_of, sqlite_store, odoo):
    systems = channel_of()
    finding = preparing.fields_finding(systems)
    assert finding.level is Level.WARN
    assert "erp has no field order.x_channel" in finding.found
    assert finding.next_step.endswith("crossdock doctor --create web")
    lacks = preparing.lacking(sqlite_store, systems)
    assert [(lack.connection, str(lack.need), lack.makes) for lack in lacks] == [
        ("erp", "order.x_channel", True),
        ("erp", "order.x_pieces", True),
        ("erp", "GIFT_WRAP", True),
    ]
    assert [made.error for made in preparing.make(sqlite_store, systems, lacks, INA)] == [None] * 3
    assert preparing.lacking(sqlite_store, systems) == []
    assert preparing.fields_finding(systems).level is Level.OK
    [whole] = [row["ttype"] for row in odoo.app.db.tables["ir.model.fields"].values() if row["name"] == "x_pieces"]
    assert whole == "integer"
    with sqlite_store.engine.connect() as connection:
        rows = connection.execute(select(audit.c.actor, audit.c.action, audit.c.subject, audit.c.after)).all()
    assert ("ina", "create", "connection:erp", "product GIFT_WRAP") in [tuple(row) for row in rows]


def test_what_cannot_be_made_hinders_nothing_else(channel_of, sqlite_store):
    systems = channel_of(profile=PROFILE.replace("x_channel", "sales_channel"))
    lacks = preparing.lacking(sqlite_store, systems)
    made = {str(each.lack.need): each.error for each in preparing.make(sqlite_store, systems, lacks, INA)}
    assert "begins with x_" in str(made.pop("order.sales_channel"))
    assert made
    assert set(made.values()) == {None}
    assert [lack.need.kind for lack in preparing.lacking(sqlite_store, systems)] == [NeedKind.FIELD]


@pytest.mark.parametrize(
    ("policies", "level", "told"),
    [
        ("", Level.OK, "up to 5 units of the last decimal are carried under their own name; the ERP rounds tax once"),
        ("totals_threshold: 0", Level.WARN, "held"),
        ("totals_threshold: 100", Level.WARN, "a mistake can hide"),
        ("rules: {totals: warn}", Level.WARN, "any difference is carried"),
    ],
)
def test_cents_are_carried_and_mistakes_are_not(channel_of, policies, level, told):
    finding = rounding_finding(channel_of(policies))
    assert (finding.level, told in finding.found) == (level, True)
