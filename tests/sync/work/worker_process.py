"""A worker process whose drain does what the name of its channel says; started by test_worker.py.

argv: the URL of Redis, and the file to which each step of a drain appends a line `<step> <channel> <kind> <pid>`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import types
from pathlib import Path

from config.logging import configure_logging
from config.settings import Settings
from sync.work import stopping
from sync.work.worker import run_worker

REDIS_URL, STEPS = sys.argv[1:3]


def step(name: str, channel: str, kind: str) -> None:
    with Path(STEPS).open("a") as file:
        file.write(f"{name} {channel} {kind} {os.getpid()}\n")


def drain(channel: str, kind: str) -> None:
    step("begin", channel, kind)
    if channel.startswith("slow"):
        time.sleep(float(channel.removeprefix("slow-")))
    if channel == "until-told":
        while not stopping.asked():
            time.sleep(0.01)
    if channel == "raises":
        raise ValueError("the drain of this channel raises")
    if channel == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    step("end", channel, kind)


# In place of the real one, which would need a configuration and a database.
jobs = types.ModuleType("sync.work.jobs")
jobs.drain = drain
sys.modules["sync.work.jobs"] = jobs

settings = Settings.from_env({"CROSSDOCK_REDIS": REDIS_URL, "CROSSDOCK_LOG_FORMAT": "json"})
configure_logging(settings, "worker")
sys.exit(run_worker(settings, on_horse_killed=lambda channel, kind, how: step(f"killed:{how}", channel, kind)))
