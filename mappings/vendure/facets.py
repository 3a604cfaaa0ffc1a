"""What a Vendure shop is told of an order after it was imported: its parcels, its invoices, its state.

A parcel is a fulfilment of the shop's `manual-fulfillment` handler (recordings 61 to 70), which has two texts of its
own: how it is sent, and its tracking code. Our key stands at the end of the first, where a customer takes it for what
it is, a reference. Whatever a customer reads holds the order's own words and no sentence of ours, for nobody tells us
the customer's language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mappings.base import JsonDict
from mappings.facets import Sent, ShopFacets, StateWords, TakenBack
from mappings.vendure.marks import invoice_marks, reference, sale_marks, shipment_marks, tracking_numbers, tracking_url
from mappings.vendure.meaning import ORDER_STATES
from mappings.vendure.refunds import refund_from_vendure, refund_mark


def fulfilment(sent: Sent) -> JsonDict:
    """The lines and the two texts of a fulfilment; a shop sells whole pieces."""
    return {
        "lines": [
            {"orderLineId": line, "quantity": int(pieces)} for line, pieces in sent.pieces.items() if int(pieces) > 0
        ],
        "method": _signed(sent.carrier, sent.key),
        "trackingCode": ", ".join(tracking_numbers(sent)),
    }


def fulfilment_key(payload: JsonDict) -> str:
    """Our key of a fulfilment that the shop has; empty for one that somebody else made, or that was left half-way."""
    if payload.get("state") == "Pending":
        return ""
    return reference(str(payload.get("method") or ""))


def shipment_note(sent: Sent) -> JsonDict:
    """A note on what was sent, with whom, under which number; a public one stands in the customer's account."""
    return {"note": "\n".join(_note(sent)), "isPublic": sent.notify}


def _note(sent: Sent) -> Iterator[str]:
    names = {line.external_id: line.name or line.sku for line in sent.order.lines}
    for line, pieces in sent.pieces.items():
        if pieces > 0:
            # On one line: the last line of a note is ours.
            yield f"{pieces.normalize():f} x {' '.join(names.get(line, line).split())}"
    if told := " ".join(filter(None, [sent.carrier, ", ".join(tracking_numbers(sent))])):
        yield told
    if url := tracking_url(sent):
        yield url
    yield f"Ref. {sent.key}"


def note_key(payload: JsonDict) -> str:
    """Our key of a note that the shop has; empty for one that somebody else wrote."""
    return reference(str(payload.get("note") or ""))


def state(word: str) -> JsonDict:
    """Into one of the shop's own states (`Delivered`), as far as its process allows it."""
    return {"state": word}


def state_words(_options: Mapping[str, Any]) -> StateWords:
    """Nothing by itself: that all is sent, the shop knows by its fulfilments. A process may have states of its own."""
    return StateWords(known=tuple(ORDER_STATES), extended=True)


def give_back(taken: TakenBack) -> JsonDict:
    """What is given back, and of which lines. Vendure has its payment handler send the money whatever one asks."""
    return {
        "amount": f"{taken.amount.amount:f}",
        "reason": _signed(taken.number, taken.key),
        "payout": taken.payout,
        "lines": [
            {"orderLineId": line.origin, "quantity": int(line.quantity)}
            for line in taken.lines
            if line.kind == "line" and line.quantity >= 1
        ],
    }


def _signed(text: str, key: str) -> str:
    return " ".join(filter(None, (text, f"Ref. {key}")))


FACETS: Final = ShopFacets(
    refund=refund_from_vendure,
    fulfilment=fulfilment,
    fulfilment_key=fulfilment_key,
    shipment_note=shipment_note,
    note_key=note_key,
    shipment_marks=shipment_marks,
    invoice_marks=invoice_marks,
    sale_marks=sale_marks,
    state=state,
    state_words=state_words,
    give_back=give_back,
    refund_mark=refund_mark,
)
