from __future__ import annotations

import time

import pytest
import redis

from connectors.kit import throttle as module
from connectors.kit.errors import RateLimited
from connectors.kit.throttle import ConnectionThrottle, lift_pause, redis_pool


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def pools():
    made = []

    def make(server):
        made.append(redis_pool(server if isinstance(server, str) else server.url.reveal()))
        return made[-1]

    yield make
    for pool in made:
        pool.disconnect()


def calls_within(throttles, seconds):
    """How many calls get through in so much time when everybody asks all the time."""
    until, passed = time.monotonic() + seconds, 0
    # One that is let through after that time, because this machine took its time before, belongs to the next second.
    while time.monotonic() < until:
        for throttle in throttles:
            try:
                throttle.wait(0.0)
            except RateLimited:
                time.sleep(0.005)
            else:
                passed += time.monotonic() < until
    return passed


def test_without_a_rate_nothing_waits():
    clock = Clock()
    throttle = ConnectionThrottle("shop", clock=clock, sleep=clock.sleep)
    for _ in range(100):
        throttle.wait(1)
    assert clock.slept == []


def test_alone_the_rate_is_kept():
    assert calls_within([ConnectionThrottle("shop", 10)], 0.95) == 10


def test_a_call_that_would_wait_beyond_its_deadline_is_refused_with_the_time_to_come_back():
    slept = []
    throttle = ConnectionThrottle("shop", 0.1, sleep=slept.append)
    throttle.wait(1)
    with pytest.raises(RateLimited) as caught:
        throttle.wait(1)
    assert slept == []
    assert 1 < caught.value.retry_after_s <= 10
    assert caught.value.code == RateLimited.OWN_RATE


def test_a_pause_stops_everything_until_it_ends():
    clock = Clock()
    throttle = ConnectionThrottle("shop", clock=clock, sleep=clock.sleep)
    throttle.slow_down(5)
    throttle.slow_down(2)
    with pytest.raises(RateLimited) as caught:
        throttle.wait(3)
    assert caught.value.retry_after_s == 5
    throttle.wait(10)
    assert 5 <= clock.now - 1000 < 6


def test_an_absurd_pause_is_an_hour():
    clock = Clock()
    throttle = ConnectionThrottle("shop", clock=clock, sleep=clock.sleep)
    throttle.slow_down(1e9)
    with pytest.raises(RateLimited) as caught:
        throttle.wait(1)
    assert caught.value.retry_after_s == 3600


@pytest.mark.parametrize("rate", [0.001, 0.07, 1 / 3, 0.5, 1, 2.5, 7.3, 100, 1000])
def test_a_window_never_allows_more_than_the_rate(rate):
    item = module._item(rate)
    allowed = item.amount / item.get_expiry()
    assert rate * 0.9 <= allowed <= rate * 1.000001


def test_all_processes_share_one_rate(valkey, pools):
    throttles = [ConnectionThrottle("shop", 10, pool=pools(valkey)) for _ in range(3)]
    assert calls_within(throttles, 0.95) == 10
    assert calls_within([ConnectionThrottle("other", 10, pool=pools(valkey))], 0.5) == 10


@pytest.mark.fault("B5")
def test_a_pause_told_to_one_process_stops_the_others(valkey, pools):
    told, other = (ConnectionThrottle("shop", pool=pools(valkey)) for _ in range(2))
    other.wait(1)
    told.slow_down(30)
    told.slow_down(1)
    time.sleep(module.PAUSE_AGE_S)
    with pytest.raises(RateLimited) as caught:
        other.wait(1)
    assert 10 < caught.value.retry_after_s <= 30
    ConnectionThrottle("unconcerned", pool=pools(valkey)).wait(1)


def refused(throttle):
    with pytest.raises(RateLimited) as caught:
        throttle.wait(1)
    return caught.value


@pytest.mark.fault("B5")
def test_a_pause_that_a_person_lifts_ends_in_every_running_process(valkey, pools):
    clock = Clock()
    told, other = (ConnectionThrottle("shop", pool=pools(valkey), clock=clock, sleep=clock.sleep) for _ in range(2))
    told.wait(1)
    told.slow_down(3000)
    for throttle in (told, other):
        assert refused(throttle).code != RateLimited.OWN_RATE
    assert lift_pause("shop", pool=pools(valkey)) is True
    clock.now += module.PAUSE_AGE_S
    told.wait(1)
    other.wait(1)
    assert lift_pause("shop", pool=pools(valkey)) is False


def test_what_a_system_asks_for_after_its_pause_was_lifted_holds(valkey, pools):
    clock = Clock()
    told, other = (ConnectionThrottle("shop", pool=pools(valkey), clock=clock, sleep=clock.sleep) for _ in range(2))
    told.slow_down(1000)
    lift_pause("shop", pool=pools(valkey))
    # It has not looked since: the mark and what stands now are read together.
    told.slow_down(2000)
    for throttle in (told, other):
        clock.now += module.PAUSE_AGE_S
        assert 1900 < refused(throttle).retry_after_s <= 2000


def test_a_pause_is_remembered_by_who_was_told_when_redis_loses_everything(valkey, pools):
    clock = Clock()
    told = ConnectionThrottle("shop", pool=pools(valkey), clock=clock, sleep=clock.sleep)
    lift_pause("shop", pool=pools(valkey))
    told.wait(1)
    told.slow_down(1000)
    clock.now += module.PAUSE_AGE_S
    refused(told)
    with redis.Redis(connection_pool=pools(valkey)) as client:
        client.flushall()
    clock.now += module.PAUSE_AGE_S
    assert refused(told).retry_after_s > 900


def test_a_call_that_waits_goes_out_when_the_pause_is_lifted(valkey, pools):
    clock = Clock()

    def lift(seconds):
        clock.sleep(seconds)
        lift_pause("shop", pool=pools(valkey))

    told = ConnectionThrottle("shop", pool=pools(valkey), clock=clock, sleep=lift)
    told.slow_down(25)
    told.wait(30)
    assert clock.now - 1000 < 2 * module.LOOK_S


def test_whether_a_pause_was_lifted_is_not_known_where_redis_is_away(tmp_path, pools):
    assert lift_pause("shop", pool=pools(f"unix://{tmp_path}/nobody.sock")) is None


def test_without_redis_half_the_rate_goes_on(valkey, pools):
    throttle = ConnectionThrottle("shop", 20, pool=pools(valkey))
    throttle.wait(1)
    valkey.kill()
    assert calls_within([throttle], 0.9) == 10


def test_a_redis_that_hangs_costs_its_time_out_once_in_a_while(valkey, pools, monkeypatch):
    throttle = ConnectionThrottle("shop", 1000, pool=pools(valkey))
    throttle.wait(1)
    valkey.freeze()
    monkeypatch.setattr(module, "PAUSE_AGE_S", 0.0)
    started = time.monotonic()
    for _ in range(20):
        throttle.wait(5)
    assert time.monotonic() - started < 10 * module.SOCKET_TIMEOUT_S
    valkey.thaw()


def test_redis_is_used_again_when_it_is_back(valkey, pools, monkeypatch):
    monkeypatch.setattr(module, "REST_S", 0.1)
    told, other = (ConnectionThrottle("shop", pool=pools(valkey)) for _ in range(2))
    valkey.kill()
    other.wait(1)
    valkey.start()
    time.sleep(module.PAUSE_AGE_S)
    told.slow_down(30)
    with pytest.raises(RateLimited):
        other.wait(1)
