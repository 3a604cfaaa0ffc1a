"""How much memory each process of an installation takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_STARTED: Final = re.compile(r"started  child=(\S+) pid=(\d+)")
_PROC: Final = Path("/proc")


def resident_mb(log: Path) -> dict[str, int]:
    """Name of each child that `crossdock run` says it has started -> megabytes of it and what it has forked.

    Proportional set size: what parent and child share counts once. Empty where there is no /proc.
    """
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    found = {name: sum(map(_kilobytes, _family(int(pid)))) for name, pid in _STARTED.findall(text)}
    return {name: round(kilobytes / 1024) for name, kilobytes in found.items() if kilobytes}


def _family(pid: int) -> list[int]:
    try:
        children = (_PROC / str(pid) / "task" / str(pid) / "children").read_text("ascii").split()
    except OSError:
        return [pid]
    return [pid, *(each for child in children for each in _family(int(child)))]


def _kilobytes(pid: int) -> int:
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text("ascii")
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0
