"""A thread that is started again when it died, and that says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

#: Between two starts, so that work that dies at once does not take a core.
_PAUSE_S = 0.05


class Keeper:
    """Keeps `work` running in a daemon thread from the first `ensure` on.

    The thread starts with the first use and not with the object, so a process that forks in between has none to lose;
    and since a fork copies no threads, `ensure` starts one in the child too.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        """`work` runs until it is told to end by means of its own; it ends by returning."""
        self._name = name
        self._work = work
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ended = False
        #: How often it was started again.
        self.restarts = 0
        #: Class of the error that ended it last; no text, which could quote what came in.
        self.last_error = ""

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def ensure(self) -> None:
        """Start the thread unless it runs."""
        if self.is_alive():
            return
        with self._lock:
            if self.is_alive() or self._ended:
                return
            if self._thread is not None:
                self._note("ThreadDied")
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def end(self, timeout_s: float) -> bool:
        """Start it no more and wait until `work`, which was told to end, has returned; whether it has."""
        with self._lock:
            self._ended = True
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.is_alive()

    def _run(self) -> None:
        while not self._ended:
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 - the outermost frame of a thread: nobody above would see it
                self._note(type(error).__name__)
                time.sleep(_PAUSE_S)
            else:
                return

    def _note(self, error: str) -> None:
        self.restarts += 1
        self.last_error = error
        log.error("thread_restarted", thread=self._name, error=error, restarts=self.restarts)
