"""The check-up of the queue, against a real Valkey."""

from __future__ import annotations

import pytest

from config.settings import Settings
from connectors.kit.findings import Level
from sync.work import checkup
from sync.work.ring import RingQueue
from sync.work.worker import DrainWorker


def found(tmp_path, valkey=None, **variables):
    given = {"CROSSDOCK_REDIS": valkey.url.reveal()} if valkey is not None else {}
    settings = Settings.from_env({"CROSSDOCK_STATE": str(tmp_path / "state"), **given, **variables})
    return {finding.check: finding for finding in checkup.check_queue(settings)}


def test_a_server_in_order_without_workers(tmp_path, valkey):
    findings = found(tmp_path, valkey)
    assert list(findings) == list(checkup.CHECKS)
    assert findings.pop("queue.workers").level is Level.FAIL
    assert {finding.level for finding in findings.values()} == {Level.OK}


def test_workers_that_are_alive_are_counted(tmp_path, valkey):
    worker = DrainWorker(RingQueue.of("crossdock", valkey.client()))
    worker.register_birth()
    finding = found(tmp_path, valkey)["queue.workers"]
    assert (finding.level, finding.found) == (Level.OK, "1 alive")


@pytest.mark.parametrize(
    ("check", "setting", "level"),
    [
        ("queue.policy", ("maxmemory-policy", "allkeys-lru"), Level.FAIL),
        ("queue.persistence", ("appendonly", "no"), Level.WARN),
        ("queue.memory", ("maxmemory", "1200000"), Level.WARN),
    ],
)
def test_a_setting_that_loses_rings(tmp_path, valkey, check, setting, level):
    valkey.client().config_set(*setting)
    findings = found(tmp_path, valkey)
    assert findings[check].level is level
    assert findings["queue.server"].level is Level.OK


def test_an_own_server_that_is_away_fails_and_nothing_else_is_guessed(tmp_path):
    findings = found(tmp_path, CROSSDOCK_REDIS=f"unix://{tmp_path}/nobody.sock")
    assert [(check, finding.level) for check, finding in findings.items()] == [("queue.server", Level.FAIL)]


def test_the_supervised_server_runs_with_crossdock_or_not_at_all(tmp_path):
    findings = found(tmp_path)
    assert [(check, finding.level) for check, finding in findings.items()] == [("queue.server", Level.WARN)]
    assert "crossdock run" in findings["queue.server"].next_step
