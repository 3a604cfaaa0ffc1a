from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from rq.exceptions import NoSuchJobError

from sync.work.bell import Bell
from sync.work.ring import DrainJob, RingQueue
from tests.shared import PATIENCE_S, REPOSITORY, wait_until
from tests.valkey import ValkeyServer

#: What a busy machine may need for what takes milliseconds.


class WorkerProcess:
    """A real worker process on the test's own Valkey."""

    def __init__(self, valkey: ValkeyServer, folder: Path) -> None:
        self.steps_file = folder / "steps"
        self.steps_file.touch()
        self.output = folder / "output"
        script = Path(__file__).with_name("worker_process.py")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, script, valkey.url.reveal(), self.steps_file],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=REPOSITORY,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            )

    def steps(self) -> list[tuple[str, str]]:
        """(step, channel) of every step so far."""
        return [tuple(line.split()[:2]) for line in self.steps_file.read_text().splitlines()]

    def pids(self) -> list[int]:
        return [int(line.split()[3]) for line in self.steps_file.read_text().splitlines()]

    def wait_for(self, *step: str) -> None:
        wait_until(lambda: step in self.steps(), lambda: f"{step} not in {self.steps()}: {self.text()}")

    def wait_for_event(self, event: str) -> dict:
        def found():
            return [line for line in self.events() if line["event"] == event]

        return wait_until(found, lambda: f"no {event} in {self.text()}")[0]

    def text(self) -> str:
        return self.output.read_text()

    def events(self) -> list[dict]:
        return [json.loads(line) for line in self.text().splitlines()]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def start_worker(valkey, short_path):
    started = []

    def start() -> WorkerProcess:
        folder = short_path / f"worker-{len(started)}"
        folder.mkdir()
        started.append(WorkerProcess(valkey, folder))
        return started[-1]

    yield start
    for worker in started:
        worker.close()


@pytest.fixture
def bell(valkey):
    bell = Bell(valkey.url)
    yield bell
    bell.close()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def states(valkey) -> list[bytes]:
    """What the registered workers are doing."""
    client = valkey.client()
    return [client.hget(key, "state") for key in client.smembers("rq:workers")]


@pytest.mark.fault("G7")
def test_each_drain_runs_in_a_process_of_its_own(start_worker, bell):
    worker = start_worker()
    bell.ring("one", "order")
    bell.ring("two", "order")
    worker.wait_for("end", "one")
    worker.wait_for("end", "two")
    assert len({*worker.pids(), worker.process.pid}) == 3


def test_a_drain_that_raises_ends_alone(start_worker, bell):
    worker = start_worker()
    bell.ring("raises", "order")
    bell.ring("fine", "order")
    worker.wait_for("end", "fine")
    assert ("end", "raises") not in worker.steps()


@pytest.mark.fault("A9")
def test_a_terminated_worker_lets_its_drain_end(start_worker, bell):
    worker = start_worker()
    bell.ring("slow-1", "order")
    worker.wait_for("begin", "slow-1")
    worker.process.terminate()
    assert worker.process.wait(PATIENCE_S) == 0
    assert ("end", "slow-1") in worker.steps()


def test_a_drain_is_told_that_its_worker_stops(start_worker, bell):
    worker = start_worker()
    bell.ring("until-told", "order")
    worker.wait_for("begin", "until-told")
    time.sleep(0.5)
    assert ("end", "until-told") not in worker.steps()
    worker.process.terminate()
    assert worker.process.wait(PATIENCE_S) == 0
    assert ("end", "until-told") in worker.steps()


def test_a_stop_while_redis_is_away_lets_the_drain_end_too(start_worker, bell, valkey):
    worker = start_worker()
    bell.ring("slow-2", "order")
    worker.wait_for("begin", "slow-2")
    valkey.kill()
    worker.process.terminate()
    worker.process.wait(PATIENCE_S)
    assert ("end", "slow-2") in worker.steps()


def test_an_idle_worker_ends_at_once(start_worker):
    worker = start_worker()
    worker.wait_for_event("worker_started")
    time.sleep(0.3)
    began = time.monotonic()
    worker.process.terminate()
    assert worker.process.wait(PATIENCE_S) == 0
    assert time.monotonic() - began < PATIENCE_S / 2


def test_a_second_signal_kills_the_drain(start_worker, bell):
    worker = start_worker()
    bell.ring("slow-60", "order")
    worker.wait_for("begin", "slow-60")
    worker.process.terminate()
    time.sleep(1.2)
    worker.process.terminate()
    worker.process.wait(PATIENCE_S)
    wait_until(lambda: not alive(worker.pids()[0]))
    assert ("end", "slow-60") not in worker.steps()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child of its parent's death")
def test_no_drain_outlives_its_worker(start_worker, bell):
    worker = start_worker()
    bell.ring("slow-60", "order")
    worker.wait_for("begin", "slow-60")
    [horse] = worker.pids()
    assert alive(horse)
    worker.process.kill()
    wait_until(lambda: not alive(horse))


def test_a_killed_drain_is_reported_and_the_next_one_runs(start_worker, bell):
    worker = start_worker()
    bell.ring("killed", "order")
    bell.ring("fine", "order")
    worker.wait_for("end", "fine")
    assert ("killed:SIGKILL", "killed") in worker.steps()
    assert worker.wait_for_event("drain_killed")["channel"] == "killed"


def test_a_drain_that_takes_too_long_is_killed(start_worker, valkey):
    worker = start_worker()
    RingQueue.of("crossdock", valkey.client()).ring("slow-60", "order", timeout_s=1)
    RingQueue.of("crossdock", valkey.client()).ring("fine", "order", timeout_s=60)
    worker.wait_for("end", "fine")
    assert ("end", "slow-60") not in worker.steps()


@pytest.mark.fault("A15")
def test_redis_dying_in_the_middle_of_a_drain_does_not_cut_it_off(start_worker, bell, valkey):
    """Longer than the worker's monitoring interval, after which RQ would give the horse up."""
    worker = start_worker()
    bell.ring("slow-8", "order")
    worker.wait_for("begin", "slow-8")
    valkey.kill()
    worker.wait_for("end", "slow-8")
    assert worker.steps() == [("begin", "slow-8"), ("end", "slow-8")]


def test_an_idle_worker_serves_again_soon_after_redis_was_away(start_worker, bell, valkey):
    worker = start_worker()
    bell.ring("before", "order")
    worker.wait_for("end", "before")
    # In the moment between a drain and the next wait it would end, to be started again by its supervisor.
    wait_until(lambda: states(valkey) == [b"idle"])
    time.sleep(0.3)
    valkey.kill()
    time.sleep(1.5)
    valkey.empty()
    valkey.start()
    bell.ring("after", "order")
    worker.wait_for("end", "after")


def test_a_worker_waits_for_a_redis_that_is_not_there_yet(start_worker, bell, valkey):
    valkey.kill()
    worker = start_worker()
    time.sleep(1)
    assert worker.process.poll() is None
    valkey.start()
    bell.ring("shop", "order")
    worker.wait_for("end", "shop")


@pytest.mark.fault("A14")
def test_a_worker_does_not_start_on_a_redis_that_evicts(start_worker, valkey):
    valkey.client().config_set("maxmemory-policy", "allkeys-lru")
    worker = start_worker()
    assert worker.process.wait(PATIENCE_S) == os.EX_CONFIG
    [event] = [line for line in worker.events() if line["event"] == "redis_problem"]
    assert event["level"] == "error"
    assert "noeviction" in event["text"]


@pytest.mark.fault("A13")
def test_a_worker_that_finds_redis_full_ends_in_one_line_and_asks_to_be_started_again(start_worker, valkey):
    valkey.client().config_set("maxmemory", "1")
    worker = start_worker()
    assert worker.process.wait(PATIENCE_S) == os.EX_TEMPFAIL
    assert worker.wait_for_event("worker_failed")["error"] == "OutOfMemoryError"
    assert "Traceback" not in worker.text()


def test_everything_a_worker_says_is_json(start_worker, bell):
    worker = start_worker()
    for channel in ("raises", "killed", "fine"):
        bell.ring(channel, "order")
    worker.wait_for("end", "fine")
    worker.process.terminate()
    worker.process.wait(PATIENCE_S)
    assert {"worker_started", "drain_killed", "worker_stopped"} <= {line["event"] for line in worker.events()}


# What somebody who can write to Redis, or an accident, may leave in the queue.

FORGED_AT = "2026-11-22T00:00:00.000000Z"


def put(client, job_id: bytes, **fields) -> None:
    """A job of RQ's own form: everything as it should be but for `fields`."""
    job = {
        "created_at": FORGED_AT,
        "enqueued_at": FORGED_AT,
        "data": zlib.compress(b'["sync.work.jobs.drain", null, ["shop", "order"], {}]'),
        "origin": "crossdock",
        "status": "queued",
        "timeout": "60",
        **fields,
    }
    client.hset(b"rq:job:" + job_id, mapping={key: value for key, value in job.items() if value is not None})
    client.rpush("rq:queue:crossdock", job_id)


def payload(*parts: object) -> bytes:
    return zlib.compress(json.dumps(parts).encode())


REFUSED = {
    "os.system": {"data": payload("os.system", None, ["touch {marker}"], {})},
    "another function of ours": {"data": payload("sync.work.worker.run_worker", None, ["shop", "order"], {})},
    "an instance": {"data": payload("sync.work.jobs.drain", "text", ["shop", "order"], {})},
    "named arguments": {"data": payload("sync.work.jobs.drain", None, ["shop", "order"], {"x": 1})},
    "three arguments": {"data": payload("sync.work.jobs.drain", None, ["shop", "order", "x"], {})},
    "a number as channel": {"data": payload("sync.work.jobs.drain", None, [1, "order"], {})},
    "an endless channel": {"data": payload("sync.work.jobs.drain", None, ["x" * 1000, "order"], {})},
    "arguments as a mapping": {"data": payload("sync.work.jobs.drain", None, {"a": 1, "b": 2}, {})},
    "a payload of another form": {"data": payload(1)},
    "a payload that is no JSON": {"data": b"\xff\x00"},
    "no payload": {"data": None},
    "a success callback": {"success_callback_name": "os.getcwd"},
    "a failure callback": {"failure_callback_name": "os.getcwd"},
    "a stop callback": {"stopped_callback_name": "os.getcwd"},
    "a webhook": {"webhooks": json.dumps([{"url": "http://127.0.0.1:1/", "job_status": "finished", "method": "POST"}])},
    "retries": {"retries_left": "3"},
    "repetitions": {"repeats_left": "3"},
    "a dependency": {"dependency_ids": '["a"]'},
    "a group": {"group_id": "a"},
    "no time-out": {"timeout": None},
    "an endless time-out": {"timeout": "-1"},
    "a day's time-out": {"timeout": "86400"},
    "a broken date": {"created_at": "yesterday"},
    "a broken number": {"result_ttl": "many"},
    "an unknown status": {"status": "dancing"},
    "a broken origin": {"origin": b"\xff\xfe"},
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED.keys())
def test_a_job_that_is_not_ours_does_not_exist_for_us(valkey, fields):
    client = valkey.client()
    put(client, b"forged", **fields)
    with pytest.raises(NoSuchJobError):
        DrainJob.fetch("forged", connection=client, serializer=RingQueue.of("crossdock", client).serializer)
    assert not client.exists("rq:job:forged")
    assert client.ttl("refused:rq:job:forged") > 0


def test_a_job_of_ours_is_fetched(valkey):
    client = valkey.client()
    put(client, b"real")
    job = DrainJob.fetch("real", connection=client, serializer=RingQueue.of("crossdock", client).serializer)
    assert job.args == ["shop", "order"]


@pytest.mark.fault("A16", "A17")
def test_forged_and_broken_jobs_are_moved_aside_and_the_worker_goes_on(start_worker, bell, valkey, short_path):
    client = valkey.client()
    marker = short_path / "marker"
    put(client, b"forged", data=payload("os.system", None, [f"touch {marker}"], {}))
    put(client, b"pickled", data=zlib.compress(pickle.dumps(("os.system", None, (f"touch {marker}",), {}))))
    put(client, b"corrupt", created_at="yesterday")
    put(client, b"a:b:c")
    put(client, b"\xff\xfe\x00")
    put(client, b"x" * 500)
    client.rpush("rq:queue:crossdock", b"without-a-hash")
    bell.ring("fine", "order")
    worker = start_worker()
    worker.wait_for("end", "fine")
    assert worker.process.poll() is None
    assert not marker.exists()
    assert {*worker.steps()} == {("begin", "fine"), ("end", "fine")}
    refused = [line["job"] for line in worker.events() if line["event"] == "job_refused"]
    assert {"rq:job:forged", "rq:job:pickled", "rq:job:corrupt"} <= set(refused)


def test_what_a_dead_worker_left_half_taken_does_not_stop_the_next_one(start_worker, bell, valkey):
    """RQ cleans this list when a worker starts, and ends with it, holding the lock of all cleaners."""
    client = valkey.client()
    put(client, b"corrupt", created_at="yesterday")
    client.lmove("rq:queue:crossdock", "rq:queue:crossdock:intermediate")
    worker = start_worker()
    bell.ring("fine", "order")
    worker.wait_for("end", "fine")
    assert worker.process.poll() is None
    wait_until(lambda: client.lrange("rq:queue:crossdock:intermediate", 0, -1) == [])


def test_a_dead_cleaners_lock_is_gone_in_a_minute(valkey):
    client = valkey.client()
    queue = RingQueue.of("crossdock", client)
    assert queue.acquire_maintenance_lock()
    assert not queue.acquire_maintenance_lock()
    assert 0 < client.ttl(queue.registry_cleaning_key) <= 60


def test_two_workers_share_a_queue_and_run_each_ring_once(start_worker, bell):
    workers = [start_worker(), start_worker()]
    for number in range(12):
        bell.ring(f"channel-{number}", "order")
    wait_until(lambda: sum(len(worker.steps()) for worker in workers) == 24)
    ended = [channel for worker in workers for step, channel in worker.steps() if step == "end"]
    assert sorted(ended) == sorted(f"channel-{number}" for number in range(12))


def test_a_worker_killed_with_a_ring_in_hand_does_not_stop_the_next_one(start_worker, bell, valkey):
    first = start_worker()
    bell.ring("slow-60", "order")
    first.wait_for("begin", "slow-60")
    os.kill(first.process.pid, signal.SIGKILL)
    second = start_worker()
    bell.ring("fine", "order")
    second.wait_for("end", "fine")
