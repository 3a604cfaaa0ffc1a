"""Work that may take longer than a browser should wait: it goes on in the background, and a page says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

T = TypeVar("T")

#: A request that takes longer than 30 s is cut off (`webapp.impatient`).
PATIENCE_S: Final = 20.0


class StillAtWork(Exception):
    """It goes on by itself; what it does is kept where it always is."""


def within(work: Callable[[], T], seconds: float = PATIENCE_S) -> T:
    """What `work` answers or raises, in a thread of its own. Raises StillAtWork when it takes longer.

    `work` must not use the request: that may be over before it ends.
    """
    ended: dict[str, Any] = {}

    def run() -> None:
        try:
            ended["answer"] = work()
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            ended["error"] = error

    thread = threading.Thread(target=run, name="console-work", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise StillAtWork
    if "error" in ended:
        raise ended["error"]
    answer: T = ended["answer"]
    return answer
