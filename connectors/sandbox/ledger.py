"""The ledger: an append-only file with one JSON line per effect that a sandbox accepted.

It is the witness of the tests: a checker in another process reads what really happened, whatever the callers
were told. A line is handed to the kernel in one `write` on a descriptor opened for appending, before the reply
is sent, so it survives a kill -9 of the sandbox (fsync is only needed against a power cut).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One accepted effect."""

    #: What happened, e.g. `sale.create`, `sale.confirm`, `order.refund`.
    kind: str
    #: The caller's idempotency key; empty when it sent none.
    key: str
    #: The id that the sandbox gave or changed.
    external_id: str
    #: The document's grand total as text; empty when it has none.
    total: str = ""
    #: The document, or as much of it as a restart needs to rebuild the sandbox's state.
    document: Any = None
    #: `document_digest` of the document as it was sent.
    digest: str = ""
    #: Aware UTC, set by the ledger when empty.
    at: str = ""
    #: Position in the file from 1, set by the ledger.
    seq: int = 0


def document_digest(document: Any) -> str:
    """SHA-256 of the document's JSON with sorted keys: equal documents have equal digests."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


class Ledger:
    """Appends entries to `path`, or keeps them in memory when it is None. Safe to use from many threads.

    A `document` belongs to the ledger once it is appended: hand over one that is not changed afterwards.
    """

    def __init__(self, path: Path | None = None, *, fsync: bool = False) -> None:
        self._lock = threading.Lock()
        self._fsync = fsync
        self._path = path
        self._entries: list[Entry] = []
        self._count = 0
        self._fd: int | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o644)
            self._count = _cut_torn_tail(self._fd)

    @property
    def durable(self) -> bool:
        """Whether entries go to a file, from which a restart can rebuild."""
        return self._path is not None

    def append(self, entry: Entry) -> Entry:
        """Write one entry and return it with its position and time."""
        return self.append_many((entry,))[0]

    def append_many(self, entries: Iterable[Entry]) -> list[Entry]:
        """Write all entries in one `write`: all of a batch stands in the file, or nothing of it."""
        now = dt.datetime.now(tz=dt.UTC).isoformat()
        with self._lock:
            first = self._count + 1
            stamped = [
                dataclasses.replace(entry, seq=first + offset, at=entry.at or now)
                for offset, entry in enumerate(entries)
            ]
            if self._fd is not None and stamped:
                _write_all(self._fd, b"".join(orjson.dumps(entry, default=str) + b"\n" for entry in stamped))
                if self._fsync:
                    os.fsync(self._fd)
            self._count += len(stamped)
            if self._path is None:
                self._entries.extend(stamped)
        return stamped

    @property
    def count(self) -> int:
        """How many entries there are; no `__len__`, because an empty ledger must not be false."""
        return self._count

    def entries(self, since: int = 0) -> list[Entry]:
        """The entries after position `since`."""
        if self._path is not None:
            return list(read_ledger(self._path))[since:]
        with self._lock:
            return self._entries[since:]

    def close(self) -> None:
        """Close the file; the entries stay readable."""
        with self._lock:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_ledger(path: Path) -> Iterator[Entry]:
    """The entries of a ledger file, also while its sandbox writes; an unfinished last line is left out."""
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield Entry(**orjson.loads(line))


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _cut_torn_tail(fd: int) -> int:
    """The number of whole lines. A full disk can leave half a line; the next entry must not be glued to it."""
    size = os.fstat(fd).st_size
    content = os.pread(fd, size, 0)
    complete = content.rfind(b"\n") + 1
    if complete != size:
        os.ftruncate(fd, complete)
    return content.count(b"\n")
