"""One at a time: an ERP posts invoices and payments in strict sequences, and two at once lock or double a number.

Seen with Tryton 8.2: four parallel posts on PostgreSQL are one 200 and three 503, on SQLite four 200 with doubled
numbers.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from mappings.canonical.words import say
from sync.flows.context import Drain
from sync.rules.stops import Later

#: How long a drain waits for its turn before it lets the order come again.
_PATIENCE_S: Final = 10.0
_LOOK_S: Final = 0.1


@contextlib.contextmanager
def ledger_turn(drain: Drain) -> Iterator[None]:
    """The turn to write into the ERP's ledger. Raises Later when others have it for too long.

    The turn of a drain that died ends with the longest time that its call may have taken.
    """
    name = f"ledger:{drain.lease.connection}"[:64]
    token = _take(drain, name)
    try:
        yield
    finally:
        drain.give_turn_up(name, token)


def _take(drain: Drain, name: str) -> str:
    length_s = drain.systems.erp_side.deadline_s * 2
    until = time.monotonic() + _PATIENCE_S
    while True:
        token = drain.take_turn(name, length_s)
        if token is not None:
            return token
        if time.monotonic() > until:
            raise Later(say("another order is being posted in the ERP"))
        time.sleep(_LOOK_S)
