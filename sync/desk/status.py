"""`crossdock status`: the home page's figures, with every pause, issue and schedule."""

from __future__ import annotations

import dataclasses
from typing import Any

from config.model import Config
from sync.desk.home import Home, home_of
from sync.desk.queue import QueueHealth
from sync.store.engine import Store
from sync.store.issues import OpenIssue, list_open
from sync.store.schedule import Row, list_schedules
from sync.store.switches import Pause, pauses


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """One look at everything."""

    home: Home
    pauses: list[Pause]
    issues: list[OpenIssue]
    schedules: list[Row]

    @property
    def sentence(self) -> str:
        """How things stand, in English."""
        return " ".join(str(phrase) for phrase in self.home.sentence)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; times stay datetimes."""
        shown = dataclasses.asdict(self.home)
        for entry, health in zip(shown["connections"], self.home.connections, strict=True):
            entry["reasons"] = [str(reason) for reason in health.reasons]
        lists = {name: [dataclasses.asdict(row) for row in getattr(self, name)] for name in _LISTS}
        return shown | {"sentence": self.sentence} | lists


_LISTS = ("pauses", "issues", "schedules")


def status_of(store: Store, config: Config, queue: QueueHealth) -> Status:
    """Look once; `queue` is what `sync.work.vitals` saw."""
    return Status(home_of(store, config, queue), store.read(pauses), store.read(list_open), store.read(list_schedules))
