"""How what was claimed ends: its state, its attempt, its causes, and the rest that a connection needs.

The same for articles and customers; orders have more to say (`sync.work.settle`) and share what fits.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import orjson

from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, Transient
from sync.desk.outcomes import Action, Decision, backoff_s
from sync.store.attempts import NewAttempt
from sync.store.bodies import pack
from sync.store.issues import Stop
from sync.store.items import Item, Leave
from sync.store.leases import Lease
from sync.store.states import ItemState
from sync.work.pausing import put_off_for


class Ended(Protocol):
    """One claimed item that has ended: with an error, or with the words of one of the other three."""

    item: Item
    error: Exception | None
    done: str
    skipped: str
    waits: str
    started_at: dt.datetime


class Carries(Protocol):
    """What keeps what went over the wire for it, redacted; shared by those of a bulk call."""

    exchanges: list[Any]


P = TypeVar("P", bound=Ended)


@dataclasses.dataclass(frozen=True, slots=True)
class End(Generic[P]):
    """One piece with what its error means; no decision for one that needs none."""

    piece: P
    decision: Decision | None

    @property
    def reason(self) -> str:
        """In plain words."""
        piece = self.piece
        return self.decision.reason if self.decision is not None else piece.skipped or piece.waits or piece.done

    @property
    def quiet_state(self) -> ItemState:
        """Of one without a decision."""
        if self.piece.skipped:
            return ItemState.SKIPPED
        return ItemState.WAITING if self.piece.waits else ItemState.DONE

    @property
    def outcome(self) -> str:
        """As its attempt says it."""
        return str(self.decision.action if self.decision else self.quiet_state)

    @property
    def ends_causes(self) -> bool:
        """What stopped it before is asked anew: only what stops it now stays open."""
        return self.decision is None or self.decision.action is Action.PARK

    @property
    def stops(self) -> list[Stop]:
        """The issues in which it stands from now on."""
        if self.decision is None:
            return []
        item = self.piece.item.id if self.decision.action is Action.PARK else None
        return [Stop(item, cause, details) for cause, details in self.decision.causes]


def attempt_of(end: End[P], lease: Lease, connection: str, exchanges: bytes | None = None) -> NewAttempt:
    """The try; `connection` is the one that was spoken to."""
    error = end.piece.error
    return NewAttempt(
        item_id=end.piece.item.id,
        lease_token=lease.token,
        started_at=end.piece.started_at,
        ended_at=dt.datetime.now(dt.UTC),
        outcome=end.outcome,
        error_class=type(error).__name__ if error else "",
        blamed=connection if isinstance(error, Transient | ConnectionBroken | OutcomeUnknown) else "",
        message=end.reason,
        exchanges=exchanges,
    )


def leave_of(end: End[P], connection: str, *, settle_s: float, later_s: float | None = None) -> Leave:
    """How it is left. `settle_s` is when a write without an outcome can no longer land; `later_s` its own time."""
    piece, decision = end.piece, end.decision
    if decision is None:
        return Leave(item=piece.item, state=end.quiet_state, reason=end.reason)
    looked = decision.action is Action.PARK
    seconds = _seconds(piece.item, decision, settle_s) if later_s is None else later_s
    return Leave(
        item=piece.item,
        state=decision.state,
        reason=decision.reason,
        looked=looked,
        due_at=None if looked else dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds),
        put_off_for=put_off_for(connection, decision),
    )


def _seconds(item: Item, decision: Decision, settle_s: float) -> float:
    if decision.action is Action.RECONCILE:
        return settle_s
    return backoff_s(item.attempts) if decision.retry_s is None else decision.retry_s


def longest_pause(ends: Iterable[End[P]]) -> Decision | None:
    """The decision with the longest pause that their connection needs."""
    asked = [end.decision for end in ends if end.decision is not None and end.decision.pause_s is not None]
    return max(asked, default=None, key=lambda decision: decision.pause_s or 0.0)


def pack_exchanges(pieces: Sequence[Carries]) -> dict[int, bytes]:
    """id(piece) -> packed exchanges; the pieces of one bulk call share one body."""
    packed: dict[tuple[int, ...], bytes] = {}
    found: dict[int, bytes] = {}
    for piece in pieces:
        if not piece.exchanges:
            continue
        key = tuple(id(exchange) for exchange in piece.exchanges)
        if key not in packed:
            packed[key] = pack(orjson.dumps(piece.exchanges, default=str))
        found[id(piece)] = packed[key]
    return found
