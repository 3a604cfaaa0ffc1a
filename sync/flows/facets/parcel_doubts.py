"""Parcels of which nobody knows whether the shop was told, for an order that nobody takes up again by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from sqlalchemy import Connection

from connectors.kit.errors import RecordRejected
from connectors.kit.exchanges import capture
from connectors.kit.facets import TakesFulfilments, TakesNotes
from mappings.base import JsonDict
from sync.flows.context import Drain
from sync.flows.facets.parcels import corrected, row_of
from sync.flows.piece import Piece
from sync.rules.parcels import key_of
from sync.store.documents import Document, load_documents, save_made
from sync.store.intents import UNDECIDED, Intent, close_by_outcome

#: How the shop is told of a parcel: in what nothing over there refuses a second one of.
TOLD: Final = ("fulfilment", "note")


def find_out(drain: Drain, piece: Piece) -> None:
    """Ask the shop how earlier tries ended, for an order that is set aside or cannot be read: every intent gets closed.

    What is found is remembered as told. What is absent may be sent again when the order goes on; where the customer may
    have been mailed, a person says. Raises what the shop raises.
    """
    doubts = [intent for intent in piece.open if intent.kind in TOLD and intent.settled]
    if not doubts or piece.order_id is None or drain.systems.shop_facets is None:
        return
    order_id = piece.order_id
    documents = drain.store.read(lambda c: load_documents(c, [order_id])).get(order_id, [])
    piece.speaks_to = drain.systems.channel.source
    with capture() as exchanges:
        try:
            for kind in sorted({intent.kind for intent in doubts}):
                there = _there(drain, piece, kind)
                for intent in doubts:
                    if intent.kind == kind:
                        _judge(drain, piece, intent, there.get(intent.key), documents)
        finally:
            piece.exchanges.extend(exchanges)
    drain.progress()


def _there(drain: Drain, piece: Piece, kind: str) -> dict[str, JsonDict]:
    """Key -> what the shop has of us on the order; nothing where the order itself is gone."""
    shop, facets, order_id = drain.systems.source, drain.systems.shop_facets, piece.item.external_id
    assert facets is not None
    try:
        if kind == "note":
            return {facets.note_key(row): row for row in cast("TakesNotes", shop).list_notes(order_id)}
        return {facets.fulfilment_key(row): row for row in cast("TakesFulfilments", shop).list_fulfilments(order_id)}
    except RecordRejected:
        return {}


def _judge(drain: Drain, piece: Piece, intent: Intent, row: JsonDict | None, documents: Sequence[Document]) -> None:
    after = drain.systems.channel.after_import
    if intent.action == "update":
        # Absolute values: they are simply written again.
        outcome = "superseded"
    elif row is not None:
        outcome = "found"
    else:
        outcome = UNDECIDED if after.notify and not after.resend else "absent"
    origin = _origin(piece, intent.key, documents)

    def write(connection: Connection) -> None:
        if outcome == "found" and row is not None and origin is not None:
            made = row_of(drain, piece, intent.kind, row, key=intent.key, number=origin.number)
            save_made(connection, made, origin.id, origin.digest)
        close_by_outcome(connection, {outcome: [intent.id]})

    drain.write(write)


def _origin(piece: Piece, key: str, documents: Sequence[Document]) -> Document | None:
    """The shipment of which a key tells."""
    for doc in documents:
        plain = key_of(piece.item.external_id, doc.external_id)
        if doc.kind == "shipment" and key in {plain, corrected(plain, doc)}:
            return doc
    return None
