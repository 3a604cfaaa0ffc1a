"""The verdict over what follows the sales in a sandbox ERP's ledger: parcels, invoices, refunds, payments, stock.

Like `audit` it reads the file alone and shares no code with the ERP's books.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.sandbox.erp.papers import DRAFT
from connectors.sandbox.ledger import Entry, read_ledger

#: (product id, warehouse code).
Place = tuple[int, str]


@dataclasses.dataclass(slots=True)
class _Document:
    """A sale or a refund."""

    id: int
    kind: str
    key: str
    total: Decimal
    origin: int | None
    lines: list[dict[str, Any]]
    confirmed: int = 0
    cancelled: bool = False
    deleted: bool = False

    @property
    def stands(self) -> bool:
        return not (self.cancelled or self.deleted)


@dataclasses.dataclass(slots=True)
class _Invoice:
    id: int
    document: int
    total: Decimal
    number: str = ""
    cancelled: bool = False
    paid: Decimal = Decimal(0)


@dataclasses.dataclass(slots=True)
class _Shipment:
    id: int
    document: int
    back: bool
    warehouse: str
    lines: dict[int, Decimal]
    moved: bool = False
    ended: bool = False
    tracking: list[str] = dataclasses.field(default_factory=list)


def check_facets(
    path: Path,
    *,
    refunds: Mapping[str, Decimal],
    payments: Mapping[str, Decimal],
    fees: Mapping[str, Decimal] | None = None,
) -> list[str]:
    """Everything that is wrong, in plain words; empty when all that was asked for stands exactly once.

    `refunds` is key -> gross amount given back (positive), `payments` reference -> amount, `fees` the same of what is
    to be posted as kept by a gateway. Wrong is: a refund, payment or fee of ours that is missing, doubled, of another
    amount or was never asked for; a confirmed document without exactly one invoice or credit note of its own total; an
    invoice number twice or a gap in their sequence; more paid than billed; more pieces sent than were sold, or taken
    back than were refunded; a parcel twice. What people made in the ERP without a key of ours is theirs.
    """
    world = _World(path)
    return [
        *world.refund_faults(refunds),
        *world.payment_faults(payments),
        *world.fee_faults(fees or {}),
        *world.invoice_faults(),
        *world.shipment_faults(),
    ]


def stock_moves(path: Path) -> dict[Place, Decimal]:
    """What every place has (net of what is confirmed and has not left) more than on the day of the ERP's set-up.

    Where somebody counted, it is the count and what happened after it.
    """
    return _World(path).moves


@dataclasses.dataclass(frozen=True, slots=True)
class Papers:
    """What a sale came to in the ERP, as its customer may be told."""

    #: Tracking numbers of the parcels that have left.
    parcels: frozenset[str]
    #: How many invoices and credit notes of it are posted, those of its refunds included.
    posted: int
    #: Everything that was to leave has left.
    sent: bool


def papers(path: Path) -> dict[str, Papers]:
    """Key -> what became of each sale that stands."""
    world = _World(path)
    found = {}
    for sale in world.documents.values():
        if sale.kind == "sale" and sale.stands and sale.key:
            found[sale.key] = world.papers_of(sale)
    return found


class _World:
    """The documents as the entries tell them."""

    def __init__(self, path: Path) -> None:
        self.documents: dict[int, _Document] = {}
        self.invoices: dict[int, _Invoice] = {}
        self.shipments: dict[int, _Shipment] = {}
        self.payments: list[tuple[str, Decimal, int]] = []
        #: Payment -> invoice and amount, while nobody has posted it.
        self.drafts: dict[str, tuple[int, Decimal]] = {}
        #: Fee -> its reference and amount; and those that are posted.
        self.fees: dict[str, tuple[str, Decimal]] = {}
        self.posted_fees: set[str] = set()
        self.moves: dict[Place, Decimal] = collections.defaultdict(Decimal)
        self._reserved: dict[Place, Decimal] = collections.defaultdict(Decimal)
        for entry in read_ledger(path):
            kind, _, what = entry.kind.partition(".")
            if kind in {"sale", "refund"}:
                self._document(entry, kind, what)
            elif kind == "shipment":
                self._shipment(entry, what)
            elif kind == "invoice":
                self._invoice(entry, what)
            elif kind == "payment":
                self._payment(entry, what)
            elif entry.kind == "fee.create":
                self.fees[entry.external_id] = (entry.key, Decimal(entry.total))
            elif entry.kind == "fee.post":
                self.posted_fees.add(entry.external_id)
            elif entry.kind == "stock.set":
                self._count(entry)

    # Reading

    def _document(self, entry: Entry, kind: str, what: str) -> None:
        number, told = int(entry.external_id), entry.document or {}
        if what == "create":
            lines = told.get("details", {}).get("lines", [])
            self.documents[number] = _Document(number, kind, entry.key, Decimal(entry.total), told.get("origin"), lines)
            return
        document = self.documents[number]
        document.confirmed += what == "confirm"
        document.cancelled |= what == "cancel"
        document.deleted |= what == "delete"
        if what == "change":
            document.total = Decimal(entry.total)
            document.lines = told.get("details", {}).get("lines", document.lines)
        elif what == "confirm":
            self._confirmed(document, told)
        elif what in {"cancel", "stop"}:
            for ended in told.get("shipments", ()):
                self._end(self.shipments[ended])
            for ended in told.get("invoices", ()):
                self.invoices[ended].cancelled = True

    def _confirmed(self, document: _Document, told: Mapping[str, Any]) -> None:
        for number, lines in told.get("reduced", ()):
            shipment = self.shipments[number]
            self._reserve(shipment, -1)
            shipment.lines = _pieces(lines)
            self._reserve(shipment, 1)
        for each in told.get("shipments", ()):
            self._planned(each)
        if invoice := told.get("invoice"):
            self.invoices[invoice["id"]] = _Invoice(invoice["id"], document.id, Decimal(invoice["total"]))

    def _planned(self, told: Mapping[str, Any]) -> None:
        shipment = _Shipment(told["id"], told["sale"], told["back"], told["warehouse"], _pieces(told["lines"]))
        self.shipments[shipment.id] = shipment
        self._reserve(shipment, 1)

    def _shipment(self, entry: Entry, what: str) -> None:
        shipment, told = self.shipments[int(entry.external_id)], entry.document
        if what == "send":
            self._reserve(shipment, -1)
            shipment.lines, shipment.moved = _pieces(told["lines"]), True
            self._move(shipment, -1)
            if told["rest"] is not None:
                self._planned(told["rest"])
        elif what == "receive":
            shipment.moved = True
            self._move(shipment, 1)
        elif what == "cancel":
            self._end(shipment)
        if what in {"send", "track"}:
            shipment.tracking = [parcel["number"] for parcel in told["tracking"]]

    def _end(self, shipment: _Shipment) -> None:
        if not shipment.moved and not shipment.ended:
            self._reserve(shipment, -1)
        shipment.ended = True

    def _invoice(self, entry: Entry, what: str) -> None:
        invoice = self.invoices[int(entry.external_id)]
        invoice.cancelled |= what == "cancel"
        invoice.number = entry.document.get("number", invoice.number)

    def _payment(self, entry: Entry, what: str) -> None:
        if what == "post":
            invoice, amount = self.drafts.pop(entry.external_id)
            self.invoices[invoice].paid += amount
            return
        invoice, amount = entry.document["invoice"], Decimal(entry.document["amount"])
        self.payments.append((entry.key, amount, invoice))
        if entry.document.get("state") == DRAFT:
            self.drafts[entry.external_id] = (invoice, amount)
        else:
            self.invoices[invoice].paid += amount

    # Stock

    def _reserve(self, shipment: _Shipment, sign: int) -> None:
        if not shipment.back:
            for product, quantity in shipment.lines.items():
                self._reserved[product, shipment.warehouse] += sign * quantity
            self._move(shipment, -sign)

    def _move(self, shipment: _Shipment, sign: int) -> None:
        for product, quantity in shipment.lines.items():
            self.moves[product, shipment.warehouse] += sign * quantity

    def _count(self, entry: Entry) -> None:
        place = (int(entry.external_id), entry.document["warehouse"])
        self.moves[place] = Decimal(entry.document["quantity"]) - self._reserved[place]

    # Telling

    def papers_of(self, sale: _Document) -> Papers:
        """Of one sale."""
        family = {sale.id, *(each.id for each in self.documents.values() if each.origin == sale.id)}
        own = [each for each in self.shipments.values() if each.document == sale.id and not each.back]
        left = [each for each in own if each.moved]
        return Papers(
            parcels=frozenset(number for each in left for number in each.tracking if number),
            posted=sum(bool(each.number) for each in self.invoices.values() if each.document in family),
            sent=bool(left) and all(each.moved or each.ended for each in own),
        )

    # Judging

    def refund_faults(self, expected: Mapping[str, Decimal]) -> Iterator[str]:
        """Each refund of ours once, confirmed, with its amount."""
        found = collections.defaultdict(list)
        for document in self.documents.values():
            if document.kind == "refund" and document.key and (document.stands or document.confirmed):
                found[document.key].append(document)
        for key, amount in expected.items():
            yield from _refund_faults(key, amount, found.get(key, []))
        yield from (f"{key}: refund {found[key][0].id} was never asked for" for key in found.keys() - expected.keys())

    def payment_faults(self, expected: Mapping[str, Decimal]) -> Iterator[str]:
        """Each payment of ours once, with its amount; no invoice has more paid than it bills."""
        found = collections.defaultdict(list)
        for reference, amount, _invoice in self.payments:
            if reference:
                found[reference].append(amount)
        for reference, amount in expected.items():
            amounts = found.get(reference, [])
            if not amounts:
                yield f"{reference}: payment is missing"
            elif len(amounts) > 1:
                yield f"{reference}: paid {len(amounts)} times"
            elif amounts[0] != amount:
                yield f"{reference}: {amounts[0]} was paid, not {amount}"
        yield from (f"{reference}: payment was never asked for" for reference in found.keys() - expected.keys())
        for invoice in self.invoices.values():
            if abs(invoice.paid) > abs(invoice.total) or invoice.paid * invoice.total < 0:
                yield f"invoice {invoice.id} of {invoice.total} has {invoice.paid} paid"

    def fee_faults(self, expected: Mapping[str, Decimal]) -> Iterator[str]:
        """Each fee of ours once, posted, with its amount."""
        found = collections.defaultdict(list)
        for number, (reference, amount) in self.fees.items():
            if reference:
                found[reference].append((number, amount))
        for reference, amount in expected.items():
            match found.get(reference, []):
                case []:
                    yield f"{reference}: fee is missing"
                case [(number, booked)] if number not in self.posted_fees:
                    yield f"{reference}: fee {number} of {booked} is not posted"
                case [(_, booked)] if booked != amount:
                    yield f"{reference}: {booked} was booked as fee, not {amount}"
                case [_, _, *_] as several:
                    yield f"{reference}: fee is booked {len(several)} times"
        yield from (f"{reference}: fee was never asked for" for reference in found.keys() - expected.keys())

    def invoice_faults(self) -> Iterator[str]:
        """One for each confirmed document, with its total; numbers without a gap and never twice."""
        billed = collections.defaultdict(list)
        for invoice in self.invoices.values():
            billed[invoice.document].append(invoice)
        for document in self.documents.values():
            own = billed[document.id]
            if len(own) != document.confirmed or document.confirmed > 1:
                yield f"{document.kind} {document.id} has {len(own)} invoices"
            yield from (
                f"invoice {each.id} bills {each.total}, {document.kind} {document.id} comes to {document.total}"
                for each in own
                if each.total != document.total
            )
        given = sorted(each.number for each in self.invoices.values() if each.number)
        yield from (f"invoice number {number} was given twice" for number in _twice(given))
        wanted = {f"INV{number:06d}" for number in range(1, len(given) + 1)}
        yield from (f"invoice number {number} is missing in the sequence" for number in sorted(wanted - set(given)))

    def shipment_faults(self) -> Iterator[str]:
        """No piece leaves that was not sold, none comes back that was not refunded, and no parcel is sent twice."""
        moves: dict[int, dict[int, Decimal]] = {number: collections.defaultdict(Decimal) for number in self.documents}
        for shipment in self.shipments.values():
            if shipment.moved:
                for product, quantity in shipment.lines.items():
                    moves[shipment.document][product] += quantity
        for document in self.documents.values():
            moved = moves[document.id]
            ordered: dict[int, Decimal] = collections.defaultdict(Decimal)
            for line in document.lines:
                ordered[line["product"]] += abs(Decimal(line["quantity"]))
            yield from (
                f"{document.kind} {document.id} moved {quantity} of product {product}, {ordered[product]} were ordered"
                for product, quantity in moved.items()
                if quantity > ordered[product]
            )
        parcels = [number for shipment in self.shipments.values() for number in shipment.tracking if number]
        yield from (f"parcel {number} was sent twice" for number in _twice(parcels))


def _refund_faults(key: str, amount: Decimal, found: list[_Document]) -> Iterator[str]:
    standing = [document for document in found if document.stands]
    confirmed = [document for document in found if document.confirmed]
    if not standing:
        yield f"{key}: refund is missing"
    elif len(standing) > 1 or len(confirmed) > 1:
        yield f"{key}: refund is doubled, {', '.join(str(document.id) for document in found)}"
    elif not standing[0].confirmed:
        yield f"{key}: refund {standing[0].id} is not confirmed"
    elif standing[0].total != -amount:
        yield f"{key}: refund {standing[0].id} gives back {-standing[0].total}, not {amount}"


def _pieces(lines: list[dict[str, Any]]) -> dict[int, Decimal]:
    return {line["product"]: Decimal(line["quantity"]) for line in lines}


def _twice(values: list[str]) -> list[str]:
    return [value for value, count in collections.Counter(values).items() if count > 1]
