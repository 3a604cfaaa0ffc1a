"""What Linux knows of processes that are not ours to look into: CPU time, memory, children."""

from __future__ import annotations

import os
from pathlib import Path


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_s(pids):
    """CPU time in seconds of these and of their children that have ended."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(tick) for stat in stats for tick in stat[11:15]) / os.sysconf("SC_CLK_TCK")


def memory_mb(pids):
    """Proportional set size: memory that several share counts once over all of them."""
    texts = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(int(text.partition("\nPss:")[2].split()[0]) for text in texts) / 1000


def resident_mb(pids):
    """Resident set size: what each holds, with what they share counted in each."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
