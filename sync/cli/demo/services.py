"""The demo's other processes: each with a log of its own, all ended with us, however we end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sync.work.processes import die_with_parent

#: What of a log is shown when its process has failed.
_LAST_LINES: Final = 12
#: For a Crossdock that ends with its calls in flight; everything else takes a second.
_PATIENCE_S: Final = 60.0


class DemoFailed(Exception):
    """The demo cannot go on; the message says what happened, in which log it stands, and that log's last lines."""

    def __init__(self, text: str, log: Path | None = None) -> None:
        lines = [] if log is None or not log.exists() else log.read_text("utf-8", "replace").splitlines()
        shown = "".join(f"\n    {line}" for line in lines[-_LAST_LINES:])
        super().__init__(text if log is None else f"{text}; its log is {log}:{shown or ' (empty)'}")


class Service:
    """A process that runs until it is told to stop."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str],
        announces: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """`announces`: its first line on stdout is a JSON object that says where it is; it may hold secrets.

        That line is therefore read from a pipe; everything else that it prints goes to the log.
        """
        self.name, self.log = name, log
        self._argv, self._env, self._announces, self._pass_fds = tuple(argv), dict(env), announces, tuple(pass_fds)
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = b""
        self._asked = False
        #: What it announced when it was ready; empty until then.
        self.facts: dict[str, Any] = {}

    def start(self, *more: str) -> None:
        """Start it, with `more` arguments. From the main thread only: the kernel ends it with the thread that forks."""
        us = os.getpid()
        self.facts, self._begun, self._asked = {}, b"", False
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                [*self._argv, *more],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self._announces else log,
                stderr=log,
                pass_fds=self._pass_fds,
                # Out of the terminal's group: Ctrl-C reaches us alone, and we end them in their order.
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(us, signal.SIGTERM),  # noqa: PLW1509 - we have one thread
            )
        if self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)

    @property
    def pid(self) -> int:
        """Its process id; 0 where it was never started."""
        return 0 if self._process is None else self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it is not running."""
        return self._process is None or self._process.poll() is not None

    def is_ready(self) -> bool:
        """Whether it has announced itself. Raises DemoFailed when it has ended instead."""
        self.demand()
        if not self.facts and self._process is not None and self._process.stdout is not None:
            self._begun += self._process.stdout.read() or b""
            if b"\n" in self._begun:
                self.facts = json.loads(self._begun.partition(b"\n")[0])
        return bool(self.facts)

    def demand(self) -> None:
        """Raises DemoFailed when it has ended without having been asked to."""
        if self._process is not None and self.ended and not self._asked:
            raise DemoFailed(f"{self.name} has ended with status {self._process.returncode}", self.log)

    def last_words(self) -> str:
        """The newest line of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return lines[-1] if lines else ""

    def ask_to_end(self) -> None:
        """Ask, and do not wait."""
        self._asked = True
        if self._process is not None and not self.ended:
            self._process.terminate()

    def end(self) -> None:
        """Ask, wait, and kill what takes too long."""
        self.ask_to_end()
        if self._process is None:
            return
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
