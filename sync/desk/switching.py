"""Pausing and resuming a connection, a channel or everything; each change with its trace, in one transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from sqlalchemy import Connection

from config.model import Config
from sync.desk.phrases import say
from sync.store import schedule
from sync.store.audit import Actor, record_audit
from sync.store.engine import Store
from sync.store.issues import close_connection_issues
from sync.store.items import recall
from sync.store.switches import pause, pauses, resume


def scope_of(config: Config, name: str) -> str:
    """What a name means: `connection` or `channel`; `all` without one. Raises LookupError for a name of neither."""
    if not name:
        return "all"
    if name in config.connections:
        return "connection"
    if name in config.channels:
        return "channel"
    known = ", ".join([*sorted(config.connections), *sorted(config.channels)])
    raise LookupError(
        say("there is no connection and no channel %(name)s; configured are: %(known)s", name=repr(name), known=known)
    )


def pause_by_hand(store: Store, scope: str, name: str, *, actor: Actor, reason: str) -> None:
    """Stop `all`, a `connection` or a `channel` until a person ends it; what is under way comes to its end."""

    def work(connection: Connection) -> None:
        before = _reason(connection, scope, name)
        pause(connection, scope, name, reason, by=actor.name)
        record_audit(connection, actor, "pause", _subject(scope, name), before=before, reason=reason)

    store.write(work)


@dataclasses.dataclass(frozen=True, slots=True)
class Resumed:
    """What the end of a pause has done."""

    #: Whether there was a pause at all: a person's, one for a cause, or one that the system asked for.
    ended: bool
    #: Documents that were put off for it and are due now.
    recalled: int = 0
    #: The queue's server is away: what runs now keeps the pause that the system asked for until its time is over.
    unheard: bool = False


#: Ends the pause that a connection asked for in every process; whether there was one, None where nobody can be told.
Lift = Callable[[str], bool | None]


def resume_by_hand(
    store: Store, scope: str, name: str, *, actor: Actor, lift: Lift = lambda _: False, reason: str = ""
) -> Resumed:
    """Go on. A connection's own issue is over: the person says that it works.

    A connection is also asked again where it wanted to be left alone for longer.
    """
    # Before the documents are due again: else a drain could meet the old pause and put them off once more.
    lifted = lift(name) if scope == "connection" else False

    def work(connection: Connection) -> Resumed:
        before = _reason(connection, scope, name)
        ended = resume(connection, scope, name, by=actor.name)
        if not ended and not lifted:
            return Resumed(ended=False, unheard=lifted is None)
        recalled = 0
        if scope == "connection":
            close_connection_issues(connection, name, "connection")
            recalled = recall(connection, name)
            _look_at_once(connection, name)
        record_audit(connection, actor, "resume", _subject(scope, name), before=before, reason=reason)
        return Resumed(ended=True, recalled=recalled, unheard=lifted is None)

    return store.write(work)


def _look_at_once(connection: Connection, name: str) -> None:
    """What has changed there meanwhile need not wait for its turn."""
    for task in (f"pull:{name}", f"follow:{name}"):
        if schedule.exists(connection, task):
            schedule.ask(connection, task)


def _reason(connection: Connection, scope: str, name: str) -> str:
    return next((entry.reason for entry in pauses(connection) if (entry.scope, entry.name) == (scope, name)), "")


def _subject(scope: str, name: str) -> str:
    return f"{scope}:{name}" if name else scope
