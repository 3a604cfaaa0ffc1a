"""A server in front of a real Tryton that can break any exchange: outages, lost replies, effects that land late.

    with running_tryton(folder) as erp, faulty(erp.url) as server:
        server.plan.add(kind="commit_then_drop", method="POST", path="*/confirm")
        ... speak to server.url instead of erp.url

What happens in Tryton happens for real; only the way to it and back goes wrong.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from connectors.sandbox.exchange import App, Request, Response
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.server import Server, serve

_TIMEOUT_S: Final = 120
#: Headers that belong to one connection, or that the server writes itself.
_NOT_FORWARDED: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


@contextlib.contextmanager
def faulty(url: str, *, port: int = 0, plan: FaultPlan | None = None) -> Iterator[Server]:
    """Serve `url` through a server whose `plan` says what goes wrong; without faults it is the same Tryton."""
    with serve(forwarding_to(url), port=port, name="tryton", plan=plan) as server:
        yield server


def forwarding_to(url: str) -> App:
    """An app that answers what the server at `url` answers; 502 when nobody is there."""
    host = urlsplit(url).netloc
    kept = threading.local()

    def forward(request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_FORWARDED}
        connection: http.client.HTTPConnection | None = getattr(kept, "connection", None)
        if connection is None:
            kept.connection = connection = http.client.HTTPConnection(host, timeout=_TIMEOUT_S)
        try:
            connection.request(request.method, request.target, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            # Never tried again: the request may have been carried out.
            connection.close()
            return Response(502, b"<!doctype html><title>502 Bad Gateway</title>", (("Content-Type", "text/html"),))
        passed = tuple((name, value) for name, value in answer.getheaders() if name.lower() not in _NOT_FORWARDED)
        return Response(answer.status, body, passed)

    return forward
