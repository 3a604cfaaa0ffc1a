"""What is counted for a monitoring system: the home page's figures, and what stands beside them."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from config.model import Config
from sync.desk.home import Home, home_of
from sync.desk.queue import QueueHealth
from sync.store.alerts import count_raised, way_states
from sync.store.bulk import running_runs
from sync.store.engine import Store
from sync.store.issues import list_open
from sync.store.pulse import list_drains
from sync.store.schedule import Row, list_schedules


@dataclasses.dataclass(frozen=True, slots=True)
class Measures:
    """One look."""

    home: Home
    #: Cause -> (open issues, documents in them).
    causes: Mapping[str, tuple[int, int]]
    #: Bulk runs that release documents.
    runs: int
    #: Target -> living drains.
    drains: Mapping[str, int]
    schedules: Sequence[Row]
    #: (cause, severity) -> raised alerts.
    alerts: Mapping[tuple[str, str], int]
    #: Messages that wait, by the way that they go.
    waiting: Mapping[str, int]


def measure(store: Store, config: Config, queue: QueueHealth) -> Measures:
    """Look once."""

    def work(
        c: Connection,
    ) -> tuple[
        Mapping[str, tuple[int, int]],
        int,
        Mapping[str, int],
        Sequence[Row],
        Mapping[tuple[str, str], int],
        Mapping[str, int],
    ]:
        causes: dict[str, tuple[int, int]] = {}
        for issue in list_open(c):
            count, documents = causes.get(issue.cause, (0, 0))
            causes[issue.cause] = (count + 1, documents + issue.documents)
        drains = collections.Counter(drain.connection for drain in list_drains(c) if not drain.expired)
        drains.update(dict.fromkeys((channel.erp for channel in config.channels.values()), 0))
        states = way_states(c)
        waiting = {name: states[name].waiting if name in states else 0 for name in config.alerts}
        return causes, len(running_runs(c)), drains, list_schedules(c), count_raised(c), waiting

    return Measures(home_of(store, config, queue), *store.read(work))
