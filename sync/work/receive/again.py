"""Unreadable deliveries of a system that cannot be asked, read once more when its options say what they mean."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from connectors.kit.base import ReadsAgain
from sync.store.audit import Actor, record_audit
from sync.store.bodies import unpack
from sync.store.engine import Store
from sync.store.inbox import ItemKey, NewEvent, record_events
from sync.store.issues import close_connection_issues
from sync.store.unreadable import Unreadable, count_unreadable, drop_events, list_unreadable
from sync.work.receive.receipts import make_events

#: Deliveries of one transaction.
_BATCH = 32
_CAUSE = "unreadable_delivery"


@dataclasses.dataclass(frozen=True, slots=True)
class ReadAgain:
    """What came of it."""

    #: Deliveries that could be read now, those that were given up, and those that still cannot be read.
    read: int
    given_up: int
    left: int
    #: What is to be looked at.
    marked: Sequence[ItemKey]


def read_again(
    store: Store, connector: ReadsAgain, name: str, channels: Sequence[str], *, discard: bool, actor: Actor
) -> ReadAgain:
    """Store the orders of what can be read now; each counts as come when its delivery came.

    The issue is closed where nothing is left; `discard` drops what still cannot be read, so that nothing is.
    """
    after = read = given_up = 0
    marked: list[ItemKey] = []
    while kept := store.read(lambda c, after=after: list_unreadable(c, name, after=after, limit=_BATCH)):  # type: ignore[misc]  # of a lambda with a default
        after = kept[-1].id
        made = {each.id: _events(connector, name, each) for each in kept}
        good = {event_id: rows for event_id, rows in made.items() if not any(row.problem for row in rows)}
        read += len(good)
        if good:
            marked += store.write(lambda c, good=good: _save(c, name, channels, good))  # type: ignore[misc]  # as above
        if discard and (bad := sorted(made.keys() - good.keys())):
            given_up += len(bad)
            store.write(lambda c, bad=bad: drop_events(c, bad))  # type: ignore[misc]  # as above

    def finish(c: Connection) -> int:
        left = count_unreadable(c, name)
        if not left:
            close_connection_issues(c, name, _CAUSE)
        record_audit(
            c, actor, "read again", f"connection:{name}", after=f"{read} read, {left} left, {given_up} given up"
        )
        return left

    return ReadAgain(read, given_up, store.write(finish), sorted(set(marked)))


def _events(connector: ReadsAgain, name: str, kept: Unreadable) -> list[NewEvent]:
    """None where it is about nothing that is read: it is done with then."""
    body = unpack(kept.body)
    return list(make_events(name, connector.read_again(kept.topic, body), body, kept.received_at))


def _save(
    c: Connection, name: str, channels: Sequence[str], good: Mapping[int, Sequence[NewEvent]]
) -> Sequence[ItemKey]:
    rows = sorted((row for rows in good.values() for row in rows), key=lambda row: row.external_id or "")
    drop_events(c, list(good))
    return record_events(c, rows, {name: channels}) if rows else []
