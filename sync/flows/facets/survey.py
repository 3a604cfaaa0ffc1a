"""What became of sales in the ERP: read in batches, understood, and kept as last seen."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from connectors.kit.exchanges import capture
from connectors.kit.facets import FollowsSales
from mappings.canonical.facets import Invoice, Shipment, Standing, facet_to_json
from mappings.canonical.money import Money
from sync.flows.context import Drain
from sync.flows.parts import together
from sync.flows.piece import Piece, guarded
from sync.store.bodies import digest, dump_json, pack
from sync.store.documents import Seen
from sync.store.tracking import fold_tracking

#: What a survey says everything of: what it does not name any more is gone.
_SURVEYED = ("shipment", "return", "invoice", "credit_note", "refund", "payment")


def survey(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Look at the sale of each piece, and remember what hangs on it. A piece without a sale there stays without.

    An order is looked at whole: of one that is divided, all parts at once.
    """
    owners = list({id(piece.owner): piece.owner for piece in pieces}.values())
    known = [unit for owner in owners if owner.error is None for unit in owner.units if unit.sale_id]
    if not known:
        return
    erp = cast("FollowsSales", drain.target)
    for start in range(0, len(known), erp.survey_batch):
        batch = known[start : start + erp.survey_batch]
        asked = list({id(unit.owner): unit.owner for unit in batch}.values())
        with capture() as exchanges, guarded(*asked):
            found = erp.survey_sales([unit.sale_id for unit in batch])
            drain.progress()
            for unit in batch:
                with guarded(unit.owner):
                    _understand(drain, unit, found)
        for owner in asked:
            owner.exchanges.extend(exchanges)
    _remember(drain, [owner for owner in owners if owner.error is None and any(unit.sale_id for unit in owner.units)])


def _understand(drain: Drain, piece: Piece, found: Mapping[str, dict[str, Any]]) -> None:
    facets = drain.systems.erp_facets
    assert facets is not None
    piece.surveyed = found.get(piece.sale_id)
    piece.standing = None
    if piece.surveyed is not None:
        piece.standing = facets.standing(piece.surveyed, drain.systems.target_options)


def _remember(drain: Drain, pieces: Sequence[Piece]) -> None:
    for piece in pieces:
        if piece.parts:
            piece.standing = together([part.standing for part in piece.parts])
    rows = {
        piece.order_id: [row for unit in piece.units for row in _rows(drain, unit)]
        for piece in pieces
        if piece.order_id is not None
    }
    documents = drain.keep_surveyed(rows, _SURVEYED)
    for piece in pieces:
        for each in (piece, *piece.parts):
            each.documents = documents.get(piece.order_id or 0, [])


def _rows(drain: Drain, piece: Piece) -> Iterator[Seen]:
    standing = piece.standing
    if standing is None:
        return
    for shipment in standing.shipments:
        yield _shipment(drain, piece, shipment)
    for invoice in standing.invoices:
        yield _invoice(drain, piece, invoice)
    for refund in standing.refunds:
        yield seen(
            drain, piece, "refund", refund.external_id, refund,
            key=refund.key, number=refund.number, state=refund.state, total=refund.total,
        )  # fmt: skip
    for payment in standing.payments:
        yield seen(
            drain, piece, "payment", payment.external_id, payment,
            key=payment.reference, number=payment.reference, state="posted", total=payment.amount,
        )  # fmt: skip


def _shipment(drain: Drain, piece: Piece, shipment: Shipment) -> Seen:
    return seen(
        drain,
        piece,
        "return" if shipment.back else "shipment",
        shipment.external_id,
        shipment,
        number=shipment.number,
        state=shipment.state,
        dated_on=shipment.sent_on,
        tracking=frozenset(fold_tracking(parcel.tracking_number) for parcel in shipment.parcels) - {""},
    )


def _invoice(drain: Drain, piece: Piece, invoice: Invoice) -> Seen:
    return seen(
        drain,
        piece,
        "credit_note" if invoice.credit else "invoice",
        invoice.external_id,
        # A collected one is one document of several orders, and the part of each is its own.
        dataclasses.replace(invoice, part=None),
        key=invoice.refund_key,
        number=invoice.number,
        state=invoice.state,
        total=invoice.total,
        dated_on=invoice.dated_on,
        part="" if invoice.part is None else f"{invoice.part.amount:f}",
    )


def seen(
    drain: Drain,
    piece: Piece,
    kind: str,
    external_id: str,
    record: object,
    *,
    at: str = "",
    key: str = "",
    number: str = "",
    state: str = "",
    total: Money | None = None,
    dated_on: dt.date | None = None,
    part: str = "",
    tracking: frozenset[str] = frozenset(),
) -> Seen:
    """The row of one document of the piece's order; `at` is its connection, the ERP where nothing else is said."""
    assert piece.order_id is not None
    body = dump_json(facet_to_json(record))
    return Seen(
        order_id=piece.order_id,
        connection=at or drain.lease.connection,
        kind=kind,
        external_id=external_id,
        key=key,
        number=number,
        state=str(state),
        currency="" if total is None else total.currency,
        total="" if total is None else f"{total.amount:f}",
        dated_on="" if dated_on is None else dated_on.isoformat(),
        digest=digest(body),
        body=pack(body),
        part=part,
        tracking=tracking,
    )


def resurvey(drain: Drain, piece: Piece) -> Standing:
    """After a write: an answer is not proof. Raises what the survey raised."""
    survey(drain, [piece])
    owner = piece.owner
    if owner.error is not None:
        error, owner.error = owner.error, None
        raise error
    assert piece.standing is not None
    return piece.standing
