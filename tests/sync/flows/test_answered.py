"""What a dead worker began and nobody carries out again: a later look closes its intent, and nothing else does."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest

from mappings.canonical.facets import Invoice, InvoiceState, SaleState, Standing, StandingPayment, StandingRefund
from mappings.canonical.money import Money
from sync.flows.facets.answered import _outcome
from sync.store.intents import Intent

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
TEN = Money(Decimal("10.00"), "EUR")


def standing(refund=SaleState.CONFIRMED):
    return Standing(
        external_id="1",
        number="S1",
        state=SaleState.SHIPPED,
        told="",
        total=TEN,
        lines=(),
        refunds=(StandingRefund(external_id="2", key="web:1:refund:5", number="S2", state=refund, total=-TEN),),
        invoices=(
            Invoice(
                external_id="7",
                number="I7",
                state=InvoiceState.POSTED,
                dated_on=None,
                due_on=None,
                net=TEN,
                tax=TEN,
                total=TEN,
                open=TEN,
            ),
        ),
        payments=(StandingPayment(external_id="3", reference="web:1:pay:ch_1", amount=TEN),),
    )


def outcome(kind, key, *, settled=True, whole=True, refund=SaleState.CONFIRMED, **piece):
    intent = Intent(1, 1, kind, "create", key, NOW, settled)
    facts = {"standing": standing(refund), "error": None, "skipped": "", **piece}
    return _outcome(SimpleNamespace(**facts), intent, whole=whole)


@pytest.mark.parametrize(
    ("kind", "key"), [("refund", "web:1:refund:5"), ("payment", "web:1:pay:ch_1"), ("post", "invoice:7")]
)
def test_what_stands_in_the_erp_is_found_at_once_and_what_does_not_only_when_it_can_no_longer_land(kind, key):
    assert outcome(kind, key, settled=False, error=ValueError()) == "found"
    assert outcome(kind, f"{key}9", settled=False) == ""
    assert outcome(kind, f"{key}9") == "absent"
    assert outcome(kind, f"{key}9", error=ValueError()) == "", "it may be wanted still"


def test_a_refund_that_is_only_begun_may_still_be_brought_on_by_the_write_in_doubt():
    assert outcome("refund", "web:1:refund:5", settled=False, refund=SaleState.DRAFT) == ""
    assert outcome("refund", "web:1:refund:5", refund=SaleState.DRAFT) == "found"


@pytest.mark.parametrize("kind", ["fulfilment", "note"])
def test_a_parcel_is_given_up_only_by_a_turn_that_looked_into_the_shop(kind):
    assert outcome(kind, "1-4") == "superseded"
    assert outcome(kind, "1-4", whole=False) == ""
    assert outcome(kind, "1-4", settled=False) == ""


def test_a_cancellation_is_over_with_an_order_that_ended_so():
    assert outcome("cancel", "web:1", whole=False, standing=None, skipped="cancelled") == "found"
    assert outcome("cancel", "web:1", whole=False) == "superseded", "the shop wants the order again"
