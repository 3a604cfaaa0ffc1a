"""Who changed what: the audit, a page at a time or whole."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

from sync.store.audit import AuditEntry, AuditFilter, audit_words, list_audit
from sync.store.engine import Store

_CHUNK = 500


@dataclasses.dataclass(frozen=True, slots=True)
class ActivityPage:
    """A piece of the audit, the newest first, and from where it goes on; None where it does not."""

    entries: list[AuditEntry]
    newer_than: int | None
    older_than: int | None


def activity_page(
    store: Store, which: AuditFilter, *, size: int, below: int | None = None, above: int | None = None
) -> ActivityPage:
    """The newest changes, or those around the id `below` or `above`."""
    # One more than is shown tells whether there is more.
    found = store.read(lambda c: list_audit(c, which, limit=size + 1, below=below, above=above))
    more = len(found) > size
    shown = (found[1:] if above is not None else found[:size]) if more else found
    if not shown:
        return ActivityPage([], None, None)
    newer = more if above is not None else below is not None
    older = True if above is not None else more
    return ActivityPage(shown, shown[0].id if newer else None, shown[-1].id if older else None)


def all_activity(store: Store, which: AuditFilter) -> Iterator[AuditEntry]:
    """Every change that fits, the newest first, read in pieces so that no transaction stays open."""
    below: int | None = None
    while True:
        entries = store.read(functools.partial(list_audit, which=which, limit=_CHUNK, below=below))
        yield from entries
        if len(entries) < _CHUNK:
            return
        below = entries[-1].id


def activity_words(store: Store) -> tuple[list[str], list[str]]:
    """What the filters offer: (actors, actions)."""
    return store.read(audit_words)
