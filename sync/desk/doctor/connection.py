"""The check-up of one connection: what we know of it ourselves, then what its connector finds out over there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Final

from config.model import ShipmentNews
from connectors.kit.base import Diagnoses, ReceivesWebhooks, SalesTarget
from connectors.kit.errors import ConnectionBroken
from connectors.kit.findings import N_, Circumstances, Finding, Level, fail, ok, unknown, warn
from connectors.registry import UnknownSystem, class_of, has
from sync.desk.doctor.report import KIND, WEBHOOKS, key_subject
from sync.desk.doctor.words import is_local, moment_shown
from sync.desk.phrases import joined, say
from sync.rules.asking import only_sends
from sync.rules.systems import Systems, settle_s
from sync.store.connections import failure_streaks
from sync.store.engine import Store
from sync.store.events import count_missed, last_received
from sync.store.reports import first_good, last_report
from sync.store.schedule import list_schedules
from sync.store.switches import Pause, find_pause, pauses

#: Orders that were there before the shop was asked to deliver are pulled soon after.
_GRACE: Final = dt.timedelta(minutes=10)
_DAY: Final = dt.timedelta(days=1)
#: One or two may have been pulled in the seconds before their delivery came.
_MISSED: Final = 3
#: Beyond the call's deadline; see `sync.rules.systems.settle_s`.
_SETTLE_MARGIN_S: Final = 60.0
_OURS: Final[Mapping[str, str]] = {
    "connection.settings": N_("the connector takes the settings"),
    "connection.https": N_("what is sent cannot be read on the way"),
    "connection.running": N_("it is not paused, and its last runs went well"),
}
_SOURCE: Final[Mapping[str, str]] = {"connection.deliveries": N_("webhooks arrive")}
_TARGET: Final[Mapping[str, str]] = {
    "connection.settle": N_("an unknown outcome is waited for long enough"),
    "connection.key": N_("a document cannot be made twice"),
}
#: Every check of ours; a connector adds its own.
CHECKS: Final[Mapping[str, str]] = {**_OURS, **_SOURCE, **_TARGET}


class ConnectionCheckup:
    """One connection. `patient` is the connector with short deadlines and nothing remembered, `systems` the usual."""

    def __init__(self, name: str, store: Store | None, systems: Systems, patients: Systems, *, public_url: str) -> None:
        """`store` is None while the database has no tables; `public_url` is empty where nobody can reach us.

        Raises KeyError for a connection that is not configured.
        """
        self._name, self._config, self._store, self._url = name, systems.config, store, public_url
        self._systems, self._patients = systems, patients
        self._class: Any = class_of(self._config.connections[name].system)
        self._is_source = bool(self._config.channels_of_source(name))

    @property
    def checks(self) -> dict[str, str]:
        """Ours, then the connector's."""
        found = dict(_OURS)
        if has(self._class, ReceivesWebhooks) and self._is_source:
            found |= _SOURCE
        if has(self._class, SalesTarget):
            found |= _TARGET
        return {**found, **(self._class.checks if has(self._class, Diagnoses) else {})}

    def run(self) -> Iterator[Finding]:
        """Every check; only the first where the connector does not take its settings."""
        check, where = "connection.settings", self._config.where(f"connections.{self._name}")
        try:
            usual, patient = self._systems.connector(self._name), self._patients.connector(self._name)
        except (ConnectionBroken, UnknownSystem) as error:
            yield fail(check, str(error), say("correct it at %(where)s", where=where))
            return
        yield ok(check, say("configured at %(where)s", where=where))
        yield self._https()
        if has(usual, SalesTarget):
            yield self._settle(usual)
        yield from self._without_store() if self._store is None else self._from_store(self._store, usual)
        if has(patient, Diagnoses):
            yield from patient.diagnose(self._circumstances())

    def _circumstances(self) -> Circumstances:
        channels = self._config.channels_of_source(self._name)
        return Circumstances(
            delivery_url=f"{self._url}/webhooks/{self._name}" if self._url else "",
            zones={channel.name: channel.timezone for channel in channels},
            tell_parcels=tuple(each.name for each in channels if each.after_import.shipments is not ShipmentNews.OFF),
            tell_histories=tuple(
                each.name for each in self._config.crm_channels(self._name) if each.crm.history_from is not None
            ),
        )

    def _https(self) -> Finding:
        check, url = "connection.https", self._config.connections[self._name].url
        if not url:
            return ok(check, say("nothing is sent: it has no address"))
        if url.startswith("https://"):
            return ok(check, "https")
        if is_local(url):
            return ok(check, say("plain http, and it never leaves this machine"))
        where = self._config.where(f"connections.{self._name}.url")
        step = say("use https, unless the way there is safe (your own network): %(where)s", where=where)
        return warn(check, say("plain http: credentials and customers' addresses travel readable"), step)

    def _from_store(self, store: Store, usual: Any) -> Iterator[Finding]:
        yield self._running(store)
        if "connection.deliveries" in self.checks:
            yield self._deliveries(store)
        if has(usual, SalesTarget):
            yield self._key(store, usual)

    def _without_store(self) -> Iterator[Finding]:
        for check in ("connection.running", "connection.deliveries", "connection.key"):
            if check in self.checks:
                yield unknown(check, say("not looked at: `installation.schema` comes first"))

    def _running(self, store: Store) -> Finding:
        check = "connection.running"
        if (entry := find_pause(store.read(pauses), connections=(self._name,))) is not None:
            return _paused(check, entry)
        rows = [row for row in store.read(list_schedules) if row.name in self._schedules()]
        if failed := [row for row in rows if row.last_ok is False]:
            told = joined("; ", (say("%(name)s: %(message)s", name=row.name, message=row.message) for row in failed))
            return warn(
                check, say("its last run failed (%(told)s)", told=told), say("see the other checks of this connection")
            )
        channels = {self._name: [channel.name for channel in self._config.channels_of(self._name)]}
        streak = store.read(lambda c: failure_streaks(c, channels))[self._name]
        if streak.failures:
            told = say(
                "the last %(failures)s tries at documents failed here: %(message)s",
                failures=streak.failures,
                message=streak.message,
            )
            return warn(check, told, say("see the other checks of this connection"))
        ran = [row.last_at for row in rows if row.last_at is not None]
        return ok(
            check,
            say("last run at %(ran)s", ran=moment_shown(max(ran)))
            if ran
            else say("not paused, and nothing has failed"),
        )

    def _schedules(self) -> frozenset[str]:
        return frozenset({f"pull:{self._name}", f"webhooks:{self._name}"})

    def _deliveries(self, store: Store) -> Finding:
        """The end of the chain: whatever the shop believes, deliveries are there or they are not.

        The pull looks at what it finds only where no delivery brought it before, so its finds are what was missed.
        """
        check = "connection.deliveries"
        if only_sends(self._class):
            return self._sent(store)
        if not self._url:
            return ok(check, say("none can come without a public address; orders are pulled"))
        subscribed = store.read(lambda c: first_good(c, WEBHOOKS, self._name))
        last = store.read(lambda c: last_received(c, self._name, "webhook"))
        told = say("the last one came at %(last)s", last=moment_shown(last)) if last else say("none came yet")
        if subscribed is None:
            return ok(check, say("%(told)s; the subscriptions were never seen in order", told=told))
        since = max(subscribed + _GRACE, dt.datetime.now(dt.UTC) - _DAY, *([last] if last else []))
        missed = store.read(lambda c: count_missed(c, self._name, since))
        if missed >= _MISSED:
            step = say("see the webhooks' state below, and whether the shop's host reaches the public address")
            return warn(
                check,
                say(
                    "%(told)s, and the pull has found %(missed)s changes since %(since)s",
                    told=told,
                    missed=missed,
                    since=moment_shown(since),
                ),
                step,
            )
        return ok(check, told)

    def _sent(self, store: Store) -> Finding:
        """Of a system that cannot be asked: nothing else brings its orders, and nobody knows whether it has any."""
        check = "connection.deliveries"
        if not self._url:
            step = say("set CROSSDOCK_PUBLIC_URL to the address at which others reach this web process")
            return warn(check, say("none can come without a public address, and orders come no other way"), step)
        last = store.read(lambda c: last_received(c, self._name, "webhook"))
        if last is not None:
            return ok(check, say("the last one came at %(last)s", last=moment_shown(last)))
        step = say("have the system post to %(url)s", url=f"{self._url}/webhooks/{self._name}")
        return unknown(check, say("none came yet"), step)

    def _settle(self, target: Any) -> Finding:
        check, connection = "connection.settle", self._config.connections[self._name]
        seconds = settle_s(connection, target)
        if target.settle_bound_s is not None:
            return ok(check, say("%(seconds)s s, which the system itself declares", seconds=f"{seconds:.0f}"))
        floor = target.write_deadline_s + _SETTLE_MARGIN_S
        where = self._config.where(f"connections.{self._name}.settle_s")
        if connection.settle_s < floor and f"connections.{self._name}.settle_s" in self._config.places:
            step = say(
                "set `settle_s` to %(floor)s s or more, or shorten `deadline_s`: %(where)s",
                floor=f"{floor:.0f}",
                where=where,
            )
            return warn(
                check,
                say(
                    "`settle_s` is %(settle_s)s s and counts as %(seconds)s s",
                    settle_s=f"{connection.settle_s:.0f}",
                    seconds=f"{seconds:.0f}",
                ),
                step,
            )
        return ok(check, say("%(seconds)s s", seconds=f"{seconds:.0f}"))

    def _key(self, store: Store, target: Any) -> Finding:
        check, key = "connection.key", target.keys["sale"]
        command = f"crossdock doctor --prove-key {self._name}"
        proof = store.read(lambda c: last_report(c, KIND, key_subject(self._name)))
        if proof is not None and not proof.ok:
            tell = fail if proof.body["level"] == Level.FAIL else warn
            return tell(check, proof.body["found"], proof.body["next_step"] or command)
        if not key.enforced:
            step = say(
                "let the system keep %(key_field)s unique, where it can; see the page of the system",
                key_field=key.key_field,
            )
            return warn(
                check,
                say("%(key_field)s is not enforced: doubled drafts are found and deleted", key_field=key.key_field),
                step,
            )
        if proof is None:
            step = say("prove it with a test document that is removed again: %(command)s", command=command)
            return warn(check, say("%(key_field)s, declared and not proven yet", key_field=key.key_field), step)
        return ok(check, say("%(key_field)s, proven at %(at)s", key_field=key.key_field, at=moment_shown(proof.at)))


def _paused(check: str, entry: Pause) -> Finding:
    command = f"crossdock resume {entry.name}".rstrip()
    if entry.until is None:
        step = say("end it when its reason is gone: %(command)s", command=command)
        return warn(check, say("paused: %(reason)s", reason=entry.reason), step)
    told = say("rests until %(until)s: %(reason)s", until=moment_shown(entry.until), reason=entry.reason)
    return warn(check, told, say("it is tried again by itself then; sooner: %(command)s", command=command))
