"""What a process of the installation does to itself in a chaos run, told by files in the folder `CHAOS_FOLDER`."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

from tests.chaos.scale import scale_time

FOLDER: Final = "CHAOS_FOLDER"
#: Name of what is taken out of the code, see `tests.boundaries.removals`; empty in every honest run.
REMOVED: Final = "CHAOS_REMOVED"
#: Whoever gets it reads the file `clock` again.
CLOCK_SIGNAL: Final = signal.SIGRTMIN + 7
#: Removed by the first process that comes to the place; its content is the name of the signal.
AMBUSH: Final = "ambush"
#: Process id of who fell into it.
STRUCK: Final = "struck"
#: By how many seconds the clock is wrong.
CLOCK: Final = "clock"

_travelling: list[Any] = []


def prepare() -> None:
    """At the start of every process; before anything of the product has run."""
    signal.signal(CLOCK_SIGNAL, _read_clock)
    _read_clock()
    if _is_ours():
        scale_time()
        _take_out()
        _lie_in_ambush()


def _is_ours() -> bool:
    """`crossdock ...` and gunicorn; a helper that Python starts needs none of it."""
    words = " ".join(sys.orig_argv)
    return "sync.cli" in words or "gunicorn" in words


def _take_out() -> None:
    """The safeguard that is to be missing, in a run that shows that the checker would notice."""
    if name := os.environ.get(REMOVED):
        from tests.boundaries.removals import take_out  # noqa: PLC0415 - only in a run that must go red

        take_out(name)


def lay(folder: Path, name: str) -> None:
    """Lay an ambush: the next process between an intent and its call gets this signal."""
    new = folder / f"{AMBUSH}.new"
    new.write_text(name)
    new.rename(folder / AMBUSH)


def _folder() -> Path:
    return Path(os.environ[FOLDER])


def _read_clock(*_: object) -> None:
    """Take the clock that the file says. Monotonic clocks go on as they are, as in a machine whose time is set."""
    offset = 0.0
    with contextlib.suppress(FileNotFoundError, ValueError):
        offset = float((_folder() / CLOCK).read_text())
    for travel in _travelling:
        travel.stop()
    _travelling.clear()
    if offset:
        import time_machine  # noqa: PLC0415 - it patches the C library's clock only where it is needed

        moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=offset)
        _travelling.append(time_machine.travel(moment, tick=True))
        _travelling[0].start()


def _lie_in_ambush() -> None:
    """Between an intent and its call: the permit is had, the request is not out."""
    from sync.flows.context import Permit  # noqa: PLC0415 - only in processes of the product

    demand = Permit.demand

    def demand_and_fall(permit: Permit) -> None:
        demand(permit)
        fall()

    Permit.demand = demand_and_fall


def fall() -> None:
    """Strike this process if somebody has laid an ambush; only the first one falls into it."""
    ambush = _folder() / AMBUSH
    if not ambush.exists():
        return
    mine = ambush.with_name(f"{AMBUSH}.{os.getpid()}")
    try:
        ambush.rename(mine)
    except FileNotFoundError:
        return
    name = mine.read_text()
    mine.unlink()
    # Written first: after the blow nobody can say any more who it was.
    (_folder() / STRUCK).write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.Signals[name])
