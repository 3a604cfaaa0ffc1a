"""Leave to start a write: asked directly before each one is sent, in the thread that sends it.

Whoever makes a connector write promises to others how late the last call of it can start (their look-ups rest on that).
A connector may need several calls for one write, and each of them may wait for a rate limit: so the promise is held
here, at the socket, and not where the connector was called.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator

_check: contextvars.ContextVar[Callable[[], None] | None] = contextvars.ContextVar("write_permit", default=None)


@contextlib.contextmanager
def writes_need(check: Callable[[], None]) -> Iterator[None]:
    """Ask `check` before every write of this thread until the block ends; what it raises keeps the write from going."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def demand_permit() -> None:
    """Raises what the check in force raises; does nothing where there is none."""
    check = _check.get()
    if check is not None:
        check()
