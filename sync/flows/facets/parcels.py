"""Shipments of the ERP: each that has left is told to the shop once, and again when its tracking was corrected."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import cast

from config.model import ShipmentNews
from connectors.kit.facets import MarksOrders, TakesFulfilments
from mappings.base import JsonDict
from mappings.canonical.facets import Shipment, ShipmentState
from mappings.canonical.words import say
from mappings.facets import Sent
from sync.flows.context import Drain
from sync.flows.facets.effects import Effect, Origin, carry_out
from sync.flows.facets.survey import seen
from sync.flows.piece import Piece
from sync.rules.allot import allot
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
    left = [each for each in standing.shipments if each.state is ShipmentState.SENT and not each.back]
    left.sort(key=lambda each: (each.sent_on is None, each.sent_on, len(each.external_id), each.external_id))
    codes = {line.external_id: drain.lookups.get(("sku", line.sku), line.sku) for line in order.lines}
    ordered = {line.external_id: (codes[line.external_id], line.quantity) for line in order.lines}
    allotted = allot(ordered, [[(line.code, line.quantity) for line in shipment.lines] for shipment in left])
    return [_sent(drain, piece, *pair) for pair in zip(left, allotted, strict=True)]


def _sent(drain: Drain, piece: Piece, shipment: Shipment, pieces: dict[str, Decimal]) -> Sent:
    order = piece.order
    assert order is not None
    return Sent(
        order=order,
        shipment=shipment,
        pieces=pieces,
        carrier=drain.lookups.get(("shop_carrier", shipment.carrier), shipment.carrier),
        tracking_url=_tracking_url(drain, shipment),
        notify=drain.systems.channel.after_import.notify,
        key=f"{order.external_id}-{shipment.external_id}",
    )


def _tracking_url(drain: Drain, shipment: Shipment) -> str:
    """The carrier's page by the look-up table `tracking_url`, whose value has `{number}` in it."""
    template = drain.lookups.get(("tracking_url", shipment.carrier), "")
    number = shipment.parcels[0].tracking_number if shipment.parcels else ""
    if template and number:
        return template.replace("{number}", number)
    return next((parcel.tracking_url for parcel in shipment.parcels if parcel.tracking_url), "")


def carry(drain: Drain, piece: Piece) -> list[Sent]:
    """Tell the shop what it does not know yet; answers everything that has left. Raises what `carry_out` raises."""
    if not wanted(drain):
        return []
    parcels = sent_parcels(drain, piece)
    origins = {doc.external_id: doc for doc in piece.documents if doc.kind == "shipment"}
    told = {doc.made_from: doc for doc in piece.documents if doc.made_from is not None}
    for sent in parcels:
        origin = origins[sent.shipment.external_id]
        before = told.get(origin.id)
        if any(sent.pieces.values()) and (before is None or before.made_digest != origin.digest):
            _tell(drain, piece, sent, origin, before)
    return parcels


def _tell(drain: Drain, piece: Piece, sent: Sent, origin: Document, before: Document | None) -> None:
    shop = drain.systems.source
    as_fulfilment = (
        drain.systems.channel.after_import.shipments is ShipmentNews.AUTO
        and isinstance(shop, TakesFulfilments)
        and shop.takes_fulfilments()
    )
    writing = _fulfilment if as_fulfilment else _note
    carry_out(drain, piece, writing(drain, piece, sent, origin, before))


def _fulfilment(drain: Drain, piece: Piece, sent: Sent, origin: Document, before: Document | None) -> Effect:
    shop, facets = cast("TakesFulfilments", drain.systems.source), drain.systems.shop_facets
    assert facets is not None
    order_id = sent.order.external_id

    def standing() -> JsonDict | None:
        rows = shop.list_fulfilments(order_id)
        return next((row for row in rows if facets.fulfilment_key(row) == sent.key), None)

    def find() -> Seen | None:
        row = standing()
        return None if row is None or before is not None else _row(drain, piece, "fulfilment", row, sent)

    def send() -> Seen:
        row = standing() if before is not None or piece.open else None
        payload = facets.fulfilment(sent)
        if row is None:
            row = shop.create_fulfilment(order_id, payload)
        else:
            row = shop.update_fulfilment(order_id, str(row["id"]), payload)
        return _row(drain, piece, "fulfilment", row, sent)

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
        assumed=_row(drain, piece, "fulfilment", {"id": sent.key}, sent),
    )


def _note(drain: Drain, piece: Piece, sent: Sent, origin: Document, before: Document | None) -> Effect:
    shop, facets = cast("MarksOrders", drain.systems.source), drain.systems.shop_facets
    assert facets is not None
    order_id = sent.order.external_id
    # A note cannot be changed: what was corrected is said again, under a reference of its own.
    sent = sent if before is None else dataclasses.replace(sent, key=f"{sent.key}-{origin.digest[:4]}")

    def find() -> Seen | None:
        row = next((row for row in shop.list_notes(order_id) if facets.note_key(row) == sent.key), None)
        return None if row is None else _row(drain, piece, "note", row, sent)

    return Effect(
        kind="note",
        key=sent.key,
        side=_side(drain),
        name=say("the note about shipment %(shipment)s", shipment=_called(sent)),
        find=find,
        send=lambda: _row(drain, piece, "note", shop.add_note(order_id, facets.shipment_note(sent)), sent),
        origin=Origin(origin.id, origin.digest),
        once=sent.notify,
        assumed=_row(drain, piece, "note", {"id": sent.key}, sent),
    )


def _called(sent: Sent) -> str:
    return sent.shipment.number or sent.shipment.external_id


def _side(drain: Drain) -> Side:
    side = drain.systems.shop_side
    assert side is not None
    return side


def _row(drain: Drain, piece: Piece, kind: str, row: JsonDict, sent: Sent) -> Seen:
    external_id = str(row["id"])
    shop = drain.systems.channel.source
    record = {"id": external_id, "key": sent.key, "shipment": sent.shipment.number}
    return seen(
        drain, piece, kind, external_id, record, at=shop, key=sent.key, number=sent.shipment.number, state="sent"
    )
