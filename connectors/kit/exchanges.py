"""What was sent and what came back, kept for the attempt's record: redacted and cut to size when it is made."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping

#: Characters of a body that are kept of each side.
BODY_LIMIT = 64 * 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what became of it; nothing in it is secret."""

    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: str
    #: None when no answer came, or the request was not sent.
    status: int | None
    response_headers: Mapping[str, str]
    response_body: str
    started_at: dt.datetime
    elapsed_s: float
    #: Why there is no usable answer; empty when there is one. `dry run` when the request was not sent on purpose.
    error: str = ""


_listeners: contextvars.ContextVar[tuple[list[Exchange], ...]] = contextvars.ContextVar("exchanges", default=())


@contextlib.contextmanager
def capture() -> Iterator[list[Exchange]]:
    """Collect the exchanges of every HttpClient used in this thread (or asyncio task) until the block ends.

    Enter it in the thread that makes the calls: a pool's threads do not inherit it. Blocks may be nested;
    each collects everything that happens inside of it.
    """
    collected: list[Exchange] = []
    token = _listeners.set((*_listeners.get(), collected))
    try:
        yield collected
    finally:
        _listeners.reset(token)


def capturing() -> bool:
    """Whether anybody collects; the cost of redaction is paid only then."""
    return bool(_listeners.get())


def publish(exchange: Exchange) -> None:
    """Hand the exchange to all who collect in this thread."""
    for collected in _listeners.get():
        collected.append(exchange)
