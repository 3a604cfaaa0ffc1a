from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, TimeoutError  # noqa: A004 - the pool's

from sync.store.engine import DatabaseBusy, Store


def test_an_error_says_the_statement_and_never_what_was_in_it(database_url):
    store = Store.open(database_url)
    statement = text("SELECT not_there FROM (SELECT 1 AS one) AS t WHERE CAST(:who AS TEXT) <> ''")
    with pytest.raises(DBAPIError) as raised:
        store.read(lambda connection: connection.execute(statement, {"who": "ada@example.test"}))
    assert "not_there" in str(raised.value)
    assert "ada@example.test" not in str(raised.value)
    store.close()


def test_entries_come_in_pieces_that_one_short_transaction_takes(store):
    pieces = [len(piece) for piece in store.pieces(range(100), 3)]
    assert sum(pieces) == 100
    assert max(pieces) == (20 if store.is_sqlite else 100)
    assert [list(piece) for piece in store.pieces("ab", 10**6)] == [["a"], ["b"]]


@pytest.mark.fault("A21")
def test_who_finds_every_connection_in_use_is_told_so_and_does_not_hang(database_url):
    store = Store.open(database_url, busy_timeout_s=0.05)

    def ask(use=store.read):
        return use(lambda c: c.execute(text("SELECT 1")).scalar())

    with contextlib.ExitStack() as held:
        # As many as there are: another thread's each.
        with contextlib.suppress(TimeoutError):
            for _ in range(100):
                held.enter_context(store.engine.connect())
        for use in (store.read, store.write):
            with pytest.raises(DatabaseBusy, match="every connection to the database is in use"):
                ask(use)
    assert ask() == 1
    store.close()
