"""Goods that were refunded before they left, and are still on their way out in the ERP: they must not be sent.

Some ERPs take them out of what waits by themselves; in others the return of what never left stands beside the shipment
that is still planned (Tryton 8.2: a draft return, and the outgoing shipment whole). Neither may be carried out, so both
are called off where the ERP lets us, and a person is told where it does not.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Mapping
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


def hold_back(drain: Drain, piece: Piece) -> list[Problem]:
    """Call off what is not to leave; answers what is left to a person. Raises what `carry_out` raises."""
    standing = piece.standing
    if standing is None or CAUSE in piece.approved or not (surplus := unsent(standing)):
        return []
    refusal = ""
    returns = announced(standing, surplus)
    if returns and isinstance(drain.target, CallsOffGoods):
        try:
            _call_off(drain, piece, surplus, returns)
        except RecordRejected as error:
            refusal = str(error)
        standing = resurvey(drain, piece)
        surplus = unsent(standing)
    return [_problem(standing, surplus, refusal)] if surplus else []


def unsent(standing: Standing) -> dict[str, Decimal]:
    """Code -> pieces that are to come back without ever having left, as far as they are still planned to leave.

    Of an article of which some have left and some have not, what comes back is taken to be what has left.
    """
    ordered: collections.defaultdict[str, Decimal] = collections.defaultdict(Decimal)
    for line in standing.lines:
        ordered[line.code] += max(line.quantity, Decimal(0))
    back = _pieces(standing.shipments, lambda each: each.back and each.state is not ShipmentState.CANCELLED)
    planned = _pieces(standing.shipments, lambda each: not each.back and each.state is ShipmentState.PLANNED)
    found = {
        code: min(pieces, planned.get(code, Decimal(0)) - (ordered[code] - pieces)) for code, pieces in back.items()
    }
    return {code: pieces for code, pieces in found.items() if pieces > 0}


def announced(standing: Standing, surplus: Mapping[str, Decimal]) -> list[str]:
    """The planned returns, where they announce exactly these pieces; else nobody could say which of them to cancel."""
    open_ = [each for each in standing.shipments if each.back and each.state is ShipmentState.PLANNED]
    return [each.external_id for each in open_] if _pieces(open_, lambda _: True) == surplus else []


def _pieces(shipments: Iterable[Shipment], wanted: Callable[[Shipment], bool]) -> dict[str, Decimal]:
    found: collections.defaultdict[str, Decimal] = collections.defaultdict(Decimal)
    for shipment in filter(wanted, shipments):
        for line in shipment.lines:
            found[line.code] += line.quantity
    return found


def _call_off(drain: Drain, piece: Piece, surplus: Mapping[str, Decimal], returns: list[str]) -> None:
    erp, wanted = cast("CallsOffGoods", drain.target), {code: f"{pieces:f}" for code, pieces in surplus.items()}
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
            name=say("the taking of %(pieces)s out of what is sent", pieces=_told(surplus)),
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
