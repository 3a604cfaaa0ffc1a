"""The connections under `requests`: they go to checked addresses only and never outlive the call's deadline.

`requests` and urllib3 know a time-out per socket operation; a server that sends one byte every half second never
hits it. Here every wait for bytes, the header's too, is cut to what is left of the call.
"""

from __future__ import annotations

import contextlib
import contextvars
import http.client
import io
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool, HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from connectors.kit.errors import ConnectionBroken, Transient
from connectors.kit.guard import AddressGuard
from connectors.kit.words import say

# urllib3 writes the path of every request at DEBUG, and with some vendors the secret is in the query.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

_deadline: contextvars.ContextVar[float] = contextvars.ContextVar("deadline", default=float("inf"))


@contextlib.contextmanager
def deadline(at: float) -> Iterator[None]:
    """No wait on a socket in this block lasts beyond `at`, a reading of `time.monotonic()`."""
    token = _deadline.set(at)
    try:
        yield
    finally:
        _deadline.reset(token)


def remaining_s() -> float:
    """Seconds that are left; raises TimeoutError when there are none."""
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("the total deadline has passed")
    return left


class _DeadlineReader(io.RawIOBase):
    """The reading side of a socket; each wait is cut to the time that is left."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._read_timeout_s = sock.gettimeout()
        # `makefile` counts the reader, so that the socket stays open until the body is read.
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = remaining_s()
        self._sock.settimeout(left if self._read_timeout_s is None else min(left, self._read_timeout_s))
        return self._file.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_DeadlineReader(sock))


class _Pinned(HTTPConnection):
    """Opens connections through the guard. Whatever is raised by `connect` happened before a byte was sent."""

    guard: AddressGuard
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        failure: OSError | None = None
        for address in self.guard.addresses(self.host, self.port or self.default_port):
            timeout_s = remaining_s()
            if isinstance(self.timeout, (int, float)):
                timeout_s = min(timeout_s, self.timeout)
            try:
                return socket.create_connection((address, self.port), timeout_s)
            except OSError as error:
                failure = error
        assert failure is not None  # the guard never answers with an empty list
        raise failure

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError as error:
            problem: Exception = ConnectionBroken(
                say(
                    "the certificate of %(host)s is not valid: %(verify_message)s; a certificate "
                    "authority of your own goes into ca_file of the connection",
                    host=self.host,
                    verify_message=error.verify_message,
                ),
                code="certificate",
            )
        except TimeoutError:
            problem = Transient(
                say("%(host)s:%(port)s did not accept a connection in time", host=self.host, port=self.port),
                code="connect",
            )
        except (OSError, HTTPError, http.client.HTTPException) as error:
            problem = Transient(
                say(
                    "cannot connect to %(host)s:%(port)s (%(error)s)",
                    host=self.host,
                    port=self.port,
                    error=_short(error),
                ),
                code="connect",
            )
        else:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return
        self.close()
        raise problem


class _PinnedTLS(_Pinned, HTTPSConnection):
    """The same over TLS; server name and certificate check use the name, not the pinned address."""


class PinnedAdapter(HTTPAdapter):
    """A transport adapter whose every connection has passed the guard. It repeats nothing by itself.

    It is for one address and one way to verify it. So the pool is found once and an answer is taken as it is: what
    `requests` does here for proxies and cookies, of which we have none, was a tenth of what a call costs.
    """

    def __init__(self, guard: AddressGuard) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool(HTTPConnectionPool, _Pinned, guard),
            "https": _pool(HTTPSConnectionPool, _PinnedTLS, guard),
        }
        self._found: ConnectionPool | None = None

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> ConnectionPool:
        """As in requests, once."""
        found = self._found
        if found is None:
            found = self._found = super().get_connection_with_tls_context(*args, **kwargs)
        return found

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """As in requests, without cookies and encoding."""
        response = requests.Response()
        response.request, response.raw = req, resp
        response.status_code, response.reason = resp.status, resp.reason
        response.headers = CaseInsensitiveDict(resp.headers)
        return response

    def close(self) -> None:
        """Close the connection; the adapter can be used again."""
        self._found = None
        super().close()


def _pool(base: type[HTTPConnectionPool], connection: type[_Pinned], guard: AddressGuard) -> type[HTTPConnectionPool]:
    bound = type(connection.__name__, (connection,), {"guard": guard})
    return type(base.__name__, (base,), {"ConnectionCls": bound})


def read_capped(raw: urllib3.BaseHTTPResponse, limit: int) -> bytes | None:
    """The whole body, decompressed; None as soon as it is larger than `limit` bytes.

    Raises what urllib3 raises for short, broken and late bodies.
    """
    body = bytearray()
    for piece in raw.stream(64 * 1024, decode_content=True):
        body += piece
        if len(body) > limit:
            raw.close()
            return None
        remaining_s()
    return bytes(body)


def _short(error: Exception) -> str:
    """One line without addresses of objects, which would make every occurrence look new."""
    return error.strerror or str(error) if isinstance(error, OSError) else type(error).__name__
