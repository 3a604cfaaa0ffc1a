"""What was taken out of an order: by an edit, or by a "refund" that gave no money back because none had come in.

Shopify leaves the line with its quantity and its amounts, and lowers `current_quantity` alone, for a removal as for a
return. A return is a refund and stays one: its money came in and went back. What was never paid for is no part of the
order any more, and nothing is to be sent or billed of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from mappings.canonical.money import Money
from mappings.canonical.records import Refund
from mappings.shopify.parts import Side, read_payments

_Data = Mapping[str, Any]
_REFUNDED: Final = "refund"


def given_back(refund: _Data, side: Side) -> Money:
    """The money of one refund: of its transactions that succeeded, else as its total says."""
    done = [raw for raw in refund["transactions"] if raw["kind"] == _REFUNDED and raw["status"] == "success"]
    if refund["total_refunded_set"] is not None:
        return side.of(refund["total_refunded_set"])
    return side.sum(side.amount(raw, "amount") for raw in done)


def removed_pieces(data: _Data, side: Side) -> dict[str, Decimal]:
    """Line id -> pieces that are no part of the order any more. A cancelled order stays what it was."""
    if data["cancelled_at"] is not None:
        return {}
    refunded = _refunded(data["refunds"], lambda refund: bool(given_back(refund, side)))
    gone = _gone(data, refunded)
    if gone and _paid_for(data, side, gone):
        refunded = _refunded(data["refunds"], lambda _refund: True)
        gone = _gone(data, refunded)
    return gone


def _gone(data: _Data, refunded: Mapping[str, Decimal]) -> dict[str, Decimal]:
    found = {}
    for line in data["line_items"]:
        left = line["quantity"] if line["current_quantity"] is None else line["current_quantity"]
        gone = line["quantity"] - left - refunded.get(line["id"], Decimal(0))
        if gone > 0:
            found[line["id"]] = gone
    return found


def _refunded(refunds: list[_Data], counts: Any) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for refund in refunds:
        for line in refund["refund_line_items"] if counts(refund) else ():
            found[line["line_item_id"]] = found.get(line["line_item_id"], Decimal(0)) + line["quantity"]
    return found


def _paid_for(data: _Data, side: Side, gone: Mapping[str, Decimal]) -> bool:
    """Whether more came in than the order is worth without them."""
    received = side.sum(payment.amount for payment in read_payments(data, side))
    worth = side.amount(data, "total_price") - side.sum(
        _worth(line, gone[line["id"]], side) for line in data["line_items"] if line["id"] in gone
    )
    return received.amount > worth.amount


def _worth(line: _Data, pieces: Decimal, side: Side) -> Money:
    off = side.sum(side.amount(share, "amount") for share in line["discount_allocations"]).amount
    on_top = side.sum(() if side.data["taxes_included"] else (side.amount(tax, "price") for tax in line["tax_lines"]))
    whole = side.amount(line, "price").amount * line["quantity"] - off + on_top.amount
    return Money(whole * pieces / line["quantity"], side.currency)


def read_refunds(data: _Data, side: Side, gone: Mapping[str, Decimal]) -> tuple[Refund, ...]:
    """The refunds that are facts of their own: with money, or of pieces that were paid for."""
    return tuple(_read(data, side, gone))


def _read(data: _Data, side: Side, gone: Mapping[str, Decimal]) -> Iterator[Refund]:
    for refund in data["refunds"]:
        amount = given_back(refund, side)
        lines = {line["line_item_id"] for line in refund["refund_line_items"]}
        if amount or (lines and lines.isdisjoint(gone) and data["cancelled_at"] is None):
            yield Refund(external_id=refund["id"], amount=amount, reason=refund["note"])
