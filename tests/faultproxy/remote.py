"""A proxy in a process of its own, for whoever starts processes and therefore wants no threads."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from typing import Any

from tests.faultproxy.toxics import Toxic, ToxicError
from tests.shared import REPOSITORY


class RemoteProxy:
    """Starts at once; ends with `close`, and with this process, for its stdin is ours."""

    def __init__(self, target: str, *, listen: str = "127.0.0.1:0") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faultproxy", target, listen],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.address = str(self._answer()["listen"])

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def port(self) -> int:
        """Where it listens on TCP."""
        return int(self.address.rpartition(":")[2])

    def add(self, toxic: Toxic) -> int:
        """See `FaultProxy.add`. Raises ToxicError."""
        return int(self._order({"add": dataclasses.asdict(toxic)})["number"])

    def clear(self) -> None:
        """Take all out."""
        self._order({"clear": True})

    def cut(self) -> None:
        """Reset every connection that there is, now."""
        self._order({"cut": True})

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise ToxicError(answer["error"])
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the fault proxy has ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer
