"""Backups: the whole database in one file that says what it is, and that is read back only when it is whole.

The key of the installation is never in it: whoever finds a backup must not be able to sign links or sessions. The
backup names the key that it belongs to by a fingerprint.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import gzip
import hashlib
import hmac
import importlib.metadata
import io
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from sqlalchemy import make_url

from config.model import Secret
from sync.store.audit import Actor, record_audit
from sync.store.copies import copy_out, demand_idle, found_there, kind_of, make_wary, put_in_place
from sync.store.engine import Store
from sync.store.migrate import HEAD, migrate, revision
from sync.store.pgtools import CopyFailed

_FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_DATABASE: Final = "database"
_PIECE: Final = 1 << 20
#: A manifest is a few hundred bytes.
_MANIFEST_BYTES: Final = 1 << 16


class BackupRefused(Exception):
    """A backup cannot be made, or not be put in place; the text says why and what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    #: Of Crossdock.
    version: str
    #: Revision of the database's schema.
    schema: str
    #: When it was begun, aware UTC in ISO format.
    made_at: str
    #: `sqlite` or `postgresql`.
    database: str
    #: Of the installation's key (`fingerprint`).
    key: str
    orders: int
    #: Of the copy of the database: hex of SHA-256, and how long it is.
    sha256: str
    size: int


def fingerprint(key: Secret) -> str:
    """By this the installation's key is known again; nobody comes from it to the key."""
    return hmac.digest(key.reveal().encode(), b"crossdock key fingerprint 1", "sha256").hex()[:16]


def make_backup(url: str, path: Path, key: Secret) -> Manifest:
    """Write a backup of the database at `url` to a new file, while everything runs. Raises BackupRefused, OSError."""
    if path.exists():
        raise BackupRefused(f"{path} is there already: choose another name, or delete it")
    made_at = dt.datetime.now(dt.UTC)
    with _refusals(), tempfile.TemporaryDirectory(prefix=".crossdock-backup-", dir=path.absolute().parent) as folder:
        copy = Path(folder) / _DATABASE
        count = found_there(url)
        if count is None:
            raise BackupRefused("there is no database of Crossdock to be saved: check CROSSDOCK_DATABASE")
        schema = _schema(url)
        copy_out(url, copy)
        manifest = Manifest(
            format=_FORMAT,
            version=importlib.metadata.version("crossdock"),
            schema=schema,
            made_at=made_at.isoformat(timespec="seconds"),
            database=kind_of(url),
            key=fingerprint(key),
            orders=count,
            sha256=_sha256(copy),
            size=copy.stat().st_size,
        )
        packed = Path(folder) / "backup"
        _pack(packed, manifest, copy)
        # A link appears whole or not at all, and never in the place of another file.
        try:
            path.hardlink_to(packed)
        except FileExistsError:
            raise BackupRefused(f"{path} is there already: choose another name, or delete it") from None
    return manifest


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except CopyFailed as error:
        raise BackupRefused(str(error)) from error


def _schema(url: str) -> str:
    store = Store.open(url)
    try:
        return store.read(revision) or ""
    finally:
        store.close()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(path: Path, manifest: Manifest, copy: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as tar:
            text = json.dumps(dataclasses.asdict(manifest), indent=2).encode() + b"\n"
            for name, size, content in ((_MANIFEST, len(text), None), (_DATABASE, manifest.size, copy)):
                info = tarfile.TarInfo(name)
                info.size, info.mode = size, 0o600
                info.mtime = int(dt.datetime.fromisoformat(manifest.made_at).timestamp())
                with content.open("rb") if content else io.BytesIO(text) as source:
                    tar.addfile(info, source)
        file.flush()
        os.fsync(file.fileno())


# --- back --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place."""

    manifest: Manifest
    #: Where the SQLite database that stood there is now; None where none did.
    aside: Path | None


def read_manifest(path: Path) -> Manifest:
    """What the backup says of itself. Raises BackupRefused for anything else, OSError."""
    with _opened(path) as tar:
        return _manifest(path, tar)


def restore_backup(
    url: str, path: Path, key: Secret, actor: Actor, *, replace: bool = False, other_key: bool = False
) -> Restored:
    """The backup becomes the database at `url`, in which nothing is believed that may have changed since.

    `replace` allows it over a database that holds anything, `other_key` with another key than that of the backup.
    Raises BackupRefused, with the database as it was, OSError.
    """
    with _refusals(), tempfile.TemporaryDirectory(prefix="crossdock-restore-") as folder:
        copy = Path(folder) / _DATABASE
        with _opened(path) as tar:
            manifest = _manifest(path, tar)
            _demand_fitting(manifest, url, key, other_key=other_key)
            there = found_there(url)
            if there is not None and not replace:
                holds = f"with {there} orders" if there >= 0 else "that nobody can read"
                raise BackupRefused(f"there is a database {holds} already: `--replace` puts the backup in its place")
            _unpack(path, tar, manifest, copy)
        demand_idle(url)
        aside = _aside(url) if there is not None else None
        put_in_place(url, copy, aside=aside or Path(folder) / "nothing")
    store = Store.open(url)
    try:
        migrate(store)
        store.write(make_wary)
        what = f"backup of {manifest.made_at}"
        store.write(lambda c: record_audit(c, actor, "restore", "database", after=what))
    finally:
        store.close()
    return Restored(manifest, aside if kind_of(url) == "sqlite" else None)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, mode="r:gz") as tar:
            yield tar
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, KeyError, TypeError) as error:
        raise BackupRefused(f"{path} is no whole backup of Crossdock: {error}; take another one") from error


def _manifest(path: Path, tar: tarfile.TarFile) -> Manifest:
    content = _member(tar, _MANIFEST).read(_MANIFEST_BYTES)
    read: dict[str, Any] = dict(json.loads(content))
    if read.get("format") != _FORMAT:
        raise BackupRefused(
            f"{path} is of format {read.get('format')!r}, this program reads {_FORMAT}: use the version of Crossdock "
            f"that made it ({read.get('version')!r})"
        )
    return Manifest(**read)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    found = tar.extractfile(name)
    if found is None:
        raise tarfile.ReadError(f"{name} is not a file in it")
    return found


def _demand_fitting(manifest: Manifest, url: str, key: Secret, *, other_key: bool) -> None:
    if manifest.schema > HEAD:
        raise BackupRefused(
            f"the backup is of a newer Crossdock ({manifest.version}, schema {manifest.schema}; this one knows "
            f"{HEAD}): install that version"
        )
    if manifest.database != kind_of(url):
        raise BackupRefused(
            f"the backup is of a {manifest.database} database, and CROSSDOCK_DATABASE names a {kind_of(url)} one"
        )
    if manifest.key != fingerprint(key) and not other_key:
        raise BackupRefused(
            f"the installation's key is {fingerprint(key)}, the backup belongs to {manifest.key}: put the `secret.key` "
            "of the state folder, or CROSSDOCK_SECRET_KEY, back first; or say `--other-key`, and every link to an "
            "invoice that a customer has ends"
        )


def _unpack(path: Path, tar: tarfile.TarFile, manifest: Manifest, copy: Path) -> None:
    """Never by the names in the archive: it may be anybody's."""
    digest, size = hashlib.sha256(), 0
    source = _member(tar, _DATABASE)
    with copy.open("wb") as target:
        while piece := source.read(_PIECE):
            size += len(piece)
            if size > manifest.size:
                break
            digest.update(piece)
            target.write(piece)
    if size != manifest.size or digest.hexdigest() != manifest.sha256:
        raise BackupRefused(f"{path} is damaged: the database in it is not the one that it names; take another backup")


def _aside(url: str) -> Path:
    """A free name beside the database."""
    database = Path(make_url(url).database or "")
    moment = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
    return database.with_name(f"{database.name}.replaced-{moment}")
