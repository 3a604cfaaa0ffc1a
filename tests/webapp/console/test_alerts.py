"""The page of the alerts: what stands, who is told, and the button that sends a test."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from config.model import AlertChannel, AlertKind, Config, Secret
from config.settings import Settings
from mappings.canonical.words import say
from sync.desk.queue import AWAY
from sync.rules.systems import Systems
from sync.store import alerts as rows
from sync.store import singletons
from sync.store.issues import Cause, Stop, open_issues
from sync.work.alerts import AlertBeat
from sync.work.bell import Bell
from sync.work.receive import Receiver
from sync.work.telling import NotTold
from tests.databases import now
from tests.webapp.console.conftest import words_of
from webapp.app import create_app
from webapp.parts import LazyParts, Parts

SECRET = "mailtos://ops:hunter22@mail.example"


class Told:
    """Whoever gets the messages; with `why` they do not."""

    def __init__(self):
        self.why, self.got = "", []

    def __call__(self, way, message):
        if self.why:
            raise NotTold(say("nobody is at home"))
        self.got.append(message.body["type"])


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def config(tmp_path):
    ways = {
        "team": AlertChannel(name="team", url=Secret(SECRET)),
        "hook": AlertChannel(
            name="hook", kind=AlertKind.WEBHOOK, url=Secret("https://h.example/t0ken"), secrets=(Secret("s3cret99"),)
        ),
    }
    return Config(folder=tmp_path, connections={}, channels={}, alerts=ways)


@pytest.fixture
def app(store, sqlite_url, tmp_path, config):
    settings = Settings.from_env({"CROSSDOCK_STATE": str(tmp_path)})
    app = create_app(
        settings,
        make_parts=lambda: Parts(
            store=store,
            receiver=Receiver(sqlite_url, {}, lambda channel, kind: True),
            sources={},
            queue_answers=lambda: True,
            settings=settings,
            config=config,
            systems=Systems(config),
            bell=Bell(settings.redis_url, instance=settings.instance),
        ),
    )
    yield app
    app.extensions[LazyParts.KEY].get().receiver.close()


@pytest.fixture
def beat(store, config, told):
    """One look of the alerts' beat."""
    settings = SimpleNamespace(state_folder=config.folder, public_url="")
    store.write(lambda c: singletons.take(c, "scheduler", "host:1", 900.0))
    return AlertBeat(store, config, settings, lambda: AWAY, sender=told)


@pytest.fixture
def trouble(store):
    """A key was revoked."""
    cause = Cause(cause="connection", connection="erp", title="x")
    store.write(lambda c: open_issues(c, [Stop(None, cause)]))


def test_an_installation_without_ways_says_that_nobody_is_told(make_app, people, store):
    page = words_of(signed_in(make_app()).get("/alerts/").text)
    assert "Nothing is out of order." in page
    assert "Nobody is told" in page


def signed_in(app, role="viewer"):
    from tests.webapp.console.conftest import Browser  # noqa: PLC0415 - the fixture makes them of its own app

    made = Browser(app)
    assert made.sign_in(role).status_code == 303
    return made


def test_what_stands_is_shown_with_what_to_do_and_counted_beside_the_navigation(browser, beat, trouble):
    beat.beat()
    page = browser("viewer").get("/alerts/").text
    assert "Connection does not work" in words_of(page)
    assert "Mend it, then resume the connection." in words_of(page)
    assert 'href="/connections/erp"' in page
    assert "Queue away" in words_of(page), "what may pass by itself is shown too"
    assert "Works" in words_of(page)


def test_a_way_that_does_not_take_its_message_is_shown_with_the_reason_and_never_its_address(
    browser, beat, trouble, told
):
    told.why = "away"
    beat.beat()
    page = browser("admin").get("/alerts/").text
    assert page.count("nobody is at home") == 2
    assert "Failing" in words_of(page)
    for secret in ("hunter22", "mail.example", "t0ken", "s3cret99"):
        assert secret not in page


def test_an_admin_sends_a_test_and_nobody_else_sees_the_button(browser, beat, told, store):
    assert "/alerts/team/test" not in browser("integrator").get("/alerts/").text
    admin = browser("admin")
    assert "/alerts/team/test" in admin.get("/alerts/").text
    admin.post("/alerts/team/test")
    assert "A test is on its way" in words_of(admin.get("/alerts/").text)
    # Not in the request: it is sent by the beat.
    assert told.got == []
    beat.beat()
    assert told.got == ["test"]
    assert "test alert" in words_of(admin.get("/activity").text)


def test_a_test_of_nobody_is_refused_in_plain_words(browser):
    admin = browser("admin")
    admin.post("/alerts/nobody/test")
    assert "Not sent: no way of telling people is called nobody." in words_of(admin.get("/alerts/").text)


def test_a_way_that_left_the_configuration_with_a_message_is_still_shown(browser, store):
    store.write(lambda c: rows.add_message(c, "gone", {"type": "test"}, now()))
    page = words_of(browser("viewer").get("/alerts/").text)
    assert "not configured any more" in page


def test_what_is_over_is_shown(browser, beat, trouble, store):
    beat.beat()
    [row] = [row for row in store.read(rows.open_alerts) if row.raised_at]
    store.write(lambda c: rows.close_alerts(c, [row.id], now()))
    assert "Alerts that are over" in words_of(browser("viewer").get("/alerts/").text)


def test_the_metrics_count_what_stands_and_what_waits(browser, beat, trouble, told):
    told.why = "away"
    beat.beat()
    families = text_string_to_metric_families(browser("viewer").get("/metrics").text)
    found = {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}
    assert found["crossdock_alerts", "connection", "critical"] == 1
    assert found["crossdock_alert_messages_waiting", "team"] == 1


def test_the_ways_of_a_configuration_hide_their_secrets_from_whoever_prints_them(config):
    assert "hunter22" not in repr(config)
    assert Secret(SECRET) in set(config.secrets())
    assert dataclasses.replace(config.alerts["hook"], name="x").secrets == (Secret("s3cret99"),)
