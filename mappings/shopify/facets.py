"""What a Shopify shop is told of an order after it was imported: its parcels, its invoices, its state.

A parcel is a fulfilment, which has no field for a key of ours; so the connector announces each in a metafield of the
order before it is made (`parcel`). What we mark an order with stands in metafields of our own namespace, and as a tag
for each number that people look for. Quantities are whole: the shop knows no halves of a piece.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mappings.base import JsonDict
from mappings.canonical.errors import MappingError
from mappings.canonical.words import say
from mappings.facets import Billed, Sent, ShopFacets, StateWords
from mappings.shopify.refunds import refund_from_shopify

#: The metafields of our namespace.
INVOICES: Final = "invoices"
SALES: Final = "erp_numbers"
#: What `state_back` may say. Whether an order is fulfilled follows from its fulfilments, and needs no word.
STATES: Final = ("closed", "cancelled")
_LONGEST_TAG: Final = 40


def fulfilment(sent: Sent) -> JsonDict:
    """One parcel of the order's lines: pieces by the id of the line, tracking, whether the shop mails its customer.

    Raises MappingError for a fraction of a piece.
    """
    numbers = list(dict.fromkeys(each.tracking_number for each in sent.shipment.parcels if each.tracking_number))
    tracking = {"company": sent.carrier, "numbers": numbers, "urls": _urls(sent)}
    return {
        "key": sent.key,
        "pieces": {line: _whole(line, pieces) for line, pieces in sent.pieces.items() if pieces > 0},
        "trackingInfo": {name: value for name, value in tracking.items() if value},
        "notifyCustomer": sent.notify,
    }


def _urls(sent: Sent) -> list[str]:
    """As many as there are numbers: the shop pairs them. Without any it makes its own for carriers that it knows."""
    parcels = [each for each in sent.shipment.parcels if each.tracking_number]
    urls = [sent.tracking_url or next((each.tracking_url for each in parcels), "")]
    urls += [each.tracking_url for each in parcels[1:]]
    return urls if all(urls) else []


def _whole(line: str, pieces: Decimal) -> int:
    if pieces != pieces.to_integral_value():
        text = say("%(pieces)s pieces were sent, and the shop counts whole ones", pieces=f"{pieces.normalize():f}")
        raise MappingError(f"pieces.{line}", text, next_step=say("enter the parcel in the shop by hand, then approve"))
    return int(pieces)


def fulfilment_key(payload: JsonDict) -> str:
    """The key under which the connector had announced it; empty for one that somebody else made."""
    return str(payload.get("key") or "")


def shipment_marks(_parcels: Sequence[Sent], _payload: JsonDict) -> JsonDict:
    """Nothing: the order shows its fulfilments."""
    return {}


def invoice_marks(invoices: Sequence[Billed], payload: JsonDict) -> JsonDict:
    """The order's list of invoices and credit notes, one entry per number, and a tag for each number."""
    entries = [billed.as_json() for billed in invoices if billed.invoice.number]
    standing = [entry for entry in _standing(INVOICES, payload) if isinstance(entry, dict)]
    merged = list({entry.get("number"): entry for entry in [*standing, *entries]}.values())
    return _marks(INVOICES, merged, standing, [entry["number"] for entry in entries], payload)


def sale_marks(numbers: Sequence[str], payload: JsonDict) -> JsonDict:
    """The numbers of the order's sales in the ERP, one where it is not divided, and a tag for each."""
    standing = [entry for entry in _standing(SALES, payload) if isinstance(entry, str)]
    return _marks(SALES, list(dict.fromkeys([*standing, *numbers])), standing, numbers, payload)


def _marks(name: str, wanted: list[Any], standing: list[Any], numbers: Sequence[str], payload: JsonDict) -> JsonDict:
    marks: JsonDict = {}
    if wanted != standing:
        marks["metafields"] = [{"key": name, "value": wanted}]
    known = payload.get("tags") or ()
    if tags := [number for number in numbers if number not in known and len(number) <= _LONGEST_TAG]:
        marks["tags"] = tags
    return marks


def _standing(name: str, payload: JsonDict) -> list[Any]:
    nodes = (payload.get("metafields") or {}).get("nodes") or ()
    found = next((node.get("jsonValue") for node in nodes if node.get("key") == name), None)
    return found if isinstance(found, list) else []


def state(word: str) -> JsonDict:
    """Archive the order (`closed`), or cancel it. Raises MappingError for a state that cannot be set from outside."""
    if word not in STATES:
        text = say("found %(word)s, expected one of %(states)s", word=repr(word), states=", ".join(STATES))
        raise MappingError(
            "after_import.state_back", text, next_step=say("correct `state_back` of the channel, then retry")
        )
    return {"state": word}


def state_words(_options: Mapping[str, Any]) -> StateWords:
    """Nothing by itself: the shop archives an order as its settings say."""
    return StateWords(known=STATES, hint="that all is sent, Shopify knows by its fulfilments")


FACETS: Final = ShopFacets(
    refund=refund_from_shopify,
    fulfilment=fulfilment,
    fulfilment_key=fulfilment_key,
    shipment_marks=shipment_marks,
    invoice_marks=invoice_marks,
    state=state,
    state_words=state_words,
    sale_marks=sale_marks,
)
