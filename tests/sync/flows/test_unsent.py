"""What was refunded before it left must not be sent: what a standing has to look like for a person to be told."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mappings.canonical.facets import SaleState, Shipment, ShipmentState, ShippedLine, Standing, StandingLine
from mappings.canonical.money import Money
from sync.flows.facets.unsent import unsent

PLANNED, SENT, CANCELLED = ShipmentState.PLANNED, ShipmentState.SENT, ShipmentState.CANCELLED


def out(state, *, back=False, **pieces):
    lines = tuple(ShippedLine(code=code, quantity=Decimal(quantity)) for code, quantity in pieces.items())
    return Shipment(external_id="1", number="S1", state=state, lines=lines, back=back)


def returned(state=PLANNED, **pieces):
    return out(state, back=True, **pieces)


def found(*shipments, **ordered):
    lines = tuple(
        StandingLine(
            external_id="1", code=code, title="", quantity=Decimal(each), unit_price=Decimal(1), total=Decimal(each)
        )
        for code, each in ordered.items()
    )
    standing = Standing(
        external_id="1",
        number="",
        state=SaleState.CONFIRMED,
        told="",
        total=Money(Decimal(0), "EUR"),
        lines=lines,
        shipments=shipments,
    )
    return {code: int(pieces) for code, pieces in unsent(standing).items()}


ORDERED = {"A": 3, "B": 1}


@pytest.mark.parametrize(
    ("shipments", "surplus"),
    [
        pytest.param([out(PLANNED, A=3), returned(A=1)], {"A": 1}, id="nothing has left"),
        pytest.param([out(PLANNED, A=3, B=1), returned(A=3, B=1)], {"A": 3, "B": 1}, id="all of it is refunded"),
        pytest.param([out(SENT, A=2), out(PLANNED, A=1), returned(A=2)], {}, id="what has left comes back"),
        pytest.param([out(SENT, A=2), out(PLANNED, A=1), returned(A=3)], {"A": 1}, id="more comes back than has left"),
        pytest.param([out(SENT, A=3), returned(A=3)], {}, id="nothing is planned any more"),
        pytest.param([out(PLANNED, A=2)], {}, id="the ERP took it out of the shipment"),
        pytest.param([out(PLANNED, A=2), returned(A=1)], {}, id="a person took it out and left the return"),
        pytest.param([out(PLANNED, A=3), returned(CANCELLED, A=1)], {}, id="a person has cancelled the return"),
        pytest.param([out(CANCELLED, A=3), returned(A=3)], {}, id="a person has cancelled the shipment"),
        pytest.param([out(SENT, B=1), out(PLANNED, A=3), returned(A=1)], {"A": 1}, id="another article has left"),
    ],
)
def test_goods_that_were_refunded_before_they_left_are_counted(shipments, surplus):
    assert found(*shipments, **ORDERED) == surplus
