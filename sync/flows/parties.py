"""Making what is missing of the customers of a batch: a write like any other, one at a time per match key."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from connectors.kit.base import JsonDict
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
from mappings.canonical.errors import Problems
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from sync.flows.context import Drain, Permit
from sync.flows.piece import Piece, guarded
from sync.rules.matching import judged
from sync.rules.stops import Later, NotSent, Unsettled
from sync.store.intents import Intent, Wanted, close_by_outcome

#: A batch may hold several orders of one customer with as many new addresses: one write each.
_ROUNDS = 4


@dataclasses.dataclass(slots=True)
class _Write:
    """One party write: what several pieces may wait for."""

    ref: Ref
    payload: JsonDict
    pieces: list[Piece]
    intent: int = 0
    value: JsonDict | None = None
    error: Exception | None = None
    #: What the intent is closed with where nothing went wrong.
    outcome: str = "done"

    @property
    def ended(self) -> bool:
        """Whether there is nothing to be sent for it."""
        return self.value is not None or self.error is not None


def make(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Until nothing is missing of any piece's party, or it cannot be made."""
    known = [piece for piece in pieces if piece.binding is None and piece.document is None]
    # An edited order may be sent to an address that its party does not have yet.
    waiting = [*known, *(piece for piece in pieces if piece.edited_from is not None)]
    _reconcile(drain, waiting)
    for _ in range(_ROUNDS):
        writes = _missing(drain, [piece for piece in waiting if not piece.ended])
        if not writes:
            return
        _write_all(drain, writes)
    for write in _missing(drain, [piece for piece in waiting if not piece.ended]):
        for piece in write.pieces:
            piece.error = Later(say("more of this customer's addresses are to be made first"))


def _missing(drain: Drain, pieces: Sequence[Piece]) -> list[_Write]:
    writes: dict[Ref, _Write] = {}
    for piece in pieces:
        ref = piece.party_ref
        if ref is None or piece.order is None:
            continue
        payload = None
        with guarded(piece):
            payload = drain.mapping.party(piece.order, piece.resolved, drain.systems.target_options)
        if payload is None:
            continue
        if ref in writes:
            writes[ref].pieces.append(piece)
        else:
            writes[ref] = _Write(ref, payload, [piece])
    return list(writes.values())


def _write_all(drain: Drain, writes: Sequence[_Write]) -> None:
    begun = time.monotonic()
    ids = drain.announce([Wanted(write.pieces[0].item.id, "party", "create", write.ref.value) for write in writes])
    for write in writes:
        if write.ref.value in ids:
            write.intent = ids[write.ref.value]
        else:
            _fail(write, Later(say("this customer is being made by another order")))
    free = [write for write in writes if write.error is None]
    permit = Permit(drain, begun + drain.systems.start_s)
    if free and not drain.target.keys["party"].enforced:
        _look_again(drain, free)
    drain.window(lambda write: _write_one(drain, permit, write), [write for write in free if not write.ended])
    _close(drain, free)


def _look_again(drain: Drain, writes: Sequence[_Write]) -> None:
    """From the intents on nobody else makes these parties; between our first look and them, somebody may have."""
    try:
        answers = drain.resolve(write.ref for write in writes)
    except ConnectorError as error:
        for write in writes:
            write.error = error
        return
    for write in writes:
        first = write.pieces[0]
        if write.ref not in answers or first.order is None:
            continue
        options = drain.systems.target_options
        answer = judged(first.order, answers[write.ref], trust_email=options.trust_email)
        try:
            payload = drain.mapping.party(first.order, {**first.resolved, write.ref: answer}, options)
        except Problems:
            # The next look asks a person.
            write.error = Later(say("by now several customers of the ERP match; it is looked at again"))
            continue
        if payload is None:
            write.value = answers[write.ref]
            write.outcome = "found"
        else:
            write.payload = payload


def _write_one(drain: Drain, permit: Permit, write: _Write) -> None:
    with capture() as exchanges:
        try:
            with writes_need(permit.demand):
                write.value = drain.save_party(write.payload)
        except AlreadyExists:
            # Somebody else made it under our key: the next look finds it.
            write.value = None
        except (ConnectorError, NotSent) as error:
            write.error = error
            if isinstance(error, Transient | ConnectionBroken):
                drain.away.set()
        except Exception as error:  # noqa: BLE001 - the border around one customer; parked loudly, its intent stays open
            write.error = error
    for piece in write.pieces:
        piece.exchanges.extend(exchanges)


def _close(drain: Drain, writes: Sequence[_Write]) -> None:
    outcomes: dict[str, list[int]] = {}
    for write in writes:
        if isinstance(write.error, OutcomeUnknown):
            _fail(write, Unsettled(str(write.error)))
            continue
        if write.error is not None and not isinstance(write.error, ConnectorError | NotSent | Later):
            # It may have come after the call: the intent stays open until somebody has looked.
            _fail(write, write.error)
            continue
        if write.error is None:
            outcome = write.outcome
        elif isinstance(write.error, RecordRejected):
            outcome = "refused"
        else:
            outcome = "not_sent"
        outcomes.setdefault(outcome, []).append(write.intent)
        if write.error is not None:
            _fail(write, write.error)
    drain.write(lambda c: close_by_outcome(c, outcomes))
    _refresh(drain, [write for write in writes if write.error is None])


def _refresh(drain: Drain, writes: Sequence[_Write]) -> None:
    again = [write.ref for write in writes if write.value is None]
    if again:
        try:
            answers = drain.resolve(again)
        except ConnectorError as error:
            for write in writes:
                if write.value is None:
                    _fail(write, error)
            answers = {}
        for write in writes:
            found = answers.get(write.ref, {})
            write.value = write.value or (found if found.get("id") is not None else None)
    for write in writes:
        if write.error is not None:
            continue
        for piece in write.pieces:
            if write.value is not None:
                piece.resolved[write.ref] = write.value
            else:
                piece.error = Later(say("the ERP has this customer's key, but does not show the customer yet"))


def _fail(write: _Write, error: Exception) -> None:
    """A broken connection or a customer that cannot be made stops every order that waited for it."""
    write.error = error
    for piece in write.pieces:
        piece.error = error


def _reconcile(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Party writes of these items whose outcome nobody knows: found is conclusive, absent only when settled."""
    for piece in pieces:
        open_ones = [intent for intent in piece.open if intent.kind == "party"]
        if not open_ones or piece.order is None:
            continue
        ref = piece.party_ref
        present = ref is not None and ref in piece.resolved
        complete = present and _complete(drain, piece)
        for intent in open_ones:
            _reconcile_one(drain, piece, intent, complete=complete)


def _complete(drain: Drain, piece: Piece) -> bool:
    assert piece.order is not None
    try:
        return drain.mapping.party(piece.order, piece.resolved, drain.systems.target_options) is None
    except Problems:
        return False


def _reconcile_one(drain: Drain, piece: Piece, intent: Intent, *, complete: bool) -> None:
    if complete or intent.settled:
        outcome = "found" if complete else "absent"
        drain.write(lambda c: close_by_outcome(c, {outcome: [intent.id]}))
        piece.open.remove(intent)
    else:
        piece.error = Unsettled(say("the customer may have been made; it is looked up again"), intent.settles_at)
