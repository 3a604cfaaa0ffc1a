"""Tryton on PostgreSQL, where several calls are in flight at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.kit.base import Rank
from connectors.kit.errors import AlreadyExists
from connectors.sandbox.tryton.people import Person
from mappings.canonical.facets import InvoiceState, SaleState, ShipmentState
from mappings.registry import ERP_FACETS
from tests.mappings.orders import line, make_order
from tests.real.tryton_world import MAPPING, OPTIONS, connect, new_web_shop, resolved_with_parties

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(1200)]

ORDER = make_order(lines=(line("TASSE-ROT", "2", "20.00", "3.80"),), shipping_lines=(), grand="23.80")


@pytest.fixture
def target(erp_on_postgres):
    return connect(erp_on_postgres, web_shop=new_web_shop(erp_on_postgres), options={"backend": "postgresql"})


def payloads(target, keys):
    orders = [dataclasses.replace(ORDER, external_id=key) for key in keys]
    [known] = resolved_with_parties(target, orders[:1])
    return [MAPPING.sale(order, known, OPTIONS) for order in orders]


def at_once(call, arguments):
    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(call, arguments))


def test_six_creates_of_one_key_at_once_make_one_sale(target):
    [payload] = payloads(target, ["race"])
    outcomes = at_once(lambda _: target.create_sales([payload])[0], range(6))
    made = [outcome for outcome in outcomes if outcome.error is None]
    refused = [outcome for outcome in outcomes if isinstance(outcome.error, AlreadyExists)]
    assert (len(made), len(refused)) == (1, 5)
    assert len(target.find_sales(["race"])["race"]) == 1


def test_six_creates_of_one_customer_at_once_make_one_party(target):
    order = dataclasses.replace(ORDER, customer=dataclasses.replace(ORDER.customer, email="pg-race@example.com"))
    payload = MAPPING.party(order, target.resolve(MAPPING.references(order, OPTIONS)), OPTIONS)

    def save(_):
        try:
            return target.save_party(payload)["id"]
        except AlreadyExists:
            return None

    made = [number for number in at_once(save, range(6)) if number is not None]
    assert len(made) == 1


def test_four_batches_at_once_come_to_their_totals(target):
    batches = [payloads(target, [f"{batch}-{number}" for number in range(5)]) for batch in "abcd"]

    def push(batch):
        created = target.create_sales(batch)
        return target.advance_sales([result.document for result in created], Rank.CONFIRMED)

    results = [result for batch in at_once(push, batches) for result in batch]

    assert [result.error for result in results if result.error] == []
    assert {result.document.total for result in results} == {OPTIONS.rounded(ORDER.totals.grand)}
    assert len({result.document.number for result in results}) == 20


def test_what_has_left_and_was_billed_is_told_as_it_is_by_sqlite(erp_on_postgres, target):
    """Times and amounts have types of their own there; a pull goes by the first, a survey by both."""
    began = dt.datetime.now(dt.UTC)
    [result] = target.advance_sales([target.create_sales(payloads(target, ["back"]))[0].document], Rank.CONFIRMED)
    sale = result.document.external_id
    parcel = Person(erp_on_postgres).ship(sale, {"TASSE-ROT": 1}, tracking="PG-1")
    [invoice] = stands(target, sale).invoices
    target.post_invoice(invoice.external_id)
    standing = stands(target, sale)
    [sent] = [each for each in standing.shipments if each.state is ShipmentState.SENT]
    assert (standing.state, sent.external_id) == (SaleState.PARTLY_SHIPPED, parcel)
    assert [(each.code, each.quantity) for each in sent.lines] == [("TASSE-ROT", 1)]
    assert [each.tracking_number for each in sent.parcels] == ["PG-1"]
    [invoice] = standing.invoices
    assert (invoice.state, invoice.total, invoice.open) == (InvoiceState.POSTED, standing.total, standing.total)
    assert invoice.number
    named = [each for page in target.pull_sales(None, since=began) for each in page.envelopes]
    assert {each.external_id for each in named} == {sale}
    assert all(dt.datetime.fromisoformat(each.version) > began for each in named)


def stands(target, sale):
    return ERP_FACETS["tryton"].standing(target.survey_sales([sale])[sale], OPTIONS)
