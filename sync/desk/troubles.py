"""What keeps the installation as a whole from working: one look, cheap enough for every page."""

from __future__ import annotations

import enum

from sync.desk.queue import QueueHealth
from sync.store.engine import Store
from sync.store.singletons import SCHEDULER, holder_of
from sync.store.switches import pauses


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
    scheduler = store.read(lambda c: holder_of(c, SCHEDULER))
    if scheduler is None or not scheduler.alive:
        found.append(Trouble.SCHEDULER)
    if any(entry.scope == "all" for entry in store.read(pauses)):
        found.append(Trouble.PAUSED)
    return found
