"""What keeps the installation as a whole from working: one look, cheap enough for every page."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Final

from sync.desk.queue import QueueHealth
from sync.store.engine import Store
from sync.store.singletons import silence
from sync.store.switches import pauses

#: The scheduler beats every few seconds; after so long it is not slow but away.
_SILENT: Final = dt.timedelta(minutes=1)


class Trouble(enum.StrEnum):
    """Something that concerns everything, not one document or connection."""

    QUEUE = "queue"
    SCHEDULER = "scheduler"
    WORKERS = "workers"
    PAUSED = "paused"


def troubles(store: Store, queue: QueueHealth) -> list[Trouble]:
    """What is out of order now; empty when nothing is."""
    found = []
    if not queue.answers:
        found.append(Trouble.QUEUE)
    elif not queue.living:
        found.append(Trouble.WORKERS)
    quiet = store.read(lambda c: silence(c, "scheduler"))
    if quiet is None or quiet > _SILENT:
        found.append(Trouble.SCHEDULER)
    if any(entry.scope == "all" for entry in store.read(pauses)):
        found.append(Trouble.PAUSED)
    return found
