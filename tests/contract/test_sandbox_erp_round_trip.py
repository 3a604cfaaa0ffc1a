"""From a canonical order to a confirmed sale: what the mapping expects is what the ERP makes of it, to the cent."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.kit.base import Rank
from connectors.kit.errors import RecordRejected
from connectors.sandbox.catalogue import catalogue, unknown_product
from connectors.sandbox.erp import ErpOptions, running_erp
from connectors.sandbox.erp.audit import check_ledger
from connectors.sandbox.erp.products import default_products
from mappings import sandbox_erp as mapping
from mappings.base import TargetOptions
from mappings.canonical.errors import Problems
from tests.contract.target_fakes import SandboxErpFake
from tests.mappings.orders import fee, line, make_order, shipping_line
from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback

OPTIONS = TargetOptions(channel="demo")
SKUS = [product.sku for product in catalogue(100)]

ORDERS = {
    "plain": make_order(external_id="1", lines=(line(SKUS[0], "2", "20.00", "3.80"),), grand="28.70"),
    "fee below zero and a cent of rounding": make_order(
        external_id="2", lines=(line("TASSE-ROT", "1", "10.08", "1.92"),), fees=(fee("-1.00", "-0.19"),), grand="15.70"
    ),
    "six decimals": make_order(
        external_id="3", lines=(line("00123", "3", "18.906542", "1.323458"),), shipping_lines=(), grand="20.25"
    ),
    "yen with decimals": make_order(
        external_id="4",
        lines=(line("1E5", "1", "3.36", "0.25", currency="JPY"), line("1E5", "1", "3.36", "0.25", currency="JPY")),
        shipping_lines=(shipping_line("0.40", "0.04", currency="JPY"),),
        grand="7.66",
        currency="JPY",
    ),
    "dinar": make_order(
        external_id="5",
        lines=(line("1E5", "1", "3.3655", "0.2355", currency="KWD"),),
        shipping_lines=(),
        grand="3.601",
        currency="KWD",
    ),
    "a hundred lines that all round up": make_order(
        external_id="6", lines=tuple(line(sku, "1", "1.005", "0.195") for sku in SKUS), shipping_lines=(), grand="120"
    ),
    "nothing to pay": make_order(
        external_id="7", lines=(line("GESCHENK", "1", "0.00", "0.00"),), shipping_lines=(), grand="0.00"
    ),
}


def push(target, order):
    """What the flow does, in short."""
    resolved = target.resolve(mapping.references(order, OPTIONS))
    if (party := mapping.party(order, resolved, OPTIONS)) is not None:
        target.save_party(party)
        resolved = target.resolve(mapping.references(order, OPTIONS))
    assert mapping.party(order, resolved, OPTIONS) is None
    [created] = target.create_sales([mapping.sale(order, resolved, OPTIONS)])
    assert created.error is None
    [confirmed] = target.advance_sales([created.document], Rank.CONFIRMED)
    return confirmed.document


@pytest.fixture
def fake(tmp_path):
    options = ErpOptions(settle_s=PATIENCE_S, api_key=SandboxErpFake.secret)
    with running_erp(options=options, products=default_products(100), ledger=tmp_path / "ledger") as erp:
        yield SandboxErpFake(erp)


@pytest.mark.parametrize("name", ORDERS)
def test_the_erp_shows_the_total_that_the_mapping_expects(fake, name):
    order = ORDERS[name]
    assert push(fake.connect(), order).total == OPTIONS.rounded(order.totals.grand)


def test_the_ledger_shows_every_order_once_and_every_party_once(fake):
    target = fake.connect()
    for order in ORDERS.values():
        push(target, order)
    expected = {
        mapping.sale_key(order.external_id, OPTIONS): OPTIONS.rounded(order.totals.grand) for order in ORDERS.values()
    }
    assert check_ledger(fake.erp.ledger_path, expected) == []


def test_the_article_that_only_the_shop_knows_holds_the_order(fake):
    order = make_order(lines=(line(unknown_product().sku, "1", "10.00", "1.90"),), grand="16.80")
    target = fake.connect()
    target.save_party(mapping.party(order, {}, OPTIONS))
    resolved = target.resolve(mapping.references(order, OPTIONS))
    with pytest.raises(Problems) as caught:
        mapping.sale(order, resolved, OPTIONS)
    assert [problem.subject for problem in caught.value.problems] == [f"sku:{unknown_product().sku}"]


def test_a_quantity_that_the_unit_does_not_take_is_refused_with_its_line(fake):
    order = make_order(lines=(line("TASSE-ROT", "1.5", "15.00", "2.85"),), shipping_lines=(), grand="17.85")
    target = fake.connect()
    target.save_party(mapping.party(order, {}, OPTIONS))
    resolved = target.resolve(mapping.references(order, OPTIONS))
    [result] = target.create_sales([mapping.sale(order, resolved, OPTIONS)])
    assert isinstance(result.error, RecordRejected)
    assert (result.error.code, result.error.field) == ("unit_digits", "lines[0].quantity")


def test_the_erps_unit_and_the_connections_must_agree(fake):
    """A connection that names other decimals than the ERP has is noticed by the read-back, not hidden."""
    options = TargetOptions(channel="demo", minor_units={"JPY": 2})
    order = ORDERS["yen with decimals"]
    target = fake.connect()
    target.save_party(mapping.party(order, {}, options))
    resolved = target.resolve(mapping.references(order, options))
    [created] = target.create_sales([mapping.sale(order, resolved, options)])
    assert created.document.total == Decimal(6)
    assert options.rounded(order.totals.grand) == Decimal("7.66")
