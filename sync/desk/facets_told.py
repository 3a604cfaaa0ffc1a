"""What came of an order, in words: for its timeline, and as JSON for other programs."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from sync.desk.facets import Entry, Facets, Pair, sums
from sync.desk.phrases import Phrase, quote, say
from sync.store.documents import DRAFTED, Document, Traced
from sync.store.files import KeptFile

#: Kind of a document -> what people call it.
_KINDS: Final[Mapping[str, Phrase]] = {
    "shipment": say("shipment"),
    "return": say("return"),
    "invoice": say("invoice"),
    "credit_note": say("credit note"),
    "refund": say("refund"),
    "payment": say("payment"),
    DRAFTED: say("payment"),
    "fee": say("gateway's fee"),
}
#: States of documents, of every kind (`mappings.canonical.facets`).
STATES: Final[Mapping[str, Phrase]] = {
    "planned": say("planned"),
    "sent": say("sent"),
    "cancelled": say("cancelled"),
    "draft": say("draft"),
    "posted": say("posted"),
    "paid": say("paid"),
    "quoted": say("quoted"),
    "confirmed": say("confirmed"),
    "partly_shipped": say("partly shipped"),
    "shipped": say("shipped"),
    "done": say("done"),
    "held": say("held"),
    "refunded": say("refunded"),
    "before": say("given back before the order was linked: left to whoever made its sale"),
}


def state_of(state: str) -> Phrase:
    """A document's state for people; a word that is another system's own stays as it is."""
    return STATES.get(state, quote(state))


def told_of(facets: Facets | None) -> Iterator[tuple[dt.datetime, str, Phrase]]:
    """(when, `document` or `told`, what) for the timeline: first seen in a system, told to the shop."""
    for each in () if facets is None else facets.traced:
        document = each.document
        if document.kind in _KINDS:
            yield each.first_seen_at, "document", _first_seen(each)
        elif document.kind in {"fulfilment", "note"}:
            yield each.first_seen_at, "told", _news(document)
        elif document.kind == "told" and document.state:
            yield document.seen_at, "told", say("the order was set to %(state)s", state=repr(document.state))


def _first_seen(each: Traced) -> Phrase:
    document = each.document
    text = say(
        "%(kind)s %(name)s of %(connection)s",
        kind=_KINDS[document.kind],
        name=document.number or document.external_id,
        connection=document.connection,
    )
    if document.total:
        text = say(
            "%(what)s over %(amount)s",
            what=text,
            amount=f"{Decimal(document.total).copy_abs():f} {document.currency}",
        )
    if each.part:
        text = say("%(what)s, of it %(part)s net for this order", what=text, part=each.part)
    if each.ended_at:
        return say("%(what)s, until %(moment)s UTC", what=text, moment=f"{each.ended_at:%Y-%m-%d %H:%M}")
    return say("%(what)s, now %(state)s", what=text, state=state_of(document.state)) if document.state else text


def _news(document: Document) -> Phrase:
    if document.kind == "note":
        return say("a note about shipment %(number)s", number=document.number or document.key)
    return say("the parcel of shipment %(number)s", number=document.number or document.key)


# --- JSON -------------------------------------------------------------------------------------------------------


def facets_to_json(facets: Facets) -> dict[str, Any]:
    """Amounts as texts, times in ISO 8601."""
    return {
        "shipments": [_plain(shipment) for shipment in facets.shipments],
        "invoices": [{**_plain(invoice), "file": _file(invoice.file)} for invoice in facets.invoices],
        "refunds": _pairs(facets.refunds),
        "payments": _pairs(facets.payments),
        "fees": {**_pairs(facets.fees), "unread": [list(each) for each in facets.unread_fees]},
        "told": None if facets.told_at is None else {"state": facets.told_state, "at": facets.told_at.isoformat()},
        "edit": [_plain(change) for change in facets.edit],
    }


def _pairs(pairs: Sequence[Pair]) -> dict[str, Any]:
    shop, erp = sums(pairs)
    entries = [{"shop": _entry(pair.shop), "erp": _entry(pair.erp), "ties": pair.ties} for pair in pairs]
    return {"shop": f"{shop:f}", "erp": f"{erp:f}", "entries": entries}


def _entry(entry: Entry | None) -> Any:
    return None if entry is None else _plain(entry)


def _file(file: KeptFile | None) -> dict[str, Any] | None:
    if file is None:
        return None
    return {"name": file.name, "content_type": file.content_type, "size": file.size, "sha256": file.sha256}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, dt.datetime) else value
