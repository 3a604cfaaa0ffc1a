"""Shipments of the ERP: each that has left is told to the shop once, and again when its tracking was corrected."""

from __future__ import annotations

import dataclasses
from typing import cast

from config.model import ShipmentNews
from connectors.kit.facets import MarksOrders, TakesFulfilments, TakesNotes
from mappings.base import JsonDict
from mappings.canonical.words import say
from mappings.facets import Sent
from sync.flows.context import Drain
from sync.flows.facets.effects import Effect, Origin, carry_out
from sync.flows.facets.survey import seen
from sync.flows.piece import Piece, alone
from sync.rules.parcels import sent_of
from sync.rules.systems import Side
from sync.store.documents import Document, Seen


def wanted(drain: Drain) -> bool:
    """Whether this channel's shop hears of shipments, and can."""
    return (
        drain.systems.channel.after_import.shipments is not ShipmentNews.OFF
        and drain.systems.shop_facets is not None
        and isinstance(drain.systems.source, MarksOrders)
    )


def sent_parcels(drain: Drain, piece: Piece) -> list[Sent]:
    """What has left for the order, oldest first, its pieces allotted to the order's lines."""
    order, standing = piece.order, piece.standing
    if order is None or standing is None:
        return []
    return sent_of(order, standing.shipments, drain.lookups, notify=drain.systems.channel.after_import.notify)


def carry(drain: Drain, piece: Piece) -> list[Sent]:
    """Tell the shop what it does not know yet; answers what has left, but for parcels that a person has to see to.

    Raises what `carry_out` raises of a whole system; what it raises of one parcel is set aside.
    """
    if not wanted(drain):
        return []
    parcels = sent_parcels(drain, piece)
    origins = {doc.external_id: doc for doc in piece.documents if doc.kind == "shipment"}
    told = {doc.made_from: doc for doc in piece.documents if doc.made_from is not None}
    known = []
    for sent in parcels:
        origin = origins[sent.shipment.external_id]
        before = told.get(origin.id)
        with alone(piece):
            if any(sent.pieces.values()) and (before is None or before.made_digest != origin.digest):
                _tell(drain, piece, sent, origin, before)
            known.append(sent)
    return known


def _tell(drain: Drain, piece: Piece, sent: Sent, origin: Document, before: Document | None) -> None:
    shop = drain.systems.source
    as_fulfilment = (
        (drain.systems.channel.after_import.shipments is ShipmentNews.AUTO or not isinstance(shop, TakesNotes))
        and isinstance(shop, TakesFulfilments)
        and shop.takes_fulfilments()
    )
    if not (as_fulfilment or isinstance(shop, TakesNotes)):
        return
    writing = _fulfilment if as_fulfilment else _note
    carry_out(drain, piece, writing(drain, piece, sent, origin, before))


def _fulfilment(drain: Drain, piece: Piece, sent: Sent, origin: Document, before: Document | None) -> Effect:
    shop, facets = cast("TakesFulfilments", drain.systems.source), drain.systems.shop_facets
    assert facets is not None
    assert facets.fulfilment is not None
    order_id, number, written = sent.order.external_id, sent.shipment.number, facets.fulfilment

    def standing() -> JsonDict | None:
        rows = shop.list_fulfilments(order_id)
        return next((row for row in rows if facets.fulfilment_key(row) == sent.key), None)

    def find() -> Seen | None:
        row = standing()
        return (
            None
            if row is None or before is not None
            else row_of(drain, piece, "fulfilment", row, key=sent.key, number=number)
        )

    def send() -> Seen:
        row = standing() if before is not None or piece.open else None
        payload = written(sent)
        if row is None:
            row = shop.create_fulfilment(order_id, payload)
        else:
            row = shop.update_fulfilment(order_id, str(row["id"]), payload)
        return row_of(drain, piece, "fulfilment", row, key=sent.key, number=number)

    return Effect(
        kind="fulfilment",
        key=sent.key if before is None else f"{sent.key}:{origin.digest[:8]}",
        action="create" if before is None else "update",
        side=_side(drain),
        name=say("the parcel of shipment %(shipment)s", shipment=_called(sent)),
        find=find,
        send=send,
        origin=Origin(origin.id, origin.digest),
        once=sent.notify,
        assumed=row_of(drain, piece, "fulfilment", {"id": sent.key}, key=sent.key, number=number),
    )


def _note(drain: Drain, piece: Piece, sent: Sent, origin: Document, before: Document | None) -> Effect:
    shop, facets = cast("TakesNotes", drain.systems.source), drain.systems.shop_facets
    assert facets is not None
    assert facets.shipment_note is not None
    order_id, write_note = sent.order.external_id, facets.shipment_note
    # A note cannot be changed: what was corrected is said again, under a reference of its own.
    sent = sent if before is None else dataclasses.replace(sent, key=corrected(sent.key, origin))
    number = sent.shipment.number

    def find() -> Seen | None:
        row = next((row for row in shop.list_notes(order_id) if facets.note_key(row) == sent.key), None)
        return None if row is None else row_of(drain, piece, "note", row, key=sent.key, number=number)

    def send() -> Seen:
        return row_of(drain, piece, "note", shop.add_note(order_id, write_note(sent)), key=sent.key, number=number)

    return Effect(
        kind="note",
        key=sent.key,
        side=_side(drain),
        name=say("the note about shipment %(shipment)s", shipment=_called(sent)),
        find=find,
        send=send,
        origin=Origin(origin.id, origin.digest),
        once=sent.notify,
        assumed=row_of(drain, piece, "note", {"id": sent.key}, key=sent.key, number=number),
    )


def corrected(key: str, origin: Document) -> str:
    """The same of what is said again, for a shipment that has changed."""
    return f"{key}-{origin.digest[:4]}"


def _called(sent: Sent) -> str:
    return sent.shipment.number or sent.shipment.external_id


def _side(drain: Drain) -> Side:
    side = drain.systems.shop_side
    assert side is not None
    return side


def row_of(drain: Drain, piece: Piece, kind: str, row: JsonDict, *, key: str, number: str) -> Seen:
    """What the shop has of a shipment."""
    external_id, shop = str(row["id"]), drain.systems.channel.source
    record = {"id": external_id, "key": key, "shipment": number}
    return seen(drain, piece, kind, external_id, record, at=shop, key=key, number=number, state="sent")
