"""`python -m tests.chaos.unit COMMAND ...`: keeps a command running, as systemd would with Restart=always.

Whoever it leaves behind becomes our child. When our own parent ends, or asks us to, nobody of the tree is left: also
none that stands still.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from typing import Final

from sync.work.processes import die_with_parent
from tests.benchmarks.procfs import children

_PR_SET_CHILD_SUBREAPER: Final = 36
_PAUSE_S: Final = 0.5
#: What an unhurried stop of all may take.
_STOP_S: Final = 30.0


class Unit:
    """One command."""

    def __init__(self, command: list[str]):
        self._command = command
        self._asked = False
        self._parent = os.getppid()

    def run(self) -> None:
        """Until SIGTERM, which also comes when our parent ends."""
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
        while not self._asked:
            main = subprocess.Popen(self._command)
            while not self._asked and not self._is_gone(main.pid):
                time.sleep(0.05)
            if self._asked:
                main.terminate()
                self._await_end(main.pid)
            else:
                time.sleep(_PAUSE_S)
        _kill_below()

    def _ask(self, *_: object) -> None:
        self._asked = True

    def _is_gone(self, pid: int) -> bool:
        """Whether it is; the dead of the whole tree are buried on the way."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                if found == pid:
                    return True
            return False
        return True

    def _await_end(self, pid: int) -> None:
        deadline = time.monotonic() + _STOP_S
        while not self._is_gone(pid) and time.monotonic() < deadline and os.getppid() == self._parent:
            time.sleep(0.05)


def _kill_below() -> None:
    """Whoever is left; orphans come to us one generation after the other."""
    while below := children(os.getpid()):
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


def main() -> None:
    """See the module."""
    # Asked again for SIGTERM: our parent had us killed with it, and then nobody would end those below.
    die_with_parent(os.getppid(), signal.SIGTERM)
    Unit(sys.argv[1:]).run()


if __name__ == "__main__":
    main()
