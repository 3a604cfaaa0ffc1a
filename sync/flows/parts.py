"""An order that is divided over several warehouses: one work item, one owner, and a sale in the ERP for each part.

Each part goes through the steps of a sale as a piece of its own, with its own order (`mappings.canonical.parts`), key,
binding and intents; what the shop sees and what a person decides is the whole's. So every part is made once, whatever
dies in between, and a retry makes only what is missing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from connectors.kit.errors import RecordRejected
from mappings.canonical.currencies import minor_unit
from mappings.canonical.errors import Problems
from mappings.canonical.facets import SaleState, Standing
from mappings.canonical.money import money_sum
from mappings.canonical.parts import divide, part_id
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_from_json, order_to_json
from mappings.canonical.words import say
from sync.flows.context import Drain
from sync.flows.piece import Piece
from sync.rules.routing import Route
from sync.rules.stops import Held
from sync.store.bodies import dump_json, load_json, pack, unpack
from sync.store.routes import RoutePart


def units(pieces: Iterable[Piece]) -> list[Piece]:
    """What is one sale each."""
    return [unit for piece in pieces for unit in piece.units]


def lay_out(drain: Drain, piece: Piece, split: Sequence[RoutePart]) -> None:
    """Go on with a piece as so many sales; as one where `split` is empty. What stays as it was keeps what is known."""
    if piece.split != tuple(split):
        piece.split = tuple(split)
        piece.parts = [_made(drain, piece, index, part) for index, part in enumerate(piece.split)]
    refresh(drain, piece)


def _made(drain: Drain, piece: Piece, index: int, part: RoutePart) -> Piece:
    external_id = part_id(piece.item.external_id, index)
    return Piece(
        piece.item,
        part=index,
        whole=piece,
        key=drain.mapping.sale_key(external_id, drain.systems.target_options),
        route=Route(rule="", warehouse=part.warehouse, reason=""),
        binding=piece.bound.get(index),
        # The first part has the key of the whole: what was found out about that stands.
        looked=piece.looked and index == 0,
        cancelled=piece.cancelled if index == 0 else [],
        # One list each: whatever is found, said or answered about a part is about the order.
        open=piece.open,
        stops=piece.stops,
        warnings=piece.warnings,
        exchanges=piece.exchanges,
        started_at=piece.started_at,
    )


def refresh(drain: Drain, piece: Piece) -> None:
    """Bring the parts up to what is known of the whole by now."""
    if not piece.parts:
        return
    orders: Sequence[Order | None] = [None for _ in piece.parts]
    if piece.order is not None:
        orders = split_order(drain, piece, piece.order)
    befores: Sequence[bytes | None] = [None for _ in piece.parts]
    if piece.edited_from is not None:
        before = split_order(drain, piece, order_from_json(load_json(unpack(piece.edited_from))))
        befores = [pack(dump_json(order_to_json(each))) for each in before]
    for part, order, before_it in zip(piece.parts, orders, befores, strict=True):
        part.order, part.edited_from = order, before_it
        part.payload, part.digest, part.prints = piece.payload, piece.digest, piece.prints
        part.known, part.order_id = piece.known, piece.order_id
        part.refs, part.resolved = piece.refs, piece.resolved


def split_order(drain: Drain, piece: Piece, order: Order) -> list[Order]:
    """The parts of one version of the piece's order; itself where it is not divided."""
    if not piece.split:
        return [order]
    digits = minor_unit(order.currency, drain.systems.target_options.minor_units)
    return divide(order, [part.lines for part in piece.split], digits)


def collect(piece: Piece) -> None:
    """What became of the parts is what became of the whole. Safe to repeat."""
    if not piece.parts:
        return
    made = [part.document for part in piece.parts if part.document is not None]
    piece.document = min(made, key=lambda document: document.rank, default=None)
    piece.binding = next((part.binding for part in piece.parts if part.binding is not None), None)
    piece.cancelled = [document for part in piece.parts for document in part.cancelled]
    piece.looked = all(part.looked for part in piece.parts)
    piece.intent = max(part.intent for part in piece.parts)
    piece.speaks_to = next((part.speaks_to for part in piece.parts if part.speaks_to), piece.speaks_to)
    for part in piece.parts:
        _collect_error(piece, part)
    if all(part.skipped for part in piece.parts):
        piece.skipped = piece.parts[0].skipped
    if all(part.converged for part in piece.parts):
        piece.converged = piece.parts[0].converged


def _collect_error(piece: Piece, part: Piece) -> None:
    error = part.error
    if error is None:
        return
    if not isinstance(error, Held | Problems | RecordRejected):
        piece.error = piece.error or error
    elif all(stop.__cause__ is not error for stop in piece.stops):
        piece.stops.append(_named(piece, part, error))


def _named(piece: Piece, part: Piece, error: Held | Problems | RecordRejected) -> Exception:
    """The same, with the part that it is about and what stands already."""
    standing = [each.document for each in piece.parts if each.document is not None]
    numbers = ", ".join(document.number or document.external_id for document in standing)

    def told(reason: str) -> str:
        place = "" if part.route is None else part.route.warehouse
        if not numbers:
            return say("the part that %(warehouse)s sends: %(reason)s", warehouse=place, reason=reason)
        return say(
            "the part that %(warehouse)s sends: %(reason)s; the other parts stand as %(numbers)s",
            warehouse=place,
            reason=reason,
            numbers=numbers,
        )

    stop: Exception
    if isinstance(error, RecordRejected):
        stop = RecordRejected(told(str(error)), code=error.code, field=error.field)
    else:
        stop = Held([dataclasses.replace(problem, reason=told(problem.reason)) for problem in error.problems])
    stop.__cause__ = error
    return stop


# --- how the whole stands ---------------------------------------------------------------------------------------

_LEFT = {SaleState.SHIPPED, SaleState.DONE}
#: The least of these is where the whole stands.
_ORDER = (SaleState.DRAFT, SaleState.QUOTED, SaleState.CONFIRMED)


def together(standings: Sequence[Standing | None]) -> Standing | None:
    """The sales of an order as one; None where there is none. A part that is not made yet is begun at most."""
    known = [standing for standing in standings if standing is not None]
    if not known:
        return None
    first = known[0]
    return Standing(
        external_id=first.external_id,
        number=", ".join(each.number for each in known if each.number),
        state=_state([SaleState.DRAFT if each is None else each.state for each in standings]),
        told=", ".join(each.told for each in known if each.told),
        total=money_sum((each.total for each in known), first.total.currency),
        lines=tuple(line for each in known for line in each.lines),
        shipments=tuple(shipment for each in known for shipment in each.shipments),
        invoices=tuple(invoice for each in known for invoice in each.invoices),
        refunds=tuple(refund for each in known for refund in each.refunds),
        payments=tuple(payment for each in known for payment in each.payments),
        fields=first.fields,
    )


def _state(states: Sequence[SaleState]) -> SaleState:
    found = set(states)
    if len(found) == 1:
        return states[0]
    if found & {SaleState.HELD, SaleState.CANCELLED}:
        # One part was cancelled, and the rest goes on: people have to say what becomes of the order.
        return SaleState.HELD
    if found <= _LEFT:
        return SaleState.SHIPPED
    if found & {*_LEFT, SaleState.PARTLY_SHIPPED}:
        return SaleState.PARTLY_SHIPPED
    return next(state for state in _ORDER if state in found)
