"""How much room is left on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from sync.rules.alerts import Room

#: Below the first of these there is little room left, below the second none; in bytes.
ROOM_LITTLE: Final = 2 * 1024**3
ROOM_NONE: Final = 1024**3 // 4


def free_at(folder: Path) -> tuple[int, int]:
    """(free, total) bytes where the folder is, or where it would be made."""
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return usage.free, usage.total


def room_at(folder: Path) -> Room:
    """What that means."""
    free, _ = free_at(folder)
    return Room.NONE if free < ROOM_NONE else Room.LITTLE if free < ROOM_LITTLE else Room.ENOUGH
