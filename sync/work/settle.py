"""Writing down how a batch ended: bindings, intents, attempts, issues, states, in one transaction under the lease."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Final

import structlog
from sqlalchemy import Connection

from connectors.kit.base import TargetDocument
from connectors.kit.errors import ConnectionBroken, ConnectorError, OutcomeUnknown, RecordRejected, Transient
from mappings.canonical.errors import Problems
from mappings.canonical.words import joined
from sync.desk import outcomes
from sync.desk.outcomes import Action, Decision, Place, backoff_s, decide
from sync.flows.context import Drain
from sync.flows.crm.noting import note
from sync.flows.piece import Piece
from sync.flows.stock.capture import settle_captured
from sync.rules.stops import Held, Together, Unsettled
from sync.store.attempts import NewAttempt, save_attempts
from sync.store.bindings import NewBinding, save_bindings
from sync.store.intents import close_by_outcome, load_open
from sync.store.issues import Stop, restate
from sync.store.items import Leave, leave
from sync.store.states import ItemState
from sync.work.ending import pack_exchanges
from sync.work.overheard import mark_overheard
from sync.work.pausing import put_off_for, rest, tell_rest

log = structlog.get_logger()

#: What says that a system could not be used, and not that it refuses one document.
_OF_THE_SYSTEM: Final = (Transient, ConnectionBroken, OutcomeUnknown)


@dataclasses.dataclass(frozen=True, slots=True)
class _End:
    """One piece with what its error means; no decision for one that needs none."""

    piece: Piece
    decision: Decision | None


def settle(drain: Drain, pieces: list[Piece]) -> None:
    """Record the end of every piece. Raises LeaseLost: then nothing is recorded, and the next owner finds out."""
    ends = [_End(piece, _decide(drain, piece)) for piece in pieces]
    bodies, away = pack_exchanges(pieces), _pauses(drain, ends)
    drain.write(lambda c: _record(c, drain, ends, bodies, away))
    for end in ends:
        _tell(drain, end)
    for name, decision in away.items():
        tell_rest(name, decision)
    drain.progress()


def _decide(drain: Drain, piece: Piece) -> Decision | None:
    if piece.error is None:
        return None
    place = Place(
        channel=drain.systems.channel.name,
        connection=_spoken_to(drain, piece),
        attempts=piece.item.attempts,
        step=_step(piece),
    )
    return decide(piece.error, place)


def _step(piece: Piece) -> str:
    """How far it had come: what refuses a sale is another cause than what refuses its parcels, in the same words."""
    if piece.payload is None and not piece.deleted:
        return "read"
    return "after" if piece.document is not None or piece.binding is not None else "write"


def _spoken_to(drain: Drain, piece: Piece) -> str:
    """A piece without payload failed at its source; everything later speaks to the target."""
    if piece.speaks_to:
        return piece.speaks_to
    failed_at_source = piece.payload is None and not piece.deleted and isinstance(piece.error, ConnectorError)
    return drain.systems.channel.source if failed_at_source else drain.lease.connection


def _record(
    connection: Connection,
    drain: Drain,
    ends: list[_End],
    bodies: dict[int, bytes],
    away: Mapping[str, Decision],
) -> None:
    sales = [(unit, unit.document) for end in ends for unit in end.piece.units]
    rows = [_binding(drain, unit, document) for unit, document in sales if document is not None]
    mark_overheard(connection, drain, rows)
    save_bindings(connection, rows)
    note(connection, drain, [end.piece for end in ends])
    close_by_outcome(connection, _intent_outcomes(ends))
    save_attempts(connection, [_attempt(drain, end, bodies) for end in ends])
    _record_issues(connection, ends)
    for name, decision in away.items():
        rest(connection, name, decision)
    leaves = [_leave(connection, drain, end) for end in ends]
    settle_captured(connection, drain, [(end.piece, left.state) for end, left in zip(ends, leaves, strict=True)])
    leave(connection, drain.lease, leaves)


# --- documents and intents --------------------------------------------------------------------------------------


def _binding(drain: Drain, piece: Piece, document: TargetDocument) -> NewBinding:
    assert piece.order_id is not None
    return NewBinding(
        connection=drain.lease.connection,
        kind="sale",
        external_id=document.external_id,
        order_id=piece.order_id,
        # One that was there before us has a key of its own, or none.
        key=document.key,
        number=document.number,
        state=document.state,
        rank=int(document.rank),
        total=f"{document.total:f}",
        tax="" if document.tax is None else f"{document.tax:f}",
        version=document.version,
        part=piece.part,
    )


def _intent_outcomes(ends: list[_End]) -> dict[str, list[int]]:
    """What became of the intents of this drain; one whose outcome nobody knows stays open."""
    found: dict[str, list[int]] = {}
    for unit in (unit for end in ends for unit in end.piece.units):
        # What became of one part of an order says nothing of another that stands.
        error = unit.error if unit.document is not None else unit.error or unit.owner.error
        if unit.intent and (outcome := _intent_outcome(unit, error)):
            found.setdefault(outcome, []).append(unit.intent)
    return found


def _intent_outcome(piece: Piece, error: Exception | None) -> str:
    if error is not None and not _says_what_happened(error):
        return ""
    if piece.document is not None:
        return "done"
    if isinstance(error, RecordRejected | Held):
        return "refused"
    # Transient, ConnectionBroken and our own stops promise that nothing was written.
    return "" if error is None else "not_sent"


def _says_what_happened(error: Exception) -> bool:
    """An exception that nobody foresaw may have come after the call: its intent stays open for the sweep."""
    if isinstance(error, OutcomeUnknown | Unsettled | Together):
        return False
    return isinstance(error, ConnectorError | Problems) or type(error).__module__ == "sync.rules.stops"


# --- attempts ---------------------------------------------------------------------------------------------------


def _attempt(drain: Drain, end: _End, bodies: dict[int, bytes]) -> NewAttempt:
    piece, error = end.piece, end.piece.error
    return NewAttempt(
        item_id=piece.item.id,
        lease_token=drain.lease.token,
        started_at=piece.started_at,
        ended_at=dt.datetime.now(dt.UTC),
        outcome=str(end.decision.action if end.decision else _quiet_state(piece)),
        error_class=type(error).__name__ if error else "",
        blamed=_spoken_to(drain, piece) if isinstance(error, _OF_THE_SYSTEM) else "",
        message=_reason(end),
        exchanges=bodies.get(id(piece)),
        profile_revision=None if piece.payload is None else drain.systems.revision or None,
    )


def _reason(end: _End) -> str:
    piece = end.piece
    if end.decision is not None:
        return end.decision.reason
    warnings = joined("; ", (problem.reason for problem in piece.warnings))
    return piece.skipped or piece.waits or warnings or piece.converged


# --- issues and pauses ------------------------------------------------------------------------------------------


def _record_issues(connection: Connection, ends: list[_End]) -> None:
    stops = [
        Stop(end.piece.item.id if end.decision.action is Action.PARK else None, cause, details)
        for end in ends
        if end.decision is not None
        for cause, details in end.decision.causes
    ]
    # What stopped a document before is asked anew each time: only what stops it now stays open.
    restate(connection, [end.piece.item.id for end in ends if not _keeps_causes(end)], stops)


def _keeps_causes(end: _End) -> bool:
    retried = end.decision is not None and end.decision.action is not Action.PARK
    return retried or end.piece.stays_parked


def _pauses(drain: Drain, ends: list[_End]) -> dict[str, Decision]:
    """Connection -> the decision with the longest pause that it needs."""
    longest: dict[str, Decision] = {}
    for end in ends:
        if end.decision is not None and end.decision.pause_s is not None:
            name = _spoken_to(drain, end.piece)
            if name not in longest or (longest[name].pause_s or 0.0) < end.decision.pause_s:
                longest[name] = end.decision
    return dict(sorted(longest.items()))


# --- states -----------------------------------------------------------------------------------------------------


def _quiet_state(piece: Piece) -> ItemState:
    if piece.skipped:
        return ItemState.SKIPPED
    if piece.stays_parked:
        return ItemState.PARKED
    return ItemState.WAITING if piece.waits else ItemState.DONE


def _leave(connection: Connection, drain: Drain, end: _End) -> Leave:
    piece, decision = end.piece, end.decision
    if decision is None:
        state = _quiet_state(piece)
        done = state is ItemState.DONE
        return Leave(
            item=piece.item,
            state=state,
            reason=None if piece.stays_parked else _reason(end),
            done_digest=piece.digest if done else None,
            done_canonical=piece.canonical if done else None,
        )
    looked = decision.action is Action.PARK
    return Leave(
        item=piece.item,
        state=decision.state,
        reason=decision.reason,
        looked=looked,
        due_at=None if looked else _due_at(connection, piece, decision),
        alone=isinstance(piece.error, Together),
        put_off_for=put_off_for(_spoken_to(drain, piece), decision),
    )


def _due_at(connection: Connection, piece: Piece, decision: Decision) -> dt.datetime:
    now = dt.datetime.now(dt.UTC)
    if decision.action is Action.RECONCILE:
        # The database knows best: the intents of this item say when nothing of them can land any more.
        # Where that is over and the look-up itself does not come to an end, not again at once.
        soon = now + dt.timedelta(seconds=outcomes.LATER_S)
        return max([soon, *(intent.settles_at for intent in load_open(connection, [piece.item.id]))])
    seconds = decision.retry_s if decision.retry_s is not None else backoff_s(piece.item.attempts)
    return now + dt.timedelta(seconds=seconds)


def _tell(drain: Drain, end: _End) -> None:
    fields = {
        "channel": drain.systems.channel.name,
        "order": end.piece.item.external_id,
        "outcome": str(end.decision.action if end.decision else _quiet_state(end.piece)),
    }
    if end.decision is not None and end.decision.causes and end.decision.causes[0][0].cause == "internal":
        log.error("order_failed_inside", error=repr(end.piece.error), exc_info=end.piece.error, **fields)
    elif isinstance(end.piece.error, Together):
        log.error("order_failed_with_others", error=repr(end.piece.error.defect), **fields)
    elif isinstance(end.piece.error, ConnectionBroken):
        log.error("connection_broken", error=str(end.piece.error), **fields)
    else:
        log.debug("order_looked_at", reason=_reason(end), **fields)
