"""What a confirmation makes: shipments and a draft invoice, of a refund a return and a draft credit note. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from connectors.sandbox.erp.documents import GOODS, JsonDict, Sale
from connectors.sandbox.erp.papers import EXPECTED, PLANNED, READY, WAITING
from connectors.sandbox.erp.state import ZERO, State

#: Product id -> pieces.
Pieces = dict[int, Decimal]


def confirmation(state: State, sale: Sale) -> JsonDict:
    """The part of a confirmation's entry that says what it makes.

    What is in stock leaves in one shipment, the rest waits in a second one. A sale that is confirmed once more (by an
    ERP that lets that happen) has its shipments already, and gets one more invoice.
    """
    shipments = [] if sale.shipments else _outgoing(state, sale)
    return {"shipments": shipments, "invoice": invoice(state, sale)}


def refund(state: State, refund: Sale, *, takes_out: bool = True) -> JsonDict:
    """The same for a refund: what has not left is not sent any more, and what has left comes back.

    An ERP that does not take it out announces the return of what never left, beside the shipment as it was.
    """
    back = _goods(state, refund, -1) if refund.details.get("restock") and not refund.shipments else {}
    # With `returned` somebody has the goods in their hands: they were sent.
    there = refund.details.get("returned") or not takes_out
    reduced, left = ([], back) if there else _not_sent_any_more(state, back, state.sale_of(refund.id))
    returns = [_next_shipment(state, refund, left, EXPECTED, 1)] if left else []
    return {"reduced": reduced, "shipments": returns, "invoice": invoice(state, refund)}


def invoice(state: State, sale: Sale) -> JsonDict:
    """The draft of the next invoice: the fields of `Invoice` that are given from the beginning."""
    return {
        "id": len(state.invoices) + 1,
        "sale": sale.id,
        "credits": None if sale.origin is None else next(iter(state.sale_of(sale.id).invoices), None),
        "currency": sale.currency,
        "untaxed": sale.untaxed,
        "tax": sale.tax,
        "total": sale.total,
    }


def shipment(number: int, sale: int, state: str, warehouse: str, lines: list[JsonDict]) -> JsonDict:
    """A planned shipment, or an expected return: the fields of `Shipment` that are given from the beginning."""
    back = state == EXPECTED
    return {
        "id": number,
        "sale": sale,
        "number": f"{'RET' if back else 'OUT'}{number:06d}",
        "state": state,
        "back": back,
        "warehouse": warehouse,
        "lines": lines,
    }


def lines_of(state: State, pieces: Pieces) -> list[JsonDict]:
    """The lines of a shipment."""
    return [
        {"product": product, "code": state.product_by_id[product].code, "quantity": f"{quantity:f}"}
        for product, quantity in pieces.items()
        if quantity
    ]


def pieces_of(lines: Iterable[JsonDict]) -> Pieces:
    """The pieces of a shipment's lines."""
    return {line["product"]: Decimal(line["quantity"]) for line in lines}


def _outgoing(state: State, sale: Sale) -> list[JsonDict]:
    there: Pieces = {}
    missing: Pieces = {}
    for product, quantity in _goods(state, sale, 1).items():
        there[product] = min(quantity, max(state.available((product, sale.warehouse)), ZERO))
        missing[product] = quantity - there[product]
    planned = [(READY, there), (WAITING, missing)]
    filled = [(name, pieces) for name, pieces in planned if any(pieces.values())]
    return [_next_shipment(state, sale, pieces, name, offset) for offset, (name, pieces) in enumerate(filled, start=1)]


def _goods(state: State, sale: Sale, sign: int) -> Pieces:
    """Pieces of goods that go out (sign 1) or come back (-1); several lines of one product are one."""
    pieces: Pieces = {}
    for line in sale.lines:
        quantity = sign * Decimal(line["quantity"])
        if quantity > 0 and state.product_by_id[line["product"]].type == GOODS:
            pieces[line["product"]] = pieces.get(line["product"], ZERO) + quantity
    return pieces


def _not_sent_any_more(state: State, back: Pieces, sale: Sale) -> tuple[list[tuple[int, list[JsonDict]]], Pieces]:
    """Which planned shipments get which lines instead of theirs, and the pieces that have left already."""
    left = dict(back)
    reduced = []
    # The newest first: that is the backorder, which the customer would have got last.
    for planned in sorted((state.shipments[number] for number in sale.shipments), key=lambda each: -each.id):
        if planned.state in PLANNED:
            pieces = pieces_of(planned.lines)
            for product in pieces.keys() & left.keys():
                taken = min(pieces[product], left[product])
                pieces[product] -= taken
                left[product] -= taken
            if (lines := lines_of(state, pieces)) != planned.lines:
                reduced.append((planned.id, lines))
    return reduced, {product: quantity for product, quantity in left.items() if quantity}


def _next_shipment(state: State, sale: Sale, pieces: Pieces, name: str, offset: int) -> JsonDict:
    return shipment(len(state.shipments) + offset, sale.id, name, sale.warehouse, lines_of(state, pieces))
