"""The alerts' beat: look, compare with what stands, tell who wants to know.

It beats in the scheduler, and in the web process, which takes over where no scheduler does: that the scheduler is away
must be told too. Whoever holds the place is the only one who makes messages. A message is kept before it is sent and
marked after it, so a crash between the two sends it again, with the same id, and nothing else does.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import structlog
from sqlalchemy import Connection

from config.model import AlertChannel, Config
from config.settings import Settings
from sync.desk.alert_texts import body_of
from sync.desk.alerts import facts_of, wish_of
from sync.desk.queue import QueueHealth
from sync.desk.room import room_at
from sync.desk.volume import look_at_volumes
from sync.rules.alerts import Changes, Wish, alerts_of, compare
from sync.store import alerts as rows
from sync.store import singletons
from sync.store.alerts import News
from sync.store.engine import DatabaseBusy, Store
from sync.store.health import clock
from sync.work.runtime import Runtime
from sync.work.telling import SEND_S, NotTold, send
from sync.work.vitals import Vitals

log = structlog.get_logger()

#: The place of who makes the messages.
PLACE: Final = "alerts"
#: How often it looks, in seconds, and how long the place is kept without it: a message may take its time.
BEAT_S: Final = 15.0
#: How often it is counted whether channels sell as usual, in seconds.
VOLUMES_S: Final = 300.0
_PLACE_S: Final = 2 * SEND_S + BEAT_S
#: Nobody else tries a message while it may still be under way.
_TRY: Final = dt.timedelta(seconds=2 * SEND_S)
#: Back-off of a message that is refused; the last one holds for ever.
_WAITS_S: Final = (30.0, 120.0, 300.0, 900.0, 1800.0, 3600.0)
#: So long alerts are shown after they are over.
_KEPT: Final = dt.timedelta(days=90)

Sender = Callable[[AlertChannel, rows.Message], None]


class AlertBeat:
    """Looks once each time it is asked; one of its kind in an installation is at it."""

    def __init__(
        self,
        store: Store,
        config: Config,
        settings: Settings,
        look_at_queue: Callable[[], QueueHealth],
        *,
        standby: bool = False,
        sender: Sender | None = None,
    ) -> None:
        """Nothing is looked at before `beat`. One that stands by is at it only while no scheduler is alive."""
        self._store, self._config, self._settings = store, config, settings
        self._look_at_queue, self._standby = look_at_queue, standby
        self._sender = sender or functools.partial(send, language=settings.language)
        self._wishes = {name: wish_of(way) for name, way in config.alerts.items()}
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._token: str | None = None
        self._volumes_at = 0.0

    def beat(self) -> None:
        """Look, note what has changed, make what has to be said, and send what is due. Raises DatabaseBusy."""
        if self._standby and self._store.read(_has_scheduler):
            self.leave()
            return
        if not self._hold():
            return
        self.look()
        self.say_news()
        self.send_due()

    def leave(self) -> None:
        """Give the place up, so that the next holder need not wait."""
        if self._token is not None:
            token, self._token = self._token, None
            self._store.write(lambda c: singletons.give_up(c, PLACE, token))

    def _hold(self) -> bool:
        if self._token is not None:
            token = self._token
            if self._store.write(lambda c: singletons.beat(c, PLACE, token, _PLACE_S)):
                return True
            self._token = None
        taken = self._store.write(lambda c: singletons.take(c, PLACE, self._holder, _PLACE_S))
        self._token = None if taken is None else taken[0]
        return taken is not None

    # --- looking ------------------------------------------------------------------------------------------------

    def look(self) -> Changes:
        """Derive the alerts anew and note what differs from those that stand."""
        self._look_at_volumes()
        room = room_at(self._settings.state_folder)
        facts = facts_of(self._store, self._config, self._look_at_queue(), room)
        changes = compare(self._store.read(rows.open_alerts), alerts_of(facts), facts.now)
        if changes:
            self._store.write(lambda c: _note(c, changes, facts.now))
            log.info(
                "alerts_changed",
                raised=len(changes.raised) + sum(now for _, now in changes.new),
                over=len(changes.gone),
            )
        return changes

    def _look_at_volumes(self) -> None:
        """Now and then: it counts the orders of several weeks."""
        if time.monotonic() >= self._volumes_at:
            look_at_volumes(self._store, self._config)
            self._volumes_at = time.monotonic() + VOLUMES_S

    # --- saying -------------------------------------------------------------------------------------------------

    def say_news(self) -> None:
        """Make one message for each way that has something to hear and whose last one is long enough ago.

        None while one waits: what happens meanwhile is told by the next, however long the way is down.
        """
        states = self._store.read(rows.way_states)
        for name, wish in self._wishes.items():
            state = states.get(name, rows.WayState())
            if state.waiting:
                continue
            news = self._store.read(functools.partial(_untold, wish=wish, told_at=state.told_at))
            if news.raised or news.over:
                self._store.write(functools.partial(self._say, wish=wish, news=news))

    def _say(self, c: Connection, wish: Wish, news: News) -> None:
        now, standing = clock(c), sum(rows.count_raised(c).values())
        made = rows.add_message(c, wish.name, body_of(news, standing, self._settings.public_url, now), now)
        rows.mark_told(c, wish.name, [row.id for row in news.raised], [row.id for row in news.over], made)
        rows.forget_alerts(c, now - _KEPT)

    # --- sending ------------------------------------------------------------------------------------------------

    def send_due(self) -> None:
        """Send what is due; each way has at most one message, and a test."""
        for _ in range(2 * len(self._wishes)):
            # A slow service may have taken as long as the place is kept.
            message = self._store.write(self._claim) if self._hold() else None
            if message is None:
                return
            self._send(message)

    def _claim(self, c: Connection) -> rows.Message | None:
        return rows.claim_message(c, set(self._wishes), _TRY)

    def _send(self, message: rows.Message) -> None:
        try:
            self._sender(self._config.alerts[message.channel], message)
        except NotTold as error:
            wait = dt.timedelta(seconds=_WAITS_S[min(message.tries, len(_WAITS_S)) - 1])
            reason = error.args[0]
            self._store.write(lambda c: rows.mark_refused(c, message.id, reason, wait))
            log.warning("alert_not_sent", way=message.channel, message=message.uid, reason=str(error))
        else:
            self._store.write(lambda c: rows.mark_sent(c, message.id))
            log.info("alert_sent", way=message.channel, message=message.uid)


def _has_scheduler(c: Connection) -> bool:
    holder = singletons.holder_of(c, singletons.SCHEDULER)
    return holder is not None and holder.alive


def _note(c: Connection, changes: Changes, now: dt.datetime) -> None:
    rows.close_alerts(c, changes.gone, now)
    for alert, at_once in changes.new:
        values = {
            "cause": alert.cause,
            "scope": str(alert.scope),
            "place": alert.place,
            "severity": str(alert.severity),
            "count": alert.count,
            "detail": alert.detail,
            "seen_at": now,
            "raised_at": now if at_once else None,
        }
        rows.open_alert(c, values)
    for alert_id, alert in changes.changed.items():
        rows.change_alert(c, alert_id, severity=str(alert.severity), count=alert.count, detail=alert.detail)
    rows.raise_alerts(c, changes.raised, now)
    rows.rest_alerts(c, changes.rested)


def _untold(c: Connection, wish: Wish, told_at: dt.datetime | None) -> News:
    """What this way is told now."""
    now = clock(c)
    if not wish.is_due(now, told_at):
        return News((), ())
    news, quiet = rows.load_news(c, wish.name, told_at), wish.is_quiet(now)

    def told(row: rows.AlertRow) -> bool:
        return wish.wants(row) and (not quiet or row.severity == "critical")

    return News([row for row in news.raised if told(row)], [row for row in news.over if told(row)])


class AlertThread:
    """Beats until it is told to stop, in a thread of its own."""

    def __init__(self, beat: AlertBeat) -> None:
        """Nothing is begun before `start`."""
        self._beat = beat
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        """Begin; the first look is at once."""
        self._thread.start()

    def stop(self, patience_s: float = 2.0) -> None:
        """End; a message that is under way is left to itself and tried again by the next holder."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(patience_s)

    def _run(self) -> None:
        while True:
            self._try(self._beat.beat)
            if self._stop.wait(BEAT_S):
                break
        self._try(self._beat.leave)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except DatabaseBusy as busy:
            log.warning("alerts_wait", reason=str(busy))
        except Exception:
            # Nobody waits for this thread: without its beat nobody would be told of anything any more.
            log.exception("alerts_failed_inside")


@contextlib.contextmanager
def telling(runtime: Runtime) -> Iterator[None]:
    """Alerts beat beside what is done here: a schedule that hangs must not keep them back."""
    vitals = Vitals(runtime.settings, runtime.config)
    thread = AlertThread(AlertBeat(runtime.store, runtime.config, runtime.settings, vitals.look))
    thread.start()
    try:
        yield
    finally:
        thread.stop()
        vitals.close()
