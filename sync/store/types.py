"""Column types that behave the same on SQLite and PostgreSQL, and the database's own clock."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

#: SQLite gives out row ids for INTEGER PRIMARY KEY only; PostgreSQL needs 64 bits.
BigId = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC time. SQLite has no zone, so it is stored naive there, in one sortable text form."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Refuse a naive time: it would be somebody's local one."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"a time without zone cannot be stored: {value!r}"
            raise ValueError(msg)
        if value.tzinfo is not dt.UTC:
            value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Give every time back as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if dialect.name == "sqlite" else value.astimezone(dt.UTC)


class db_now(FunctionElement[dt.datetime]):  # noqa: N801 - reads as the SQL function that it is
    """The database's clock at this statement: leases are judged by it, never by a worker's own."""

    type = UtcDateTime()
    name = "db_now"
    inherit_cache = True


@compiles(db_now)
def _now_default(element: db_now, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ARG001
    # clock_timestamp() moves inside a transaction, now() does not.
    return "clock_timestamp()"


@compiles(db_now, "sqlite")
def _now_sqlite(element: db_now, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ARG001
    # The text form in which SQLAlchemy stores a datetime on SQLite: microseconds, so that texts compare as times.
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
