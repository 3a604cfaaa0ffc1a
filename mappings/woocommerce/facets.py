"""What a WooCommerce shop is told of an order after it was imported: its parcels, its invoices, its state.

Fulfilments are written as WooCommerce 11.0.1 took them (captures 68 to 71); their quantities are JSON numbers because
the shop refuses texts there. What we mark an order with stands under two keys of our own in its `meta_data`, so that
no plugin's key is ever written. Whatever a customer reads holds the order's own words and no sentence of ours, for
nobody tells us the customer's language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mappings.base import JsonDict
from mappings.canonical.facets import Parcel, RefundLine
from mappings.facets import SENT, Billed, Sent, ShopFacets, StateWords, TakenBack
from mappings.notes import key_of, note_text, numbers_of
from mappings.woocommerce.meaning import ORDER_STATES
from mappings.woocommerce.refunds import refund_from_woocommerce

#: Our keys in `meta_data`: of a fulfilment, and of an order.
KEY: Final = "_crossdock_key"
PARCELS: Final = "_crossdock_parcels"
INVOICES: Final = "_crossdock_invoices"

#: The end of the reason of a refund of ours.
_MARKED: Final = re.compile(r"(?:^|\s)Ref\. (\S+)\s*\Z")


def fulfilment(sent: Sent) -> JsonDict:
    """The body of a fulfilment. `notify_customer` has the shop mail its customer, also when one is changed."""
    meta: dict[str, Any] = {
        "_items": [
            {"item_id": int(line), "qty": _number(pieces)} for line, pieces in sent.pieces.items() if pieces > 0
        ],
        "_tracking_number": ", ".join(numbers_of(sent)),
        "_tracking_url": _url(sent),
        "_shipment_provider": sent.carrier,
        KEY: sent.key,
    }
    return {
        "status": "fulfilled",
        "is_fulfilled": True,
        "notify_customer": sent.notify,
        "meta_data": [{"key": key, "value": value} for key, value in meta.items() if value],
    }


def fulfilment_key(payload: JsonDict) -> str:
    """Our key of a fulfilment that the shop has; empty for one that somebody else made."""
    return next((str(meta.get("value", "")) for meta in payload.get("meta_data", ()) if meta.get("key") == KEY), "")


def shipment_note(sent: Sent) -> JsonDict:
    """The body of a note: what was sent, with whom, under which number, where to follow it."""
    return {"note": note_text(sent), "customer_note": sent.notify}


def note_key(payload: JsonDict) -> str:
    """Our key of a note that the shop has; empty for one that somebody else wrote."""
    return key_of(str(payload.get("note", "")))


def shipment_marks(parcels: Sequence[Sent], payload: JsonDict) -> JsonDict:
    """The order's list of what was sent, one entry per shipment of ours; entries that it has already stay."""
    return _marks(PARCELS, "key", [_parcel(sent) for sent in parcels], payload)


def invoice_marks(invoices: Sequence[Billed], payload: JsonDict) -> JsonDict:
    """The order's list of invoices and credit notes, one entry per number; entries that it has already stay."""
    return _marks(INVOICES, "number", [billed.as_json() for billed in invoices if billed.invoice.number], payload)


def state(word: str) -> JsonDict:
    """Into one of the shop's own states (`completed`)."""
    return {"status": word}


def state_words(_options: Mapping[str, Any]) -> StateWords:
    """The shop's own states; plugins add theirs."""
    return StateWords(default=dict.fromkeys(SENT, "completed"), known=tuple(ORDER_STATES), extended=True)


def give_back(taken: TakenBack) -> JsonDict:
    """The body of a refund, of an amount alone where no lines are named. The shop takes nothing into its stock.

    What came back is in stock in the ERP, and the lines of the ERP's own document say which; what was never there never
    left. A line's `quantity` is a whole number; shipping and fees are named by their ids as lines are, without one.
    The reason holds our key, for it is written with the refund itself; `meta_data` of a refund comes after it, and
    after the gateway has sent the money (`class-wc-rest-order-refunds-v2-controller.php`).
    """
    return {
        "amount": f"{taken.amount.amount:f}",
        "reason": " ".join(filter(None, (taken.number, f"Ref. {taken.key}"))),
        "api_refund": taken.payout,
        "api_restock": False,
        **({"line_items": [_given_back(line) for line in taken.lines]} if taken.lines else {}),
    }


def _given_back(line: RefundLine) -> JsonDict:
    return {
        "id": int(line.origin),
        **({"quantity": _number(line.quantity)} if line.quantity else {}),
        "refund_total": f"{line.total.amount:f}",
        "refund_tax": [{"id": int(tax.code), "refund_total": f"{tax.amount.amount:f}"} for tax in line.tax_lines],
    }


def refund_mark(payload: JsonDict) -> str:
    """Our key of a refund that the shop has; empty for one that somebody else made."""
    found = _MARKED.search(str(payload.get("reason") or ""))
    return found[1] if found else ""


def _parcel(sent: Sent) -> JsonDict:
    shipment = sent.shipment
    return {
        "key": sent.key,
        "number": shipment.number,
        "sent_on": shipment.sent_on.isoformat() if shipment.sent_on else "",
        "carrier": sent.carrier,
        "tracking": list(numbers_of(sent)),
        "url": _url(sent),
        # No object: PHP writes an empty one as [], which would never be what we wrote.
        "items": [
            {"item_id": line, "qty": f"{pieces.normalize():f}"} for line, pieces in sent.pieces.items() if pieces > 0
        ],
    }


def _marks(key: str, name: str, entries: Sequence[JsonDict], payload: JsonDict) -> JsonDict:
    """The mark with these entries in the place of those of the same name, new ones behind; nothing where it is so."""
    found = next((meta.get("value") for meta in payload.get("meta_data", ()) if meta.get("key") == key), None)
    standing = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    merged = {entry.get(name): entry for entry in [*standing, *entries]}
    values = list(merged.values())
    return {"meta_data": [{"key": key, "value": values}]} if values != standing else {}


def _parcels(sent: Sent) -> tuple[Parcel, ...]:
    return sent.shipment.parcels


def _url(sent: Sent) -> str:
    return sent.tracking_url or next((parcel.tracking_url for parcel in _parcels(sent) if parcel.tracking_url), "")


def _number(pieces: Decimal) -> int | float:
    return int(pieces) if pieces == pieces.to_integral_value() else float(pieces)


FACETS: Final = ShopFacets(
    refund=refund_from_woocommerce,
    fulfilment=fulfilment,
    fulfilment_key=fulfilment_key,
    shipment_note=shipment_note,
    note_key=note_key,
    shipment_marks=shipment_marks,
    invoice_marks=invoice_marks,
    state=state,
    state_words=state_words,
    give_back=give_back,
    refund_mark=refund_mark,
)
