"""What came of an order after the import: all that hangs on it in either system, side by side, as last seen there."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from mappings.canonical.money import WIDE
from mappings.canonical.records import UNREAD_FEES
from sync.desk.edits import FieldChange, pending_edit
from sync.store.bodies import load_json, unpack
from sync.store.documents import DRAFTED, Traced, trace_documents
from sync.store.files import KeptFile, newest_files
from sync.store.orders import load_pushed, name_orders


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """How the shop was told of a shipment."""

    #: `fulfilment` or `note`.
    kind: str
    external_id: str
    at: dt.datetime
    #: False where the shipment has changed since, and the shop is told again.
    current: bool


@dataclasses.dataclass(frozen=True, slots=True)
class ShipmentNow:
    """Goods that leave, or come back (`back`)."""

    external_id: str
    number: str
    state: str
    back: bool
    carrier: str
    sent_on: str
    #: (article, pieces)
    lines: tuple[tuple[str, Decimal], ...]
    #: (tracking number, address of the carrier's page), either may be empty.
    parcels: tuple[tuple[str, str], ...]
    told: Told | None


@dataclasses.dataclass(frozen=True, slots=True)
class InvoiceNow:
    """An invoice or a credit note; amounts with the sign that the ERP gives them."""

    external_id: str
    number: str
    state: str
    credit: bool
    dated_on: str
    due_on: str
    currency: str
    net: Decimal
    tax: Decimal
    total: Decimal
    open: Decimal
    file: KeptFile | None
    #: It is collected from several sales.
    collected: bool = False
    #: The other orders of ours that it covers, as people call them.
    others: tuple[str, ...] = ()
    #: Of `net`, what is this order's; None where it is all of it, or the ERP does not tell its lines apart.
    part: Decimal | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One refund, payment or fee as one system has it; the amount is positive."""

    name: str
    state: str
    amount: Decimal
    #: The reason of a refund, the title of a payment.
    text: str = ""
    #: The goods of the refund come back.
    restock: bool = False
    #: The ERP's people made it: it bears no key of ours.
    made_there: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    """The same in both systems; None on the side that does not have it."""

    shop: Entry | None
    erp: Entry | None

    @property
    def ties(self) -> bool:
        """Whether both have it, with the same amount."""
        return self.shop is not None and self.erp is not None and self.shop.amount == self.erp.amount


@dataclasses.dataclass(frozen=True, slots=True)
class Facets:
    """All of it. `currency` is the order's."""

    currency: str
    shipments: tuple[ShipmentNow, ...] = ()
    invoices: tuple[InvoiceNow, ...] = ()
    refunds: tuple[Pair, ...] = ()
    payments: tuple[Pair, ...] = ()
    #: What gateways kept of them.
    fees: tuple[Pair, ...] = ()
    #: (name, what was found) of what a gateway wrote about its fee that is none.
    unread_fees: tuple[tuple[str, str], ...] = ()
    edit: tuple[FieldChange, ...] = ()
    #: The state that the shop's order got from us last; empty where it got none.
    told_state: str = ""
    told_at: dt.datetime | None = None
    #: For the timeline: everything that was ever seen, gone things too.
    traced: tuple[Traced, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to show."""
        shown = (self.shipments, self.invoices, self.refunds, self.payments, self.fees, self.unread_fees, self.edit)
        return any(shown) or self.told_at is not None


def sums(pairs: Iterable[Pair]) -> tuple[Decimal, Decimal]:
    """What the shop and what the ERP says of them together."""
    shop = erp = Decimal(0)
    for pair in pairs:
        shop = WIDE.add(shop, pair.shop.amount if pair.shop else Decimal(0))
        erp = WIDE.add(erp, pair.erp.amount if pair.erp else Decimal(0))
    return shop, erp


def load_facets(connection: Connection, order_id: int, shop: str, canonical: Mapping[str, Any]) -> Facets:
    """What hangs on one order; `shop` is its source connection, `canonical` the order as it was last read (JSON)."""
    traced = trace_documents(connection, order_id)
    now = [each for each in traced if each.ended_at is None]
    files = newest_files(connection, [each.document.id for each in now])
    names = name_orders(connection, sorted({other for each in now for other in each.shared_with}))
    pushed = load_pushed(connection, order_id)
    told, looked = _first(now, "told"), _body_of(_first(now, "edit"))
    return Facets(
        currency=canonical["currency"],
        shipments=tuple(_shipments(now)),
        invoices=tuple(_invoice(each, files, names) for each in _of(now, "invoice", "credit_note")),
        refunds=tuple(_pairs(_of(now, "refund"), shop, _unknown_refunds(now, shop, canonical))),
        payments=tuple(_pairs(_of(now, "payment", DRAFTED), shop, _unknown_payments(now, shop, canonical))),
        fees=tuple(_pairs(_of(now, "fee"), shop, _unknown_fees(now, shop, canonical))),
        unread_fees=tuple(canonical["attributes"].get(UNREAD_FEES, {}).items()),
        edit=() if pushed is None else pending_edit(load_json(unpack(pushed)), canonical, looked),
        told_state="" if told is None else told.document.state,
        told_at=None if told is None else told.document.seen_at,
        traced=tuple(traced),
    )


def _of(traced: Iterable[Traced], *kinds: str) -> list[Traced]:
    return [each for each in traced if each.document.kind in kinds]


def _first(traced: Iterable[Traced], kind: str) -> Traced | None:
    return next(iter(_of(traced, kind)), None)


def _body_of(one: Traced | None) -> Any:
    return None if one is None else load_json(unpack(one.body))


def _shipments(now: Sequence[Traced]) -> Iterator[ShipmentNow]:
    told = {each.document.made_from: each for each in _of(now, "fulfilment", "note")}
    for each in _of(now, "shipment", "return"):
        body, news = _body_of(each), told.get(each.document.id)
        yield ShipmentNow(
            external_id=each.document.external_id,
            number=each.document.number or each.document.external_id,
            state=each.document.state,
            back=body["back"],
            carrier=body["carrier"],
            sent_on=body["sent_on"] or "",
            lines=tuple((line["code"], Decimal(line["quantity"])) for line in body["lines"]),
            parcels=tuple((parcel["tracking_number"], parcel["tracking_url"]) for parcel in body["parcels"]),
            told=None if news is None else _told(news, each.document.digest),
        )


def _told(news: Traced, digest: str) -> Told:
    document = news.document
    return Told(document.kind, document.external_id, news.first_seen_at, document.made_digest == digest)


def _invoice(each: Traced, files: Mapping[int, KeptFile], names: Mapping[int, str]) -> InvoiceNow:
    body = _body_of(each)
    return InvoiceNow(
        external_id=each.document.external_id,
        number=each.document.number or each.document.external_id,
        state=each.document.state,
        credit=each.document.kind == "credit_note",
        dated_on=body["dated_on"] or "",
        due_on=body["due_on"] or "",
        currency=body["total"]["currency"],
        net=Decimal(body["net"]["amount"]),
        tax=Decimal(body["tax"]["amount"]),
        total=Decimal(body["total"]["amount"]),
        open=Decimal(body["open"]["amount"]),
        file=files.get(each.document.id),
        collected=body.get("collected", False),
        others=tuple(names[other] for other in each.shared_with),
        part=Decimal(each.part) if each.part else None,
    )


def _pairs(rows: Sequence[Traced], shop: str, unknown: Iterable[Entry]) -> Iterator[Pair]:
    """The shop's with what was made of each; then what only one of the two has."""
    made: dict[int | None, list[Traced]] = {}
    for each in rows:
        if each.document.connection != shop:
            made.setdefault(each.document.made_from, []).append(each)
    for each in rows:
        if each.document.connection == shop:
            counterparts = made.pop(each.document.id, [])
            yield Pair(_entry(each), _together([_entry(one) for one in counterparts]) if counterparts else None)
    yield from (Pair(entry, None) for entry in unknown)
    left = {each.document.id for some in made.values() for each in some}
    for each in rows:
        if each.document.connection != shop and (each.document.made_from is None or each.document.id in left):
            yield Pair(None, _entry(each))


def _together(entries: Sequence[Entry]) -> Entry:
    """What an order that is divided has of one refund on each of its sales, as one."""
    if len(entries) == 1:
        return entries[0]
    return dataclasses.replace(
        entries[0],
        name=", ".join(entry.name for entry in entries),
        state=", ".join(dict.fromkeys(entry.state for entry in entries)),
        amount=sum((entry.amount for entry in entries), Decimal(0)),
        text=", ".join(dict.fromkeys(entry.text for entry in entries if entry.text)),
    )


def _entry(each: Traced) -> Entry:
    document, body = each.document, _body_of(each)
    return Entry(
        name=document.number or document.external_id,
        state=document.state,
        amount=Decimal(document.total or 0).copy_abs(),
        text=body.get("reason") or body.get("title") or ", ".join(_articles(body.get("lines") or ())),
        restock=bool(body.get("restock")),
        # What the shop gives back is a record of its own, with the moment of it.
        made_there=document.kind == "refund" and not document.key and "refunded_at" not in body and "key" in body,
    )


def _articles(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What a credit takes back; the lines of a shop's refund are told by its reason."""
    for line in lines:
        if "code" in line:
            pieces = Decimal(line["quantity"]).copy_abs().normalize()
            yield f"{pieces:f} x {line['code'] or line['title']}"


def _unknown_refunds(now: Sequence[Traced], shop: str, canonical: Mapping[str, Any]) -> Iterator[Entry]:
    """Refunds that the order shows and that were never read one by one: the channel does not carry them over."""
    known = {each.document.external_id for each in _of(now, "refund") if each.document.connection == shop}
    for refund in canonical["refunds"]:
        if refund["external_id"] not in known:
            yield Entry(refund["external_id"], "refunded", Decimal(refund["amount"]), refund["reason"])


def _unknown_payments(now: Sequence[Traced], shop: str, canonical: Mapping[str, Any]) -> Iterator[Entry]:
    """Payments that the order shows and that nobody has tried to register."""
    known = [
        (each.document.number, Decimal(each.document.total or 0))
        for each in _of(now, "payment", DRAFTED)
        if each.document.connection == shop
    ]
    for payment in canonical["payments"]:
        one = (payment["reference"], Decimal(payment["amount"]))
        if one in known:
            known.remove(one)
        else:
            name = payment["reference"] or payment["title"] or payment["gateway"]
            yield Entry(name, "", one[1], payment["title"])


def _unknown_fees(now: Sequence[Traced], shop: str, canonical: Mapping[str, Any]) -> Iterator[Entry]:
    """Fees that the order shows and that nobody has tried to book: as many of an amount as are not known."""
    known = [Decimal(each.document.total) for each in _of(now, "fee") if each.document.connection == shop]
    for payment in canonical["payments"]:
        # An order that was read before there were fees has no such field.
        if (told := payment.get("fee")) is None:
            continue
        if Decimal(told) in known:
            known.remove(Decimal(told))
        else:
            name = payment["reference"] or payment["title"] or payment["gateway"]
            yield Entry(name, "", Decimal(told), payment["title"])
