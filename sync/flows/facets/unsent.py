"""Goods that were refunded before they left, and are still on their way out in the ERP: they must not be sent.

Some ERPs take them out of what waits by themselves; in others the return of what never left stands beside the shipment
that is still planned (Tryton 8.2: a draft return, and the outgoing shipment whole). Neither may be carried out, so both
are called off where the ERP lets us, and a person is told where it does not.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, cast

from connectors.kit.errors import RecordRejected
from connectors.kit.facets import CallsOffGoods
from mappings.canonical.errors import Problem
from mappings.canonical.facets import Shipment, ShipmentState, Standing
from mappings.canonical.words import joined, say
from sync.flows.context import Drain
from sync.flows.facets.effects import Effect, carry_out
from sync.flows.facets.survey import resurvey, seen
from sync.flows.piece import Piece
from sync.store.bodies import digest, dump_json
from sync.store.documents import Seen

CAUSE: Final = "refunded_unsent"

_Pieces = dict[str, Decimal]


def hold_back(drain: Drain, piece: Piece) -> list[Problem]:
    """Call off what is not to leave; answers what is left to a person. Raises what `carry_out` raises."""
    standing = piece.standing
    if standing is None or CAUSE in piece.approved or not (never_left := unsent(standing)):
        return []
    refusal = ""
    returns = announced(standing, never_left)
    if returns and isinstance(drain.target, CallsOffGoods):
        try:
            _call_off(drain, piece, standing, returns)
        except RecordRejected as error:
            refusal = str(error)
        standing = resurvey(drain, piece)
    surplus = too_many(standing) or (never_left if refusal else {})
    return [_problem(standing, surplus, refusal)] if surplus else []


def unsent(standing: Standing) -> _Pieces:
    """Code -> pieces that are to come back without ever having left, of articles that are still planned to leave.

    Of an article of which some have left and some have not, what comes back is taken to be what has left.
    """
    back, sent, planned = _back(standing), _out(standing, ShipmentState.SENT), _out(standing, ShipmentState.PLANNED)
    found = {code: pieces - sent.get(code, Decimal(0)) for code, pieces in back.items() if planned.get(code)}
    return {code: pieces for code, pieces in found.items() if pieces > 0}


def too_many(standing: Standing) -> _Pieces:
    """Code -> pieces by which more of those articles is planned to leave than is wanted; none where it was taken out.

    Counted from what was ordered, and not from what waits: after a first try that ended half-way, it is what is left.
    """
    ordered: collections.defaultdict[str, Decimal] = collections.defaultdict(Decimal)
    for line in standing.lines:
        ordered[line.code] += max(line.quantity, Decimal(0))
    back, planned = _back(standing), _out(standing, ShipmentState.PLANNED)
    found = {code: planned[code] - (ordered[code] - back[code]) for code in unsent(standing)}
    return {code: pieces for code, pieces in found.items() if pieces > 0}


def announced(standing: Standing, never_left: Mapping[str, Decimal]) -> list[str]:
    """The planned returns, where they announce exactly these pieces; else nobody could say which of them to cancel."""
    open_ = [each for each in standing.shipments if each.back and each.state is ShipmentState.PLANNED]
    return [each.external_id for each in open_] if _pieces(open_) == never_left else []


def _back(standing: Standing) -> _Pieces:
    return _pieces(each for each in standing.shipments if each.back and each.state is not ShipmentState.CANCELLED)


def _out(standing: Standing, state: ShipmentState) -> _Pieces:
    return _pieces(each for each in standing.shipments if not each.back and each.state is state)


def _pieces(shipments: Iterable[Shipment]) -> _Pieces:
    found: collections.defaultdict[str, Decimal] = collections.defaultdict(Decimal)
    for shipment in shipments:
        for line in shipment.lines:
            found[line.code] += line.quantity
    return dict(found)


def _call_off(drain: Drain, piece: Piece, standing: Standing, returns: list[str]) -> None:
    erp, surplus = cast("CallsOffGoods", drain.target), too_many(standing)
    wanted = {code: f"{pieces:f}" for code, pieces in unsent(standing).items()}
    row = seen(drain, piece, "return", returns[0], {"called_off": wanted})

    def find() -> Seen | None:
        return None if unsent(resurvey(drain, piece)) else row

    def send() -> Seen:
        erp.call_off(piece.sale_id, surplus, returns)
        return row

    carry_out(
        drain,
        piece,
        Effect(
            kind="call_off",
            key=f"{piece.sale_id}:{digest(dump_json([wanted, returns]))[:12]}",
            action="update",
            side=drain.systems.erp_side,
            name=say("the taking of %(pieces)s out of what is sent", pieces=_told(unsent(standing))),
            # What is there says what is left to do, so after a doubt it is simply done again.
            find=find,
            send=send,
        ),
    )


def _told(surplus: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{pieces.normalize():f} x {code}" for code, pieces in surplus.items())


def _problem(standing: Standing, surplus: Mapping[str, Decimal], refusal: str) -> Problem:
    open_ = [each for each in standing.shipments if each.state is ShipmentState.PLANNED]
    out, back = (
        ", ".join(each.number or each.external_id for each in open_ if each.back is comes) for comes in (False, True)
    )
    reason = say(
        "%(pieces)s: refunded before it left, and still planned to leave in %(shipments)s, to come back in %(returns)s",
        pieces=_told(surplus),
        shipments=out,
        returns=back or "-",
    )
    return Problem(
        cause=CAUSE,
        path="refunds",
        reason=joined("; ", [reason, refusal]) if refusal else reason,
        next_step=say(
            "take it out of what is sent, and cancel its return, in the ERP: the order goes on by itself; approve if "
            "it is to be sent all the same"
        ),
    )
