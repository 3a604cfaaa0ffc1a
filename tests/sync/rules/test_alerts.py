"""From facts to alerts, and from alerts to who is told."""

from __future__ import annotations

import dataclasses
import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import Severity
from sync.rules.alerts import (
    Alert,
    Changes,
    ChannelFact,
    ConnectionFact,
    Facts,
    IssueFact,
    Room,
    Scope,
    Wish,
    alerts_of,
    compare,
)
from sync.store.alerts import AlertRow

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
WELL = Facts(now=NOW)


def channel(**how):
    return ChannelFact(**{"name": "web", "source": "shop", "erp": "erp", "waits_at_most": HOUR, **how})


def connection(name="erp", *, away=False, failing=False):
    return ConnectionFact(name, away, failing, HOUR)


def told(**facts):
    """Causes that are news."""
    return [alert.cause for alert in alerts_of(dataclasses.replace(WELL, **facts)) if not alert.hidden]


def test_where_all_is_well_there_is_nothing_to_tell():
    assert alerts_of(dataclasses.replace(WELL, connections=[connection()], channels=[channel()])) == []


@pytest.mark.parametrize(
    ("facts", "causes"),
    [
        ({"queue_answers": False, "workers": 0}, ["queue"]),
        ({"queue_is_safe": False}, ["queue_setup"]),
        ({"workers": 0}, ["workers"]),
        ({"scheduler_alive": False}, ["scheduler"]),
        ({"room": Room.LITTLE}, ["disk"]),
        ({"room": Room.NONE}, ["disk"]),
        ({"connections": [connection(away=True)]}, ["away"]),
        ({"connections": [connection(failing=True)]}, ["failing"]),
        ({"channels": [channel(waiting=HOUR)]}, ["backlog"]),
        ({"channels": [channel(waiting=HOUR / 2)]}, []),
        ({"channels": [channel(differences=3)]}, ["proof"]),
        ({"channels": [channel(failed_tasks=("nightly", "proof"))]}, ["schedule"]),
        ({"channels": [channel(volume="few")]}, ["volume"]),
        ({"channels": [channel(volume="few")], "connections": [connection("shop", failing=True)]}, ["failing"]),
        ({"channels": [channel(volume="few", waiting=HOUR / 2)]}, []),
        ({"failing_ways": {"mail": NOW - HOUR}}, ["alert_way"]),
        ({"failing_ways": {"mail": NOW}}, []),
        ({"issues": [IssueFact("internal", "web", "", 1)]}, ["internal"]),
    ],
)
def test_each_fact_raises_its_alert(facts, causes):
    assert told(**facts) == causes


def test_a_hundred_issues_of_one_cause_are_one_alert_with_their_documents():
    issues = [IssueFact("unknown_sku", "web", "", 3) for _ in range(100)] + [IssueFact("unknown_sku", "b2b", "", 1)]
    found = alerts_of(dataclasses.replace(WELL, issues=issues))
    assert [(alert.place, alert.count) for alert in found] == [("b2b", 1), ("web", 300)]


@pytest.mark.parametrize(
    "explained",
    [
        {"workers": 0},
        {"queue_answers": False},
        {"scheduler_alive": False},
        {"all_paused": True},
        {"connections": [connection(away=True)]},
        {"issues": [IssueFact("connection", "", "shop", 0)]},
        {"channels": [channel(waiting=HOUR, paused=True)]},
    ],
)
def test_what_something_else_explains_is_no_news(explained):
    facts = {"channels": [channel(waiting=HOUR)], **explained}
    assert "backlog" not in told(**facts)
    hidden = next(alert for alert in alerts_of(dataclasses.replace(WELL, **facts)) if alert.cause == "backlog")
    assert compare([], [hidden], NOW).new == []
    # And one that stands is not called over either: nobody knows.
    assert not compare([row(cause="backlog", place="web", scope="channel")], [hidden], NOW)


def test_a_connection_that_is_paused_is_told_once_and_not_as_failing_too():
    issues = [IssueFact("connection", "", "erp", 0)]
    assert told(issues=issues, connections=[connection(failing=True)]) == ["connection"]


def test_what_is_put_aside_is_not_counted_beside_what_is_not_and_alone_nobody_is_told_of_it():
    aside = IssueFact("rejected", "web", "", 7, aside=True)
    [alert] = alerts_of(dataclasses.replace(WELL, issues=[aside, IssueFact("rejected", "web", "", 2)]))
    assert (alert.count, alert.aside) == (2, False)
    [alert] = alerts_of(dataclasses.replace(WELL, issues=[aside]))
    assert alert.aside
    seen = row(cause="rejected", scope="channel", place="web")
    assert not compare([], [alert], NOW)
    assert compare([seen], [alert], NOW) == Changes([], {}, [], [], [1])


# --- what has changed -------------------------------------------------------------------------------------------


def row(**how):
    values = {
        "id": 1,
        "cause": "disk",
        "scope": "all",
        "place": "",
        "severity": "warning",
        "count": 0,
        "detail": "",
        "seen_at": NOW - HOUR,
        "raised_at": NOW - HOUR,
        "closed_at": None,
    }
    return AlertRow(**{**values, **how})


def test_what_may_pass_by_itself_is_kept_and_raised_when_it_has_not():
    alert = Alert(cause="away", scope=Scope.CONNECTION, place="erp", patience=HOUR)
    assert compare([], [alert], NOW).new == [(alert, False)]
    seen = row(cause="away", scope="connection", place="erp", raised_at=None)
    assert compare([dataclasses.replace(seen, seen_at=NOW - HOUR / 2)], [alert], NOW).raised == []
    assert compare([seen], [alert], NOW).raised == [1]


def test_what_has_grown_or_become_graver_is_noted_and_what_is_gone_is_over():
    graver = Alert(cause="disk", scope=Scope.ALL, severity=Severity.CRITICAL)
    assert compare([row()], [graver], NOW).changed == {1: graver}
    assert not compare([row()], [Alert(cause="disk", scope=Scope.ALL)], NOW)
    assert compare([row()], [], NOW).gone == [1]


causes = st.sampled_from(["disk", "away", "backlog", "internal"])
found_alerts = st.lists(
    st.builds(
        Alert,
        cause=causes,
        scope=st.just(Scope.CHANNEL),
        place=st.sampled_from(["web", "b2b"]),
        severity=st.sampled_from(Severity),
        count=st.integers(0, 3),
        patience=st.sampled_from([dt.timedelta(0), HOUR]),
        hidden=st.booleans(),
        aside=st.booleans(),
    ),
    unique_by=lambda alert: alert.key,
)
standing_rows = st.lists(
    st.builds(
        row,
        cause=causes,
        scope=st.just("channel"),
        place=st.sampled_from(["web", "b2b"]),
        raised_at=st.sampled_from([None, NOW]),
    ),
    unique_by=lambda entry: entry.key,
)


@given(standing_rows, found_alerts)
def test_afterwards_exactly_what_was_found_stands_and_looking_again_changes_nothing(standing, found):
    standing = [dataclasses.replace(entry, id=number) for number, entry in enumerate(standing)]
    changes = compare(standing, found, NOW)
    kept = [entry for entry in standing if entry.id not in changes.gone]
    after = [
        dataclasses.replace(
            entry,
            severity=str(changes.changed[entry.id].severity) if entry.id in changes.changed else entry.severity,
            count=changes.changed[entry.id].count if entry.id in changes.changed else entry.count,
            raised_at=NOW if entry.id in changes.raised else None if entry.id in changes.rested else entry.raised_at,
        )
        for entry in kept
    ]
    after += [
        row(
            id=100 + number,
            cause=alert.cause,
            scope=str(alert.scope),
            place=alert.place,
            severity=str(alert.severity),
            count=alert.count,
            seen_at=NOW,
            raised_at=NOW if at_once else None,
        )
        for number, (alert, at_once) in enumerate(changes.new)
    ]
    visible = {alert.key for alert in found if not (alert.hidden or alert.aside)}
    quiet = {alert.key for alert in found} - visible
    assert {entry.key for entry in after} == visible | (quiet & {entry.key for entry in standing})
    aside = {alert.key for alert in found if alert.aside}
    assert [entry for entry in after if entry.raised_at is not None and entry.key in aside] == []
    assert not compare(after, found, NOW)


# --- who is told ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        ({}, True),
        ({"severity": Severity.CRITICAL}, False),
        ({"causes": frozenset({"disk"})}, False),
        ({"causes": frozenset({"backlog"})}, True),
        ({"of": frozenset({"b2b"})}, False),
        ({"of": frozenset({"web"})}, True),
    ],
)
def test_each_is_told_what_it_wished_for(wish, wanted):
    assert Wish(name="mail", **wish).wants(row(cause="backlog", scope="channel", place="web")) is wanted


def test_what_concerns_everything_is_told_to_each_and_that_a_way_is_down_to_the_others():
    assert Wish(name="mail", of=frozenset({"b2b"})).wants(row())
    down = row(cause="alert_way", scope="alerts", place="mail")
    assert not Wish(name="mail").wants(down)
    assert Wish(name="chat").wants(down)


@pytest.mark.parametrize(
    ("hours", "at", "quiet"),
    [
        (("22:00", "07:00"), "21:59", False),
        (("22:00", "07:00"), "22:00", True),
        (("22:00", "07:00"), "06:59", True),
        (("22:00", "07:00"), "07:00", False),
        (("12:00", "13:00"), "12:30", True),
        (("12:00", "13:00"), "13:00", False),
    ],
)
def test_quiet_hours_are_those_of_the_readers_zone(hours, at, quiet):
    zone = ZoneInfo("Asia/Tokyo")
    begin, end = (dt.time.fromisoformat(text) for text in hours)
    moment = dt.datetime.combine(NOW.date(), dt.time.fromisoformat(at), zone).astimezone(dt.UTC)
    assert Wish(name="mail", quiet=(begin, end), timezone=zone).is_quiet(moment) is quiet
