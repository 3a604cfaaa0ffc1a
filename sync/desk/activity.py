"""Who changed what: the audit, a page at a time or whole."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Final

from sync.desk.phrases import Phrase, say
from sync.store.audit import AuditEntry, AuditFilter, audit_words, list_audit
from sync.store.engine import Store

_CHUNK = 500
#: What people do, by the word that the audit keeps.
ACTIONS: Final[Mapping[str, Phrase]] = {
    "approve": say("approve"),
    "reject": say("reject"),
    "correct": say("correct"),
    "take correction back": say("take correction back"),
    "retry": say("retry"),
    "retry again": say("retry again"),
    "retry all": say("retry all"),
    "look again at all": say("look again at all"),
    "approve all": say("approve all"),
    "reject all": say("reject all"),
    "cancel retry": say("cancel retry"),
    "acknowledge": say("acknowledge"),
    "snooze": say("put aside"),
    "wake": say("put aside no longer"),
    "assign": say("assign"),
    "comment": say("comment"),
    "look again": say("look again"),
    "resend": say("send again"),
    "link": say("link"),
    "lookup": say("look-up"),
    "lookup removed": say("look-up removed"),
    "lookup table": say("look-up table"),
    "lookup table removed": say("look-up table removed"),
    "profile draft": say("mapping profile drafted"),
    "profile published": say("mapping profile published"),
    "publish gate overruled": say("mapping profile published despite its gate"),
    "profile rolled back": say("mapping profile rolled back"),
    "match decided": say("match decided"),
    "match decision taken back": say("match decision taken back"),
    "pause": say("pause"),
    "resume": say("resume"),
    "import": say("file taken"),
    "read again": say("deliveries read again"),
    "rewind": say("rewind"),
    "run now": say("run now"),
    "stop drain": say("stop drain"),
    "prove key": say("prove key"),
    "create": say("created in another system"),
    "repair webhooks": say("repair webhooks"),
    "sign in": say("sign in"),
    "sign out": say("sign out"),
    "sign out everywhere": say("sign out everywhere"),
    "user add": say("user add"),
    "user enable": say("user enable"),
    "user disable": say("user disable"),
    "user password": say("user password"),
    "user role": say("user role"),
    "token add": say("API token added"),
    "token revoke": say("API token revoked"),
    "user timezone": say("user time zone"),
    "user shortcuts": say("user's single keys"),
    "view kept": say("view kept"),
    "view changed": say("view changed"),
    "view removed": say("view removed"),
    "export": say("exported"),
    "user language": say("user language"),
}


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
