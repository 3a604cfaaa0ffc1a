"""Writing down how a batch of customers ended: what accounts show, attempts, issues, states, under the lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy import Connection

from sync.desk.outcomes import Decision, Place, decide
from sync.flows.crm.piece import CrmDrain, PartyPiece
from sync.store.attempts import save_attempts
from sync.store.crm.told import forget_told, save_told
from sync.store.issues import restate
from sync.store.items import leave
from sync.work.ending import End, attempt_of, leave_of, longest_pause, pack_exchanges
from sync.work.pausing import rest, tell_rest

log = structlog.get_logger()


def settle_customers(drain: CrmDrain, pieces: Sequence[PartyPiece]) -> None:
    """Record the end of every piece. Raises LeaseLost: then the rest is not recorded, and the next owner finds out."""
    crm = drain.systems.connection
    ends = [End(piece, _decide(drain, piece)) for piece in pieces]
    bodies = pack_exchanges([piece for piece in pieces if piece.wrote or piece.error is not None])
    told = list(drain.told.items())
    for some in drain.store.pieces(told, 1):
        drain.write(lambda c, some=some: save_told(c, crm, dict(some)))  # type: ignore[misc]
    if drain.gone:
        drain.write(lambda c: forget_told(c, crm, sorted(drain.gone)))
    # Its state and its attempt.
    for part in drain.store.pieces(ends, 2):
        drain.write(lambda c, part=part: _record(c, drain, part, bodies))  # type: ignore[misc]
    away = longest_pause(ends)
    if away is not None:
        drain.write(lambda c: rest(c, crm, away))
        tell_rest(crm, away)
    for end in ends:
        _tell(drain, end)
    drain.progress()


def _decide(drain: CrmDrain, piece: PartyPiece) -> Decision | None:
    if piece.error is None:
        return None
    place = Place(
        channel=drain.systems.channel.name,
        connection=drain.systems.connection,
        attempts=piece.item.attempts,
        step="crm",
    )
    return decide(piece.error, place)


def _record(
    connection: Connection, drain: CrmDrain, ends: Sequence[End[PartyPiece]], bodies: Mapping[int, bytes]
) -> None:
    crm = drain.systems.connection
    # That nothing was to be done leaves no trace.
    kept = [end for end in ends if end.piece.wrote or end.decision is not None]
    save_attempts(connection, [attempt_of(end, drain.lease, crm, bodies.get(id(end.piece))) for end in kept])
    restate(
        connection,
        [end.piece.item.id for end in ends if end.ends_causes],
        [stop for end in ends for stop in end.stops],
    )
    leave(connection, drain.lease, [leave_of(end, crm, settle_s=drain.systems.settle_s) for end in ends])


def _tell(drain: CrmDrain, end: End[PartyPiece]) -> None:
    fields = {
        "channel": drain.systems.channel.name,
        "customer": end.piece.item.external_id,
        "outcome": end.outcome,
    }
    if end.decision is not None and end.decision.causes and end.decision.causes[0][0].cause == "internal":
        log.error("customer_failed_inside", error=repr(end.piece.error), exc_info=end.piece.error, **fields)
    else:
        log.debug("customer_looked_at", reason=end.reason, **fields)
