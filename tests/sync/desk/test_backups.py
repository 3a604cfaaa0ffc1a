"""The whole database in one file, and back: what it keeps, and what it refuses."""

from __future__ import annotations

import dataclasses
import gzip
import json
import sqlite3
import tarfile
import zlib
from pathlib import Path

import pytest
from sqlalchemy import select, update

from config.model import Secret
from sync.desk import backups
from sync.desk.backups import BackupRefused, fingerprint, make_backup, read_manifest, restore_backup
from sync.store import pgtools
from sync.store.audit import Actor
from sync.store.channels import channel_state, start_channel
from sync.store.engine import Store
from sync.store.migrate import HEAD
from sync.store.tables import audit, lookups, metadata, sessions, users
from tests.databases import now, open_store, path_of_programs, url_of

KEY = Secret("k" * 40)
ANNA = Actor("anna", "terminal here")


@pytest.fixture(autouse=True)
def _programs(monkeypatch):
    """Those of the server that the tests start."""
    monkeypatch.setenv("PATH", path_of_programs())


@pytest.fixture
def store(store):
    def fill(connection):
        start_channel(connection, "shop-de", None)
        row = {"table_name": "sku", "scope": "global", "source_value": "A", "target_value": "1", "changed_at": now()}
        connection.execute(lookups.insert().values(**row))
        user = {"login": "ada", "password_hash": "x", "role": "admin", "created_at": now()}
        user_id = connection.execute(users.insert().values(**user).returning(users.c.id)).scalar_one()
        session = {"token_hash": "0" * 64, "user_id": user_id, "created_at": now(), "seen_at": now()}
        connection.execute(sessions.insert().values(**session))

    store.write(fill)
    return store


@pytest.fixture
def saved(store, tmp_path):
    path = tmp_path / "saved"
    make_backup(url_of(store), path, KEY)
    return path


def target_of(store):
    return store.read(lambda c: c.execute(select(lookups.c.target_value)).scalar_one())


def change(store):
    store.write(lambda c: c.execute(update(lookups).values(target_value="2")))


def restore(store, path, **options):
    """As the command does it, while nobody has the database open."""
    store.close()
    return restore_backup(url_of(store), path, KEY, ANNA, **options)


def everything(store):
    return store.read(
        lambda c: {table.name: [tuple(row) for row in c.execute(select(table))] for table in metadata.sorted_tables}
    )


@pytest.mark.fault("A23")
def test_what_is_put_back_is_what_was_saved_and_trusts_nothing_that_may_have_changed_since(store, saved):
    before, trusted = everything(store), store.read(lambda c: channel_state(c, "shop-de")).trusted_since
    change(store)
    done = restore(store, saved, replace=True)
    after = everything(store)
    assert store.read(lambda c: channel_state(c, "shop-de")).trusted_since > max(trusted, now())
    assert (len(before["sessions"]), after["sessions"]) == (1, [])
    [note] = store.read(lambda c: c.execute(select(audit.c.actor, audit.c.action)).all())
    assert tuple(note) == ("anna", "restore")
    for name in before.keys() - {"sessions", "audit", "channel_states"}:
        assert after[name] == before[name]
    assert (done.aside is not None) == store.is_sqlite


def test_the_sqlite_database_that_stood_there_is_kept(sqlite_store, tmp_path):
    sqlite_store.write(lambda c: start_channel(c, "old", None))
    make_backup(url_of(sqlite_store), tmp_path / "saved", KEY)
    sqlite_store.write(lambda c: start_channel(c, "new", None))
    aside = restore(sqlite_store, tmp_path / "saved", replace=True).aside
    with sqlite3.connect(aside) as kept:
        assert kept.execute("SELECT channel FROM channel_states ORDER BY 1").fetchall() == [("new",), ("old",)]
    kept.close()


def test_nobody_else_may_read_a_backup_and_the_key_is_not_in_it(saved):
    assert saved.stat().st_mode & 0o777 == 0o600
    with tarfile.open(saved) as tar:
        assert tar.getnames() == ["manifest.json", "database"]
        assert all(KEY.reveal().encode() not in tar.extractfile(name).read() for name in tar.getnames())
    manifest = read_manifest(saved)
    assert (manifest.schema, manifest.key, manifest.orders) == (HEAD, fingerprint(KEY), 0)
    assert [path.name for path in saved.parent.glob(".crossdock*")] == []


def test_a_backup_is_never_written_over_another_file(sqlite_store, tmp_path):
    (tmp_path / "saved").write_text("mine")
    with pytest.raises(BackupRefused, match="there already"):
        make_backup(url_of(sqlite_store), tmp_path / "saved", KEY)
    assert (tmp_path / "saved").read_text() == "mine"


def test_there_is_nothing_to_save_where_no_database_is(tmp_path):
    with pytest.raises(BackupRefused, match="no database"):
        make_backup(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "saved", KEY)
    assert list(tmp_path.iterdir()) == []


def test_it_becomes_a_database_where_none_is(sqlite_store, tmp_path):
    change_nothing = url_of(sqlite_store)
    make_backup(change_nothing, tmp_path / "saved", KEY)
    url = f"sqlite:///{tmp_path / 'new' / 'crossdock.db'}"
    assert restore_backup(url, tmp_path / "saved", KEY, ANNA).aside is None
    fresh = open_store(url)
    assert fresh.read(lambda c: c.execute(select(audit.c.action)).scalars().all()) == ["restore"]
    fresh.close()
    assert (tmp_path / "new" / "crossdock.db").stat().st_mode & 0o777 == 0o600


# --- what it refuses, with the database as it was ----------------------------------------------------------------


def test_a_database_that_holds_something_is_replaced_only_when_somebody_says_so(store, saved):
    change(store)
    with pytest.raises(BackupRefused, match="with 0 orders already: `--replace`"):
        restore(store, saved)
    assert target_of(store) == "2"


def test_a_database_that_somebody_uses_is_not_replaced(store, saved):
    change(store)
    other = Store.open(url_of(store))
    other.read(lambda c: c.execute(select(lookups)).all())
    with pytest.raises(BackupRefused, match="in use: stop Crossdock"):
        restore(store, saved, replace=True)
    other.close()
    assert target_of(store) == "2"


def test_a_damaged_database_is_replaced(sqlite_store, tmp_path):
    make_backup(url_of(sqlite_store), tmp_path / "saved", KEY)
    sqlite_store.close()
    Path(sqlite_store.engine.url.database).write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(BackupRefused, match="that nobody can read already"):
        restore(sqlite_store, tmp_path / "saved")
    restore(sqlite_store, tmp_path / "saved", replace=True)
    assert sqlite_store.read(lambda c: c.execute(select(audit.c.action)).scalars().all()) == ["restore"]


def damaged(content: bytes, at: int) -> bytes:
    """The same with a byte changed there or soon after: among zeros copied from zeros, some say the same either way."""
    for place in range(at, len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x55
        try:
            if gzip.decompress(changed) == gzip.decompress(content):
                continue
        except (OSError, EOFError, zlib.error):
            pass
        return bytes(changed)
    raise AssertionError("nothing of it says anything")


@pytest.mark.parametrize("where", [0, 40, 0.5, 0.9])
def test_a_damaged_backup_is_not_put_in_place(store, saved, where):
    change(store)
    content = saved.read_bytes()
    saved.write_bytes(damaged(content, where if isinstance(where, int) else int(len(content) * where)))
    with pytest.raises(BackupRefused, match=r"no whole backup|damaged"):
        restore(store, saved, replace=True)
    assert target_of(store) == "2"


def test_half_a_backup_and_another_file_are_refused(store, saved, tmp_path):
    whole = saved.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"some text\n"):
        saved.write_bytes(content)
        with pytest.raises(BackupRefused, match=r"no whole backup|damaged"):
            restore(store, saved, replace=True)
    assert target_of(store) == "1"


def changed(saved, **fields):
    """The same backup with other words in its manifest."""
    with tarfile.open(saved) as tar:
        manifest = json.load(tar.extractfile("manifest.json")) | fields
        (saved.parent / "database").write_bytes(tar.extractfile("database").read())
    (saved.parent / "manifest.json").write_text(json.dumps(manifest))
    with tarfile.open(saved, "w:gz") as tar:
        for name in ("manifest.json", "database"):
            tar.add(saved.parent / name, name)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"schema": "9999"}, "of a newer Crossdock"),
        ({"format": 2}, "is of format 2, this program reads 1"),
        ({"database": "oracle"}, "is of a oracle database"),
        ({"sha256": "0" * 64}, "is damaged"),
        ({"size": 3}, "is damaged"),
        ({"more": 1}, "no whole backup"),
    ],
)
def test_a_backup_that_this_program_cannot_use_is_refused(store, saved, fields, told):
    changed(saved, **fields)
    with pytest.raises(BackupRefused, match=told):
        restore(store, saved, replace=True)
    assert target_of(store) == "1"


def test_another_key_than_the_backups_has_to_be_meant(store, saved):
    store.close()
    other = Secret("o" * 40)
    with pytest.raises(BackupRefused, match=f"key is {fingerprint(other)}, the backup belongs to {fingerprint(KEY)}"):
        restore_backup(url_of(store), saved, other, ANNA, replace=True)
    restore_backup(url_of(store), saved, other, ANNA, replace=True, other_key=True)


def test_programs_of_an_older_postgresql_are_not_tried(postgres_store, tmp_path, monkeypatch):
    old = tmp_path / "bin"
    old.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (old / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
        (old / name).chmod(0o755)
    monkeypatch.setattr(pgtools, "_FOLDERS", ())
    monkeypatch.setenv("PATH", str(old))
    with pytest.raises(
        BackupRefused, match=r"no pg_dump of version \d+ or newer was found .*bin/pg_dump is of version 9"
    ):
        make_backup(url_of(postgres_store), tmp_path / "saved", KEY)
    assert not (tmp_path / "saved").exists()


def test_a_password_stands_on_no_command_line(postgres_store, tmp_path, monkeypatch):
    seen = []
    real = pgtools.subprocess.run

    def run(command, **options):
        seen.append(command)
        return real(command, **options)

    monkeypatch.setattr(pgtools.subprocess, "run", run)
    url = postgres_store.engine.url.set(password="canary-of-the-database")
    make_backup(url.render_as_string(hide_password=False), tmp_path / "saved", KEY)
    assert [command for command in seen if "canary-of-the-database" in " ".join(command)] == []
    assert any("--format=custom" in command for command in seen)


def test_a_manifest_says_what_it_is_in_words_that_a_later_version_reads():
    assert [field.name for field in dataclasses.fields(backups.Manifest)] == [
        *("format", "version", "schema", "made_at", "database", "key", "orders", "sha256", "size")
    ]
