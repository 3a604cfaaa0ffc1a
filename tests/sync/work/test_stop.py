"""A person stops one drain: its process dies, its worker lives, and its orders are taken back by others."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from config.settings import Settings
from sync.desk.operations import find_drain
from sync.store.audit import Actor
from sync.store.leases import open_lease
from sync.store.tables import audit
from sync.work.drain import holder_name
from sync.work.ring import RingQueue
from sync.work.stop import NotStopped, stop_drain
from tests.sync.work.test_worker import alive, bell, start_worker, wait_until

__all__ = ["bell", "start_worker"]

ANNA = Actor("anna", "console 127.0.0.1")


def leased(store, job: str):
    """The lease of a drain that this job runs, as people see it."""
    lease = store.write(
        lambda c: open_lease(
            c,
            channel="slow-60",
            kind="order",
            target="erp",
            holder=holder_name(job),
            concurrency=4,
            lease_s=60.0,
        )
    )
    return find_drain(store, lease.token)


def settings_of(url) -> Settings:
    return Settings.from_env({"CROSSDOCK_REDIS": url.reveal()})


def audited(store) -> list[tuple[str, str, str]]:
    rows = store.read(lambda c: c.execute(select(audit.c.actor, audit.c.action, audit.c.reason)).all())
    return [tuple(row) for row in rows]


def test_a_stopped_drain_ends_and_its_worker_goes_on(sqlite_store, valkey, start_worker, bell):
    worker = start_worker()
    bell.ring("slow-60", "order")
    worker.wait_for("begin", "slow-60")
    [horse] = worker.pids()
    [job] = RingQueue.of("crossdock", valkey.client()).started_job_registry.get_job_ids()
    view = leased(sqlite_store, job)
    assert view.job == job
    stop_drain(sqlite_store, settings_of(valkey.url), view, actor=ANNA, reason="the ERP hangs")
    wait_until(lambda: not alive(horse), 20)
    bell.ring("fine", "order")
    worker.wait_for("end", "fine")
    assert ("end", "slow-60") not in worker.steps()
    assert audited(sqlite_store) == [("anna", "stop drain", "the ERP hangs")]
    # Nobody has touched its lease: it is given up only when it has run out.
    assert find_drain(sqlite_store, view.drain.token) is not None


def test_a_drain_that_no_worker_has_in_hand_is_not_said_to_be_stopped(sqlite_store, valkey):
    for job, said in (("", "no worker, so nobody"), ("gone", "in hand any more")):
        with pytest.raises(NotStopped, match=said):
            stop_drain(sqlite_store, settings_of(valkey.url), leased(sqlite_store, job), actor=ANNA, reason="x")
    assert audited(sqlite_store) == []


def test_without_the_queue_nobody_can_be_told(sqlite_store, idle_valkey):
    view = leased(sqlite_store, "some-job")
    with pytest.raises(NotStopped, match="server is away"):
        stop_drain(sqlite_store, settings_of(idle_valkey.url), view, actor=ANNA, reason="x")
    assert audited(sqlite_store) == []
