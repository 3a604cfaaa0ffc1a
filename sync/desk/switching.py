"""Pausing and resuming a connection, a channel or everything; each change with its trace, in one transaction."""

from __future__ import annotations

from sqlalchemy import Connection

from config.model import Config
from sync.desk.phrases import say
from sync.store.audit import Actor, record_audit
from sync.store.engine import Store
from sync.store.issues import close_connection_issues
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


def resume_by_hand(store: Store, scope: str, name: str, *, actor: Actor, reason: str = "") -> bool:
    """Go on; False when it was not paused. A connection's own issue is over: the person says that it works."""

    def work(connection: Connection) -> bool:
        before = _reason(connection, scope, name)
        if not resume(connection, scope, name, by=actor.name):
            return False
        if scope == "connection":
            close_connection_issues(connection, name, "connection")
        record_audit(connection, actor, "resume", _subject(scope, name), before=before, reason=reason)
        return True

    return store.write(work)


def _reason(connection: Connection, scope: str, name: str) -> str:
    return next((entry.reason for entry in pauses(connection) if (entry.scope, entry.name) == (scope, name)), "")


def _subject(scope: str, name: str) -> str:
    return f"{scope}:{name}" if name else scope
