"""Trying passwords gets slow, and nobody can lock somebody else out."""

from __future__ import annotations

import threading
import time

import pytest

from config.model import Secret
from tests.shared import PATIENCE_S
from tests.webapp.console.conftest import Browser
from webapp.addresses import customer_network
from webapp.console import throttle
from webapp.console.throttle import SignInThrottle


@pytest.fixture
def limits(tmp_path):
    """Without Redis, so this process counts alone."""
    return SignInThrottle(Secret(f"unix://{tmp_path}/no.sock"), instance="test")


def refused_at(limits, tries):
    """The number of the first try that has to wait; None when none had to."""
    return next(
        (number for number, (login, address) in enumerate(tries, start=1) if limits.wait_s(login, address)), None
    )


def test_one_account_from_one_address(limits):
    assert refused_at(limits, [("ada", "192.0.2.1")] * 10) == 6


def test_many_accounts_from_one_address(limits):
    assert refused_at(limits, [(f"user{n}", "192.0.2.1") for n in range(50)]) == 21


def test_the_addresses_of_one_ipv6_customer_count_as_one(limits):
    assert refused_at(limits, [(f"user{n}", f"2001:db8:1:2::{n:x}") for n in range(1, 50)]) == 21
    assert limits.wait_s("ada", "2001:db8:1:3::1") == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::"), ("?", "unknown")],
)
def test_what_counts_as_one_address(address, network):
    assert customer_network(address) == network


def test_many_addresses_at_one_account_make_its_sign_ins_take_turns_but_never_lock_it(limits, monkeypatch):
    slept = []
    monkeypatch.setattr(throttle.time, "sleep", slept.append)
    for number in range(200):
        assert limits.wait_s("ada", f"10.0.{number // 250}.{number % 250}") == 0
    assert len(slept) == 150
    assert limits.wait_s("grace", "192.0.2.1") == 0
    assert len(slept) == 150


def test_only_so_many_wait_for_their_turn_that_webhooks_keep_their_threads(limits, monkeypatch):
    release, waiting = threading.Event(), threading.Semaphore(0)

    def sleep(_seconds):
        waiting.release()
        release.wait(PATIENCE_S)

    monkeypatch.setattr(throttle, "PER_ACCOUNT", (throttle.RateLimitItemPerHour(1),))
    monkeypatch.setattr(throttle.time, "sleep", sleep)
    limits.wait_s("ada", "10.0.0.1")
    threads = [threading.Thread(target=limits.wait_s, args=("ada", f"10.0.1.{n}")) for n in range(2)]
    for thread in threads:
        thread.start()
        assert waiting.acquire(timeout=PATIENCE_S)
    assert limits.wait_s("ada", "10.0.2.1") == 3
    release.set()
    for thread in threads:
        thread.join(PATIENCE_S)


def test_who_gets_in_has_mistyped_nothing(limits):
    for _ in range(4):
        limits.wait_s("ada", "192.0.2.1")
    limits.succeeded("ada", "192.0.2.1")
    assert refused_at(limits, [("ada", "192.0.2.1")] * 10) == 6


def test_a_queue_that_is_away_costs_one_try_and_no_seconds(limits):
    begun = time.monotonic()
    for _ in range(5):
        limits.wait_s("ada", "192.0.2.1")
    assert time.monotonic() - begun < 4


def test_the_form_says_for_how_long(browser):
    someone = browser()
    token = someone.token()
    statuses = [someone.sign_in("viewer", "wrong", token=token).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    answer = someone.sign_in("viewer", token=token)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    assert "Too many tries. Wait" in answer.text


def test_a_forged_forwarding_header_is_no_other_address(app, people):
    someone = Browser(app, REMOTE_ADDR="192.0.2.1")
    token = someone.token()
    statuses = [
        someone.post(
            "/sign-in", token, {"X-Forwarded-For": f"10.0.0.{n}"}, login="viewer", password="wrong"
        ).status_code
        for n in range(7)
    ]
    assert statuses.count(429) == 2


@pytest.fixture
def shared(valkey):
    """Makes throttles of web processes of one installation, or of the one that is named."""
    made = []

    def make(instance="test"):
        made.append(SignInThrottle(valkey.url, instance=instance))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_all_web_processes_count_together(shared):
    one, other = shared(), shared()
    assert [limits.wait_s("ada", "192.0.2.1") for limits in (one, other, one, other, one)] == [0] * 5
    assert 0 < other.wait_s("ada", "192.0.2.1") <= 60
    assert shared("second").wait_s("ada", "192.0.2.1") == 0
    one.succeeded("ada", "192.0.2.1")
    assert other.wait_s("ada", "192.0.2.1") == 0


def test_a_queue_that_takes_connections_and_never_answers_costs_one_time_out_in_a_while(shared, valkey):
    limits = shared()
    valkey.freeze()
    begun = time.monotonic()
    assert refused_at(limits, [("ada", "192.0.2.1")] * 8) == 6
    assert time.monotonic() - begun < 8 * 0.5
    valkey.thaw()
