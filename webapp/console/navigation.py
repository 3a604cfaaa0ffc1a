"""What stands around every page: the way to the others, what waits there, and what is out of order."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from flask import Flask, current_app, g, request
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from sync.desk.troubles import Trouble, troubles
from sync.store.alerts import count_raised
from sync.store.matches import count_open
from sync.store.needs import count_stopped_by_channel
from webapp.console.access import known
from webapp.parts import Parts, parts

#: What a page says about the installation is at most so old: a hung queue costs a second, and not with every click.
_AGE_S: Final = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation; `count` names the figure beside it."""

    endpoint: str
    label: LazyString
    icon: str
    role: str = "viewer"
    count: str = ""


#: An entry whose endpoint does not exist is not shown.
ENTRIES: Final = (
    Entry("home.index", lazy_gettext("Home"), "home"),
    Entry("needs.index", lazy_gettext("Needs you"), "hand", count="needs"),
    Entry("orders.index", lazy_gettext("Orders"), "list"),
    Entry("matches.index", lazy_gettext("Matches"), "user", count="matches"),
    Entry("imports.index", lazy_gettext("Files"), "file", role="operator"),
    Entry("stock.index", lazy_gettext("Stock"), "box"),
    Entry("lookups.index", lazy_gettext("Look-ups"), "table"),
    Entry("profiles.index", lazy_gettext("Mappings"), "sync"),
    Entry("connections.index", lazy_gettext("Connections"), "plug"),
    Entry("alerts.index", lazy_gettext("Alerts"), "bell", count="alerts"),
    Entry("operations.index", lazy_gettext("Operations"), "gauge"),
    Entry("doctor.index", lazy_gettext("Doctor"), "pulse"),
    Entry("activity.index", lazy_gettext("Activity"), "history"),
    Entry("users.index", lazy_gettext("Users"), "users", role="admin"),
    Entry("tokens.index", lazy_gettext("API tokens"), "key", role="admin"),
)

#: What is out of order -> what it means and what to do.
_BANNERS: Final = {
    Trouble.QUEUE: lazy_gettext(
        "The queue's server is away. Orders are taken in and kept, and go on by themselves when it is back."
    ),
    Trouble.SCHEDULER: lazy_gettext(
        "The scheduler is away: nothing is pulled or looked at again. Start crossdock run, or crossdock scheduler."
    ),
    Trouble.WORKERS: lazy_gettext(
        "No worker is there: orders are taken in and wait. Start crossdock run, or crossdock worker."
    ),
    Trouble.PAUSED: lazy_gettext("Everything is paused: orders are taken in and wait until somebody resumes it."),
}


def register(app: Flask) -> None:
    """Give the base template what it shows."""
    app.extensions["crossdock-surroundings"] = _Surroundings()
    app.jinja_env.globals.update(
        navigation=entries,
        counts=counts,
        banners=banners,
        is_here=is_here,
        has_page=lambda name: name in app.view_functions,
    )


def entries() -> list[Entry]:
    """The pages that exist and that who is there may see."""
    who = known()
    known_endpoints = current_app.view_functions
    return [entry for entry in ENTRIES if entry.endpoint in known_endpoints and who and who.may(entry.role)]


def counts() -> Mapping[str, int]:
    """The figures beside the entries, by `Entry.count`."""
    return _now().counts


def banners() -> list[LazyString]:
    """What is out of order, in words."""
    return [_BANNERS[trouble] for trouble in _now().troubles]


def is_here(entry: Entry) -> bool:
    """Whether this request is for the entry's page or one below it."""
    return (request.endpoint or "").partition(".")[0] == entry.endpoint.partition(".")[0]


@dataclasses.dataclass(frozen=True, slots=True)
class _Seen:
    troubles: tuple[Trouble, ...] = ()
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)


def _look(ours: Parts) -> _Seen:
    found = troubles(ours.store, ours.look_at_queue())
    needing = sum(ours.store.read(count_stopped_by_channel).values())
    standing = sum(ours.store.read(count_raised).values())
    doubtful = sum(ours.store.read(count_open).values())
    return _Seen(tuple(found), {"needs": needing, "alerts": standing, "matches": doubtful})


class _Surroundings:
    """Looks at most every `_AGE_S`, one thread at a time; the others go on with what was seen last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = _Seen()
        self._until = 0.0

    def now(self, ours: Parts) -> _Seen:
        if time.monotonic() >= self._until and self._lock.acquire(blocking=False):
            try:
                self._seen = _look(ours)
                self._until = time.monotonic() + _AGE_S
            finally:
                self._lock.release()
        return self._seen


def _now() -> _Seen:
    if "surroundings" not in g:
        surroundings: Any = current_app.extensions["crossdock-surroundings"]
        g.surroundings = surroundings.now(parts())
    seen: _Seen = g.surroundings
    return seen
