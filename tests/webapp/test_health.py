from __future__ import annotations

import sqlite3
import time

import pytest
from sqlalchemy import text

from tests.shared import PATIENCE_S
from webapp.parts import LazyParts


def readyz(client):
    response = client.get("/readyz")
    return response.status_code, response.json["status"], response.json["checks"]


def test_the_process_lives_whatever_the_database_does(client, store):
    store.write(lambda connection: connection.execute(text("DROP TABLE alembic_version")))
    assert client.get("/healthz").json == {"status": "ok"}


def test_ready_when_deliveries_can_be_stored(client):
    status, word, checks = readyz(client)
    assert (status, word) == (200, "ready")
    assert checks["writer"] == {"ok": True, "restarts": 0}


def test_a_queue_that_is_away_only_degrades(client, queue):
    queue.answers = False
    status, word, checks = readyz(client)
    assert (status, word, checks["queue"]["ok"]) == (200, "degraded", False)


@pytest.mark.fault("A22")
def test_a_schema_of_another_version_is_not_ready_and_says_what_to_do(client, store):
    store.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '0001'")))
    status, word, checks = readyz(client)
    assert (status, word) == (503, "unready")
    assert "crossdock init" in checks["schema"]["message"]


@pytest.mark.parametrize("wait_s", [0.5])
def test_a_database_that_cannot_be_written_is_not_ready_and_says_so_in_time(client, tmp_path, store):
    holder = sqlite3.connect(tmp_path / "crossdock.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    status, word, checks = readyz(client)
    assert time.monotonic() - begun < 4
    holder.execute("ROLLBACK")
    holder.close()
    assert (status, word, checks["database"]["ok"]) == (503, "unready", False)
    assert readyz(client)[0] == 200


# pytest's own hook reports what Python's would pass over: SystemExit in a thread.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_died_was_started_again_and_that_is_told(app, client):
    readyz(client)
    writer = app.extensions[LazyParts.KEY].get().receiver._writer
    write = writer._write

    def die(connection, receipts):
        writer._write = write
        raise SystemExit

    writer._write = die
    assert readyz(client)[0] == 503
    writer.keeper._thread.join(PATIENCE_S)
    status, word, checks = readyz(client)
    assert (status, word) == (200, "ready")
    assert checks["writer"]["restarts"] == 1
    assert "ThreadDied" in checks["writer"]["message"]
