"""What a company on Fxiaoke is told of an order after it was imported: its parcels, its invoices, its state.

Payloads name options of the connection, for the fields are the company's own. Parcels and invoices are lines of a text,
where they have no records: ours are known by their end, or by their beginning, and those of people stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mappings.base import JsonDict
from mappings.canonical.facets import SaleState
from mappings.crm import Buyer, CrmFacets, Entry, History, account_name
from mappings.facets import Billed, Sent, ShopFacets, StateWords

_REFERENCE: Final = re.compile(r"(?:^|\s)Ref\. (\S+)\s*\Z")
_APART: Final = " | "
#: How the sale stands, for the company's people.
_SHOWN: Final[Mapping[str, str]] = {
    SaleState.PARTLY_SHIPPED: "部分发货",
    SaleState.SHIPPED: "已发货",
    SaleState.DONE: "已完成",
}
#: Here begin the letters of East Asia.
_CHINESE: Final = "\u2e80"


def fulfilment(sent: Sent) -> JsonDict:
    """The record of a parcel; the connector adds whose it is."""
    told = {
        "key_field": sent.key,
        "tracking_field": ", ".join(_numbers(sent)),
        "carrier_field": sent.carrier,
        "content_field": _content(sent),
    }
    return {option: value for option, value in told.items() if value}


def fulfilment_key(payload: JsonDict) -> str:
    """Our key of a record; empty for one that somebody else made."""
    return str(payload.get("key_field") or "")


def shipment_note(sent: Sent) -> JsonDict:
    """One line: what was sent, when, with whom, under which number, where to follow it."""
    day = sent.shipment.sent_on.isoformat() if sent.shipment.sent_on else ""
    carried = " ".join(filter(None, [sent.carrier, ", ".join(_numbers(sent))]))
    parts = [sent.shipment.number, day, carried, sent.tracking_url, _content(sent), f"Ref. {sent.key}"]
    return {"note": _APART.join(_flat(part) for part in parts if part)}


def note_key(payload: JsonDict) -> str:
    """Our key of a line; empty for one that somebody else wrote."""
    found = _REFERENCE.search(str(payload.get("note", "")))
    return found[1] if found else ""


def shipment_marks(parcels: Sequence[Sent], payload: JsonDict) -> JsonDict:  # noqa: ARG001 - the facets' shape
    """Nothing: parcels have records of their own, or lines that tell of them."""
    return {}


def invoice_marks(invoices: Sequence[Billed], payload: JsonDict) -> JsonDict:  # noqa: ARG001 - see above
    """A line for each invoice and credit note, in the place of the one that begins with its number."""
    lines = [
        {"line": _invoice(billed), "begins": f"{_flat(billed.invoice.number)}{_APART}"}
        for billed in invoices
        if billed.invoice.number
    ]
    return {"invoice_field": lines} if lines else {}


def sale_marks(numbers: Sequence[str], payload: JsonDict) -> JsonDict:  # noqa: ARG001 - see above
    """The numbers of its sales in the ERP."""
    return {"sale_field": ", ".join(numbers)}


def state(word: str) -> JsonDict:
    """The word that the channel has for how the sale stands."""
    return {"state_field": word}


def state_words(options: Mapping[str, Any]) -> StateWords:
    """A text of the company's own, which shows any word; without one there is no place for any."""
    if not options.get("state_field"):
        return StateWords(known=(), hint="name the order's text field for it in the connection's option `state_field`")
    return StateWords(default=_SHOWN)


def _invoice(billed: Billed) -> str:
    invoice = billed.invoice
    parts = [
        invoice.number,
        invoice.dated_on.isoformat() if invoice.dated_on else "",
        "credit note" if invoice.credit else "",
        f"{invoice.total.amount:f} {invoice.total.currency}",
        # Only where it is not the order's alone: an amount that nobody can find in the order needs its reason.
        f"of it {invoice.part.amount:f}" if invoice.part else "",
        billed.link,
    ]
    return _APART.join(_flat(part) for part in parts if part)


def _content(sent: Sent) -> str:
    names = {line.external_id: line.name or line.sku for line in sent.order.lines}
    pieces = [(names.get(line, line), count) for line, count in sent.pieces.items() if count > Decimal(0)]
    return "; ".join(f"{count.normalize():f} x {_flat(name)}" for name, count in pieces)


def _flat(text: str) -> str:
    """On one line, without what keeps the parts of one apart."""
    return " ".join(text.replace("|", "/").split())


def _numbers(sent: Sent) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.tracking_number for each in sent.shipment.parcels if each.tracking_number))


def history(told: History) -> JsonDict:
    """What a customer has bought and owes: numbers as texts, as Fxiaoke has them."""
    return {
        "account_orders_field": str(told.orders),
        "account_value_field": f"{told.value.amount:f}",
        "account_last_field": "" if told.last_on is None else told.last_on.isoformat(),
        **({} if told.open is None else {"account_open_field": f"{told.open.amount:f}"}),
    }


def account(buyer: Buyer) -> JsonDict:
    """A new customer; its address is one text, from the large to the small, as addresses are written there."""
    where = buyer.address
    places = () if where.region and where.street.startswith(where.region) else (where.region, where.city)
    told = {
        "name": account_name(buyer),
        "vat_id_field": buyer.vat_id,
        "tel": buyer.phone,
        "email": buyer.email,
        "address": _joined((*places, where.street, where.street_2)),
    }
    return {option: value for option, value in told.items() if value}


def _joined(parts: Sequence[str]) -> str:
    """In one line: without spaces as Chinese is written, and without a place with which the next part begins anyway."""
    text = ""
    for part in reversed([part.strip() for part in parts if part.strip()]):
        chinese = part[-1] >= _CHINESE
        if not (chinese and text.startswith(part)):
            text = f"{part}{text}" if chinese else f"{part} {text}"
    return text.strip()


def entry(told: Entry) -> JsonDict:
    """A record of the customer's history; the connector adds whose it is."""
    return {
        "entry_key_field": told.key,
        "entry_title_field": told.title,
        "entry_text_field": "\n".join(told.lines),
    }


def entry_key(payload: JsonDict) -> str:
    """Our key of a record; empty for one that somebody else made."""
    return str(payload.get("entry_key_field") or "")


ACCOUNTS: Final = CrmFacets(history=history, account=account, entry=entry, entry_key=entry_key)

FACETS: Final = ShopFacets(
    fulfilment=fulfilment,
    fulfilment_key=fulfilment_key,
    shipment_note=shipment_note,
    note_key=note_key,
    shipment_marks=shipment_marks,
    invoice_marks=invoice_marks,
    state=state,
    state_words=state_words,
    sale_marks=sale_marks,
)
