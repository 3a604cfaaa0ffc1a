"""One trytond process: its configuration, its start, its end."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from connectors.sandbox.tryton.admin import UnreachableError, server_version
from connectors.sandbox.tryton.environment import Environment, SandboxError

_START_TIMEOUT_S: Final = 90
_STOP_TIMEOUT_S: Final = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """Where one Tryton keeps its files, and its database."""

    directory: Path
    database: str = "erp"
    #: `sqlite://` keeps the database in `directory`; else `postgresql://user@host:port/`.
    uri: str = "sqlite://"

    @property
    def sqlite(self) -> bool:
        """Whether the database is a file in `directory`."""
        return self.uri.startswith("sqlite")

    @property
    def sqlite_file(self) -> Path:
        """The database file."""
        return self.directory / f"{self.database}.sqlite"

    @property
    def config_file(self) -> Path:
        """`trytond.conf`."""
        return self.directory / "trytond.conf"

    @property
    def pid_file(self) -> Path:
        """The running server's process id."""
        return self.directory / "trytond.pid"

    def write_config(self, port: int) -> None:
        """Make `trytond.conf` for a server on `port` of the loopback interface."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(
            f"[database]\nuri = {self.uri}\npath = {self.directory}\n\n[web]\nlisten = 127.0.0.1:{port}\n\n"
            # Whoever has signed in stays so; by default it ends after five minutes without a call.
            "[session]\ntimeout = 86400\n"
        )
        self.config_file.chmod(0o600)


@contextlib.contextmanager
def serving(environment: Environment, site: Site, port: int = 0) -> Iterator[str]:
    """Start the server, wait until it answers, give its URL, stop it. Raises SandboxError."""
    _end_left_over(site)
    port = port or _free_port()
    site.write_config(port)
    log = site.directory / "trytond.log"
    command = [str(environment.program("trytond")), "-c", str(site.config_file), "-d", site.database]
    with log.open("ab") as output:
        # A session of its own: Ctrl-C in the terminal is for Crossdock, which stops the server when it is done.
        process = subprocess.Popen(  # noqa: S603 -- our own command line
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    site.pid_file.write_text(str(process.pid))
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(process, url, log)
        yield url
    finally:
        _stop(process)
        site.pid_file.unlink(missing_ok=True)


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
            raise SandboxError(f"trytond ended with status {process.returncode}; see {log}:\n{tail}")
        with contextlib.suppress(UnreachableError):
            server_version(url)
            return
        time.sleep(0.1)
    raise SandboxError(f"trytond did not answer within {_START_TIMEOUT_S} s; see {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_left_over(site: Site) -> None:
    """End the server that a killed run left behind: two servers on one SQLite file lock each other out."""
    if not site.pid_file.exists():
        return
    pid = int(site.pid_file.read_text())
    command = Path(f"/proc/{pid}/cmdline")
    # A process id is given again after a while: only one that runs with our configuration is ours.
    with contextlib.suppress(OSError):
        if str(site.config_file).encode() in command.read_bytes():
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + _STOP_TIMEOUT_S
            while command.exists() and time.monotonic() < deadline:
                time.sleep(0.1)
    site.pid_file.unlink(missing_ok=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
