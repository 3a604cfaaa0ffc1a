"""Who is told of what is out of order."""

from __future__ import annotations

import pytest

from config.model import AlertChannel, AlertKind, Secret, Severity, Watch
from config.problems import ConfigError
from tests.config.folder import CHANNEL, load, problems

TEAM = "alerts:\n  team:\n    url: ${env:KEY}\n"


def test_nobody_is_told_where_nothing_is_said(tmp_path):
    loaded = load(tmp_path, c=CHANNEL)
    assert loaded.alerts == {}
    assert loaded.channels["main"].watch == Watch()


def test_a_way_is_read_and_all_of_its_address_is_a_secret(tmp_path):
    more = "    severity: critical\n    of: [shop, main]\n    causes: [connection]\n    digest_s: 1h\n"
    loaded = load(tmp_path, c=CHANNEL + TEAM + more + "    quiet_hours: 22:00-07:00\n")
    way = AlertChannel(
        name="team",
        url=Secret("hunter2"),
        severity=Severity.CRITICAL,
        of=("shop", "main"),
        causes=("connection",),
        digest_s=3600.0,
        quiet_hours="22:00-07:00",
    )
    assert loaded.alerts == {"team": way}
    assert Secret("hunter2") in loaded.secrets()


def test_a_webhook_keeps_its_secrets_to_itself(tmp_path):
    text = '    kind: webhook\n    secrets: ["${env:KEY}"]\n'
    address = TEAM.replace("KEY", "HOOK")
    environ = {"KEY": "hunter2", "HOOK": "https://hooks.example/t0ken?x=1"}
    way = load(tmp_path, environ=environ, c=CHANNEL + address + text).alerts["team"]
    assert (way.kind, way.secrets) == (AlertKind.WEBHOOK, (Secret("hunter2"),))


@pytest.mark.parametrize("url", ["http://10.0.0.7/x", "mailto://u:p@h", "http://"])
def test_a_webhook_goes_over_https_or_to_a_host_that_was_named(tmp_path, url):
    text = CHANNEL + TEAM.replace("KEY", "HOOK") + '    kind: webhook\n    secrets: ["${env:KEY}"]\n'
    environ = {"KEY": "hunter2", "HOOK": url}
    with pytest.raises(
        ConfigError, match=r"alerts.team.url: found '\$\{env:HOOK\}', expected an https address"
    ) as told:
        load(tmp_path, environ=environ, c=text)
    assert url not in str(told.value)
    if "10.0" in url:
        load(tmp_path, environ=environ, c=text + "    allow_hosts: [10.0.0.0/8]\n")


@pytest.mark.parametrize(
    ("line", "at", "words"),
    [
        ("of: [shap]", ".of[0]", "did you mean 'shop'"),
        ("severity: bad", ".severity", "expected one of warning, critical"),
        ("quiet_hours: 25:00-07:00", ".quiet_hours", "two times of a day"),
        ("causes: [Not A Cause]", ".causes[0]", "crossdock alerts causes"),
    ],
)
def test_what_would_keep_alerts_back_unseen_is_refused(tmp_path, line, at, words):
    [told] = problems(tmp_path, c=CHANNEL + TEAM + f"    {line}\n")
    assert f"alerts.team{at}" in told
    assert words in told


def test_an_address_with_a_password_does_not_stand_in_the_file(tmp_path):
    [told] = problems(tmp_path, c=CHANNEL + "alerts: {team: {url: 'mailtos://u:p@mail.example'}}\n")
    assert "found a secret written into the file" in told
    assert "mail.example" not in told


def test_a_channel_says_what_it_is_watched_for(tmp_path):
    loaded = load(tmp_path, c=CHANNEL + "    watch: {away_s: 5m, backlog_s: 1h}\n")
    assert loaded.channels["main"].watch == Watch(away_s=300.0, backlog_s=3600.0)


def test_a_webhook_without_a_secret_is_refused(tmp_path):
    address = TEAM.replace("KEY", "HOOK")
    with pytest.raises(ConfigError, match=r"alerts.team.*at least one secret to sign with"):
        load(tmp_path, environ={"HOOK": "https://hooks.example/"}, c=CHANNEL + address + "    kind: webhook\n")
