"""A profile writes fields of the ERP's own; one that the ERP does not have is refused by the line that writes it."""

from __future__ import annotations

import dataclasses

import pytest

from connectors.kit.errors import AlreadyExists, RecordRejected
from connectors.sandbox.erp import ErpOptions
from mappings.profiles import read_profile
from sync.desk.profiles import publish
from sync.rules.profile_lines import naming_rule
from sync.store.audit import Actor
from sync.store.issues import list_open
from sync.store.orders import load_order
from sync.store.revisions import load_published
from tests.shared import PATIENCE_S
from tests.sync.flows.trade import CHANNEL, TEA, trading

PROFILE = """\
profile: own
extends: woocommerce
erp:
  sandbox_erp:
    order:
      - {to: x_depot, constant: north}
      - {to: NAME, constant: web}
"""


@pytest.fixture
def trade(sqlite_store):
    """Whose ERP has two fields of its own."""
    erp = ErpOptions(settle_s=PATIENCE_S, custom_fields=frozenset({"x_depot", "x_channel"}))
    with trading(sqlite_store, erp=erp) as made:
        made.systems._published = lambda channel: sqlite_store.read(lambda c: load_published(c, channel))
        channel = dataclasses.replace(made.config.channels[CHANNEL], canary=0)
        made.config = made.systems.config = dataclasses.replace(made.config, channels={CHANNEL: channel})
        yield made


def carried(trade, name):
    text = PROFILE.replace("NAME", name)
    publish(trade.store, trade.config, CHANNEL, text, actor=Actor("anna"), reason="wanted so", base=0)
    number = trade.buy((TEA, 1))
    trade.carry()
    return trade.store.read(lambda c: load_order(c, CHANNEL, number, trade.config.channels[CHANNEL].erp)).state


@pytest.mark.loopback
def test_fields_that_the_erp_has_are_written(trade):
    assert carried(trade, "x_channel") == "done"


@pytest.mark.loopback
def test_a_field_that_the_erp_does_not_have_parks_its_order_and_names_the_line(trade):
    assert carried(trade, "x_chanel") == "parked"
    [issue] = trade.store.read(list_open)
    assert "a sale has no field x_chanel" in issue.title
    assert f"the rule at {CHANNEL}, revision 1:7:9 of the mapping profile writes x_chanel" in issue.title


def test_only_what_a_rule_has_written_is_put_down_to_the_profile():
    profile = read_profile(PROFILE.replace("NAME", "x_channel"), "own.yaml")
    other = RecordRejected("no", field="party")
    taken = AlreadyExists("no", field="x_depot")
    assert naming_rule(other, profile, "sandbox_erp") is other
    assert naming_rule(taken, profile, "sandbox_erp") is taken
    assert naming_rule(RecordRejected("no", field="x_depot"), profile, "tryton").args == ("no",)
    named = naming_rule(RecordRejected("no", field="x_depot", code="c", status=422), profile, "sandbox_erp")
    assert (named.code, named.field, named.status, named.rolled_back) == ("c", "x_depot", 422, True)
