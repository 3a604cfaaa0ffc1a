"""How long tests wait for what has to come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

#: Nothing that works takes so long, on however slow a machine.
PATIENCE_S: Final = 60.0
_LOOK_S: Final = 0.02
_T = TypeVar("_T")


def wait_until(look: Callable[[], _T], explain: Callable[[], str] = lambda: "it never came") -> _T:
    """What `look` answers, as soon as that is something; AssertionError with `explain()` where it stays nothing."""
    until = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < until, explain()
        time.sleep(_LOOK_S)
    return found
