"""The web process as it is shipped, gunicorn and all, against both databases."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest
from sqlalchemy import func, select, text

from sync.store.tables import events, schedules, work_items
from tests.databases import url_of
from tests.shared import PATIENCE_S
from tests.webapp.served import Server
from tests.webapp.shop import order, signed

pytestmark = pytest.mark.loopback


@pytest.fixture
def serve(tmp_path):
    servers = []

    def start(database_url, **variables):
        server = Server(tmp_path, database_url, **variables)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.stop()


def post(server, body, headers=None, timeout=PATIENCE_S):
    return server.call("POST", "/webhooks/shop", body, headers or signed(body), timeout)[0]


def deliver_again(server, body):
    """As a shop repeats what was not answered with 2xx."""
    for _ in range(5):
        if (status := post(server, body)) == 202:
            break
    return status


def all_at_once(server, bodies):
    start = threading.Barrier(len(bodies))

    def one(body):
        start.wait()
        # Nothing is kept of what a busy process sends back, and shops repeat it.
        tries = (post(server, body) for _ in range(5))
        return next((status for status in tries if status != 503), 503)

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(one, bodies))


def scalar(store, query):
    return store.read(lambda connection: connection.execute(query).scalar_one())


def items(store, *where):
    return scalar(store, select(func.count()).select_from(work_items).where(work_items.c.channel == "shop-de", *where))


def refuse_events_of(store, external_id):
    """Have the database itself refuse one order's events, whatever the program checked before."""
    if store.is_sqlite:
        body = f"WHEN NEW.external_id = '{external_id}' BEGIN SELECT RAISE(ABORT, 'poison'); END"
        statements = []
    else:
        body = f"FOR EACH ROW WHEN (NEW.external_id = '{external_id}') EXECUTE FUNCTION poison()"
        function = "$$ BEGIN RAISE EXCEPTION 'poison'; END $$ LANGUAGE plpgsql"
        statements = [f"CREATE FUNCTION poison() RETURNS trigger AS {function}"]
    statements.append(f"CREATE TRIGGER poison BEFORE INSERT ON events {body}")
    store.write(lambda connection: [connection.execute(text(statement)) for statement in statements])


@pytest.mark.fault("C1")
def test_equal_different_and_poison_deliveries_at_once_through_two_processes(store, store_url, serve):
    refuse_events_of(store, "poison")
    server = serve(store_url, CROSSDOCK_WEB_PROCESSES="2")
    bodies = [order(number) for number in range(100)] + [order("same")] * 100 + [order("poison")]
    statuses = all_at_once(server, bodies)
    assert statuses == [202] * 200 + [500]
    assert items(store) == 101
    assert items(store, work_items.c.wanted > work_items.c.done) == 101
    assert items(store, work_items.c.external_id == "same") == 1
    kept = select(func.sum(events.c.repeats + 1)).where(events.c.external_id == "same")
    assert scalar(store, kept) == 100
    assert len(set(re.findall(r"Booting worker with pid: (\d+)", server.log))) == 2


@pytest.mark.fault("C14")
def test_in_a_flood_each_delivery_is_stored_or_sent_back_and_the_console_answers(store, store_url, serve):
    """Twice as many senders as the web process has threads, each with its next delivery as soon as it has an answer."""
    server = serve(store_url)
    bodies = [order(number) for number in range(600)]
    with ThreadPoolExecutor(64) as pool:
        answers = [pool.submit(post, server, body) for body in bodies]
        pages = [server.call("GET", "/sign-in")[0]]
        while not all(answer.done() for answer in answers):
            pages.append(server.call("GET", "/sign-in")[0])
    statuses = [answer.result() for answer in answers]
    assert set(statuses) <= {202, 503}
    assert items(store) == statuses.count(202) > 0
    assert set(pages) == {200}


@pytest.mark.fault("A5")
def test_kill_9_before_the_commit_answers_nobody_and_the_repetition_leaves_one_item(tmp_path, sqlite_store, serve):
    url = url_of(sqlite_store)
    server = serve(url)
    holder = sqlite3.connect(tmp_path / "crossdock.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(post, server, order(7))
        time.sleep(0.5)
        server.kill()
        with pytest.raises((OSError, HTTPException)):
            answer.result(PATIENCE_S)
    holder.execute("ROLLBACK")
    holder.close()
    assert items(sqlite_store) == 0
    server.start()
    assert deliver_again(server, order(7)) == 202
    assert items(sqlite_store) == 1


@pytest.mark.fault("A4")
def test_kill_9_behind_the_answer_loses_nothing(store, store_url, serve):
    server = serve(store_url)
    stored = []
    stop = threading.Event()

    def deliver(start):
        for number in range(start, start + 1000):
            if stop.is_set():
                return
            with contextlib.suppress(OSError, HTTPException):
                if post(server, order(number)) == 202:
                    stored.append(str(number))

    with ThreadPoolExecutor(4) as pool:
        for start in range(0, 4000, 1000):
            pool.submit(deliver, start)
        while len(stored) < 50:
            time.sleep(0.01)
        server.kill()
        stop.set()
    kept = store.read(lambda connection: set(connection.execute(select(work_items.c.external_id)).scalars().all()))
    assert set(stored) <= kept


@pytest.mark.fault("A19", "C8", "C9")
def test_a_locked_database_is_503_after_two_seconds_and_not_later(tmp_path, sqlite_store, serve):
    url = url_of(sqlite_store)
    server = serve(url)
    holder = sqlite3.connect(tmp_path / "crossdock.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda number: post(server, order(number)), range(10)))
    took_s = time.monotonic() - begun
    assert server.call("GET", "/healthz")[0] == 200
    assert server.call("GET", "/readyz")[0] == 503
    holder.execute("ROLLBACK")
    holder.close()
    assert statuses == [503] * 10
    assert 1.9 < took_s < 15
    assert server.call("GET", "/readyz")[0] == 200
    assert items(sqlite_store) == 0


@pytest.mark.fault("A10", "A11")
def test_a_queue_that_accepts_and_never_answers_delays_no_delivery(sqlite_store, serve):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        server = serve(url_of(sqlite_store), CROSSDOCK_REDIS=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        begun = time.monotonic()
        statuses = [post(server, order(number)) for number in range(20)]
        # One after the other: if each waited for its ring to be given up, it would be half a second for each.
        assert time.monotonic() - begun < 20 * 0.5
        assert statuses == [202] * 20
        status, _, body = server.call("GET", "/readyz")
        assert (status, b'"degraded"' in body) == (200, True)
        server.stop()


@pytest.mark.fault("C12")
def test_fifty_megabytes_cost_neither_memory_nor_the_connection_of_others(sqlite_store, serve):
    server = serve(url_of(sqlite_store))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        assert post(server, b"0" * 50_000_000, signed(b"")) == 413
    assert scalar(sqlite_store, select(func.count()).select_from(schedules).where(schedules.c.asked)) == 1
    assert post(server, order(7)) == 202


def raw(server, request, timeout=PATIENCE_S):
    """The first line of the answer to these bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(65536).partition(b"\r\n")[0].decode()


def test_only_whole_bodies_within_the_limits_are_deliveries(sqlite_store, serve):
    server = serve(url_of(sqlite_store), CROSSDOCK_MAX_BODY_KIB="1")
    body = order(7)
    head = b"POST /webhooks/shop HTTP/1.1\r\nHost: x\r\n"
    names = b"".join(f"{name}: {value}\r\n".encode() for name, value in signed(body).items())
    chunked = head + names + b"Transfer-Encoding: chunked\r\n\r\n"
    assert " 400 " in raw(server, head + names + b"Content-Length: %d\r\n\r\n" % (len(body) + 1) + body)
    assert " 413 " in raw(server, chunked + b"800\r\n" + b"0" * 2048 + b"\r\n0\r\n\r\n")
    assert " 400 " in raw(server, head + names + b"Content-Length: -1\r\n\r\n" + body)
    assert " 431 " in raw(server, head + b"X: " + b"y" * 10_000 + b"\r\n\r\n")
    assert " 414 " in raw(server, b"GET /" + b"y" * 5000 + b" HTTP/1.1\r\n\r\n")
    assert items(sqlite_store) == 0
    assert " 202 " in raw(server, chunked + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
    assert items(sqlite_store) == 1


def test_a_configuration_that_cannot_be_used_ends_the_process_with_its_reason_and_no_traceback(tmp_path, sqlite_url):
    server = Server(tmp_path, sqlite_url, app="webapp.app:create_app()", CROSSDOCK_CONFIG=str(tmp_path / "nowhere"))
    with pytest.raises(AssertionError, match="did not come up"):
        server.start()
    assert server.process.wait(PATIENCE_S) == 4
    assert "configuration_refused" in server.log
    assert "nowhere" in server.log
    assert "Traceback" not in server.log


def test_a_stopping_process_answers_what_it_took_in(store, store_url, serve):
    server = serve(store_url)
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(post, server, order(number)) for number in range(20)]
        time.sleep(0.05)
        os.kill(server.process.pid, signal.SIGTERM)
        statuses = []
        for answer in answers:
            with contextlib.suppress(OSError, HTTPException):
                statuses.append(answer.result())
    assert set(statuses) <= {202}
    assert items(store) >= len(statuses)
    assert server.process.wait(PATIENCE_S) == 0


@pytest.mark.fault("B22")
def test_senders_of_a_byte_a_second_do_not_keep_a_delivery_out(sqlite_store, serve):
    server = serve(url_of(sqlite_store), CROSSDOCK_WEB_THREADS="8")
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S))
            for _ in range(32)
        ]

        def trickle():
            for byte in b"POST /webhooks/shop HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 1000:
                for connection in slow:
                    with contextlib.suppress(OSError):
                        connection.send(bytes([byte]))
                if stop.wait(0.2):
                    return

        sender = threading.Thread(target=trickle)
        sender.start()
        time.sleep(0.5)
        try:
            assert post(server, order(7), timeout=PATIENCE_S) == 202
        finally:
            stop.set()
            sender.join()
