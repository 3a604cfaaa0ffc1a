"""What was refunded before it left must not be sent: when that is so, and what becomes of the order."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.sandbox.erp import ErpOptions
from mappings.canonical.facets import SaleState, Shipment, ShipmentState, ShippedLine, Standing, StandingLine
from mappings.canonical.money import Money
from sync.desk.steering import approve_order
from sync.flows.facets.unsent import announced, too_many, unsent
from sync.store.audit import Actor
from sync.store.orders import load_order
from tests.shared import PATIENCE_S
from tests.sync.flows.trade import CHANNEL, TEA, trading

PLANNED, SENT, CANCELLED = ShipmentState.PLANNED, ShipmentState.SENT, ShipmentState.CANCELLED


def out(state, *, back=False, **pieces):
    lines = tuple(ShippedLine(code=code, quantity=Decimal(quantity)) for code, quantity in pieces.items())
    return Shipment(external_id="1", number="S1", state=state, lines=lines, back=back)


def returned(state=PLANNED, **pieces):
    return out(state, back=True, **pieces)


ORDERED = {"A": 3, "B": 1}


def found(*shipments, **ordered):
    lines = tuple(
        StandingLine(
            external_id="1", code=code, title="", quantity=Decimal(each), unit_price=Decimal(1), total=Decimal(each)
        )
        for code, each in ordered.items()
    )
    return Standing(
        external_id="1",
        number="",
        state=SaleState.CONFIRMED,
        told="",
        total=Money(Decimal(0), "EUR"),
        lines=lines,
        shipments=shipments,
    )


def whole(pieces):
    return {code: int(each) for code, each in pieces.items()}


@pytest.mark.parametrize(
    ("shipments", "never_left", "surplus"),
    [
        pytest.param([out(PLANNED, A=3), returned(A=1)], {"A": 1}, {"A": 1}, id="nothing has left"),
        pytest.param([out(PLANNED, A=3, B=1), returned(A=3, B=1)], {"A": 3, "B": 1}, {"A": 3, "B": 1}, id="all of it"),
        pytest.param([out(SENT, A=2), out(PLANNED, A=1), returned(A=2)], {}, {}, id="what has left comes back"),
        pytest.param([out(SENT, A=2), out(PLANNED, A=1), returned(A=3)], {"A": 1}, {"A": 1}, id="more than has left"),
        pytest.param([out(SENT, A=3), returned(A=3)], {}, {}, id="nothing is planned any more"),
        pytest.param([out(PLANNED, A=2)], {}, {}, id="the ERP took it out of the shipment"),
        pytest.param([out(PLANNED, A=2), returned(A=1)], {"A": 1}, {}, id="taken out, and the return left"),
        pytest.param([out(PLANNED, A=3), returned(CANCELLED, A=1)], {}, {}, id="a person has cancelled the return"),
        pytest.param([out(CANCELLED, A=3), returned(A=3)], {}, {}, id="a person has cancelled the shipment"),
        pytest.param([out(SENT, B=1), out(PLANNED, A=3), returned(A=1)], {"A": 1}, {"A": 1}, id="another article left"),
    ],
)
def test_goods_that_were_refunded_before_they_left_are_counted(shipments, never_left, surplus):
    standing = found(*shipments, **ORDERED)
    assert (whole(unsent(standing)), whole(too_many(standing))) == (never_left, surplus)


def test_a_return_is_called_off_only_where_all_of_it_never_left():
    whole_return, part = returned(A=1), returned(A=3)
    assert announced(found(out(PLANNED, A=3), whole_return, **ORDERED), {"A": Decimal(1)}) == ["1"]
    assert announced(found(out(SENT, A=2), out(PLANNED, A=1), part, **ORDERED), {"A": Decimal(1)}) == []


# --- in an ERP that leaves both as they are, and cannot be told otherwise -----------------------------------------


@pytest.fixture
def held(sqlite_store):
    """(trade, number): one of three pieces was refunded before anything left."""
    with trading(sqlite_store, erp=ErpOptions(settle_s=PATIENCE_S, takes_out_refunded=False)) as trade:
        number = trade.buy((TEA, 3))
        trade.carry()
        line = trade.order(number)["line_items"][0]
        trade.in_shop(
            "POST",
            f"orders/{number}/refunds",
            {
                "amount": "3.00",
                "api_refund": False,
                "line_items": [{"id": line["id"], "quantity": 1, "refund_total": "3.00"}],
            },
        )
        trade.carry()
        yield trade, number


def returns_of(trade, number):
    return [each for each in trade.sale(number)["shipments"] if each["back"]]


@pytest.mark.loopback
def test_a_person_is_told_what_must_not_leave_and_the_order_goes_on_when_it_was_seen_to(held):
    trade, number = held
    assert trade.causes() == {"refunded_unsent": 1}
    [back] = returns_of(trade, number)
    assert f"1 x {TEA}: refunded before it left" in trade.item(number).reason
    assert back["number"] in trade.item(number).reason
    assert len(trade.sale(number)["refunds"]) == 1
    trade.in_erp("POST", f"shipments/{back['id']}/cancel")
    trade.carry()
    assert trade.causes() == {}
    assert trade.item(number).state == "done"


@pytest.mark.loopback
def test_a_person_may_say_that_it_is_sent_all_the_same(held):
    trade, number = held
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    approve_order(trade.store, order, actor=Actor("anna", "test"), reason="the customer keeps it")
    trade.carry()
    assert trade.item(number).state == "done", trade.causes()
    assert len(trade.sale(number)["refunds"]) == 1
