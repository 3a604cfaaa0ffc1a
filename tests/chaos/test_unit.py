"""Whatever ends a run, nobody is left behind; and what is killed comes back, as under systemd."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.shared import REPOSITORY

PATIENCE_S = 30.0

#: Writes down who it is and who its child is, which stands still, and waits.
STUBBORN = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"])
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()} {child.pid}\\n")
time.sleep(600)
"""
#: Starts a unit as a run does, and waits.
RUN = """
import sys, time
from pathlib import Path
from tests.chaos.services import Service
Service("unit", sys.argv[2:], Path(sys.argv[1])).start()
time.sleep(600)
"""


def told(path: Path, lines: int) -> list[int]:
    """The process ids of the last line, once there are so many lines."""
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists() or len(path.read_text().splitlines()) < lines or not path.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [int(pid) for pid in path.read_text().splitlines()[-1].split()]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def await_end(*pids: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not all(is_gone(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def pids(tmp_path):
    """A file in which the stubborn one tells who it is; whoever is left at the end is killed."""
    path = tmp_path / "pids"
    yield path
    for pid in path.read_text().split() if path.exists() else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def unit(pids: Path) -> list[str]:
    return [sys.executable, "-m", "tests.chaos.unit", sys.executable, "-c", STUBBORN, str(pids)]


def test_what_was_killed_comes_back(pids):
    process = subprocess.Popen(unit(pids), cwd=REPOSITORY)
    try:
        first, orphan = told(pids, 1)
        os.kill(first, signal.SIGKILL)
        second, child = told(pids, 2)
        assert second != first
        process.terminate()
        await_end(second, child, orphan)
    finally:
        process.kill()
        process.wait()


def test_a_run_that_is_killed_leaves_nobody_behind_not_even_who_stands_still(pids, tmp_path):
    run = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path / "log"), *unit(pids)], cwd=REPOSITORY)
    alive = told(pids, 1)
    assert not any(map(is_gone, alive))
    run.kill()
    run.wait()
    await_end(*alive)
