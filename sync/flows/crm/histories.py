"""What the entries of a customer's history say: an order, a parcel, an invoice, as they stand in the database."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection

from config.model import Channel, InvoiceNews
from mappings.canonical.errors import Problems
from mappings.canonical.facets import Shipment, invoice_from_json, shipment_from_json
from mappings.canonical.money import Money
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_from_json
from mappings.crm import Entry, invoice_entry, order_entry, parcel_entry
from mappings.facets import Billed
from sync.flows.crm.piece import CrmDrain
from sync.rules.lookups import Lookups, load_lookups
from sync.rules.parcels import sent_of
from sync.store.bodies import load_json, unpack
from sync.store.crm.entries import ORDER, Happened, Paper, load_to_tell
from sync.store.files import KeptFile, newest_files
from sync.store.matches import fitting

#: A CRM's field for keys is no longer.
_LONGEST: Final = 100
_SHIPMENT: Final = "shipment"


def key_of(of: Happened) -> str:
    """By this an entry is found again, the same after any loss of ours; without a space."""
    ids = (of.channel, of.order_external_id, of.kind, *filter(None, [of.external_id]))
    return fitting(":".join(quote(each, safe="#+=@~") for each in ids), _LONGEST)


def entries_of(drain: CrmDrain, wanted: Sequence[Happened]) -> dict[str, Entry | Exception]:
    """Key -> what it says, or why nobody can read what is kept. Absent: what was to be told is not there any more."""
    order_ids = sorted({each.order_id for each in wanted})
    channels = drain.systems.config.channels
    asking = {each.channel for each in wanted if each.kind == _SHIPMENT}
    billed = [each.document_id for each in wanted if each.kind not in {ORDER, _SHIPMENT}]

    def work(
        connection: Connection,
    ) -> tuple[dict[int, tuple[bytes, list[Paper]]], dict[str, Lookups], dict[int, KeptFile]]:
        lookups = {name: load_lookups(connection, channels[name]) for name in sorted(asking)}
        return load_to_tell(connection, order_ids), lookups, newest_files(connection, billed)

    bodies, lookups, files = drain.store.read(work)
    entries: dict[str, Entry | Exception] = {}
    for each in wanted:
        try:
            entry = _entry(drain, each, _Known.of(*bodies[each.order_id]), lookups, files)
        except (Problems, ArithmeticError, LookupError, TypeError, ValueError) as defect:
            entries[key_of(each)] = defect
        else:
            entries |= {} if entry is None else {entry.key: entry}
    return entries


@dataclasses.dataclass(frozen=True, slots=True)
class _Known:
    """One order with the documents that may be told."""

    order: Order
    papers: Mapping[int, Paper]

    @classmethod
    def of(cls, canonical: bytes, papers: Iterable[Paper]) -> _Known:
        return cls(order_from_json(load_json(unpack(canonical))), {paper.document_id: paper for paper in papers})

    def shipments(self) -> list[Shipment]:
        found = (paper for paper in self.papers.values() if paper.kind == _SHIPMENT)
        return [shipment_from_json(load_json(unpack(paper.body))) for paper in found]


def _entry(
    drain: CrmDrain, each: Happened, known: _Known, lookups: Mapping[str, Lookups], files: Mapping[int, KeptFile]
) -> Entry | None:
    if each.kind == ORDER:
        return order_entry(known.order, key_of(each), each.channel)
    if each.document_id not in known.papers:
        return None
    if each.kind == _SHIPMENT:
        sent = sent_of(known.order, known.shipments(), lookups[each.channel])
        one = next((parcel for parcel in sent if parcel.shipment.external_id == each.external_id), None)
        return None if one is None else parcel_entry(dataclasses.replace(one, key=key_of(each)))
    paper, channel = known.papers[each.document_id], drain.systems.config.channels[each.channel]
    return invoice_entry(_billed(drain, known.order, paper, channel, files.get(each.document_id)), key_of(each))


def _billed(drain: CrmDrain, order: Order, paper: Paper, channel: Channel, file: KeptFile | None) -> Billed:
    """With the link that the shop shows too, where it shows one."""
    invoice, links, after = invoice_from_json(load_json(unpack(paper.body))), drain.systems.links, channel.after_import
    if paper.part:
        invoice = dataclasses.replace(invoice, part=Money(Decimal(paper.part), invoice.total.currency))
    linked = file is not None and links is not None and after.invoices is InvoiceNews.LINK
    link = links.link_from(file.token, invoice.dated_on, after.link_days) if linked else ""  # type: ignore[union-attr]
    return Billed(order=order, invoice=invoice, link=link)
