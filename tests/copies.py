"""Copies of a migrated PostgreSQL database that tests use one after another.

To make one costs the server a fifth of a second, which was most of a short test; to empty one costs hundredths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

import psycopg
from sqlalchemy import Table
from sqlalchemy.engine import make_url

#: What makes a copy another than the template was: anything of its schema, and statistics, which choose plans.
_SHAPE: Final = """
WITH ours AS (SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace)
SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
    SELECT concat_ws('/', 'c', c.oid, c.relname, c.relfilenode) AS part FROM ours c
    UNION ALL SELECT concat_ws('/', 'a', a.attrelid, a.attnum, a.xmin) FROM pg_attribute a
        JOIN ours c ON c.oid = a.attrelid
    UNION ALL SELECT concat_ws('/', 't', t.oid, t.xmin) FROM pg_trigger t JOIN ours c ON c.oid = t.tgrelid
    UNION ALL SELECT concat_ws('/', 'k', k.oid, k.xmin) FROM pg_constraint k JOIN ours c ON c.oid = k.conrelid
    UNION ALL SELECT concat_ws('/', 'p', p.oid, p.xmin) FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws('/', 's', s.starelid) FROM pg_statistic s JOIN ours c ON c.oid = s.starelid
    UNION ALL SELECT version_num FROM alembic_version
) AS parts
"""
_FIRST_NUMBERS: Final = """
SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
"""
#: After more rows than this, what is left of them would make the next test slow.
_MANY: Final = 1_000


class Copies:
    """The copies of one template; a name at a time belongs to one test."""

    def __init__(self, server: str, template: str, tables: Sequence[Table]) -> None:
        """`server` is a libpq URI; `template` is the name of a database whose `tables` are empty."""
        self._server = server
        self._template = template
        self._shape = self._read_shape(template)
        self._free: list[str] = []
        deletes = (f'd{number} AS (DELETE FROM "{each.name}" RETURNING 1)' for number, each in enumerate(tables))
        counts = " + ".join(f"(SELECT count(*) FROM d{number})" for number in range(len(tables)))
        self._empty = f"WITH {', '.join(deletes)} SELECT {counts}"

    def take(self) -> str:
        """The name of an empty one."""
        if self._free:
            return self._free.pop()
        name = f"test_{uuid4().hex}"
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}"')
        return name

    def give_back(self, name: str) -> None:
        """Whoever is still connected is cut off; what is more than a few rows other than the template is dropped."""
        try:
            again = self._emptied(name)
        except psycopg.Error:
            again = False
        if again:
            self._free.append(name)
        else:
            self._administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _emptied(self, name: str) -> bool:
        """Whether it is now as it was."""
        self._administer(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
        with self._connected(name) as connection:
            # No trigger counts or refuses what is gone.
            connection.execute("SET session_replication_role = replica")
            row = connection.execute(self._empty).fetchone()
            connection.execute(_FIRST_NUMBERS)
        return row is not None and row[0] <= _MANY and self._read_shape(name) == self._shape

    def _read_shape(self, name: str) -> str:
        with self._connected(name) as connection:
            return str(connection.execute(_SHAPE).fetchone())

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement)

    def _connected(self, name: str) -> psycopg.Connection:
        uri = make_url(self._server).set(database=name).render_as_string(hide_password=False)
        return psycopg.connect(uri, autocommit=True)
