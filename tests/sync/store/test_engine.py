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
