"""HTTP/1.1 on a socket: reading a request, writing a reply, and writing one that is broken on purpose.

Frameworks keep the socket to themselves, and a test server that cannot reset, drip or lie about a length
cannot show what a client does then; so the sandboxes speak the protocol themselves.
"""

from __future__ import annotations

import gzip
import io
import socket
import struct
import time
from email.utils import formatdate
from typing import BinaryIO

from connectors.sandbox.exchange import Request, Response
from connectors.sandbox.faults import Fault, Reply

_MAX_LINE = 65_536
_MAX_BODY = 64 * 1024 * 1024
_MEGABYTE = 1024 * 1024


class BadRequestError(Exception):
    """The bytes are no HTTP request that we understand."""


def read_request(stream: BinaryIO, connection: socket.socket) -> Request | None:
    """The next request of a kept connection; None when the client has closed it. Raises BadRequestError."""
    line = stream.readline(_MAX_LINE)
    if not line:
        return None
    try:
        method, target, _version = line.decode("latin-1").split()
    except ValueError:
        raise BadRequestError("no request line") from None
    headers: dict[str, str] = {}
    while (line := stream.readline(_MAX_LINE)) not in {b"\r\n", b"\n"}:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise BadRequestError("a header without a colon")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Request(method, target, headers, _read_body(stream, headers))


def _read_body(stream: BinaryIO, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _read_chunks(stream)
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > _MAX_BODY:
        raise BadRequestError("Content-Length is no number or too large")
    return _read_exactly(stream, int(length))


def _read_chunks(stream: BinaryIO) -> bytes:
    body = io.BytesIO()
    while True:
        try:
            size = int(stream.readline(_MAX_LINE).split(b";")[0], 16)
        except ValueError:
            raise BadRequestError("a chunk without a size") from None
        if body.tell() + size > _MAX_BODY:
            raise BadRequestError("the body is too large")
        body.write(_read_exactly(stream, size))
        stream.readline(_MAX_LINE)
        if size == 0:
            return body.getvalue()


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    body = stream.read(length) if length else b""
    if len(body) < length:
        raise BadRequestError("the client closed in the middle of the body")
    return body


def head(response: Response, *, length: int, close: bool) -> bytes:
    """The status line and headers. `length` is what `Content-Length` claims."""
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines.extend(f"{name}: {value}" for name, value in response.headers)
    if not any(name == "Date" for name, _ in response.headers):
        # As every web server does (RFC 9110, 6.6.1).
        lines.append(f"Date: {formatdate(usegmt=True)}")
    lines.append(f"Content-Length: {length}")
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def write_response(connection: socket.socket, response: Response, *, without_body: bool, close: bool) -> None:
    """Send a whole, correct reply in one go; `without_body` for HEAD."""
    start = head(response, length=len(response.body), close=close)
    connection.sendall(start if without_body else start + response.body)


def write_broken(connection: socket.socket, response: Response, fault: Fault) -> None:
    """Send what `fault` asks for; the caller closes the connection afterwards."""
    match fault.reply:
        case Reply.RESET:
            reset(connection)
        case Reply.HANG:
            time.sleep(fault.hold_s)
        case Reply.TRUNCATE:
            half = response.body[: len(response.body) // 2]
            connection.sendall(head(response, length=len(response.body) + 1, close=True) + half)
        case Reply.OVERLONG:
            connection.sendall(head(response, length=len(response.body) // 2, close=True) + response.body)
        case Reply.DRIP:
            _drip(connection, response, fault.interval_s)
        case Reply.GZIP_BOMB:
            _bomb(connection, fault.size_mb)
        case _:  # CLOSE: not a byte
            return


def reset(connection: socket.socket) -> None:
    """Close so that the client gets RST: nothing lingers, the kernel throws away what was not sent."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _drip(connection: socket.socket, response: Response, interval_s: float) -> None:
    connection.sendall(head(response, length=len(response.body), close=True))
    for byte in response.body:
        connection.sendall(bytes((byte,)))
        time.sleep(interval_s)


def _bomb(connection: socket.socket, size_mb: int) -> None:
    packed = io.BytesIO()
    spaces = b" " * _MEGABYTE
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as archive:
        for _ in range(size_mb):
            archive.write(spaces)
        archive.write(b"{}")
    body = packed.getvalue()
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    connection.sendall(head(Response(200, headers=headers), length=len(body), close=True) + body)
