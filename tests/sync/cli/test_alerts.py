"""`crossdock alerts` at a terminal."""

from __future__ import annotations

import logging

import pytest
import structlog

from mappings.canonical.words import say
from sync import cli
from sync.cli import alerts
from sync.store import alerts as rows
from sync.work.telling import NotTold
from tests.databases import now, url_of

ALERTS = 'alerts: {team: {url: "${env:ALERT_URL}"}}\n'


@pytest.fixture
def typed(sqlite_store, tmp_path, monkeypatch, capsys):
    """What a command prints, and its exit status."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "a.yaml").write_text(ALERTS)
    variables = {
        "CROSSDOCK_CONFIG": str(folder),
        "CROSSDOCK_STATE": str(tmp_path),
        "CROSSDOCK_DATABASE": url_of(sqlite_store),
        "ALERT_URL": "json://hunter22@127.0.0.1:1/",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["crossdock", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capsys.readouterr()
        return " ".join((shown.out + shown.err).split()), ended.value.code or 0

    yield run
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


def alert(**how):
    values = {"cause": "unknown_sku", "scope": "channel", "place": "web", "severity": "warning", "count": 7}
    return {**values, "seen_at": now(), "raised_at": now(), **how}


def test_what_stands_and_who_is_told(typed, sqlite_store):
    assert typed("alerts") == ("nothing is out of order way team: nothing was sent yet", 0)
    sqlite_store.write(lambda c: rows.open_alert(c, alert()))
    sqlite_store.write(lambda c: rows.open_alert(c, alert(cause="queue", scope="all", place="", count=0)))
    made = sqlite_store.write(lambda c: rows.add_message(c, "team", {}, now()))
    sqlite_store.write(lambda c: rows.mark_refused(c, made, "nobody is at home", now() - now()))
    shown, _ = typed("alerts")
    assert "warning: Unknown article web, 7 documents, since" in shown
    assert "warning: Queue away, since" in shown
    assert "way team: fails since" in shown
    assert "1 wait: nobody is at home" in shown


def test_a_test_is_sent_at_once_and_its_outcome_is_the_exit_status(typed, monkeypatch):
    sent = []
    monkeypatch.setattr(alerts, "send", lambda *told: sent.append((told[0].name, told[1].body["type"], told[2])))
    assert typed("alerts", "test", "team")[1] == 0
    monkeypatch.setenv("CROSSDOCK_LANGUAGE", "de")
    assert typed("alerts", "test", "team")[1] == 0
    assert sent == [("team", "test", "en"), ("team", "test", "de")]

    def refuse(*_told):
        raise NotTold(say("nobody is at home"))

    monkeypatch.setattr(alerts, "send", refuse)
    shown, status = typed("alerts", "test", "team")
    assert (shown, status) == ("not taken: nobody is at home", 1)
    shown, status = typed("alerts", "test", "nobody")
    assert "configured are: team" in shown
    assert status == 2


def test_every_cause_is_listed_by_the_name_that_the_configuration_takes(typed):
    shown, _ = typed("alerts", "causes")
    for cause in ("unknown_sku", "connection", "backlog", "scheduler", "alert_way"):
        assert f"{cause} " in shown
