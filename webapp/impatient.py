"""gunicorn's threaded worker, with an end to how long a request may take to arrive.

gthread reads a request in the thread that will answer it, for as long as the sender likes: as many senders of a byte a
second as there are threads stop everything. A reverse proxy takes that on itself; an embedded installation has none.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any, Final

from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]  # it has none

#: How long a header may take to arrive, and how long if others wait for the thread.
HEADER_S: Final = 10.0
CROWDED_HEADER_S: Final = 1.0
#: How long a request may take from its header to its answer. Ours take seconds; the rest is a body that trickles in.
REQUEST_S: Final = 30.0


class ImpatientWorker(ThreadWorker):  # type: ignore[misc]  # of a base without types
    """Hangs up on requests that do not arrive. The main loop looks at least once a second."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: Connection in a thread -> when its thread began to wait for it.
        self._arriving: dict[TConn, float] = {}
        self._answering: dict[TConn, float] = {}

    def handle(self, conn: TConn) -> Any:
        """In a thread: read a request and answer it."""
        self._arriving[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            self._arriving.pop(conn, None)
            self._answering.pop(conn, None)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """In a thread, with the header read."""
        self._answering[conn] = time.monotonic()
        self._arriving.pop(conn, None)
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """In the main loop: end what has had its time."""
        super().murder_pending()
        now = time.monotonic()
        patience_s = CROWDED_HEADER_S if self._crowded() else HEADER_S
        late = [conn for conn, begun in list(self._arriving.items()) if now - begun > patience_s]
        late += [conn for conn, begun in list(self._answering.items()) if now - begun > REQUEST_S]
        for conn in late:
            # The thread's read ends as if the sender had gone; it closes the connection itself.
            with contextlib.suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RDWR)

    def _crowded(self) -> bool:
        """Whether connections wait for a thread."""
        waiting: int = self.tpool._work_queue.qsize()  # noqa: SLF001 - an executor has no other word for it
        return waiting > 0
