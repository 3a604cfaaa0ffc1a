"""What came of an order after the import, in a terminal; and its files, onto a disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.markup import escape

from sync.cli.console import out
from sync.desk.files import HandedOut


def print_facets(after: dict[str, Any]) -> None:
    """From the JSON of `sync.desk.facets_told`."""
    for text in _lines(after):
        out.print(f"  {escape(text)}")


def _lines(after: dict[str, Any]) -> Iterator[str]:
    yield from map(_shipment, after["shipments"])
    yield from map(_invoice, after["invoices"])
    for kind in ("refunds", "payments", "fees"):
        yield from _pairs(kind, after[kind])
    for name, found in after["fees"]["unread"]:
        yield f"no fee is booked by {name}: found {found}"
    if after["told"]:
        state = after["told"]["state"] or "parcels and invoices, no state"
        yield f"the shop was told: {state} ({after['told']['at']})"
    for change in after["edit"]:
        erp = "not looked at" if change["erp"] is None else repr(change["erp"])
        yield f"edit of {change['field']}: was {change['was']!r}, shop {change['shop']!r}, ERP {erp}"


def _shipment(shipment: dict[str, Any]) -> str:
    pieces = ", ".join(f"{quantity} x {code}" for code, quantity in shipment["lines"])
    tracking = ", ".join(" ".join(filter(None, parcel)) for parcel in shipment["parcels"])
    told = shipment["told"]
    news = ""
    if told:
        news = f"; told the shop ({told['kind']} {told['external_id']})"
        news += "" if told["current"] else ", changed since"
    kind = "return" if shipment["back"] else "shipment"
    words = filter(None, (shipment["state"], shipment["sent_on"], shipment["carrier"], tracking))
    return f"{kind} {shipment['number']}: {' '.join(words)}; {pieces}{news}"


def _invoice(invoice: dict[str, Any]) -> str:
    kind = "credit note" if invoice["credit"] else "invoice"
    dates = ", due ".join(filter(None, (invoice["dated_on"], invoice["due_on"])))
    file = f"; file {invoice['file']['name']}" if invoice["file"] else ""
    amount = f"{invoice['total']} {invoice['currency']}, open {invoice['open']}"
    return f"{kind} {invoice['number']}: {invoice['state']} {dates} {amount}{_shared(invoice)}{file}".replace("  ", " ")


def _shared(invoice: dict[str, Any]) -> str:
    """What of a collected one is this order's."""
    if not invoice["collected"]:
        return ""
    whose = f" with order {', '.join(invoice['others'])}" if invoice["others"] else " with other sales"
    own = f", of it this order: {invoice['part']} net" if invoice["part"] else ""
    return f"; collected{whose}{own}"


def _pairs(kind: str, pairs: dict[str, Any]) -> Iterator[str]:
    if not pairs["entries"]:
        return
    yield f"{kind}: shop {pairs['shop']}, ERP {pairs['erp']}"
    for pair in pairs["entries"]:
        yield f"  shop {_entry(pair['shop'])}; ERP {_entry(pair['erp'])}"


def _entry(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "has none"
    made = f"(made in the ERP: {entry['text']})" if entry["made_there"] else ""
    return " ".join(filter(None, (entry["name"], entry["amount"], entry["state"], made)))


def save_files(folder: Path, files: list[HandedOut]) -> list[Path]:
    """Write them without touching what is there already; a file that is there as it is counts as written."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_save(folder, file) for file in files]


def _save(folder: Path, file: HandedOut) -> Path:
    wanted = folder / file.name
    path, number = wanted, 1
    while path.exists() and path.read_bytes() != file.body:
        number += 1
        path = wanted.with_stem(f"{wanted.stem}-{number}")
    path.write_bytes(file.body)
    return path
