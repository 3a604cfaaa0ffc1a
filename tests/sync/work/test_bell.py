from __future__ import annotations

import socket
import threading
import time

import pytest

from config.model import Secret
from sync.work.bell import PENDING_S, REST_S, Bell, job_timeout_s
from sync.work.ring import RingQueue
from tests.shared import PATIENCE_S
from tests.sync.flows.world import CHANNEL, World


@pytest.fixture
def bell(valkey):
    bell = Bell(valkey.url, longest_call_s=30)
    yield bell
    bell.close()


def waiting(valkey) -> list[tuple[str, str]]:
    """Channel and kind of every drain that waits, the first one first."""
    queue = RingQueue.of("crossdock", valkey.client())
    return [tuple(job.args) for job in queue.jobs]


def test_a_ring_is_a_drain_in_the_queue(bell, valkey):
    assert bell.ring("shop", "order")
    [job] = RingQueue.of("crossdock", valkey.client()).jobs
    assert job.func_name == "sync.work.jobs.drain"
    assert job.args == ["shop", "order"]
    assert job.timeout == 20 + 30 + 60 == job_timeout_s(30)


def test_nothing_is_pickled(bell, valkey):
    bell.ring("shop", "order")
    [job] = RingQueue.of("crossdock", valkey.client()).jobs
    assert job.data == b'["sync.work.jobs.drain", null, ["shop", "order"], {}]'


@pytest.mark.fault("A12")
def test_what_is_due_is_rung_for_again_when_redis_has_lost_everything(bell, valkey, sqlite_store):
    world = World(sqlite_store)
    world.runtime.bell = bell
    world.shop.place()
    world.pull()
    assert world.dispatcher.look() == 1
    valkey.client().flushall()
    assert waiting(valkey) == []
    assert world.dispatcher.look() == 1
    assert waiting(valkey) == [(CHANNEL, "order")]


@pytest.mark.fault("A8")
def test_at_most_one_ring_of_a_kind_waits(bell, valkey):
    for _ in range(50):
        assert bell.ring("shop", "order")
    bell.ring("shop", "stock")
    bell.ring("other", "order")
    assert waiting(valkey) == [("shop", "order"), ("shop", "stock"), ("other", "order")]
    assert (bell.rung, bell.waiting, bell.failed) == (3, 49, 0)


def test_what_comes_after_a_drain_has_begun_rings_anew(bell, valkey):
    bell.ring("shop", "order")
    bell.answer("shop", "order")
    bell.ring("shop", "order")
    assert waiting(valkey) == [("shop", "order")] * 2


def test_a_second_worker_can_be_asked_for(bell, valkey):
    bell.ring("shop", "order")
    bell.ring("shop", "order", again=True)
    assert waiting(valkey) == [("shop", "order")] * 2


@pytest.mark.fault("G8")
def test_two_installations_share_a_server_and_do_not_meet(bell, valkey):
    other = Bell(valkey.url, instance="crossdock-test")
    assert bell.ring("shop", "order")
    assert other.ring("shop", "order")
    other.close()
    assert waiting(valkey) == [("shop", "order")]
    assert other.rung == 1


def test_a_lost_ring_keeps_later_ones_away_for_a_few_seconds_only(bell, valkey):
    bell.ring("shop", "order")
    [key] = valkey.client().keys("crossdock:ring:*")
    assert 0 < valkey.client().ttl(key) <= PENDING_S <= 15


def test_a_ring_costs_few_commands_and_one_that_is_not_needed_costs_one(bell, valkey):
    bell.ring("warm", "order")
    client = valkey.client()

    def commands() -> int:
        return int(client.info("stats")["total_commands_processed"])

    overhead = -commands() + commands()
    before = commands()
    bell.ring("shop", "order")
    rung = commands() - before - overhead
    before = commands()
    bell.ring("shop", "order")
    spared = commands() - before - overhead
    assert rung <= 10
    assert spared == 1


@pytest.mark.fault("A10")
def test_redis_away_is_an_answer_and_no_error(bell, valkey):
    valkey.kill()
    assert not bell.ring("shop", "order")
    assert bell.failed == 1
    bell.answer("shop", "order")


def test_the_bell_rings_again_when_redis_is_back(bell, valkey):
    assert bell.ring("shop", "order")
    valkey.kill()
    assert not bell.ring("other", "order")
    valkey.empty()
    valkey.start()
    time.sleep(REST_S + 0.1)
    assert bell.ring("shop", "order")
    assert waiting(valkey) == [("shop", "order")]


def test_a_hung_redis_costs_one_caller_a_second_and_the_next_ones_nothing(bell, valkey):
    bell.ring("shop", "order")
    bell.answer("shop", "order")
    valkey.freeze()
    began = time.monotonic()
    assert not bell.ring("shop", "order")
    first = time.monotonic() - began
    began = time.monotonic()
    for _ in range(100):
        assert not bell.ring("shop", "order")
    assert first < PATIENCE_S / 3
    assert time.monotonic() - began < PATIENCE_S / 3


@pytest.mark.fault("A11")
@pytest.mark.loopback
def test_a_redis_that_takes_connections_and_never_answers_costs_a_second():
    with socket.create_server(("127.0.0.1", 0)) as server:
        bell = Bell(Secret(f"redis://127.0.0.1:{server.getsockname()[1]}/0"))
        began = time.monotonic()
        assert not bell.ring("shop", "order")
        assert time.monotonic() - began < PATIENCE_S / 3
        bell.close()


@pytest.mark.fault("A13")
def test_a_full_redis_is_an_answer_and_no_error(bell, valkey):
    client = valkey.client()
    client.config_set("maxmemory", "1")
    assert not bell.ring("shop", "order")
    client.config_set("maxmemory", "0")
    time.sleep(REST_S + 0.1)
    assert bell.ring("shop", "order")


def test_a_ring_whose_answer_is_lost_is_not_sent_twice(valkey, short_path):
    """RQ's own queue with redis-py's default retries puts two jobs there; ours at most one."""
    proxy = _CutAfterPush(valkey.socket, short_path / "proxy.sock")
    proxy.start()
    bell = Bell(Secret(f"unix://{short_path}/proxy.sock"))
    assert not bell.ring("shop", "order")
    bell.close()
    proxy.join(PATIENCE_S)
    assert proxy.cut
    assert waiting(valkey) == [("shop", "order")]


def test_many_threads_ring_once(bell, valkey):
    threads = [threading.Thread(target=bell.ring, args=("shop", "order")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting(valkey) == [("shop", "order")]
    assert (bell.rung, bell.waiting) == (1, 19)


class _CutAfterPush(threading.Thread):
    """Passes everything on, and cuts the line in place of the answer to the transaction that pushes the job."""

    def __init__(self, server, path):
        super().__init__(daemon=True)
        self.server = str(server)
        self.cut = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()

    def run(self):
        while not self.cut:
            client, _ = self.listener.accept()
            with client, socket.socket(socket.AF_UNIX) as server:
                server.connect(self.server)
                while asked := client.recv(65536):
                    server.sendall(asked)
                    answer = server.recv(65536)
                    if b"RPUSH" in asked:
                        self.cut = True
                        break
                    client.sendall(answer)
        self.listener.close()
