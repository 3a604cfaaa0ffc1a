"""The parts of the demo that need no sandbox; tests/real/test_demo.py runs it whole."""

from __future__ import annotations

import datetime as dt
import sys

import pytest

from config.loader import load_config
from config.settings import Settings
from sync.cli.demo.configuration import (
    CHANNELS,
    Secrets,
    variables,
    without_ours,
    write_configuration,
    write_environment,
)
from sync.cli.demo.services import DemoFailed, Service
from sync.cli.demo.verdict import unexpected
from sync.desk.proof import ChannelProof
from sync.rules.comparison import Difference, Group, Kind
from tests.shared import wait_until

TRYTON = {
    "url": "http://127.0.0.1:4",
    "login": "integration",
    "database": "erp",
    "web_shop_name": "Storefront",
    "rest_key": "tryton-rest-key",
    "password": "tryton-password",
}


def written(tmp_path):
    urls = {"shop": "http://127.0.0.1:1", "outlet": "http://127.0.0.1:2", "erp": "http://127.0.0.1:3"}
    write_configuration(tmp_path / "config", **urls, tryton=TRYTON)
    given = Secrets()
    given.take_tryton(TRYTON)
    return given, variables(tmp_path, given)


@pytest.mark.loopback
def test_the_demos_configuration_is_one_that_crossdock_takes_with_every_rule_as_it_is_by_default(tmp_path):
    given, own = written(tmp_path)
    settings = Settings.from_env(own)
    config = load_config(settings.config_folder, settings.environ)
    assert set(config.channels) == set(CHANNELS)
    assert {secret.reveal() for secret in config.secrets()} == set(given.by_variable.values())
    text = (tmp_path / "config" / "crossdock.yaml").read_text()
    assert not [secret for secret in given.by_variable.values() if secret in text]
    assert "rules:" not in text


@pytest.mark.loopback
def test_the_environment_file_gives_a_shell_the_demos_installation_and_is_for_nobody_else(tmp_path):
    _, own = written(tmp_path)
    write_environment(tmp_path / "environment", own | {"DEMO_ODD": "it's $HOME"})
    assert (tmp_path / "environment").stat().st_mode & 0o777 == 0o600
    assert "export DEMO_ODD='it'\"'\"'s $HOME'\n" in (tmp_path / "environment").read_text()


def test_what_is_set_for_another_installation_does_not_reach_the_demo():
    assert without_ours({"CROSSDOCK_DATABASE": "theirs", "PATH": "/bin"}) == {"PATH": "/bin"}


def service(tmp_path, code, **options):
    return Service("thing", [sys.executable, "-c", code], log=tmp_path / "thing.log", env={}, **options)


def test_a_service_says_where_it_is_on_a_line_that_no_log_gets(tmp_path):
    code = (
        'import sys, time; print(\'{"url": "u", "key": "k"}\', flush=True); sys.stderr.write(\'up\\n\'); time.sleep(60)'
    )
    thing = service(tmp_path, code, announces=True)
    thing.start()
    try:
        wait_until(thing.is_ready)
        assert thing.facts == {"url": "u", "key": "k"}
    finally:
        thing.end()
    assert thing.ended
    thing.demand()
    assert thing.log.read_text() == "up\n"


def test_a_service_that_ends_unasked_fails_the_demo_with_the_last_lines_of_its_log(tmp_path):
    thing = service(tmp_path, "print(*range(100), sep='\\n'); raise SystemExit(3)")
    thing.start()
    wait_until(lambda: thing.ended)
    with pytest.raises(DemoFailed) as failed:
        thing.demand()
    lines = str(failed.value).splitlines()
    assert lines[0] == f"thing has ended with status 3; its log is {thing.log}:"
    assert lines[-1].strip() == "99"
    assert len(lines) < 20
    thing.end()


def proof(*differences):
    now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    group = Group("EUR", "2026-11-20")
    group.differences.extend(
        Difference(kind=kind, currency="EUR", day="2026-11-20", where="erp", shop_id=order, number=order)
        for kind, order in differences
    )
    return ChannelProof("tea-shop", now, now, [group])


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ([(Kind.HELD, "1"), (Kind.HELD, "2")], ""),
        ([(Kind.HELD, "1")], "order id 2 (over_limit) should be held"),
        ([(Kind.HELD, "1"), (Kind.HELD, "2"), (Kind.HELD, "3")], "order id 3 is held, which the demo did not plan"),
        # Explained, and yet not what the demo promises.
        ([(Kind.HELD, "1"), (Kind.HELD, "2"), (Kind.TOO_YOUNG, "4")], "too young order 4"),
    ],
)
def test_only_what_was_planted_may_be_different(differences, said):
    assert unexpected(proof(*differences), {"1": "unknown_sku", "2": "over_limit"}) == said
