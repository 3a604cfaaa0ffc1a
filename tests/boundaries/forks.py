"""Processes by fork, from a parent without threads: a start costs milliseconds, as everything is imported already."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from connectors.sandbox.erp import ErpOptions
from connectors.sandbox.erp import run as run_erp
from connectors.sandbox.woocommerce.process import run as run_shop

_LIBC: Final = ctypes.CDLL(None)
_PR_SET_PDEATHSIG: Final = 1


def fork(work: Callable[[], object]) -> int:
    """Run `work` in a child that ends with it, or with its parent, whatever comes; answers its pid."""
    sys.stdout.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        _end_with(parent)
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - the child must never go on as its parent
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _end_with(parent: int) -> None:
    """Nobody is left behind, stopped or not, when a whole tree of runs is killed; and nobody keeps its pipe open."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    with open(os.devnull, "w") as nothing:  # noqa: PTH123 - a device, no path of ours
        os.dup2(nothing.fileno(), 1)


def complain_to(path: Path) -> None:
    """What this process writes on stderr goes into a file from now on."""
    with path.open("w") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())


def wait(pid: int) -> int:
    """The exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def wait_or_stop(pid: int) -> int | None:
    """The exit status, or None as soon as the child stands still."""
    status = os.waitpid(pid, os.WUNTRACED)[1]
    return None if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)


def sandbox_erp(options: ErpOptions, ledger: Path) -> contextlib.AbstractContextManager[str]:
    """A sandbox ERP in a process of its own; the line in which it says where it is."""
    return _served(lambda: run_erp(ledger=ledger, options=options))


def sandbox_shop(ledger: Path, key: str, secret: str) -> contextlib.AbstractContextManager[str]:
    """The same with a sandbox shop that goes on from its ledger."""
    return _served(lambda: run_shop(state_file=ledger, key=key, secret=secret))


@contextlib.contextmanager
def _served(run: Callable[[], object]) -> Iterator[str]:
    reading, writing = os.pipe()

    def serve() -> None:
        os.close(reading)
        sys.stdout = os.fdopen(writing, "w")
        run()

    pid = fork(serve)
    os.close(writing)
    try:
        with os.fdopen(reading) as ready:
            yield ready.readline()
    finally:
        os.kill(pid, signal.SIGKILL)
        wait(pid)
