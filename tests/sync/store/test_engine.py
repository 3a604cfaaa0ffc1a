from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sync.store.engine import Store


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
