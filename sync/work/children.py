"""A process that is kept running: how to start it, and what it says while it runs."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Final

from sync.work.processes import die_with_parent

_MOST_BYTES: Final = 65_536
#: What is still read of a child after its end; something that it left behind may hold the pipe and go on writing.
_LAST_READS: Final = 16


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One process to be kept running."""

    name: str
    argv: Sequence[str]
    #: The whole environment; None inherits ours.
    env: Mapping[str, str] | None = None
    #: Lower ones are started first and stopped last.
    stage: int = 0
    #: Asked again and again until it says yes; None is ready at once.
    ready: Callable[[], bool] | None = None
    #: False: its end is the end of all, with its exit status.
    restart: bool = True
    #: How long it may take to stop before it is killed.
    stop_s: float = 10.0
    #: Removes what may keep it from starting, e.g. files that it cannot read.
    repair: Callable[[], None] | None = None


class Process:
    """A child while it runs."""

    def __init__(self, child: Child, pass_fds: Sequence[int]) -> None:
        self.child = child
        self.started = time.monotonic()
        self.ready = child.ready is None
        #: It has closed its output.
        self.silent = False
        self._rest = b""
        us = os.getpid()
        self._popen = subprocess.Popen(  # noqa: S603 - the argv is ours
            child.argv,
            env=child.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
            # Out of the terminal's group: Ctrl-C reaches us alone, and a worker takes a second signal for "at once".
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(us, signal.SIGTERM),  # noqa: PLW1509 - we have one thread
        )
        if self._popen.stdout is None:
            raise RuntimeError("no pipe from the child")
        self.output: IO[bytes] = self._popen.stdout
        os.set_blocking(self.output.fileno(), False)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    def status(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self._popen.poll()

    def lines(self) -> Iterator[bytes]:
        """What it has printed since the last call, in whole lines; the begun one too if it is very long.

        One read only, so that a child that never stops printing does not keep us from the others.
        """
        try:
            chunk = os.read(self.output.fileno(), _MOST_BYTES)
        except BlockingIOError:
            return
        if not chunk:
            self.silent = True
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        yield from whole
        if len(self._rest) > _MOST_BYTES:
            yield self._rest
            self._rest = b""

    def last_lines(self) -> Iterator[bytes]:
        """What is left after its end."""
        for _ in range(_LAST_READS):
            yield from self.lines()
            if self.silent:
                break
        if self._rest:
            yield self._rest
        self.output.close()

    def stop(self) -> None:
        """Ask it to end."""
        self._popen.terminate()

    def kill(self) -> None:
        """Kill it with everything in its session's group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
