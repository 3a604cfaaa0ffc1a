"""`crossdock run`: the queue's server, web, workers and scheduler on one state folder, in one stream of lines."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import structlog

from config.logging import LineWriter
from config.model import Secret
from config.settings import Settings
from sync.work.bell import DRAIN_S
from sync.work.children import Child
from sync.work.supervise import Supervisor
from sync.work.valkey import NoServer, answers, command, find_server, socket_of

#: How long a start waits for what a killed run has left behind.
_PATIENCE_S: Final = 10.0
#: For what a drain does after its last call, when it has been asked to end.
_ACKNOWLEDGE_S: Final = 10.0

_log = structlog.get_logger(__name__)


class Taken(Exception):
    """Another run uses this state folder."""


@contextlib.contextmanager
def held(folder: Path, *, patience_s: float = _PATIENCE_S) -> Iterator[int]:
    """Hold the state folder for one run; yields the descriptor of its lock, to be passed to every child.

    The kernel lets go of it with the last process that has it open: not before all children of a killed run are gone
    can two servers write one append-only file. Raises Taken after `patience_s`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "run.lock").open("a+", encoding="ascii") as file:
        deadline = time.monotonic() + patience_s
        while not _lock(file.fileno()):
            if time.monotonic() > deadline:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise Taken(f"the state folder {folder} is in use by process {holder}, or by one that it has started")
            time.sleep(0.05)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield file.fileno()
        file.truncate(0)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def run(
    settings: Settings,
    *,
    longest_call_s: float = 60.0,
    secrets: Iterable[Secret] = (),
    on_ready: Callable[[], None] | None = None,
) -> int:
    """Run everything until SIGTERM or SIGINT; the exit status, as `Supervisor.run` gives it.

    `longest_call_s` is the longest deadline that any connection gives one call: a stop waits for calls in flight.
    `secrets`, of the configuration, are taken out of what the children print.
    EX_CONFIG when there is no server for the queue, EX_TEMPFAIL when another run uses the state folder.
    """
    try:
        with held(settings.state_folder) as lock:
            writer = LineWriter(sys.stdout, settings, secrets=secrets)
            children = everything(settings, longest_call_s=longest_call_s, log_format=writer.log_format)
            return Supervisor(children, writer.write, pass_fds=[lock]).run(on_ready)
    except NoServer as error:
        _log.error("no_queue_server", text=str(error))
        return os.EX_CONFIG
    except Taken as error:
        _log.error("already_running", text=str(error))
        return os.EX_TEMPFAIL


def everything(settings: Settings, *, longest_call_s: float, log_format: str) -> list[Child]:
    """The children of `crossdock run`. Raises NoServer."""
    env = {**settings.environ, "CROSSDOCK_LOG_FORMAT": log_format, "PYTHONUNBUFFERED": "1"}
    crossdock = (sys.executable, "-m", "sync.cli")
    worker = Child(
        name="worker",
        argv=[*crossdock, "worker"],
        env=env,
        stage=1,
        # The drain is asked to end and ends with its calls in flight; killed, their outcome would have to be found out.
        stop_s=min(DRAIN_S, longest_call_s) + longest_call_s + _ACKNOWLEDGE_S,
    )
    return [
        *([valkey(settings, env)] if settings.supervise_redis else []),
        Child(name="web", argv=[*crossdock, "web"], env=env, stage=1, ready=_listens(settings), stop_s=15),
        Child(name="scheduler", argv=[*crossdock, "scheduler"], env=env, stage=1, stop_s=15),
        *(dataclasses.replace(worker, name=f"worker-{number}") for number in range(1, settings.workers + 1)),
    ]


def valkey(settings: Settings, env: dict[str, str]) -> Child:
    """The queue's server on the socket of `settings.redis_url`. Raises NoServer."""
    path, folder = socket_of(settings.redis_url), settings.state_folder / "valkey"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent != settings.state_folder:
        _make_private(path.parent)

    def set_files_aside() -> None:
        # Only rings are in them, and dispatch rings again; a file that cannot be read would keep everything down.
        folder.rename(folder.with_name(f"valkey.broken-{time.strftime('%Y%m%dT%H%M%S')}"))
        folder.mkdir(mode=0o700)

    return Child(
        name="valkey",
        argv=command(find_server(), socket=path, folder=folder),
        env=env,
        ready=lambda: answers(settings.redis_url),
        repair=set_files_aside,
    )


def _make_private(folder: Path) -> None:
    """Make a folder under /tmp, where others may have made one of this name before us. Raises NoServer."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise NoServer(f"{folder}, where the queue's socket has to be, is not ours alone; remove it")


def _listens(settings: Settings) -> Callable[[], bool] | None:
    """Whether somebody takes connections where web is to listen; not to be known of a port that is chosen later."""
    if not settings.web_port:
        return None

    def listens() -> bool:
        try:
            socket.create_connection((settings.web_host, settings.web_port), timeout=0.5).close()
        except OSError:
            return False
        return True

    return listens
