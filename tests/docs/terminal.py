"""A terminal in which a test types what a page shows."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
import uuid

from tests.shared import REPOSITORY

#: What everything together may take to end after it was asked to.
_PATIENCE_S = 40.0


class Stuck(Exception):
    """A command did not end, or did not come to look as the page shows."""


class Terminal:
    """One bash, in a folder of its own, with the project's programs on its PATH and nothing of our environment."""

    def __init__(self, folder, environ):
        home = folder / "home"
        home.mkdir()
        path = f"{REPOSITORY / '.venv' / 'bin'}:{os.environ['PATH']}"
        language = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        self._logs = folder / "logs"
        self._logs.mkdir()
        self.folder = folder / "project"
        self.folder.mkdir()
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=self.folder,
            env={"HOME": str(home), "PATH": path, "USER": "reader", "PYTHONUNBUFFERED": "1", **language, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._bash.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def run(self, command, *, timeout_s):
        """(output, exit status) of one command. Raises Stuck."""
        end = uuid.uuid4().hex
        self._type(f"{{ {command}\n}} </dev/null\nprintf '\\n%s %s\\n' {end} $?\n")
        output, deadline = [], time.monotonic() + timeout_s
        while True:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0.01))
            except queue.Empty:
                raise Stuck(f"{command!r} did not end in {timeout_s:.0f} s; so far:\n{''.join(output)}") from None
            if line is None:
                raise Stuck(f"{command!r} ended the terminal:\n{''.join(output)}")
            if line.startswith(end):
                return "".join(output).rstrip(), int(line.split()[1])
            output.append(line)

    def start(self, command):
        """Let a command run on; answers the file in which its output appears."""
        log = self._logs / f"{uuid.uuid4().hex}.log"
        log.touch()
        self._type(f"{{ {command}\n}} </dev/null >{log} 2>&1 &\n")
        return log

    def folder_now(self):
        """Where the reader stands."""
        return self.run("pwd", timeout_s=10)[0]

    def _type(self, text):
        self._bash.stdin.write(text)
        self._bash.stdin.flush()

    def close(self):
        """End everything that was started here: asked first, killed when it takes too long."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGTERM)
            self._bash.stdin.close()
            self._bash.wait(_PATIENCE_S)
            deadline = time.monotonic() + _PATIENCE_S
            while time.monotonic() < deadline:
                os.killpg(self._bash.pid, 0)
                time.sleep(0.1)
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.stdout.close()
