from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest

from config.model import Config, Connection
from config.settings import Settings
from connectors.kit.throttle import ConnectionThrottle, redis_pool
from sync.desk.queue import AWAY
from sync.work.bell import Bell
from sync.work.vitals import Vitals, look_once
from tests.shared import PATIENCE_S
from tests.sync.work.test_worker import start_worker, wait_until

__all__ = ["start_worker"]

CONFIG = Config(
    folder=Path("config"),
    connections={
        "limited": Connection(name="limited", system="woocommerce", url="http://shop.test", rate_per_s=10),
        "free": Connection(name="free", system="sandbox_erp", url="http://erp.test"),
    },
    channels={},
)


@pytest.fixture
def settings(idle_valkey):
    return Settings.from_env({"CROSSDOCK_REDIS": idle_valkey.url.reveal()})


@pytest.fixture
def vitals(settings):
    vitals = Vitals(settings, CONFIG)
    yield vitals
    vitals.close()


def test_what_the_server_says_of_itself_is_shown(valkey, settings):
    seen = look_once(settings, CONFIG)
    assert (seen.answers, seen.problems, seen.depth, seen.oldest_at, seen.workers) == (True, (), 0, None, ())
    assert (seen.policy, seen.persistence) == ("noeviction", "aof")
    assert 0 < seen.memory < seen.memory_limit


def test_a_server_that_would_lose_rings_is_told_with_what_to_do(idle_valkey, settings):
    idle_valkey.start("--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
    seen = look_once(settings, CONFIG)
    assert [(problem.cause, problem.fatal) for problem in seen.problems] == [("policy", True), ("aof", False)]
    assert seen.persistence == "none"


def test_rings_that_wait_are_counted_with_the_age_of_the_oldest(valkey, settings):
    bell = Bell(valkey.url)
    for channel in ("one", "two"):
        bell.ring(channel, "order")
    bell.close()
    seen = look_once(settings, CONFIG)
    assert seen.depth == 2
    assert dt.timedelta(0) <= dt.datetime.now(dt.UTC) - seen.oldest_at < dt.timedelta(minutes=1)


def test_workers_are_seen_with_their_state(valkey, settings, start_worker):
    process = start_worker().process
    wait_until(lambda: [one.state for one in look_once(settings, CONFIG).workers] == ["idle"], 20)
    [worker] = look_once(settings, CONFIG).workers
    assert (worker.pid, worker.silent) == (process.pid, False)
    assert look_once(settings, CONFIG).living == 1


def test_a_worker_that_sends_no_heartbeat_is_silent(valkey, settings):
    client = valkey.client()
    key = "rq:worker:dead"
    client.sadd("rq:workers:crossdock", key, "rq:worker:gone")
    client.hset(key, mapping={"last_heartbeat": "2020-01-01T00:00:00.000000Z", "state": "busy", "pid": "12"})
    seen = look_once(settings, CONFIG)
    assert [(worker.name, worker.silent) for worker in seen.workers] == [("dead", True)]
    assert seen.living == 0


def test_what_a_stranger_wrote_into_redis_does_not_end_the_page(valkey, settings):
    client = valkey.client()
    client.sadd("rq:workers:crossdock", "rq:worker:odd")
    client.hset("rq:worker:odd", mapping={"last_heartbeat": b"\xff\xfe", "pid": "-", "successful_job_count": "many"})
    [worker] = look_once(settings, CONFIG).workers
    assert (worker.pid, worker.beat_at, worker.done, worker.silent) == (None, None, 0, True)


def test_the_rate_budget_of_each_connection_is_read_and_not_used_up(valkey, settings):
    pool = redis_pool(valkey.url.reveal())
    throttle = ConnectionThrottle("limited", 10, pool=pool)
    for _ in range(3):
        throttle.wait(1)
    ConnectionThrottle("free", pool=pool).slow_down(30)
    for _ in range(2):
        budgets = look_once(settings, CONFIG).budgets
        assert (budgets["limited"].limit, budgets["limited"].window_s) == (10, 1)
        assert budgets["limited"].left in range(7, 11)
    assert (budgets["free"].limit, budgets["free"].left) == (None, None)
    assert 20 < budgets["free"].paused_s <= 30
    pool.disconnect()


def test_a_server_that_hangs_costs_a_page_half_a_second_and_then_nothing(valkey, vitals):
    assert vitals.look().answers
    valkey.freeze()
    time.sleep(1.1)
    begun = time.monotonic()
    assert vitals.look() == AWAY
    once = time.monotonic() - begun
    begun = time.monotonic()
    assert vitals.look() == AWAY
    again = time.monotonic() - begun
    valkey.thaw()
    assert once < PATIENCE_S / 3
    assert again < once / 2
    time.sleep(1.1)
    assert vitals.look().answers


def test_no_server_at_all(vitals):
    assert vitals.look() == AWAY
