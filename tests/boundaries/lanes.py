"""How many runs go on at once on this machine, whoever started them: nearly all of a run is waiting, but not all."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

#: What fills two cores.
LANES: Final = 20
_LOOK_S: Final = 0.05


class Lanes:
    """Shared by all drivers that are given the same folder, so that the last of them has all of them for itself.

    A lane is a locked file. Its lock is inherited by what is forked while it is held, and ends with the last process
    that has it open, however that one ends.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder

    def take(self) -> int | None:
        """The descriptor of a free lane, to be closed; None where there is none."""
        for number in range(LANES):
            lane = os.open(self._folder / str(number), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lane, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lane)
                continue
            return lane
        return None

    def wait(self) -> int:
        """The same, as soon as there is one."""
        while (lane := self.take()) is None:
            time.sleep(_LOOK_S)
        return lane
