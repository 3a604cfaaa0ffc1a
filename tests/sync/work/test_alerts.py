"""The alerts' beat over a whole installation: told once, grown in silence, over when it is over, and never lost."""

from __future__ import annotations

import dataclasses
import datetime as dt
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from config.model import AlertChannel, Secret, Severity
from connectors.kit.errors import Transient
from mappings.canonical.words import say
from sync.desk import alerts as desk
from sync.desk.alert_texts import text_of
from sync.desk.alert_words import alert_words, known_causes
from sync.desk.issue_life import snooze
from sync.desk.queue import AWAY, QueueHealth, WorkerHealth
from sync.desk.steering import reject_order
from sync.desk.switching import resume_by_hand
from sync.rules.alerts import Room
from sync.store import alerts as rows
from sync.store import schedule, singletons
from sync.store.audit import Actor
from sync.store.issues import Cause, Stop, list_open, open_issues
from sync.store.tables import alert_messages
from sync.work import alerts
from sync.work.alerts import AlertBeat
from sync.work.telling import NotTold
from tests.databases import now
from tests.sync.flows.world import CHANNEL, World

ANNA = Actor("anna", "console 127.0.0.1")
RUNNING = QueueHealth(answers=True, workers=(WorkerHealth("w", "host", 1, "idle", now(), now(), 0, 0, silent=False),))


class Team:
    """Whoever gets the messages; `down` says for how many tries their service is."""

    def __init__(self):
        self.heard, self.down = [], 0
        self.crash = None

    def __call__(self, way, message):
        if self.down:
            self.down -= 1
            raise NotTold(say("nobody is at home"))
        self.heard.append((way.name, message.uid, message.body))
        if self.crash is not None:
            raise self.crash

    @property
    def news(self):
        """(raised causes, causes that are over) of each message."""
        return [
            ([entry["cause"] for entry in body["raised"]], [entry["cause"] for entry in body["over"]])
            for _, _, body in self.heard
        ]


class Installation(World):
    """A world in which somebody is told."""

    def __init__(self, store, ways=None, **how):
        super().__init__(store, **how)
        ways = ways or {"team": AlertChannel(name="team", url=Secret("json://host"), digest_s=600.0)}
        self.config = dataclasses.replace(self.config, alerts=ways)
        self.team, self.queue = Team(), RUNNING
        self.settings = SimpleNamespace(state_folder=self.config.folder, public_url="https://hub.test")
        self.alerts = self.beat_of()
        self.work()

    def beat_of(self, **how):
        return AlertBeat(self.store, self.config, self.settings, lambda: self.queue, sender=self.team, **how)

    def work(self):
        """What the scheduler does all the time: its heart beats, and the shop is read."""
        self.write(lambda c: singletons.take(c, "scheduler", "host:1", 15.0))
        self.write(lambda c: schedule.declare(c, {"pull:shop": now()}))
        self.write(lambda c: schedule.finish(c, "pull:shop", ok=True, message="nothing new"))
        self.pull()

    def later(self, seconds):
        """Time passes, and the scheduler with it; then the alerts' beat comes."""
        self.forward(seconds)
        self.work()
        self.alerts.beat()

    def standing(self):
        """(cause, place) -> documents, of what is raised."""
        found = self.store.read(rows.open_alerts)
        return {(row.cause, row.place): row.count for row in found if row.raised_at is not None}


@pytest.fixture(autouse=True)
def room(monkeypatch):
    """The disk of the machine that runs the tests is nothing to us."""
    monkeypatch.setattr(alerts, "room_at", lambda folder: Room.ENOUGH)


@pytest.fixture
def world(store):
    return Installation(store)


@pytest.fixture
def small(sqlite_store):
    """Where nothing depends on the kind of the database."""
    return Installation(sqlite_store)


def test_where_all_is_well_nobody_hears_anything_and_nothing_is_written(world):
    world.carry()
    world.alerts.beat()
    assert world.team.heard == []
    assert world.store.read(rows.open_alerts) == []


@pytest.mark.fault("G1", "G2")
def test_each_cause_is_told_once_however_many_documents_it_stops(world):
    for number in range(7):
        world.shop.place(sku=f"OLD-{number}", customer=str(number))
    world.carry()
    world.alerts.beat()
    assert world.standing() == {("unknown_sku", CHANNEL): 7}
    for number in range(5):
        world.shop.place(sku="OLDER", customer=f"x{number}")
    world.carry()
    world.later(3600)
    assert world.standing() == {("unknown_sku", CHANNEL): 12}
    assert world.team.news == [(["unknown_sku"], [])]


def test_an_issue_that_is_put_aside_is_silent_until_it_is_due_or_grows_and_its_end_is_told(world):
    world.shop.place(sku="OLD", customer="a")
    world.carry()
    world.alerts.beat()
    [issue] = world.store.read(list_open)
    until = now() + dt.timedelta(hours=4)
    snooze(world.store, issue.id, until=until, grows_by=1, actor=ANNA)
    world.later(3600)
    assert world.standing() == {}
    assert world.team.news == [(["unknown_sku"], [])]
    for customer in "bc":
        world.shop.place(sku="OLD", customer=customer)
    world.carry()
    world.later(3600)
    assert world.standing() == {("unknown_sku", CHANNEL): 3}
    assert world.team.news[1:] == [(["unknown_sku"], [])]
    snooze(world.store, issue.id, until=until, actor=ANNA)
    world.later(3600)
    assert world.standing() == {}
    for order in world.items():
        reject_order(world.store, world.order(order.external_id), actor=ANNA, reason="no")
    world.later(3600)
    assert world.team.news[2:] == [([], ["unknown_sku"])]
    assert world.store.read(rows.open_alerts) == []


@pytest.mark.fault("B10", "G2")
def test_a_key_that_was_revoked_is_one_alert_for_all_of_its_documents_and_its_end_is_told(world):
    for number in range(6):
        world.shop.place(customer=str(number))
    for _ in range(6):
        world.erp.fail("resolve", "broken")
    world.carry()
    world.alerts.beat()
    assert world.standing() == {("connection", "erp"): 0}
    world.later(900)
    world.drain()
    world.later(900)
    assert world.team.news == [(["connection"], [])]
    world.erp.faults.clear()
    resume_by_hand(world.store, "connection", "erp", actor=ANNA)
    world.drain()
    world.later(900)
    assert world.team.news == [(["connection"], []), ([], ["connection"])]
    assert world.standing() == {}


@pytest.mark.fault("B8", "G2")
def test_a_storm_of_errors_is_one_alert_when_it_lasts_and_none_when_it_passes(small):
    world = small
    world.shop.place()
    world.erp.fail("resolve", "transient")
    world.carry()
    world.alerts.beat()
    assert world.team.heard == []
    for _ in range(40):
        world.erp.fail("resolve", "transient")
    for _ in range(30):
        world.forward(30)
        world.drain()
        world.work()
        world.alerts.beat()
    assert world.team.news == [(["away"], [])]
    world.erp.faults.clear()
    world.forward(30)
    world.drain()
    world.later(600)
    assert world.team.news == [(["away"], []), ([], ["away"])]


@pytest.mark.fault("G2")
def test_a_storm_of_causes_is_few_messages(small):
    world = small
    for number in range(60):
        cause = Cause(cause=f"cause_{number}", connection="shop", title="one more")
        world.write(lambda c, cause=cause: open_issues(c, [Stop(None, cause)]))
        world.forward(15)
        world.work()
        world.alerts.beat()
    # Fifteen minutes, and not more than one in ten.
    assert [len(raised) for raised, _ in world.team.news] == [1, 40]
    world.later(600)
    assert sum(len(raised) for raised, _ in world.team.news) == 60


def test_what_came_and_went_between_two_messages_is_told_as_over(small):
    world = small
    world.shop.place(sku="OLD")
    world.carry()
    world.alerts.beat()
    world.queue = AWAY
    world.later(60)
    world.later(120)
    assert ("queue", "") in world.standing()
    world.queue = RUNNING
    world.later(60)
    world.later(600)
    assert world.team.news == [(["unknown_sku"], []), ([], ["queue"])]


@pytest.mark.fault("G3")
def test_a_way_that_is_down_keeps_its_message_is_shown_and_gets_it_when_it_is_back(world):
    world.team.down = 4
    world.shop.place(sku="OLD")
    world.carry()
    world.alerts.beat()
    for _ in range(3):
        world.later(900)
    [way] = desk.alerts_page(world.store, world.config).ways
    assert (way.state.waiting, way.state.error, way.state.sent_at) == (1, "nobody is at home", None)
    assert way.state.failed_at is not None
    world.shop.place(customer="other", currency="XXX")
    world.carry()
    world.later(900)
    # The first message as it was, and after it all that has happened since: not one for each ten minutes.
    assert world.team.news[0] == (["unknown_sku"], [])
    [way] = desk.alerts_page(world.store, world.config).ways
    assert (way.state.waiting, way.state.failed_at) == (0, None)
    assert way.state.sent_at is not None


def test_a_try_that_died_before_it_was_marked_is_made_again_with_the_same_id(world):
    world.shop.place(sku="OLD")
    world.carry()
    world.team.crash = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        world.alerts.beat()
    world.team.crash = None
    # Its place is kept until nothing of it can be under way.
    other = world.beat_of()
    other.beat()
    assert len(world.team.heard) == 1
    world.forward(300)
    world.work()
    other.beat()
    (_, first, _), (_, second, _) = world.team.heard
    assert first == second
    world.forward(300)
    world.work()
    other.beat()
    assert len(world.team.heard) == 2


def test_a_restart_tells_nothing_again(world):
    world.shop.place(sku="OLD")
    world.carry()
    world.alerts.beat()
    world.alerts.leave()
    world.alerts = world.beat_of()
    world.later(3600)
    assert world.team.news == [(["unknown_sku"], [])]


def test_a_way_that_is_new_is_told_what_stands_and_nothing_of_the_past(small):
    world = small
    world.queue = AWAY
    world.alerts.beat()
    world.later(120)
    world.queue = RUNNING
    world.later(60)
    world.shop.place(sku="OLD")
    world.carry()
    world.later(600)
    before = len(world.team.heard)
    mail = AlertChannel(name="mail", url=Secret("json://host"))
    world.config = dataclasses.replace(world.config, alerts={**world.config.alerts, "mail": mail})
    world.alerts.leave()
    world.alerts = world.beat_of()
    world.later(60)
    assert [name for name, _, _ in world.team.heard[before:]] == ["mail"]
    assert world.team.news[-1] == (["unknown_sku"], [])


def test_in_quiet_hours_only_what_is_critical_is_told_and_the_rest_afterwards(sqlite_store):
    at = now()
    hours = f"{at - dt.timedelta(minutes=1):%H:%M}-{at + dt.timedelta(minutes=50):%H:%M}"
    way = AlertChannel(name="team", url=Secret("json://host"), digest_s=0.0, quiet_hours=hours)
    world = Installation(sqlite_store, {"team": way})
    world.shop.place(sku="OLD")
    world.carry()
    world.write(lambda c: open_issues(c, [Stop(None, Cause(cause="connection", connection="erp", title="x"))]))
    world.alerts.beat()
    assert world.team.news == [(["connection"], [])]
    world.config = dataclasses.replace(world.config, alerts={"team": dataclasses.replace(way, quiet_hours="")})
    world.alerts = world.beat_of()
    world.later(300)
    assert world.team.news[1:] == [(["unknown_sku"], [])]


def test_only_what_is_critical_reaches_whoever_wants_no_more(small):
    world = small
    ways = {"team": AlertChannel(name="team", url=Secret("json://host"), severity=Severity.CRITICAL)}
    world.config = dataclasses.replace(world.config, alerts=ways)
    world.alerts = world.beat_of()
    world.shop.place(sku="OLD")
    world.carry()
    world.later(60)
    assert world.team.heard == []
    assert ("unknown_sku", CHANNEL) in world.standing()


def test_one_process_tells_and_one_that_stands_by_does_only_while_no_scheduler_is_alive(small):
    world = small
    web = world.beat_of(standby=True)
    world.shop.place(sku="OLD")
    world.carry()
    web.beat()
    assert world.team.heard == []
    world.alerts.beat()
    assert len(world.team.heard) == 1
    # The machine of the scheduler stops; the place of its alerts runs out.
    world.forward(300)
    web.beat()
    assert ("scheduler", "") not in world.standing()
    world.forward(61)
    web.beat()
    assert ("scheduler", "") in world.standing()
    world.forward(600)
    web.beat()
    # Everything else was over or is explained by it.
    assert world.team.news[1] == (["scheduler"], [])
    world.work()
    web.beat()
    world.later(600)
    assert world.team.news[-1] == ([], ["scheduler"])


def test_no_text_of_others_leaves_the_house(small):
    world = small
    world.shop.place(sku="SECRET-ARTICLE", customer="Anna Müller")
    world.carry()
    said = Transient("Anna Müller's order is refused")
    cause = Cause(cause="connection", connection="erp", title=str(said), subject="anna@example.com")
    world.write(lambda c: open_issues(c, [Stop(None, cause)]))
    world.alerts.beat()
    title, text = text_of(world.team.heard[0][2])
    kept = world.rows(select(alert_messages.c.body))[0].body
    assert title == "Crossdock: 2 new alerts"
    assert "CRITICAL: Connection does not work, erp" in text
    assert "WARNING: Unknown article, web (1 document)" in text
    assert "https://hub.test/connections/erp" in text
    # In a message nothing stands below.
    assert "below" not in text
    for word in ("Anna", "anna", "SECRET"):
        assert word not in text + kept


def test_a_test_is_sent_beside_the_news_and_once_however_often_it_is_asked_for(world):
    for _ in range(3):
        desk.ask_test(world.store, world.config, "team", "https://hub.test", actor=ANNA)
    world.alerts.beat()
    [(_, _, body)] = world.team.heard
    assert text_of(body)[0] == "Crossdock: a test"
    world.shop.place(sku="OLD")
    world.carry()
    world.later(15)
    # A test is no news: it keeps none back.
    assert world.team.news[1:] == [(["unknown_sku"], [])]
    with pytest.raises(desk.NoWay, match="nobody"):
        desk.ask_test(world.store, world.config, "nobody", "", actor=ANNA)


def test_asking_for_a_test_tries_at_once_what_is_refused(small):
    world = small
    world.team.down = 3
    world.shop.place(sku="OLD")
    world.carry()
    world.alerts.beat()
    world.later(15)
    assert world.team.down == 2
    desk.ask_test(world.store, world.config, "team", "", actor=ANNA)
    world.team.down = 0
    world.alerts.beat()
    assert world.team.news == [(["unknown_sku"], []), ([], [])]


def test_what_is_long_over_is_forgotten_and_what_waits_is_not(small):
    world = small
    world.shop.place(sku="OLD")
    world.carry()
    world.alerts.beat()
    world.write(lambda c: c.execute(update(alert_messages).values(sent_at=None)))
    world.write(lambda c: rows.close_alerts(c, [1], now()))
    world.write(lambda c: rows.forget_alerts(c, now() + dt.timedelta(days=1)))
    assert world.rows(select(alert_messages.c.id)) == [(1,)]
    assert world.store.read(lambda c: rows.recent_alerts(c, 10)) == []
    world.write(lambda c: rows.mark_sent(c, 1))
    world.write(lambda c: rows.forget_alerts(c, now() + dt.timedelta(days=1)))
    assert world.rows(select(alert_messages.c.id)) == []


def test_no_words_of_an_alert_point_at_what_stands_elsewhere():
    assert [cause for cause in known_causes() if "below" in alert_words(cause).remedy] == []
