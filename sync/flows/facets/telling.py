"""What the shop's own page of an order shows of its life in the ERP: state, parcels, invoices; in one call."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import cast

from sqlalchemy import Connection

from connectors.kit.base import Envelope
from connectors.kit.facets import MarksOrders
from mappings.base import JsonDict
from mappings.canonical.records import OrderState
from mappings.canonical.words import say
from mappings.facets import Billed, Sent
from sync.flows.context import Drain
from sync.flows.facets.effects import Effect, carry_out
from sync.flows.facets.survey import seen
from sync.flows.piece import Piece
from sync.rules.systems import Side
from sync.store.accepted import keep_approved
from sync.store.bodies import digest, dump_json
from sync.store.documents import Document, Seen, save_seen

#: In these the shop has decided; what becomes of the sale changes nothing of that.
_DECIDED = {OrderState.CANCELLED, OrderState.REFUNDED, OrderState.FAILED, OrderState.TRASHED, OrderState.DELETED}


def tell(drain: Drain, piece: Piece, parcels: Sequence[Sent], invoices: Sequence[Billed]) -> None:
    """Write what the shop does not show yet. Raises what `carry_out` raises."""
    side = drain.systems.shop_side
    if drain.systems.shop_facets is None or side is None or piece.payload is None or piece.standing is None:
        return
    before = next((doc for doc in piece.documents if doc.kind == "told"), None)
    word, news = _word(drain, piece, before), _News(_numbers(drain, piece), parcels, invoices)
    state, marks = word or ("" if before is None else before.state), _marks(drain, news)
    told = {"state": state, "marks": marks}
    content = digest(dump_json(told))
    if (before is not None and before.digest == content) or not (word or marks):
        return
    # What another channel of the shop tells of the same order is its own.
    name = f"{drain.lease.channel}:{piece.item.external_id}"
    row = seen(drain, piece, "told", name, told, at=side.connection, state=state)
    # The shop shows it all where our database is older than what we told: then it is remembered, and not said again.
    payload = _payload(drain, piece, word, news)
    left = _write(drain, piece, side, row, payload) if payload else []

    def remember(connection: Connection) -> None:
        save_seen(connection, [row])
        if left and piece.approved:
            keep_approved(connection, piece.item.id, piece.digest, digest(dump_json(left[0].payload)))

    drain.write(remember)


def _write(drain: Drain, piece: Piece, side: Side, row: Seen, payload: JsonDict) -> list[Envelope]:
    """Answers the order as we left it in the shop; nothing where an earlier try had come that far."""
    left: list[Envelope] = []

    def send() -> Seen:
        left.append(cast("MarksOrders", drain.systems.source).update_order(piece.item.external_id, payload))
        return row

    effect = Effect(
        kind="mark",
        key=f"{piece.item.external_id}:{row.digest[:12]}",
        action="update",
        side=side,
        name=say("what the shop shows of the order"),
        # Absolute values: after a doubt they are simply written again.
        find=lambda: None,
        send=send,
        origin=None,
    )
    carry_out(drain, piece, effect)
    return left


def _word(drain: Drain, piece: Piece, before: Document | None) -> str:
    """The state that the order is to get now; empty where it has it, had it from us before, or decides itself.

    What we have said once is not said again: a shop that goes on from there (`completed` to `refunded`, or back) is
    right.
    """
    order, standing = piece.order, piece.standing
    assert standing is not None
    word = drain.systems.channel.after_import.state_back.get(standing.state.value, "")
    if order is None or not word or order.state in _DECIDED or order.source_state == word:
        return ""
    return "" if before is not None and before.state == word else word


@dataclasses.dataclass(frozen=True, slots=True)
class _News:
    """What the order is marked with."""

    #: Of its sales in the ERP.
    numbers: Sequence[str]
    parcels: Sequence[Sent]
    invoices: Sequence[Billed]


def _numbers(drain: Drain, piece: Piece) -> list[str]:
    """The numbers of the order's sales, where the channel shows them."""
    if not drain.systems.channel.after_import.sale_number:
        return []
    standing = [unit.standing for unit in piece.units if unit.standing is not None]
    return [each.number for each in standing if each.number]


def _marks(drain: Drain, news: _News) -> list[JsonDict]:
    """The marks alone, as they would be on an order without any: what is compared with what was told before."""
    return [payload for payload in _mark_payloads(drain, {}, news) if payload]


def _mark_payloads(drain: Drain, payload: JsonDict, news: _News) -> tuple[JsonDict, ...]:
    facets = drain.systems.shop_facets
    assert facets is not None
    return (
        facets.sale_marks(news.numbers, payload) if news.numbers and facets.sale_marks is not None else {},
        facets.shipment_marks(news.parcels, payload) if news.parcels else {},
        facets.invoice_marks(news.invoices, payload) if news.invoices else {},
    )


def _payload(drain: Drain, piece: Piece, word: str, news: _News) -> JsonDict:
    """One payload of all; lists under the same name are one list."""
    facets = drain.systems.shop_facets
    assert facets is not None
    assert piece.payload is not None
    merged: JsonDict = facets.state(word) if word else {}
    for part in _mark_payloads(drain, piece.payload, news):
        for name, value in part.items():
            merged[name] = [*merged[name], *value] if isinstance(merged.get(name), list) else value
    return merged
