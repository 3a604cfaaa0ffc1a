"""A18: the disk that the database lies on is full. The shop hears 503, nothing is kept by halves, nothing is lost."""

from __future__ import annotations

import json
import re
import resource
import secrets
import sqlite3

import pytest
from sqlalchemy import Engine, event, func, select

from connectors.kit.base import Delivery, Envelope
from sync.store.tables import events, work_items
from sync.work.receive import NotStored, Receiver
from tests.webapp.served import Server
from tests.webapp.shop import order, signed

pytestmark = pytest.mark.loopback

#: Much more than the room that is left takes, so that a disk that never fills up is a failure and no endless loop.
MOST = 2000
ROOM = 256 * 1024


@pytest.fixture
def store(sqlite_store):
    return sqlite_store


@pytest.fixture
def server(tmp_path, sqlite_url):
    server = Server(tmp_path, sqlite_url)
    yield server.start()
    server.stop()


def deliver(server, number):
    body = order(number, note="x" * 2000)
    return server.call("POST", "/webhooks/shop", body, signed(body))


def envelope(number):
    payload = {"id": number, "note": secrets.token_hex(2000)}
    return Delivery("order.updated", str(number), Envelope(str(number), "2026-01-01T00:00:00", payload))


def limit_files(server, size):
    """No file of the web process may grow beyond `size`: the kernel refuses the write, as on a disk without room."""
    (worker,) = re.findall(r"Booting worker with pid: (\d+)", server.log)
    resource.prlimit(int(worker), resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def kept(store):
    """(orders that are marked for both channels, orders whose event is there)."""

    def read(connection):
        marked = select(work_items.c.external_id).group_by(work_items.c.external_id).having(func.count() == 2)
        stored = select(events.c.external_id)
        return set(connection.execute(marked).scalars()), set(connection.execute(stored).scalars())

    return store.read(read)


def said(server, name):
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]


@pytest.fixture
def full(store, sqlite_url):
    """A database that takes no more pages, as SQLite itself says it of a full disk; call it to make room."""
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        limit = [connection.execute("PRAGMA page_count").fetchone()[0] + 30]
    connection.close()

    def bound(connection, _record):
        connection.execute(f"PRAGMA max_page_count = {limit[0]}").close()

    event.listen(Engine, "connect", bound)
    yield lambda: limit.__setitem__(0, 1_000_000)
    event.remove(Engine, "connect", bound)


def fill(receiver):
    """How many went in before one did not, and what was said of that one."""
    for number in range(MOST):
        try:
            receiver.receive("shop", envelope(number), b"x" * 4000)
        except NotStored as error:
            return number, str(error)
    raise AssertionError("it never fills up")


@pytest.mark.fault("A18")
def test_what_sqlite_calls_full_is_not_stored_and_named_and_blames_no_row(store, sqlite_url, full):
    receiver = Receiver(sqlite_url, {"shop": ("shop-de", "shop-at")}, lambda *_: None, wait_s=30.0)
    number, reason = fill(receiver)
    assert number > 0
    assert "SQLITE_FULL; look at its disk" in reason
    taken = {str(one) for one in range(number)}
    assert kept(store) == (taken, taken)
    assert receiver.close()
    full()
    receiver = Receiver(sqlite_url, {"shop": ("shop-de", "shop-at")}, lambda *_: None, wait_s=30.0)
    receiver.receive("shop", envelope(number), b"x" * 4000)
    assert receiver.close()
    assert kept(store) == ({*taken, str(number)}, {*taken, str(number)})


@pytest.mark.fault("A18")
def test_a_full_disk_is_503_until_there_is_room_and_what_was_taken_is_there(store, server, tmp_path):
    taken = []
    for number in range(MOST):
        status, headers, _ = deliver(server, number)
        if status != 202:
            break
        taken.append(str(number))
        if number == 20:
            limit_files(server, max(path.stat().st_size for path in tmp_path.iterdir()) + ROOM)
    assert status == 503
    assert headers["Retry-After"]
    assert len(taken) > 20
    assert [deliver(server, MOST + again)[0] for again in range(3)] == [503] * 3
    assert server.call("GET", "/healthz")[0] == 200
    status, _, body = server.call("GET", "/readyz")
    assert (status, b"look at its disk" in body) == (503, True)
    assert all("look at its disk" in line["reason"] for line in said(server, "delivery_not_stored"))
    assert len(said(server, "delivery_not_stored")) == 4
    assert not said(server, "row_refused")
    assert kept(store) == (set(taken), set(taken))
    limit_files(server, resource.RLIM_INFINITY)
    assert server.call("GET", "/readyz")[0] == 200
    assert deliver(server, MOST)[0] == 202
    assert kept(store) == ({*taken, str(MOST)}, {*taken, str(MOST)})
