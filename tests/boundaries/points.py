"""The boundaries of a drain: every begin and commit of the store, every send and receive of the kit, numbered.

Wrapped from outside, in the process that is to die: the store by the events and the dialect of its engine, the kit by
its `_send`, its `_receive` and the moment in between, when the request is out and nobody has read the answer.
"""

from __future__ import annotations

import dataclasses
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import event

from connectors.kit import wire
from connectors.kit.http import HttpClient
from sync.flows.context import Permit


@dataclasses.dataclass(frozen=True)
class Blow:
    """What happens at which boundary."""

    #: Counted from 1.
    at: int
    #: SIGKILL or SIGSTOP.
    signal: signal.Signals


class Points:
    """Counts what this process crosses, and strikes at one of them."""

    def __init__(self, blow: Blow | None, witness: Path):
        self._blow = blow
        self._witness = witness
        self._lock = threading.Lock()
        self._kind = threading.local()
        #: Every boundary by name, in the order in which they were crossed.
        self.crossed: list[str] = []

    def cross(self, name: str) -> None:
        place = f"{name} in {' < '.join(_callers())}"
        with self._lock:
            self.crossed.append(place)
            strikes = self._blow is not None and len(self.crossed) == self._blow.at
        if strikes:
            # Written first: after the blow nobody can say any more where it was.
            self._witness.write_text(place)
            # To this very thread, so that it does not take another step.
            signal.pthread_kill(threading.get_ident(), self._blow.signal)

    def watch_store(self, engine) -> None:
        """Writes have three boundaries; of a read nothing is left, so one stands for all of it."""
        event.listen(engine, "begin", self._begun)
        event.listen(engine, "commit", self._committing)
        commit = engine.dialect.do_commit

        def do_commit(connection) -> None:
            commit(connection)
            self.cross("write committed" if self._kind.write else "read")

        engine.dialect.do_commit = do_commit

    def _begun(self, connection) -> None:
        self._kind.write = connection.get_execution_options().get("crossdock_write", False)
        if self._kind.write:
            self.cross("write begun")

    def _committing(self, _connection) -> None:
        if self._kind.write:
            self.cross("write about to commit")

    def watch_kit(self) -> None:
        send, receive, read_answer = HttpClient._send, HttpClient._receive, wire._Pinned.getresponse
        demand = Permit.demand

        def watched_send(client, prepared):
            self.cross(f"before {prepared.method} {prepared.path_url}")
            answer = send(client, prepared)
            self.cross(f"answered {prepared.method} {prepared.path_url}")
            return answer

        def watched_receive(client, answer, *limits):
            body = receive(client, answer, *limits)
            self.cross("received")
            return body

        def watched_read_answer(connection, *args, **kwargs):
            self.cross("sent")
            return read_answer(connection, *args, **kwargs)

        def watched_demand(permit):
            demand(permit)
            self.cross("permitted")

        HttpClient._send, HttpClient._receive = watched_send, watched_receive
        wire._Pinned.getresponse = watched_read_answer
        Permit.demand = watched_demand


def _callers() -> Iterator[str]:
    """The nearest functions of `sync` on the stack."""
    frame, found = sys._getframe(2), 0
    while frame is not None and found < 2:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("sync.") and module != "sync.store.engine":
            yield f"{module}.{frame.f_code.co_name}"
            found += 1
        frame = frame.f_back
