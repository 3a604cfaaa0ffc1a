"""Writing down how a batch of articles ended: what the shop shows, attempts, issues, states, under the lease."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import structlog
from sqlalchemy import Connection

from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, Transient
from sync.desk.outcomes import Action, Decision, Place, backoff_s, decide
from sync.flows.stock.converge import oversold
from sync.flows.stock.piece import StockDrain, StockPiece, Waits
from sync.flows.stock.stops import Stopped, oversold_cause
from sync.store import schedule
from sync.store.attempts import NewAttempt, save_attempts
from sync.store.issues import Stop, restate
from sync.store.items import Leave, leave
from sync.store.states import ItemState
from sync.store.stock.issues import close_oversold, has_oversold, open_oversold
from sync.store.stock.items import FULL, mark_stock
from sync.store.stock.shown import save_shown
from sync.work.pausing import put_off_for, rest, tell_rest

log = structlog.get_logger()

#: How long an article waits for the orders that may explain what its shop shows.
ROUND_S: Final = 15.0
_CAUSE: Final = "oversold"


@dataclasses.dataclass(frozen=True, slots=True)
class _End:
    """One piece with what its error means; no decision for one that needs none."""

    piece: StockPiece
    decision: Decision | None


def settle_stock(drain: StockDrain, pieces: Sequence[StockPiece]) -> None:
    """Record the end of every piece. Raises LeaseLost: then the rest is not recorded, and the next owner finds out."""
    ends = [_End(piece, _decide(drain, piece)) for piece in pieces]
    _flag_oversold(drain, pieces)
    away = _longest_pause(ends)
    # Its state, the attempt, and what each place of the shop shows.
    for part in drain.store.pieces(ends, 2 + len(drain.policy.places)):
        drain.write(lambda c, part=part: _record(c, drain, part))  # type: ignore[misc]
    if away is not None:
        name = drain.systems.channel.source
        drain.write(lambda c: rest(c, name, away))
        tell_rest(name, away)
    if any(isinstance(end.piece.error, Waits) for end in ends):
        source = drain.systems.channel.source
        drain.write(lambda c: schedule.ask(c, f"pull:{source}"))
    for end in ends:
        _tell(drain, end)
    drain.progress()


def _decide(drain: StockDrain, piece: StockPiece) -> Decision | None:
    error = piece.error
    if error is None:
        return None
    if isinstance(error, Stopped):
        return Decision(
            action=Action.PARK,
            state=error.state,
            reason=str(error),
            causes=((error.cause, (("", str(error)),)),),
        )
    channel = drain.systems.channel
    # Only the shop is spoken to here: what the ERP's reader raises is written down by itself.
    return decide(error, Place(channel=channel.name, connection=channel.source, attempts=piece.item.attempts))


def _record(connection: Connection, drain: StockDrain, ends: Sequence[_End]) -> None:
    channel = drain.systems.channel.name
    kept = [place.after for end in ends for place in end.piece.places.values() if place.after is not None]
    save_shown(connection, channel, kept)
    save_attempts(connection, [_attempt(drain, end) for end in ends if _is_worth_a_row(end)])
    restate(
        connection,
        [end.piece.item.id for end in ends if _ends_causes(end)],
        [
            Stop(end.piece.item.id if end.decision.action is Action.PARK else None, cause, details)
            for end in ends
            if end.decision is not None
            for cause, details in end.decision.causes
        ],
    )
    unknown = [end.piece.sku for end in ends if isinstance(end.piece.error, OutcomeUnknown)]
    # What it shows by now only a look can tell.
    mark_stock(connection, channel, unknown, (FULL,))
    leave(connection, drain.lease, [_leave(drain, end) for end in ends])


def _is_worth_a_row(end: _End) -> bool:
    """What was written, and what went wrong; that nothing was to be done leaves no trace."""
    if isinstance(end.piece.error, Waits):
        return False
    return end.decision is not None or any(place.wanted is not None for place in end.piece.places.values())


def _ends_causes(end: _End) -> bool:
    return end.decision is None or end.decision.action is Action.PARK


def _attempt(drain: StockDrain, end: _End) -> NewAttempt:
    error = end.piece.error
    return NewAttempt(
        item_id=end.piece.item.id,
        lease_token=drain.lease.token,
        started_at=end.piece.started_at,
        ended_at=dt.datetime.now(dt.UTC),
        outcome=str(end.decision.action if end.decision else _quiet_state(end.piece)),
        error_class=type(error).__name__ if error else "",
        blamed=drain.systems.channel.source if isinstance(error, Transient | ConnectionBroken | OutcomeUnknown) else "",
        message=_reason(end),
    )


def _reason(end: _End) -> str:
    piece = end.piece
    return end.decision.reason if end.decision is not None else piece.skipped or piece.waits or piece.done


def _quiet_state(piece: StockPiece) -> ItemState:
    if piece.skipped:
        return ItemState.SKIPPED
    return ItemState.WAITING if piece.waits else ItemState.DONE


def _leave(drain: StockDrain, end: _End) -> Leave:
    piece, decision = end.piece, end.decision
    if decision is None:
        return Leave(item=piece.item, state=_quiet_state(piece), reason=_reason(end))
    looked = decision.action is Action.PARK
    return Leave(
        item=piece.item,
        state=decision.state,
        reason=decision.reason,
        looked=looked,
        due_at=None if looked else dt.datetime.now(dt.UTC) + dt.timedelta(seconds=_seconds(drain, end)),
        put_off_for=put_off_for(drain.systems.channel.source, decision),
    )


def _seconds(drain: StockDrain, end: _End) -> float:
    """Until the next look."""
    assert end.decision is not None
    if isinstance(end.piece.error, Waits):
        return ROUND_S
    if end.decision.action is Action.RECONCILE:
        return drain.systems.settle_s
    retry_s = end.decision.retry_s
    return backoff_s(end.piece.item.attempts) if retry_s is None else retry_s


# --- more sold than there is ------------------------------------------------------------------------------------


def _flag_oversold(drain: StockDrain, pieces: Sequence[StockPiece]) -> None:
    """One issue for each article of the ERP, with every order that takes of it, whatever channel it came from."""
    erp = drain.systems.channel.erp
    found = oversold(drain, pieces)
    flagged = drain.store.read(lambda c: has_oversold(c, _CAUSE, erp)) if found else frozenset()
    over = {code: missing for code, missing in found.items() if missing}
    enough = sorted(code for code in found.keys() & flagged if code not in over)
    if not over and not enough:
        return
    by_code = {piece.code: piece for piece in pieces}

    def work(connection: Connection) -> None:
        for code, missing in sorted(over.items()):
            _open(connection, erp, by_code[code], missing)
        close_oversold(connection, _CAUSE, erp, enough)

    drain.write(work)


def _open(connection: Connection, erp: str, piece: StockPiece, missing: Decimal) -> None:
    there = sum((level.quantity for level in piece.levels), Decimal(0))
    cause = oversold_cause(erp, piece.code, sold=f"{there + missing:f}", there=f"{there:f}")
    takers: Mapping[int, str] = {
        line.item_id: f"{line.number} ({line.channel}) takes {line.quantity:f}" for line in piece.lines
    }
    open_oversold(connection, cause, sorted(takers.items()))


# --- pauses -----------------------------------------------------------------------------------------------------


def _longest_pause(ends: Sequence[_End]) -> Decision | None:
    asked = [end.decision for end in ends if end.decision is not None and end.decision.pause_s is not None]
    return max(asked, default=None, key=lambda decision: decision.pause_s or 0.0)


def _tell(drain: StockDrain, end: _End) -> None:
    fields = {
        "channel": drain.systems.channel.name,
        "sku": end.piece.sku,
        "outcome": str(end.decision.action if end.decision else _quiet_state(end.piece)),
    }
    if end.decision is not None and end.decision.causes and end.decision.causes[0][0].cause == "internal":
        log.error("stock_failed_inside", error=repr(end.piece.error), exc_info=end.piece.error, **fields)
    else:
        log.debug("stock_looked_at", reason=_reason(end), **fields)
