"""The check-up of what Crossdock itself stands on: configuration, database, disk, scheduler, public address."""

from __future__ import annotations

import datetime as dt
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.exc import DBAPIError

from config.model import Config
from config.problems import Problem
from config.settings import Settings
from connectors.kit.errors import ConnectorError
from connectors.kit.findings import CLOCK_LIMIT_S, CLOCK_WARNING_S, N_, Finding, fail, ok, unknown, warn
from connectors.kit.http import HttpClient
from sync.desk.alert_words import unknown_causes
from sync.desk.doctor.words import bytes_shown, is_local, moment_shown
from sync.desk.languages import has_catalogue
from sync.desk.phrases import quote, say
from sync.desk.room import ROOM_LITTLE, ROOM_NONE, free_at
from sync.store.alerts import WayState, way_states
from sync.store.engine import DatabaseBusy, Store
from sync.store.health import DatabaseFacts, database_facts, quick_check
from sync.store.issue_sums import REPORT as ISSUE_SUMS
from sync.store.migrate import schema_problem
from sync.store.reports import last_report
from sync.store.schedule import PURGE, list_schedules
from sync.store.singletons import SCHEDULER, holder_of

CHECKS: Final[Mapping[str, str]] = {
    "installation.configuration": N_("the configuration can be used"),
    "installation.secret_files": N_("secrets can be read by Crossdock alone"),
    "installation.disk": N_("there is room on the disk"),
    "installation.database": N_("the database answers, and its version is one that we know"),
    "installation.schema": N_("the database has this program's schema"),
    "installation.durability": N_("what was committed outlives a power cut"),
    "installation.integrity": N_("the database is not damaged"),
    "installation.database_clock": N_("the database's clock and ours agree"),
    "installation.scheduler": N_("the scheduler is alive"),
    "installation.purge": N_("what is old is deleted"),
    "installation.issue_sums": N_("what is counted of issues is what their orders say"),
    "installation.public_url": N_("shops can reach us"),
    "installation.alerts": N_("alerts reach those who are told"),
}
_OLDEST_POSTGRES: Final = 15
_CHECK_S: Final = 5.0
#: It runs every night.
_PURGE_LATE: Final = dt.timedelta(days=3)
_FULL_SYNC: Final = {"1": "normal", "2": "full", "3": "extra", "0": "off"}
_FILE: Final = re.compile(r"(?<!\$)\$\{file:([^}]*)\}")


class Installation:
    """One installation; what could not be read of its configuration is in `problems`."""

    def __init__(
        self, settings: Settings, store: Store, config: Config | None, problems: Sequence[Problem] = ()
    ) -> None:
        self._settings, self._store, self._config, self._problems = settings, store, config, problems

    def run(self) -> Iterator[Finding]:
        """Every check."""
        yield self._configuration()
        yield self._secret_files()
        yield self._disk()
        yield from self._database()
        yield self._public_url()
        yield self._alerts()

    # -- files -------------------------------------------------------------------------------------------------

    def _configuration(self) -> Finding:
        check = "installation.configuration"
        if self._config is None:
            told = quote("\n".join(str(problem) for problem in self._problems))
            return fail(check, told or say("it cannot be read"), say("correct each of these places"))
        config = self._config
        if not config.channels:
            return warn(
                check,
                say("no channel is configured in %(folder)s", folder=config.folder),
                say("declare one under `channels`"),
            )
        return ok(
            check,
            say(
                "%(count)s connections, %(count2)s channels in %(folder)s",
                count=len(config.connections),
                count2=len(config.channels),
                folder=config.folder,
            ),
        )

    def _secret_files(self) -> Finding:
        """Of the files that hold secrets or customers' addresses, those that any user of this machine may read."""
        check = "installation.secret_files"
        files = [*self._mounted(), *self._own()]
        open_ = sorted(str(path) for path in files if _others_read(path))
        if open_:
            step = say("take the right to read from everybody else: chmod o-rwx %(open)s", open=" ".join(open_))
            return warn(check, say("everybody on this machine can read %(open)s", open=", ".join(open_)), step)
        return ok(check, say("%(count)s files with secrets or orders, none open to everybody", count=len(files)))

    def _mounted(self) -> Iterator[Path]:
        folder = self._settings.config_folder
        if not folder.is_dir():
            return
        for path in sorted(folder.glob("*.y*ml")):
            try:
                text = path.read_text("utf-8", errors="replace")
            except OSError:
                continue
            for match in _FILE.finditer(text):
                if (named := folder / match[1].strip()).is_file():
                    yield named

    def _own(self) -> Iterator[Path]:
        """Files in the state folder: whoever may not enter the folder cannot read them."""
        folder = self._settings.state_folder
        if folder.is_dir() and folder.stat().st_mode & stat.S_IXOTH:
            yield from (path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != ".lock")

    def _disk(self) -> Finding:
        check, folder = "installation.disk", self._settings.state_folder
        free, total = free_at(folder)
        found = say(
            "%(free)s of %(total)s are free at %(state_folder)s",
            free=bytes_shown(free),
            total=bytes_shown(total),
            state_folder=self._settings.state_folder,
        )
        step = say("make room: without it no order can be stored, and shops get errors for their webhooks")
        if free < ROOM_NONE:
            return fail(
                check, found, step, expected=say("%(room_warning)s or more", room_warning=bytes_shown(ROOM_LITTLE))
            )
        if free < ROOM_LITTLE:
            return warn(
                check, found, step, expected=say("%(room_warning)s or more", room_warning=bytes_shown(ROOM_LITTLE))
            )
        return ok(check, found)

    # -- database ----------------------------------------------------------------------------------------------

    def _database(self) -> Iterator[Finding]:
        check = "installation.database"
        try:
            facts = database_facts(self._store)
        except (DBAPIError, DatabaseBusy) as error:
            told = error.orig if isinstance(error, DBAPIError) else error
            yield fail(
                check, say("it cannot be used: %(told)s", told=told), say("start it, or correct CROSSDOCK_DATABASE")
            )
            return
        yield _version(check, facts, is_sqlite=self._store.is_sqlite)
        yield self._schema()
        yield _durability(facts, is_sqlite=self._store.is_sqlite)
        yield self._integrity()
        yield _database_clock(facts)
        yield self._scheduler()
        yield self._purge()
        yield self._issue_sums()

    def _schema(self) -> Finding:
        check = "installation.schema"
        if problem := schema_problem(self._store):
            return fail(check, problem, say("run `crossdock init`"))
        return ok(check, say("it fits"))

    def _integrity(self) -> Finding:
        check = "installation.integrity"
        if not self._store.is_sqlite:
            return ok(check, say("PostgreSQL's own business; its server log would say so"))
        found = quick_check(self._store, _CHECK_S)
        if found is None:
            step = say("let it run through in a quiet hour: sqlite3 FILE 'PRAGMA quick_check'")
            return unknown(
                check, say("too large to be read whole within %(check_s)s s", check_s=f"{_CHECK_S:.0f}"), step
            )
        if found != "ok":
            step = say("stop Crossdock, restore the last backup, start it again: it looks up what came since")
            return fail(check, say("damaged: %(found)s", found=found), step)
        return ok(check, say("read whole, nothing is damaged"))

    def _scheduler(self) -> Finding:
        check = "installation.scheduler"
        if schema_problem(self._store):
            return unknown(check, say("the schema comes first"))
        scheduler = self._store.read(lambda c: holder_of(c, SCHEDULER))
        if scheduler is None:
            return warn(check, say("it never ran"), say("start Crossdock: crossdock run, or crossdock scheduler"))
        if not scheduler.alive:
            found = say("its last sign of life was at %(beat_at)s", beat_at=moment_shown(scheduler.beat_at))
            return fail(check, found, say("start Crossdock: crossdock run, or crossdock scheduler"))
        return ok(check, say("alive %(seconds)s s ago", seconds=f"{scheduler.silence.total_seconds():.0f}"))

    def _purge(self) -> Finding:
        check = "installation.purge"
        if schema_problem(self._store):
            return unknown(check, say("the schema comes first"))
        rows = self._store.read(list_schedules)
        row = next((row for row in rows if row.name == PURGE), None)
        if row is None or row.last_at is None:
            return ok(check, say("it has not run yet; the scheduler begins it at night"))
        found = say("at %(last_at)s: %(message)s", last_at=moment_shown(row.last_at), message=row.message)
        if not row.last_ok:
            return warn(check, found, say("see why in the log of the scheduler; until then the database grows"))
        if dt.datetime.now(dt.UTC) - row.last_at > _PURGE_LATE:
            return warn(check, found, say("let the scheduler run at night, or run `crossdock purge`"))
        return ok(check, found)

    def _issue_sums(self) -> Finding:
        check = "installation.issue_sums"
        if schema_problem(self._store):
            return unknown(check, say("the schema comes first"))
        last = self._store.read(lambda c: last_report(c, ISSUE_SUMS))
        if last is None:
            return ok(check, say("it was not counted anew yet; that is done at night"))
        at = moment_shown(last.at)
        if last.ok:
            return ok(check, say("counted anew at %(at)s, and nothing differed", at=at))
        found = say("at %(at)s, %(documents)s orders and %(sums)s sums differed and were put right", at=at, **last.body)
        return warn(check, found, say("report it with the log of the scheduler from that time"))

    # -- the way to us -----------------------------------------------------------------------------------------

    def _alerts(self) -> Finding:
        check = "installation.alerts"
        if self._config is None:
            return unknown(check, say("the configuration cannot be used"))
        try:
            if schema_problem(self._store):
                return unknown(check, say("the database has another program's schema"))
            return _alerts(self._store, self._config, self._settings.language)
        except (DBAPIError, DatabaseBusy):
            return unknown(check, say("the database cannot be used"))

    def _public_url(self) -> Finding:
        check, url = "installation.public_url", self._settings.public_url
        if not url:
            step = say("set CROSSDOCK_PUBLIC_URL to the https address under which shops reach Crossdock")
            return warn(check, say("none is set: webhooks cannot come, orders are pulled"), step)
        if (problem := _unanswered(url)) is not None:
            step = say("start the web process, and see that the address leads to it; from other places it may well do")
            return warn(
                check, say("%(url)s does not lead to us, seen from here: %(problem)s", url=url, problem=problem), step
            )
        if urlsplit(url).scheme != "https" and not is_local(url):
            step = say("put a certificate in front of Crossdock: orders and sign-ins travel readable")
            return warn(check, say("%(url)s is plain http", url=url), step, expected="https")
        return ok(check, say("%(url)s leads to us", url=url))


def _alerts(store: Store, config: Config, language: str) -> Finding:
    """Whether what is out of order reaches whom the configuration names."""
    check = "installation.alerts"
    if not config.alerts:
        return ok(check, say("nobody is named under `alerts`: they stand in the console alone"))
    for name, causes in unknown_causes(config).items():
        found = say("%(way)s names causes that nothing ever raises: %(causes)s", way=name, causes=", ".join(causes))
        return warn(check, found, say("`crossdock alerts causes` lists those that there are"))
    if not has_catalogue(language):
        found = say("there is no catalogue for %(language)s, so messages are in English", language=language)
        return warn(check, found, say("correct CROSSDOCK_LANGUAGE, or compile the catalogue: docs/alerts.md"))
    states = store.read(way_states)
    for name in config.alerts:
        state = states.get(name, WayState())
        if state.failed_at is not None:
            found = say("%(way)s takes no message: %(error)s", way=name, error=state.error)
            step = say("correct its address, then `crossdock alerts test %(way)s`", way=name)
            return warn(check, found, step)
    untried = [name for name in config.alerts if states.get(name, WayState()).sent_at is None]
    if untried:
        step = say("send a test: crossdock alerts test %(way)s", way=untried[0])
        return warn(check, say("nothing was ever sent to %(ways)s", ways=", ".join(untried)), step)
    return ok(check, say("%(ways)s took their last message", ways=", ".join(config.alerts)))


def _others_read(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _version(check: str, facts: DatabaseFacts, *, is_sqlite: bool) -> Finding:
    found = say("%(product)s, %(size_bytes)s", product=facts.product, size_bytes=bytes_shown(facts.size_bytes))
    if not is_sqlite and facts.version[:1] < (_OLDEST_POSTGRES,):
        return fail(
            check,
            found,
            say("update PostgreSQL"),
            expected=say("PostgreSQL %(oldest_postgres)s or newer", oldest_postgres=_OLDEST_POSTGRES),
        )
    return ok(check, found)


def _durability(facts: DatabaseFacts, *, is_sqlite: bool) -> Finding:
    check, told = "installation.durability", facts.durability
    if is_sqlite:
        synchronous = _FULL_SYNC.get(told["synchronous"], told["synchronous"])
        found = say(
            "journal %(journal_mode)s, synchronous %(synchronous)s",
            journal_mode=told["journal_mode"],
            synchronous=synchronous,
        )
        if told["journal_mode"] == "wal" and synchronous in {"full", "extra"}:
            return ok(check, found)
        step = say("keep the file on a local disk: some network file systems refuse WAL")
        return fail(check, found, step, expected="journal wal, synchronous full")
    found = quote(", ".join(f"{name} {value}" for name, value in sorted(told.items())))
    if told["fsync"] == "on" and told["synchronous_commit"] != "off":
        return ok(check, found)
    step = say(
        "switch both on: an order that was accepted and then lost with a power cut is never sent again by the shop"
    )
    return fail(check, found, step, expected="fsync on, synchronous_commit not off")


def _database_clock(facts: DatabaseFacts) -> Finding:
    check = "installation.database_clock"
    ahead_s = (facts.now - facts.asked_at - (facts.answered_at - facts.asked_at) / 2).total_seconds()
    if abs(ahead_s) < CLOCK_WARNING_S:
        return ok(check, say("the clocks agree"))
    tell = fail if abs(ahead_s) >= CLOCK_LIMIT_S else warn
    seconds = f"{abs(ahead_s):.0f}"
    found = say("the database's clock is %(seconds)s s behind ours", seconds=seconds)
    if ahead_s > 0:
        found = say("the database's clock is %(seconds)s s ahead of ours", seconds=seconds)
    return tell(check, found, say("switch on time synchronisation (NTP) on both machines"))


def _unanswered(url: str) -> str | None:
    """Why the address does not lead to us; None when it does."""
    host = urlsplit(url).hostname or ""
    client = HttpClient(url, deadline_s=_CHECK_S, connect_timeout_s=2.0, allow_hosts=(host,))
    try:
        answer = client.get("healthz")
    except ConnectorError as error:
        return str(error)
    finally:
        client.close()
    return None if isinstance(answer.data, dict) and answer.data.get("status") == "ok" else say("somebody else answers")


__all__ = ["CHECKS", "Installation"]
