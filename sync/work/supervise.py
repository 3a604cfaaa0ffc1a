"""Starts processes and keeps them running: `crossdock run`, in one terminal or under one systemd unit.

One thread, one loop. Children are started stage by stage, each stage when the one before is ready, and stopped in the
opposite order. Whatever ends without having been told to is started again, whatever its exit status: a worker whose
Redis died ends with 0. What a child prints comes out of one stream, a line at a time, with the child's name.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Final

import structlog

from sync.work.children import Child, Process

#: A child that lived so long did start; its next end counts as the first.
STEADY_S: Final = 10.0
#: After so many quick ends in a row a child is repaired, where it says how.
REPAIR_AFTER: Final = 3
_FIRST_DELAY_S: Final = 0.25
_LONGEST_DELAY_S: Final = 30.0
_TICK_S: Final = 0.1

_log = structlog.get_logger(__name__)

#: Name of the child, one line without its end.
Write = Callable[[str, bytes], None]


class Supervisor:
    """Runs its children until it is told to stop; `run` does everything, in the main thread."""

    def __init__(self, children: Sequence[Child], write: Write, *, pass_fds: Sequence[int] = ()) -> None:
        """`pass_fds` stay open in every child: a lock on them ends with the last of them."""
        names = [child.name for child in children]
        if len(set(names)) != len(names):
            raise ValueError(f"two children have the same name: {names}")
        self._children = sorted(children, key=lambda child: child.stage)
        self._write = write
        self._pass_fds = tuple(pass_fds)
        self._running: dict[str, Process] = {}
        #: When a child that has ended is started again.
        self._due: dict[str, float] = {}
        #: Quick ends in a row.
        self._ends: dict[str, int] = {}
        self._selector = selectors.DefaultSelector()
        self._signals = 0
        #: Set once it is clear that and how we end.
        self._status: int | None = None

    def run(self, on_ready: Callable[[], None] | None = None) -> int:
        """Start all, keep them running until SIGTERM, SIGINT or SIGHUP, stop all; the exit status.

        `on_ready` is called once, when every child has been ready. 0 after a clean stop, 1 if something had to be
        killed, else the status of the child whose end ended all: EX_CONFIG is never restarted.
        """
        with self._listening():
            try:
                if self._start_all() and on_ready is not None:
                    on_ready()
                while self._going():
                    self._turn()
            finally:
                clean = self._stop_all()
        if self._status:
            return self._status
        return os.EX_OK if clean else 1

    def pids(self) -> dict[str, int]:
        """Name -> process id of what runs now."""
        return {name: process.pid for name, process in self._running.items()}

    def _going(self) -> bool:
        return not self._signals and self._status is None

    def _start_all(self) -> bool:
        """Start stage after stage; False if we were told to stop meanwhile."""
        for _, stage in itertools.groupby(self._children, key=lambda child: child.stage):
            names = [child.name for child in stage]
            for child in self._children:
                if child.name in names:
                    self._start(child)
            while self._going() and not all(self._is_ready(name) for name in names):
                self._turn()
            if not self._going():
                return False
        return True

    def _is_ready(self, name: str) -> bool:
        process = self._running.get(name)
        if process is None:
            return False
        if not process.ready and process.child.ready is not None:
            process.ready = process.child.ready()
        return process.ready

    def _start(self, child: Child) -> None:
        try:
            process = Process(child, self._pass_fds)
        except OSError as error:
            # Out of processes or memory for the moment, or the program has gone: as if it had ended at once.
            _log.error("not_started", child=child.name, error=str(error))
            self._again(child, quick=True)
            return
        self._running[child.name] = process
        self._selector.register(process.output, selectors.EVENT_READ, process)
        _log.info("started", child=child.name, pid=process.pid)

    def _turn(self) -> None:
        """Wait a moment, pass on what was printed, see who has ended, start whose time has come."""
        for key, _ in self._selector.select(_TICK_S):
            if isinstance(key.data, Process):
                self._pass_on(key.data)
            else:
                os.read(key.fd, 4096)
        for process in list(self._running.values()):
            status = process.status()
            if status is not None:
                self._ended(process, status)
        now = time.monotonic()
        for child in self._children:
            if self._going() and self._due.get(child.name, now + 1) <= now:
                del self._due[child.name]
                self._start(child)

    def _pass_on(self, process: Process) -> None:
        for line in process.lines():
            self._write(process.child.name, line)
        if process.silent:
            # Or select would return at once, for ever.
            self._selector.unregister(process.output)

    def _ended(self, process: Process, status: int) -> None:
        child = process.child
        if not process.silent:
            self._selector.unregister(process.output)
        for line in process.last_lines():
            self._write(child.name, line)
        del self._running[child.name]
        if not self._going():
            _log.info("stopped", child=child.name, status=_shown(status))
        elif child.restart and status != os.EX_CONFIG:
            _log.warning("ended", child=child.name, status=_shown(status))
            self._again(child, quick=time.monotonic() - process.started < STEADY_S)
        else:
            _log.error("ended_for_good", child=child.name, status=_shown(status))
            self._status = status if status >= 0 else 128 - status

    def _again(self, child: Child, *, quick: bool) -> None:
        """Have it started again, the later the more often it has ended quickly."""
        ends = self._ends[child.name] = self._ends.get(child.name, 0) + 1 if quick else 1
        delay_s = min(_FIRST_DELAY_S * 2.0 ** min(ends - 1, 10), _LONGEST_DELAY_S)
        self._due[child.name] = time.monotonic() + delay_s
        if ends == REPAIR_AFTER and child.repair is not None:
            _log.warning("repairing", child=child.name, quick_ends=ends)
            child.repair()

    def _stop_all(self) -> bool:
        """Stop stage after stage, the last first; whether all ended by themselves."""
        clean = True
        self._due.clear()
        if self._status is None:
            self._status = os.EX_OK
        for _, stage in itertools.groupby(reversed(self._children), key=lambda child: child.stage):
            clean &= self._stop([self._running[child.name] for child in stage if child.name in self._running])
        return clean

    def _stop(self, processes: Sequence[Process]) -> bool:
        """Ask these to end, wait, kill what takes too long or all when we are told a second time."""
        began, signals = time.monotonic(), max(self._signals, 1)
        for process in processes:
            process.stop()
        killed: set[str] = set()
        while left := [process for process in processes if process.child.name in self._running]:
            for process in left:
                late = time.monotonic() - began > process.child.stop_s
                if (late or self._signals > signals) and process.child.name not in killed:
                    _log.warning("killed", child=process.child.name, after_s=round(time.monotonic() - began, 1))
                    process.kill()
                    killed.add(process.child.name)
            self._turn()
        return not killed

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """Signals wake the loop, and nothing happens inside of their handlers."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        self._selector.register(reader, selectors.EVENT_READ)
        before = {each: signal.signal(each, self._note) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        # Python calls the wake-up for handled signals only.
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)
        old = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old)
            for each, handler in before.items():
                signal.signal(each, handler)
            self._selector.close()
            os.close(reader)
            os.close(writer)

    def _note(self, _signum: int, _frame: FrameType | None) -> None:
        self._signals += 1


def _shown(status: int) -> int | str:
    return signal.Signals(-status).name if status < 0 else status
