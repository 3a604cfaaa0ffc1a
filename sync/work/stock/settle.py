"""Writing down how a batch of articles ended: what the shop shows, attempts, issues, states, under the lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import structlog
from sqlalchemy import Connection

from connectors.kit.errors import OutcomeUnknown
from sync.desk.outcomes import Decision, Place, decide
from sync.flows.stock.converge import oversold
from sync.flows.stock.piece import StockDrain, StockPiece, Waits
from sync.flows.stock.stops import oversold_cause
from sync.store import schedule
from sync.store.attempts import save_attempts
from sync.store.issues import restate
from sync.store.items import leave
from sync.store.stock.issues import close_oversold, has_oversold, open_oversold
from sync.store.stock.items import FULL, mark_stock
from sync.store.stock.shown import save_shown
from sync.work.ending import End, attempt_of, leave_of, longest_pause
from sync.work.pausing import rest, tell_rest

log = structlog.get_logger()

#: How long an article waits for the orders that may explain what its shop shows.
ROUND_S: Final = 15.0
_CAUSE: Final = "oversold"


def settle_stock(drain: StockDrain, pieces: Sequence[StockPiece]) -> None:
    """Record the end of every piece. Raises LeaseLost: then the rest is not recorded, and the next owner finds out."""
    ends = [End(piece, _decide(drain, piece)) for piece in pieces]
    _flag_oversold(drain, pieces)
    away = longest_pause(ends)
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
    channel = drain.systems.channel
    # Only the shop is spoken to here: what the ERP's reader raises is written down by itself.
    return decide(error, Place(channel=channel.name, connection=channel.source, attempts=piece.item.attempts))


def _record(connection: Connection, drain: StockDrain, ends: Sequence[End[StockPiece]]) -> None:
    channel = drain.systems.channel.name
    kept = [place.after for end in ends for place in end.piece.places.values() if place.after is not None]
    save_shown(connection, channel, kept)
    shop = drain.systems.channel.source
    save_attempts(connection, [attempt_of(end, drain.lease, shop) for end in ends if _is_worth_a_row(end)])
    restate(
        connection,
        [end.piece.item.id for end in ends if end.ends_causes],
        [stop for end in ends for stop in end.stops],
    )
    unknown = [end.piece.sku for end in ends if isinstance(end.piece.error, OutcomeUnknown)]
    # What it shows by now only a look can tell.
    mark_stock(connection, channel, unknown, (FULL,))
    leave(
        connection,
        drain.lease,
        [leave_of(end, shop, settle_s=drain.systems.settle_s, later_s=_round_s(end)) for end in ends],
    )


def _is_worth_a_row(end: End[StockPiece]) -> bool:
    """What was written, and what went wrong; that nothing was to be done leaves no trace."""
    if isinstance(end.piece.error, Waits):
        return False
    return end.decision is not None or any(place.wanted is not None for place in end.piece.places.values())


def _round_s(end: End[StockPiece]) -> float | None:
    """An article that waits for orders has a time of its own."""
    return ROUND_S if isinstance(end.piece.error, Waits) else None


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


def _tell(drain: StockDrain, end: End[StockPiece]) -> None:
    fields = {
        "channel": drain.systems.channel.name,
        "sku": end.piece.sku,
        "outcome": end.outcome,
    }
    if end.decision is not None and end.decision.causes and end.decision.causes[0][0].cause == "internal":
        log.error("stock_failed_inside", error=repr(end.piece.error), exc_info=end.piece.error, **fields)
    else:
        log.debug("stock_looked_at", reason=end.reason, **fields)
