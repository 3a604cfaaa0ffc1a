"""From an error to what happens next: RETRY, RECONCILE, PARK or PAUSE. This is the only such table.

| error | action | the document | the connection |
|---|---|---|---|
| `RateLimited` | RETRY | ready again when the other system says, or a person | slows down: paused until then |
| `Transient` | RETRY | ready again after a pause; no attempt is burned | paused for a moment, then one batch probes |
| `ConnectionBroken` | PAUSE | ready, waits | paused until a person has acted; an issue |
| `OutcomeUnknown`, `Unsettled` | RECONCILE | looked up when it can no longer land | |
| `NotSent`, `Later`, `DatabaseBusy` | RETRY | ready again at once, or in a moment | |
| `Together` | RETRY | the same, alone; what it began is looked up first | |
| `Held` | PARK (held) | one issue per cause; released by a person or the fixed cause | |
| `Stopped` | PARK (as it says) | an article or a customer; one issue, released as those of `Held` | |
| `Problems` | PARK (parked) | the same, for what cannot even be read | |
| `Locked` | PARK (held) | one issue; news of the other system, or a person, releases it | |
| `RecordRejected` | PARK (parked) | an issue with the other system's own words | |
| anything else | PARK, loudly | an issue `internal`; a write of it is looked up by the sweep | |
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Callable
from typing import Final

from connectors.kit.errors import (
    ConnectionBroken,
    ConnectorError,
    Locked,
    OutcomeUnknown,
    RateLimited,
    RecordRejected,
    Transient,
)
from mappings.canonical.errors import Problem, Problems
from sync.desk.phrases import Phrase, joined, say
from sync.desk.spans import span_shown
from sync.rules.refusals import locked, refusal_of
from sync.rules.stops import Held, Later, NotSent, Stopped, Together, Unsettled
from sync.store.engine import DatabaseBusy
from sync.store.issues import Cause
from sync.store.states import ItemState

#: How long a connection rests after it was away, in seconds; then one batch probes it.
PROBE_S = 15.0
#: How long a document waits for something that is under way elsewhere.
LATER_S = 1.0
#: Back-off of a document's own retries, in seconds.
_BACKOFF_S = (5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)


class Action(enum.StrEnum):
    """What happens next with a document."""

    RETRY = "retry"
    RECONCILE = "reconcile"
    PARK = "park"
    PAUSE = "pause"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an error means."""

    action: Action
    state: ItemState
    reason: str
    #: Seconds until the document is ready again; None where its own time says.
    retry_s: float | None = None
    #: What stops it, with (path, reason) of this document; one issue each.
    causes: tuple[tuple[Cause, tuple[tuple[str, str], ...]], ...] = ()
    #: The connection rests this long; infinity means until a person ends it.
    pause_s: float | None = None
    #: The other system asked for that time; else we guess when it is back.
    asked: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an error happened, for the words and the fingerprint of its issue."""

    channel: str
    #: The connection that was spoken to, where it was one.
    connection: str
    attempts: int = 0
    #: How far the document had come: `read`, `write`, `after` (it stands in the target), `stock`, `crm`; or nothing.
    step: str = ""


def decide(error: Exception, place: Place) -> Decision:
    """What the error means for its document and its connection."""
    for kinds, rule in _TABLE:
        if isinstance(error, kinds):
            return rule(error, place)
    return _internal(error, place)


def backoff_s(attempts: int) -> float:
    """Seconds until the next try after `attempts` tries."""
    return _BACKOFF_S[min(max(attempts - 1, 0), len(_BACKOFF_S) - 1)]


def _rate_limited(error: Exception, place: Place) -> Decision:
    assert isinstance(error, RateLimited)
    return Decision(
        action=Action.RETRY,
        state=ItemState.READY,
        reason=_slowed(error, place.connection),
        retry_s=error.retry_after_s,
        pause_s=error.retry_after_s,
        asked=error.code != RateLimited.OWN_RATE,
    )


def _slowed(error: RateLimited, connection: str) -> Phrase:
    """Who wants the pause, and what ends it. The length is as it was named: until when says who shows it."""
    if error.code == RateLimited.OWN_RATE:
        return say("%(connection)s is used as fast as its configuration allows", connection=connection)
    values = {"connection": connection, "time": span_shown(error.retry_after_s)}
    if error.asked_s is not None and error.asked_s > error.retry_after_s:
        return say(
            "%(connection)s asked us to wait %(asked)s, which is longer than we do: it is tried again after %(time)s; "
            "`crossdock resume %(connection)s` ends the pause now",
            asked=span_shown(error.asked_s),
            **values,
        )
    return say(
        "%(connection)s asked us to wait %(time)s; `crossdock resume %(connection)s` ends the pause now", **values
    )


def _transient(error: Exception, place: Place) -> Decision:
    return Decision(
        action=Action.RETRY,
        state=ItemState.READY,
        reason=say(
            "%(connection)s is away (%(error)s); tried again by itself", connection=place.connection, error=error
        ),
        retry_s=PROBE_S,
        pause_s=PROBE_S,
    )


def _broken(error: Exception, place: Place) -> Decision:
    assert isinstance(error, ConnectorError)
    cause = Cause(
        cause="connection",
        subject=error.code,
        connection=place.connection,
        code=error.code,
        title=say("%(connection)s is paused: %(error)s", connection=place.connection, error=error),
        next_step=say(
            "check the credentials, rights and address of %(name)s, then `crossdock resume %(name)s`",
            name=place.connection,
        ),
        owner="integrator",
    )
    return Decision(
        action=Action.PAUSE,
        state=ItemState.READY,
        reason=say("waits for %(connection)s: %(error)s", connection=place.connection, error=error),
        retry_s=0.0,
        causes=((cause, ()),),
        pause_s=float("inf"),
    )


def _unknown(error: Exception, place: Place) -> Decision:
    return Decision(
        action=Action.RECONCILE,
        state=ItemState.RECONCILE,
        reason=say(
            "a write to %(connection)s may have happened (%(error)s); it is looked up before any other",
            connection=place.connection,
            error=error,
        ),
    )


def _again(error: Exception, place: Place) -> Decision:  # noqa: ARG001 - all rules have one shape
    return Decision(action=Action.RETRY, state=ItemState.READY, reason=str(error), retry_s=LATER_S)


def _rejected(error: Exception, place: Place) -> Decision:
    assert isinstance(error, RecordRejected)
    text = str(error)
    cause = _refusal(place, text, error.code, refusal_of(error))
    return Decision(action=Action.PARK, state=ItemState.PARKED, reason=text, causes=((cause, ((error.field, text),)),))


def _locked(error: Exception, place: Place) -> Decision:
    assert isinstance(error, Locked)
    return _parked((locked(error),), place, ItemState.HELD)


def _refusal(place: Place, text: str, code: str, subject: str) -> Cause:
    return Cause(
        cause="rejected",
        subject=subject,
        channel=place.channel,
        connection=place.connection,
        title=say("%(connection)s refuses: %(text)s", connection=place.connection, text=text),
        next_step=say("correct what the ERP names (its article, customer or the order), then retry"),
        step=place.step,
        code=code,
    )


def _problems(error: Exception, place: Place) -> Decision:
    assert isinstance(error, Problems)
    return _parked(error.problems, place, ItemState.PARKED)


def _held(error: Exception, place: Place) -> Decision:
    assert isinstance(error, Held)
    return _parked(error.problems, place, ItemState.HELD)


def _parked(problems: tuple[Problem, ...], place: Place, state: ItemState) -> Decision:
    grouped: dict[str, tuple[Cause, list[tuple[str, str]]]] = {}
    for problem in problems:
        cause = _cause(problem, place)
        grouped.setdefault(cause.fingerprint, (cause, []))[1].append((problem.path, problem.reason))
    return Decision(
        action=Action.PARK,
        state=state,
        reason=joined("; ", (problem.reason for problem in problems)),
        causes=tuple((cause, tuple(details)) for cause, details in grouped.values()),
    )


def _cause(problem: Problem, place: Place) -> Cause:
    if problem.cause == "rejected":
        # One of several that stopped an order: the same issue as if it had stopped it alone.
        return _refusal(
            place, problem.reason, problem.subject, refusal_of(RecordRejected(problem.reason, code=problem.subject))
        )
    subject = problem.subject or (problem.path if problem.cause == "mapping" else "")
    title = (problem.title or problem.reason) if problem.subject else problem.cause.replace("_", " ")
    return Cause(
        cause=problem.cause,
        subject=re.sub(r"\[\d+\]", "[]", subject),
        channel=place.channel,
        title=title,
        next_step=problem.next_step or say("correct the order in the shop, or the mapping, then retry"),
        owner="integrator" if problem.cause in {"mapping", "no_profile", "unmapped", "totals_mismatch"} else "business",
    )


def _stopped(error: Exception, place: Place) -> Decision:  # noqa: ARG001 - all rules have one shape
    assert isinstance(error, Stopped)
    reason = str(error)
    return Decision(action=Action.PARK, state=error.state, reason=reason, causes=((error.cause, (("", reason),)),))


def _internal(error: Exception, place: Place) -> Decision:
    kind = type(error).__name__
    cause = Cause(
        cause="internal",
        subject=kind,
        channel=place.channel,
        step=place.step,
        title=say("Crossdock itself failed (%(kind)s); this is a defect, please report it", kind=kind),
        next_step=say("report the log entry of this order, then retry"),
    )
    return Decision(
        action=Action.PARK,
        state=ItemState.PARKED,
        reason=say("internal error: %(kind)s: %(error)s", kind=kind, error=error),
        causes=((cause, ()),),
    )


_Rule = Callable[[Exception, Place], Decision]
#: First match wins: the narrower class stands first.
_TABLE: Final[tuple[tuple[tuple[type[Exception], ...], _Rule], ...]] = (
    ((RateLimited,), _rate_limited),
    ((Transient,), _transient),
    ((ConnectionBroken,), _broken),
    ((OutcomeUnknown, Unsettled), _unknown),
    ((NotSent, Later, DatabaseBusy, Together), _again),
    ((Locked,), _locked),
    ((RecordRejected,), _rejected),
    ((Held,), _held),
    ((Problems,), _problems),
    ((Stopped,), _stopped),
)
