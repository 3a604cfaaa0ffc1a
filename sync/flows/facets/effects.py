"""One write of a facet, kept single: a refund, a payment, a parcel told to the shop, a changed state.

in doubt? -> look it up; may it still land, wait -> else intent, commit -> call -> write down what was made, at once
not trusted? -> look it up; it may have been made, and our database be older than that

The order's owner carries them out one after the other, in the order that the documents need; the sale itself goes in
batches (`sync.flows.sales`).
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from connectors.kit.errors import (
    AlreadyExists,
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RecordRejected,
    Transient,
)
from connectors.kit.exchanges import capture
from connectors.kit.permits import writes_need
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.words import say
from sync.flows.context import Drain, Permit
from sync.flows.piece import Piece
from sync.rules.stops import Held, Later, NotSent, Unsettled
from sync.rules.systems import Side
from sync.store.documents import Seen, save_made
from sync.store.intents import ASSUMED, UNDECIDED, Intent, Wanted, close_by_outcome, last_outcome


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """The document of the other system from which something is made."""

    document_id: int
    digest: str
    #: Keys of what else is made from it and stays: an order that is divided has a credit for each part.
    beside: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What is to be written, and how it is found again.

    `find` and `send` answer what stands in the other system; `find` answers None where nothing does. Both raise what
    the connector raises.
    """

    kind: str
    key: str
    side: Side
    #: What people call it: `the credit note of refund 17`.
    name: str
    find: Callable[[], Seen | None]
    send: Callable[[], Seen]
    #: `create`, `update`, `cancel`.
    action: str = "create"
    #: What it is made from; None for what leaves no document of its own (a changed state).
    origin: Origin | None = None
    #: It cannot be taken back, and nothing over there refuses a second one: after a doubt that finds nothing, a person
    #: decides (design section 5, step 8).
    once: bool = False
    #: `after_import.resend` counts for it: it is a mail. Money is never sent again without a person's word.
    mail: bool = True
    #: What is remembered where a person says that it was sent, though nothing over there shows it.
    assumed: Seen | None = None


def carry_out(drain: Drain, piece: Piece, effect: Effect) -> Seen:
    """What stands in the other system afterwards, found or made.

    Raises Unsettled, OutcomeUnknown (it may have happened), Later, NotSent, Transient, ConnectionBroken (it did not),
    RecordRejected and Held (a person has to see to it).
    """
    piece.owner.speaks_to = effect.side.connection
    with capture() as exchanges:
        try:
            return _found(drain, piece, effect) or _sent(drain, piece, effect)
        except (Transient, ConnectionBroken):
            _away(drain, effect.side).set()
            raise
        finally:
            piece.exchanges.extend(exchanges)


def _away(drain: Drain, side: Side) -> threading.Event:
    return drain.away if side.connection == drain.systems.channel.erp else drain.shop_away


def doubts_of(piece: Piece, kind: str, key: str) -> list[Intent]:
    """Open intents of earlier tries at one document."""
    return [intent for intent in piece.open if (intent.kind, intent.key) == (kind, key)]


def _found(drain: Drain, piece: Piece, effect: Effect) -> Seen | None:
    """How earlier tries ended; None where there were none, or where they came to nothing and it may be sent."""
    doubts = doubts_of(piece, effect.kind, effect.key)
    if not doubts:
        return (_decided(drain, piece, effect) if effect.once else None) or _forgotten(drain, piece, effect)
    found = effect.find()
    unsettled = [intent for intent in doubts if not intent.settled]
    if found is None and unsettled:
        told = say("%(what)s may have been made; it is looked up again", what=effect.name)
        raise Unsettled(told, unsettled[-1].settles_at)
    if found is None and effect.once and not _resends(drain, effect):
        _close(drain, piece, effect, UNDECIDED, None)
        raise Held([_lost(effect)])
    _close(drain, piece, effect, "absent" if found is None else "found", found)
    return found


def _forgotten(drain: Drain, piece: Piece, effect: Effect) -> Seen | None:
    """What stands there though we know of no try: our database may be older than the other system."""
    if drain.trusts(piece.order):
        return None
    found = effect.find()
    if found is not None:
        _keep(drain, effect, found, "found", [])
    return found


def _decided(drain: Drain, piece: Piece, effect: Effect) -> Seen | None:
    """What a person has said of an earlier try whose outcome nobody knows; None where it may be sent.

    The word stands at that very try, so that it never answers for a later one. Raises Held while there is none.
    """
    item_id = piece.item.id
    last = drain.store.read(lambda c: last_outcome(c, item_id, effect.kind, effect.key))
    if last not in {UNDECIDED, ASSUMED} or _resends(drain, effect):
        return None
    found = effect.find() or (effect.assumed if last == ASSUMED else None)
    if found is None:
        raise Held([_lost(effect)])
    _keep(drain, effect, found, "found", [])
    return found


def _resends(drain: Drain, effect: Effect) -> bool:
    return effect.mail and drain.systems.channel.after_import.resend


def _lost(effect: Effect) -> Problem:
    return Problem(
        cause="unknown_outcome",
        path="",
        reason=say(
            "nobody knows whether %(what)s was sent, and %(where)s does not show it",
            what=effect.name,
            where=effect.side.connection,
        ),
        subject=effect.kind,
        next_step=say(
            "look in %(where)s for it; if it was sent approve, else send it again (`crossdock retry --resend`)",
            where=effect.side.connection,
        ),
    )


def _sent(drain: Drain, piece: Piece, effect: Effect) -> Seen:
    begun = time.monotonic()
    ids = drain.announce([Wanted(piece.item.id, effect.kind, effect.action, effect.key)], side=effect.side)
    if effect.key not in ids:
        raise Later(say("%(what)s is being written by another drain", what=effect.name))
    permit = Permit(drain, begun + effect.side.deadline_s, effect.side)
    intent, calls = ids[effect.key], 0

    def demand() -> None:
        nonlocal calls
        permit.demand()
        calls += 1

    try:
        permit.demand()
        made = _begun(demand, effect)
    except Exception as error:
        # What nobody foresaw may have come after the call: that intent stays open, and the sweep looks it up. What the
        # document lacks shows while it is made, and before its first call.
        outcome = outcome_of(error) or ("not_sent" if isinstance(error, Problems) and not calls else "")
        if outcome:
            drain.write(lambda c: close_by_outcome(c, {outcome: [intent]}))
        raise
    _keep(drain, effect, made, "done", [intent])
    return made


def _begun(demand: Callable[[], None], effect: Effect) -> Seen:
    """A write may need several calls; where the time ran out between two, nobody is told what the first did."""
    try:
        with writes_need(demand):
            return effect.send()
    except NotSent as error:
        told = say("%(what)s was begun, and not brought to its end: %(why)s", what=effect.name, why=error)
        raise Unsettled(told) from error
    except AlreadyExists:
        # An earlier write of ours has the key: what stands there is the document.
        found = effect.find()
        if found is None:
            raise
        return found


def outcome_of(error: Exception) -> str:
    """How a write ended that raised `error`; empty while nobody knows."""
    if isinstance(error, OutcomeUnknown | Unsettled):
        return ""
    if isinstance(error, RecordRejected | Held):
        return "refused"
    # Transient, ConnectionBroken and our own stops promise that nothing was written.
    return "not_sent" if isinstance(error, ConnectorError | NotSent | Later) else ""


def _close(drain: Drain, piece: Piece, effect: Effect, outcome: str, found: Seen | None) -> None:
    doubts = doubts_of(piece, effect.kind, effect.key)
    _keep(drain, effect, found, outcome, [intent.id for intent in doubts])
    piece.open[:] = [intent for intent in piece.open if intent not in doubts]


def _keep(drain: Drain, effect: Effect, made: Seen | None, outcome: str, intents: Sequence[int]) -> None:
    """What was made and how its intents ended, in one transaction."""

    def write(connection: Connection) -> None:
        if made is not None and effect.origin is not None:
            origin = effect.origin
            save_made(connection, made, origin.document_id, origin.digest, beside=origin.beside)
        close_by_outcome(connection, {outcome: list(intents)})

    drain.write(write)
