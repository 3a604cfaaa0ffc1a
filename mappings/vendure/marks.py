"""What an order is marked with in the shop: private notes in its history, one each for its sales, parcels and invoices.

A shop has no field for them unless it was built with one; its people read the history. Each entry is a line of its own
that ends with the reference by which it is known again, and no sentence of ours stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from mappings.base import JsonDict
from mappings.facets import Billed, Sent

PARCELS: Final = "Crossdock: parcels"
INVOICES: Final = "Crossdock: invoices"
SALES: Final = "Crossdock: sales"

_REFERENCE: Final = re.compile(r"(?:^|\s)Ref\. (\S+)\s*\Z")


def reference(text: str) -> str:
    """Our key at the end of a text; empty where there is none."""
    found = _REFERENCE.search(text.replace("\r\n", "\n"))
    return found[1] if found else ""


def shipment_marks(parcels: Sequence[Sent], payload: JsonDict) -> JsonDict:
    """The note on what was sent, one line per shipment of ours; lines that it has already stay."""
    return _mark(PARCELS, [_parcel(sent) for sent in parcels], payload)


def invoice_marks(invoices: Sequence[Billed], payload: JsonDict) -> JsonDict:
    """The note on invoices and credit notes, one line per number; lines that it has already stay."""
    return _mark(INVOICES, [_invoice(billed) for billed in invoices if billed.invoice.number], payload)


def sale_marks(numbers: Sequence[str], payload: JsonDict) -> JsonDict:
    """The note on the order's sales in the ERP, one line per number; lines that it has already stay."""
    return _mark(SALES, [_row(key=number) for number in numbers if number], payload)


def _parcel(sent: Sent) -> str:
    shipment = sent.shipment
    day = shipment.sent_on.isoformat() if shipment.sent_on else ""
    return _row(shipment.number, day, sent.carrier, ", ".join(tracking_numbers(sent)), tracking_url(sent), key=sent.key)


def _invoice(billed: Billed) -> str:
    invoice = billed.invoice
    day = invoice.dated_on.isoformat() if invoice.dated_on else ""
    part = f"/ {invoice.part}" if invoice.part else ""
    return _row(day, f"{invoice.total} {part}".strip(), billed.link, key=invoice.number)


def _row(*told: str, key: str) -> str:
    return " ".join([*(text for text in told if text), f"Ref. {'-'.join(key.split())}"])


def _mark(title: str, rows: Sequence[str], payload: JsonDict) -> JsonDict:
    """The note with these rows in the place of those of the same reference, new ones behind; nothing where it is so."""
    texts = [str(note.get("note") or "").replace("\r\n", "\n") for note in payload.get("notes") or ()]
    standing = next((text for text in texts if text.partition("\n")[0] == title), "")
    kept = [row for row in standing.split("\n")[1:] if row]
    merged = {reference(row): row for row in [*kept, *rows]}
    text = "\n".join([title, *merged.values()])
    return {"notes": [{"title": title, "note": text}]} if rows and text != standing else {}


def tracking_numbers(sent: Sent) -> tuple[str, ...]:
    """Each number of the shipment's parcels once."""
    return tuple(dict.fromkeys(each.tracking_number for each in sent.shipment.parcels if each.tracking_number))


def tracking_url(sent: Sent) -> str:
    """Where to follow it; empty where nobody knows."""
    return sent.tracking_url or next((each.tracking_url for each in sent.shipment.parcels if each.tracking_url), "")
