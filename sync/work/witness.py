"""What this machine remembers outside of the database, so that one which was put back to an older state is noticed.

Before every write to a foreign system a row is committed, and the rows are numbered upwards: a database whose highest
number is lower than one that was seen before has forgotten writes that may have been carried out.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


class Witness:
    """The highest number that was seen, in a small file. Safe to share among the processes of a machine."""

    def __init__(self, path: Path) -> None:
        """The file and its folder may not exist yet."""
        self._path = path

    def seen(self) -> int:
        """0 where nothing was ever seen, or where nobody can read what was written."""
        try:
            return int(self._path.read_text("ascii"))
        except (OSError, ValueError):
            return 0

    def note(self, newest: int) -> None:
        """Remember how far the database is; also when it has gone back and everybody knows of it.

        A full disk costs the memory and nothing else: what the database says of its own age is still believed.
        """
        if newest == self.seen():
            return
        # Renamed into place: who reads meanwhile finds the old number or the new one.
        own = self._path.with_name(f".{self._path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Nobody else's business, and the doctor says so of every file in this folder that others may read.
            own.touch(mode=0o600)
            own.write_text(f"{newest}\n", "ascii")
            own.replace(self._path)
        except OSError as error:
            log.warning("witness_failed", reason=error.strerror)
            with contextlib.suppress(OSError):
                own.unlink(missing_ok=True)
