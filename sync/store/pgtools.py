"""PostgreSQL's own programs for copies of a whole database: finding those that fit the server, and running them.

The password never stands on a command line, where every user of the machine could read it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import URL

#: Where Debian and Ubuntu, and Red Hat, put those of each version.
_FOLDERS: Final = (("/usr/lib/postgresql", "*/bin"), ("/usr", "pgsql-*/bin"))
#: What a program says last is what went wrong.
_LAST_LINES: Final = 3


class CopyFailed(Exception):
    """A copy could not be made or put in place; the text says why and what to do."""


def dump(url: URL, server: int, path: Path) -> None:
    """A copy of the database at `url` (whose server is of this major version) in the custom format. Raises CopyFailed.

    It is of one moment, and nobody waits for it.
    """
    program = _find("pg_dump", server)
    _run([program, "--format=custom", "--no-owner", "--no-privileges", f"--file={path}"], url)


def load(url: URL, server: int, path: Path) -> None:
    """Put such a copy into an empty database, whole or not at all. Raises CopyFailed."""
    program = _find("pg_restore", server)
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    _run([program, *options, str(path)], url)


def _find(name: str, server: int) -> str:
    """A program of the server's version, or of a newer one: an older one refuses."""
    found = {version: path for path in _candidates(name) if (version := _version(path))}
    fitting = [version for version in sorted(found) if version >= server]
    if fitting:
        return found[fitting[0]]
    there = ", ".join(f"{path} is of version {version}" for version, path in sorted(found.items())) or "there is none"
    raise CopyFailed(
        f"the server is PostgreSQL {server}, and no {name} of version {server} or newer was found ({there}): install "
        f"the client programs of PostgreSQL {server} and put them first in PATH"
    )


def _candidates(name: str) -> Iterator[str]:
    for root, pattern in _FOLDERS:
        yield from (str(path / name) for path in sorted(Path(root).glob(pattern)) if (path / name).is_file())
    # Last: of two of one version, the one that the user's own PATH names is taken.
    if found := shutil.which(name):
        yield found


def _version(path: str) -> int:
    """0 for what does not run, or is something else."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603 - found above
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else 0


def _run(command: list[str], url: URL) -> None:
    given = {**url.translate_connect_args(username="user", database="dbname"), **url.query}
    password = given.pop("password", None)
    environment = {**os.environ, "LC_MESSAGES": "C"}  # noqa: TID251 - theirs, not our settings
    if password:
        environment["PGPASSWORD"] = str(password)
    # An optional dependency: an installation on SQLite has none.
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    target = make_conninfo("", **given)
    done = subprocess.run(  # noqa: S603 - found by _find
        [command[0], "--no-password", f"--dbname={target}", *command[1:]],
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.strip().splitlines()[-_LAST_LINES:]) or f"it ended with status {done.returncode}"
        raise CopyFailed(f"{Path(command[0]).name} failed: {said}")
